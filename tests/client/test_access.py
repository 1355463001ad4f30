"""TLS and tokens of the client: what is sent where, what is refused unsent, and what is never shown."""

import asyncio
import os
import re
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from textwrap import indent
from typing import Any

import grpc
import pytest
from tests.client.flavours import FLAVOURS, LIMIT_S, Flavour
from tests.relay import Relay
from tests.server.access.certificates import Authority
from tests.server.access.guarded import Keys, guarded, take_changes
from tests.server.feed import NodeFeed

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux_client import AccessDeniedError, Disconnected, Quote, UnavailableError, connect, connect_sync
from tickmux_client._access import call_metadata
from tickmux_server.node import Node

TOKEN = "tickmux_" + "A" * 43
README = Path(__file__).parents[2] / "clients" / "README.md"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@asynccontextmanager
async def serving(keys: Keys, authority: Authority, **settings: Any) -> AsyncIterator[Node]:
    pair = authority.sign("server")
    tls: dict[str, Any] = {"tls_certificate": str(pair.certificate), "tls_key": str(pair.key)}
    async with guarded(keys, **tls, **settings) as node:
        NodeFeed(node).bids("kraken", {"BTCUSD": 1.0})
        yield node


async def ask(flavour: Flavour, target: str, **options: Any) -> list[Any]:
    """The quotes of a snapshot, and the first quote of a stream."""
    options = {"own_connection": True, "reconnects_max": 0, "timeout_s": LIMIT_S, **options}

    async def with_asyncio() -> list[Any]:
        async with connect(target, **options) as client:
            quotes: list[Any] = list((await client.snapshot()).quotes)
            async for event in client.subscribe():
                if isinstance(event, Quote):
                    return [*quotes, event]
        return quotes

    def with_sync() -> list[Any]:
        with connect_sync(target, **options) as client:
            quotes: list[Any] = list(client.snapshot().quotes)
            for event in client.subscribe():
                if isinstance(event, Quote):
                    return [*quotes, event]
        return quotes

    async with asyncio.timeout(LIMIT_S):
        return await (with_asyncio() if flavour == "asyncio" else asyncio.to_thread(with_sync))


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_token_and_an_authority_open_a_server(flavour: Flavour, tmp_path: Path, authority: Authority) -> None:
    keys = Keys(tmp_path)
    token = keys.add("desk")
    async with serving(keys, authority) as node:
        quotes = await ask(flavour, node.address, tls_ca=authority.certificate, token=token)
        assert [quote.symbol for quote in quotes] == ["BTCUSD", "BTCUSD"]
        for wrong in ({}, {"token": TOKEN}):
            with pytest.raises(AccessDeniedError) as caught:
                await ask(flavour, node.address, tls_ca=authority.certificate, **wrong)
            assert caught.value.reason == "UNAUTHENTICATED"
            assert TOKEN not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        with pytest.raises(UnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
            await ask(flavour, node.address, tls=True, token=token)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_certificate_of_its_own_opens_a_server_that_asks_for_one(
    flavour: Flavour, tmp_path: Path, authority: Authority
) -> None:
    keys = Keys(tmp_path)
    token = keys.add("desk")
    client = authority.sign("client")
    async with serving(keys, authority, tls_client_ca=str(authority.certificate)) as node:
        target = f"127.0.0.1:{node.address.rpartition(':')[2]}"
        options = {"tls_ca": str(authority.certificate), "tls_server_name": "localhost", "token": token}
        assert await ask(flavour, target, tls_certificate=client.certificate, tls_key=client.key, **options)
        with pytest.raises(UnavailableError):
            await ask(flavour, target, **options)


async def read_on(events: AsyncIterator[Any]) -> None:
    async for event in events:
        assert not isinstance(event, Disconnected)


async def test_a_token_that_is_revoked_ends_the_subscription_with_an_error(
    tmp_path: Path, authority: Authority
) -> None:
    keys = Keys(tmp_path)
    token = keys.add("desk")
    async with (
        serving(keys, authority) as node,
        connect(node.address, tls_ca=authority.certificate, token=token) as client,
        asyncio.timeout(LIMIT_S),
    ):
        events = client.subscribe()
        while not isinstance(event := await anext(events), Quote):
            assert not isinstance(event, Disconnected)
        keys.revoke("desk")
        take_changes(node)
        with pytest.raises(AccessDeniedError, match="the token 'desk' of this stream was revoked") as caught:
            await read_on(events)
        assert caught.value.reason == "TOKEN_ENDED"


async def test_the_stub_is_used_with_the_metadata_of_the_client(tmp_path: Path) -> None:
    keys = Keys(tmp_path)
    token = keys.add("desk")
    async with guarded(keys) as node, connect(node.address, token=token, metadata=[("x-desk", "7")]) as client:
        assert client.metadata == (("x-desk", "7"), ("authorization", f"Bearer {token}"))
        await client.stub.ListSources(pb.ListSourcesRequest(), metadata=client.metadata, timeout=LIMIT_S)
        assert token not in repr(client)
    with connect_sync("127.0.0.1:1", token=token) as sync_client:
        assert sync_client.metadata == (("authorization", f"Bearer {token}"),)
        assert token not in repr(sync_client)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_connection_that_is_far_away_gets_the_time_to_shake_hands(
    flavour: Flavour, tmp_path: Path, authority: Authority
) -> None:
    keys = Keys(tmp_path)
    options = {"tls_ca": authority.certificate, "token": keys.add("desk"), "tls_server_name": "localhost"}
    # The way there, or back, of someone at the other end of the world.
    async with serving(keys, authority) as node, Relay(node.address, travel_s=0.15) as far:
        assert await ask(flavour, far.target, **options)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_token_in_clear_text_passes_by_the_proxy_of_the_environment(
    flavour: Flavour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1024))
        writer.close()

    keys = Keys(tmp_path)
    token = keys.add("desk")
    async with guarded(keys) as node, await asyncio.start_server(listen, "127.0.0.1", 0) as proxy:
        NodeFeed(node).bids("kraken", {"BTCUSD": 1.0})
        for name in ("no_proxy", "no_grpc_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "https_proxy", "grpc_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        assert await ask(flavour, node.address, token=token)
        with pytest.raises(UnavailableError):
            await ask(flavour, node.address, timeout_s=2.0)
        assert len(asked) > 0, "without a token there is nothing to hide"
        assert not any(token.encode() in request for request in asked)


async def test_the_readmes_example_runs_as_printed(tmp_path: Path, authority: Authority) -> None:
    text = README.read_text()
    (block,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "quotes.example" in block]
    keys = Keys(tmp_path)
    token = keys.add("desk")
    async with serving(keys, authority) as node:
        body = block.replace("quotes.example:50051", node.address).replace('"ca.pem"', repr(str(authority.certificate)))
        program = f"import asyncio\nfrom tickmux_client import connect\nasync def main():\n{indent(body, ' ' * 4)}\n"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", f"{program}asyncio.run(main())"),
            env={**os.environ, "TICKMUX_TOKEN": token},
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(LIMIT_S):
            output, _ = await process.communicate()
    assert process.returncode == 0
    assert b"kraken LIVE\n" in output


HERE = [
    *("127.0.0.1:50051", "127.8.8.8:1", "localhost:50051", "localhost", "LocalHost:1", "[::1]:50051", "::1"),
    *("dns:localhost:50051", "dns:///localhost:50051", "dns:///127.0.0.1:1", "ipv4:127.0.0.1:50051"),
    *("ipv4:127.0.0.1:1,127.0.0.2:2", "ipv6:[::1]:50051", "unix:/run/tickmux", "unix:///run/tickmux"),
    "unix-abstract:tickmux",
]
ELSEWHERE = [
    *("quotes.example:50051", "10.0.0.1:50051", "[2001:db8::1]:50051", "127.0.0.1.example:50051", "0.0.0.0:50051"),
    *("localhost.example:50051", "dns:///quotes.example:50051", "dns://127.0.0.1/quotes.example", "dns:quotes.example"),
    *("dns://10.0.0.1/localhost:50051", "ipv4:127.0.0.1:1,10.0.0.1:2", "xds:///localhost:1", "127.0.0.1@x:1"),
    *("localhost:50051@quotes.example:1", "passthrough:///localhost:1"),
]


@pytest.mark.parametrize("target", HERE)
def test_on_this_machine_a_token_may_travel_in_clear_text(target: str) -> None:
    assert call_metadata(target, {"token": TOKEN}, is_encrypted=False)


@pytest.mark.parametrize("target", ELSEWHERE)
@pytest.mark.parametrize("connecting", [connect, connect_sync])
def test_to_another_machine_it_does_not_unless_told_so(target: str, connecting: Any) -> None:
    with pytest.raises(ValueError, match="in clear text; encrypt with tls=True or tls_ca=FILE") as caught:
        connecting(target, token=TOKEN)
    assert TOKEN not in str(caught.value)
    for options in ({"token_in_clear_text": True}, {"is_encrypted": True}):
        is_encrypted = options.pop("is_encrypted", False)
        assert call_metadata(target, {"token": TOKEN, **options}, is_encrypted=is_encrypted)  # type: ignore[typeddict-item]


@pytest.mark.parametrize("token", ["a b", "abcdefgh\n", "\x00abcdefgh", "abcdefghé", "Bearer abcdefgh"])
def test_what_is_no_token_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(ValueError, match=r"^token: expected letters") as caught:
        connect("127.0.0.1:1", token=token)
    assert token not in "".join(traceback.format_exception_only(caught.value))


def test_options_that_do_not_go_together_are_refused(tmp_path: Path, authority: Authority) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    grpc_credentials = grpc.ssl_channel_credentials()
    cases: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"tls_certificate": authority.certificate}, ValueError, "go together"),
        ({"tls_key": authority.pair.key}, ValueError, "go together"),
        ({"tls": True, "credentials": grpc_credentials}, ValueError, "take the place"),
        ({"tls_ca": tmp_path / "absent"}, OSError, "No such file"),
        ({"tls_ca": text}, ValueError, "tls_ca: .* holds no certificate in PEM form"),
        ({"tls_certificate": authority.certificate, "tls_key": text}, ValueError, "tls_key: .* no private key"),
        ({"token": TOKEN, "metadata": [("Authorization", "x")]}, ValueError, "holds an authorization already"),
        ({"tokn": TOKEN}, TypeError, "unknown option 'tokn'"),
    ]
    for options, kind, said in cases:
        with pytest.raises(kind, match=said):
            connect("127.0.0.1:1", **options)
