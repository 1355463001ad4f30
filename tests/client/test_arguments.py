"""What is said of arguments that nobody can serve, before anything is sent: one line, with what to pass instead."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from tests.client.flavours import FLAVOURS, Flavour, ask
from tests.client.scripted_server import quote, snapshot_of

from tickmux_client import Delivery, UnavailableError, connect, sync

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

CONNECT: dict[Flavour, Any] = {"asyncio": connect, "sync": sync.connect}
SECRET = "tickmux_secret"
NAMES = 'expected a name or several, such as "BTCUSDT" or ["BTCUSDT", "ETHUSDT"], not'
SECONDS = "expected seconds as a number, such as 2.5, not"
PAIRS = 'metadata: expected pairs, such as [("x-desk", "7")], not'
ALTERNATIVES = "Delivery.ALL or Delivery.LATEST or Delivery.ALL_OR_END"


@asynccontextmanager
async def client_of(flavour: Flavour, target: Any = "127.0.0.1:1", **options: Any) -> AsyncIterator[Any]:
    if flavour == "asyncio":
        async with connect(target, **options) as client:
            yield client
    else:
        with sync.connect(target, **options) as sync_client:
            yield sync_client


STREAMING: list[tuple[dict[str, Any], Any, str]] = [
    ({"symbols": 5}, TypeError, f"symbols: {NAMES} 5"),
    ({"symbols": None}, TypeError, f"symbols: {NAMES} None"),
    ({"symbols": b"BTC"}, TypeError, f"symbols: {NAMES} b'BTC'"),
    ({"sources": [1]}, TypeError, 'one of sources: expected a name, such as "binance", not 1'),
    ({"exchanges": ["Kraken", None]}, TypeError, 'one of exchanges: expected a name, such as "Binance", not None'),
    ({"types": 5}, TypeError, 'types: expected a name or several, such as "crypto" or ["crypto", "stock"], not 5'),
    ({"delivery": "ALL"}, TypeError, f"delivery: expected {ALTERNATIVES}, not 'ALL'"),
    ({"delivery": True}, TypeError, f"delivery: expected {ALTERNATIVES}, not True"),
    ({"delivery": 7}, ValueError, f"delivery: expected {ALTERNATIVES}, not 7"),
    ({"after": "x"}, TypeError, "after: expected a Snapshot, as client.snapshot() gives it, not 'x'"),
    ({"resume_token": b"x"}, TypeError, "resume_token: expected the text of a token, not b'x'"),
    ({"resume_token": None}, TypeError, "resume_token: expected the text of a token, not None"),
    ({"heartbeat_interval_s": "5"}, TypeError, f"heartbeat_interval_s: {SECONDS} '5'"),
    ({"heartbeat_interval_s": None}, TypeError, f"heartbeat_interval_s: {SECONDS} None"),
    ({"min_interval_s": True}, TypeError, f"min_interval_s: {SECONDS} True"),
    ({"min_interval_s": float("nan")}, ValueError, "min_interval_s must be positive, not nan"),
    ({"min_interval_s": float("inf")}, ValueError, "min_interval_s must be at most 1000000 s, not inf"),
    ({"min_interval_s": 10**400}, ValueError, f"min_interval_s must be at most 1000000 s, not 1{59 * '0'}…"),
    ({"min_interval_s": -(10**400)}, ValueError, f"min_interval_s must be positive, not -1{58 * '0'}…"),
    ({"symbols": ["A", "\ud800"]}, ValueError, r"one of symbols: expected a text that can be sent, not '\ud800'"),
    ({"sources": "\ud800"}, ValueError, r"one of sources: expected a text that can be sent, not '\ud800'"),
    ({"resume_token": "\ud800"}, ValueError, r"resume_token: expected a text that can be sent, not '\ud800'"),
    ({"symbols": 10**99}, TypeError, f"symbols: {NAMES} 1{59 * '0'}…"),
]  # fmt: skip


@pytest.mark.parametrize("method", ["subscribe", "quotes", "responses"])
@pytest.mark.parametrize(("arguments", "kind", "said"), STREAMING)
async def test_a_stream_of_something_else(flavour: Flavour, method: str, arguments: Any, kind: Any, said: str) -> None:
    async with client_of(flavour) as client:
        with pytest.raises(kind) as caught:
            getattr(client, method)(**arguments)
    assert str(caught.value) == said


async def test_a_snapshot_that_was_not_awaited(flavour: Flavour) -> None:
    async with connect("127.0.0.1:1") as asking, client_of(flavour) as client:
        coroutine: Any = asking.snapshot()
        with pytest.raises(TypeError, match=r"not a coroutine; await it first$"):
            client.subscribe(after=coroutine)
        coroutine.close()


LISTS = [
    ({"symbols": {"BTCUSDT": 1}, "sources": 5}, TypeError, "sources: expected a name or several"),
    ({"page_size": "5"}, TypeError, "page_size: expected a whole number, not '5'"),
    ({"page_size": 2.0}, TypeError, "page_size: expected a whole number, not 2.0"),
    ({"page_size": -1}, ValueError, "page_size must be 0 to 10000, not -1"),
    ({"page_size": 10**12}, ValueError, "page_size must be 0 to 10000, not 1000000000000"),
]


@pytest.mark.parametrize("method", ["snapshot", "instruments"])
@pytest.mark.parametrize(("arguments", "kind", "said"), LISTS)
async def test_a_list_of_something_else(flavour: Flavour, method: str, arguments: Any, kind: Any, said: str) -> None:
    with pytest.raises(kind) as caught:
        await ask(flavour, "127.0.0.1:1", method, **arguments)
    assert str(caught.value).startswith(said)


TARGETS = [
    (5, TypeError, "not 5"),
    (None, TypeError, "not None"),
    (b"127.0.0.1:1", TypeError, "not b'127.0.0.1:1'"),
    (("127.0.0.1", 50051), TypeError, "not a tuple"),
    ("", ValueError, "not ''"),
    (" 127.0.0.1:1", ValueError, "not ' 127.0.0.1:1'"),
    ("127.0.0.1:1\n", ValueError, r"not '127.0.0.1:1\n'"),
    ("127.0.0.1:", ValueError, "not '127.0.0.1:'"),
    ("127.0.0.1:port", ValueError, "not '127.0.0.1:port'"),
    ("127.0.0.1:99999", ValueError, "not '127.0.0.1:99999'"),
    ("http://127.0.0.1:1", ValueError, "not a URL: 'http://127.0.0.1:1'; encrypt with tls=True or tls_ca=FILE"),
]


@pytest.mark.parametrize(("target", "kind", "said"), TARGETS)
def test_a_target_that_is_none(flavour: Flavour, target: Any, kind: Any, said: str) -> None:
    with pytest.raises(kind) as caught:
        CONNECT[flavour](target)
    assert str(caught.value) == f"target: expected host:port, such as 127.0.0.1:50051, or a gRPC target, {said}"


@pytest.mark.parametrize(
    "target",
    [
        *(
            "localhost:1",
            "localhost",
            "[::1]:50051",
            "::1",
            "dns:localhost:1",
            "dns:///localhost:1",
            "ipv4:127.0.0.1:1",
        ),
        *("unix:/run/tickmux", "unix:///run/tickmux", "xds:///quotes", "passthrough:///127.0.0.1:1", "dns:1"),
    ],
)
async def test_targets_of_grpc_are_left_to_it(flavour: Flavour, target: str) -> None:
    async with client_of(flavour, target) as client:
        assert client.target == target


CHANNEL_OPTIONS = (
    'channel_options: expected pairs, such as [("grpc.primary_user_agent", "desk-7")], not one of an int and an int'
)
CONNECTING = [
    ({"timeout_s": "5"}, TypeError, f"timeout_s: {SECONDS} '5'"),
    ({"timeout_s": None}, TypeError, f"timeout_s: {SECONDS} None"),
    ({"backoff_cap_s": 0}, ValueError, "backoff_cap_s must be positive, not 0"),
    ({"reconnects_max": "3"}, TypeError, "reconnects_max: expected a whole number, not '3'"),
    ({"reconnects_max": -1}, ValueError, "reconnects_max must be 0 or more, not -1"),
    ({"tls": "no"}, TypeError, "tls: expected True or False, not 'no'"),
    ({"own_connection": 1}, TypeError, "own_connection: expected True or False, not 1"),
    ({"tls_ca": 5}, TypeError, "tls_ca: expected the path of a file, not 5"),
    ({"tls_server_name": 5}, TypeError, "tls_server_name: expected a host's name, not 5"),
    ({"credentials": SECRET}, TypeError, "credentials: expected what grpc.ssl_channel_credentials() gives, not a str"),
    ({"token": SECRET.encode()}, TypeError, "token: expected a text, not a bytes"),
    ({"metadata": {SECRET: "x"}}, TypeError, f"{PAIRS} a str among them"),
    ({"metadata": SECRET}, TypeError, f"{PAIRS} a str"),
    ({"metadata": [(SECRET, 7)]}, TypeError, f"{PAIRS} one of a str and an int"),
    ({"channel_options": [(5, 5)]}, TypeError, CHANNEL_OPTIONS),
]  # fmt: skip


@pytest.mark.parametrize(("options", "kind", "said"), CONNECTING)
def test_an_option_of_something_else_is_told_and_no_secret_shown(
    flavour: Flavour, options: Any, kind: Any, said: str
) -> None:
    with pytest.raises(kind) as caught:
        CONNECT[flavour]("127.0.0.1:1", **options)
    assert str(caught.value) == said


async def test_what_is_meant_is_taken(flavour: Flavour) -> None:
    metadata = iter([["x-desk", "7"], ("x-bin", b"7")])
    async with client_of(flavour, timeout_s=1, metadata=metadata, token=None, tls_ca=None) as client:
        assert client.metadata == (("x-desk", "7"), ("x-bin", b"7"))
        for after in (None, snapshot_of(quote("A", 1), token="one")):
            assert client.subscribe((name for name in ["A"]), delivery=2, heartbeat_interval_s=1, after=after)
        assert client.quotes({"A": 1}, delivery=Delivery.ALL_OR_END, min_interval_s=None)


async def test_numbers_of_numpy_are_numbers(flavour: Flavour) -> None:
    async with client_of(flavour, reconnects_max=np.int64(3), timeout_s=np.float32(0.5)) as client:
        assert client.subscribe(delivery=np.int64(2), heartbeat_interval_s=np.int32(1), min_interval_s=np.float64(0.1))
    with pytest.raises(UnavailableError):
        await ask(flavour, "127.0.0.1:1", "snapshot", page_size=np.int64(5))
