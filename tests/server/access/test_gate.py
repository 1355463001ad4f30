"""Every method of a real server, with every kind of token: nobody gets in without one in force."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from tests.server.access import raw_http2
from tests.server.access.guarded import LONG_AGO, Keys, bearer, guarded, take_changes, watch_of
from tests.server.access.raw_http2 import EMPTY_MESSAGE
from tests.server.feed import NodeFeed
from tests.server.test_service import AWAIT_S, error_details, everything, failure, refused, until

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux_server.errors import Unauthenticated
from tickmux_server.node import SERVER_OPTIONS, Node

SERVICE = "/tickmux.v1.MarketDataService/"
UNARY = {
    SERVICE + "GetSnapshot": contract.GetSnapshotResponse,
    SERVICE + "ListInstruments": contract.ListInstrumentsResponse,
    SERVICE + "ListSources": contract.ListSourcesResponse,
    "/grpc.health.v1.Health/Check": health_pb2.HealthCheckResponse,
}
STREAMING = {
    SERVICE + "Subscribe": contract.SubscribeResponse,
    "/grpc.health.v1.Health/Watch": health_pb2.HealthCheckResponse,
}
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
METHODS = [*UNARY, *STREAMING, REFLECTION]
LIST_SERVICES = reflection_pb2.ServerReflectionRequest(list_services="").SerializeToString()

Metadata = tuple[tuple[str, str], ...]


def call_of(channel: grpc.aio.Channel, method: str, metadata: Metadata) -> Any:
    """A call of a method by its path, with an empty request."""
    untyped: Any = channel
    if method in UNARY:
        return untyped.unary_unary(method)(b"", metadata=metadata, timeout=AWAIT_S)
    if method in STREAMING:
        return untyped.unary_stream(method)(b"", metadata=metadata, timeout=AWAIT_S)
    # What is written into a call that was refused meanwhile is an internal error of grpc's asyncio client.
    return untyped.stream_stream(method)(metadata=metadata, timeout=AWAIT_S)


async def first_answer(call: Any) -> bytes:
    if isinstance(call, grpc.aio.UnaryUnaryCall):
        only: bytes = await call
        return only
    if isinstance(call, grpc.aio.StreamStreamCall):
        await call.write(LIST_SERVICES)
    first: bytes = await call.read()
    call.cancel()
    return first


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
async def node(keys: Keys) -> AsyncIterator[Node]:
    async with guarded(keys) as node:
        feed = NodeFeed(node)
        feed.bids("binance", {"BTCUSDT": 1.0})
        feed.bids("kraken", {"BTCUSD": 2.0, "ETHUSD": 3.0})
        yield node


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    return stubs.MarketDataServiceStub(channel)


@pytest.mark.parametrize("method", METHODS)
async def test_every_method_answers_a_token_in_force_and_nothing_else(
    keys: Keys, node: Node, channel: grpc.aio.Channel, method: str
) -> None:
    right = keys.add("right")
    expired, revoked = keys.add("expired", expires_at=LONG_AGO), keys.add("revoked", revoked_at=LONG_AGO)
    take_changes(node)
    kinds: dict[str, Metadata] = {
        "none": (),
        "wrong": bearer("tickmux_" + "A" * 43),
        "expired": bearer(expired),
        "revoked": bearer(revoked),
        "no bearer": (("authorization", right),),
        "twice": bearer(right) * 2,
    }
    for kind, metadata in kinds.items():
        error = await refused(call_of(channel, method, metadata))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED, kind
        assert error.details() == str(Unauthenticated()), kind
        info = error_details(error)["ErrorInfo"]
        assert (info.reason, info.domain) == ("UNAUTHENTICATED", "tickmux")
    assert await first_answer(call_of(channel, method, bearer(right)))


async def test_a_stranger_is_refused_before_a_request_is_sent(node: Node, channel: grpc.aio.Channel) -> None:
    call: Any = channel.stream_stream(REFLECTION)(timeout=AWAIT_S)
    async with asyncio.timeout(AWAIT_S):
        assert await call.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_calls_that_were_refused_and_streams_that_were_ended_hold_no_place_on_their_connection(
    keys: Keys, node: Node, stub: Any, channel: grpc.aio.Channel, uncollected: None
) -> None:
    calls_max = dict(SERVER_OPTIONS)["grpc.max_concurrent_streams"]
    token = keys.add("few", streams_max=1)
    take_changes(node)
    for method in (f"{SERVICE}GetSnapshot", f"{SERVICE}Subscribe", REFLECTION):
        for _ in range(calls_max + 10):
            error = await refused(call_of(channel, method, ()))
            assert (error.code(), error.details()) == (grpc.StatusCode.UNAUTHENTICATED, str(Unauthenticated())), method
    kept = await subscribed(stub, token)
    for _ in range(calls_max + 10):
        error = await refused(call_of(channel, f"{SERVICE}Subscribe", bearer(token)))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "the token 'few' holds 1 stream already" in str(error.details())
    kept.cancel()
    for round_number in range(calls_max // 50 + 1):
        token = keys.add(f"round-{round_number}")
        take_changes(node)
        calls = [await subscribed(stub, token) for _ in range(50)]
        keys.remove(f"round-{round_number}")
        take_changes(node)
        for call in calls:
            assert (await everything(call))[1].code() is grpc.StatusCode.UNAUTHENTICATED


PATHS = [
    *(b"", b"/", b"//", b"*", b"/x", b"x", b"///", b"/ /", b"/\x00", b"/\xff\xfe"),
    *(b"tickmux.v1.MarketDataService/GetSnapshot", b"//tickmux.v1.MarketDataService/GetSnapshot"),
    *(
        b"/tickmux.v1.MarketDataService",
        b"/tickmux.v1.MarketDataService/",
        b"/tickmux.v1.MarketDataService//GetSnapshot",
    ),
    *(b"/tickmux.v1.MarketDataService/GetSnapshot/", b"/tickmux.v1.MarketDataService/GetSnapshot?x"),
    *(b"/tickmux.v1.MarketDataService/getsnapshot", b"/TICKMUX.V1.MARKETDATASERVICE/GETSNAPSHOT"),
    *(b"/tickmux.v1.MarketDataService/Nope", b"/tickmux.v1.Nope/GetSnapshot", b"/GetSnapshot"),
    *(b"/./tickmux.v1.MarketDataService/GetSnapshot", b"/%74ickmux.v1.MarketDataService/GetSnapshot"),
    b"http://127.0.0.1/tickmux.v1.MarketDataService/GetSnapshot",
    *(b"grpc.health.v1.Health/Check", b"/grpc.health.v1.health/Check", b"//grpc.health.v1.Health/Check"),
    *(b"/grpc.health.v1.Health/List", b"/grpc.channelz.v1.Channelz/GetServers", b"/" + b"a" * 5000),
]


@pytest.mark.parametrize("path", PATHS)
async def test_a_path_that_is_no_method_answers_nobody(keys: Keys, node: Node, path: bytes) -> None:
    right = keys.add("right")
    take_changes(node)
    good = (b"authorization", f"Bearer {right}".encode())
    stranger = await raw_http2.request(node.address, path)
    known = await raw_http2.request(node.address, path, good)
    assert stranger.messages == known.messages == 0
    assert b"grpc-status\x010" not in stranger.headers + known.headers
    if path != b"/\xff\xfe":
        # What is no text is refused by gRPC before it is anybody's.
        assert str(Unauthenticated()).encode() in stranger.headers
    # None of them did the server any harm.
    served = await raw_http2.request(node.address, f"{SERVICE}GetSnapshot".encode(), good)
    assert (served.ended_by, served.messages) == ("trailers", 1)
    assert b"grpc-status\x010" in served.headers


@pytest.mark.parametrize(
    "headers",
    [
        [(b"Authorization", b"Bearer %s")],
        [(b"AUTHORIZATION", b"Bearer %s")],
        [(b"authorization", b"Bearer %s"), (b"authorization", b"Bearer %s")],
        [(b"authorization-bin", b"Bearer %s")],
        [(b"authorization", b"Bearer \xff%s")],
        [(b"authorization", b"Bearer %s\x00")],
        [(b"authorization", b"Bearer %s" + b"A" * 9000)],
        [(b"authorization ", b"Bearer %s")],
    ],
)
async def test_an_authorization_that_no_client_of_grpc_would_send_opens_nothing(
    keys: Keys, node: Node, headers: list[raw_http2.Header]
) -> None:
    right = keys.add("right").encode()
    take_changes(node)
    sent = [(name, value.replace(b"%s", right)) for name, value in headers]
    answer = await raw_http2.request(node.address, f"{SERVICE}GetSnapshot".encode(), *sent)
    assert answer.messages == 0
    assert answer.ended_by != "trailers" or b"grpc-status\x0216" in answer.headers
    assert b"snapshot" not in answer.headers.lower()


async def test_a_request_that_is_held_back_until_its_token_was_revoked_or_narrowed_gets_what_it_may_then(
    keys: Keys, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    identified: list[bytes] = []
    keyring = watch_of(node)._keyring
    identify = keyring.identify

    def note(metadata: Any) -> bytes:
        identified.append(identify(metadata))
        return identified[-1]

    monkeypatch.setattr(keyring, "identify", note)
    revoked, narrowed = keys.add("revoked"), keys.add("narrowed")
    take_changes(node)
    path = f"{SERVICE}GetSnapshot".encode()
    async with (
        raw_http2.opened(node.address, path, (b"authorization", f"Bearer {revoked}".encode())) as first,
        raw_http2.opened(node.address, path, (b"authorization", f"Bearer {narrowed}".encode())) as second,
    ):
        await until(lambda: len(identified) == 2)
        keys.revoke("revoked")
        keys.alter("narrowed", sources=["kraken"])
        take_changes(node)
        one, other = await first.send(EMPTY_MESSAGE), await second.send(EMPTY_MESSAGE)
    assert one.messages == 0
    assert b"grpc-status\x0216" in one.headers
    assert b"grpc-status\x010" in other.headers
    assert b"kraken" in other.data
    assert b"binance" not in other.data


async def subscribed(stub: Any, token: str, **request: Any) -> Any:
    """A stream that has told its state."""
    call = stub.Subscribe(contract.SubscribeRequest(**request), metadata=bearer(token))
    async with asyncio.timeout(AWAIT_S):
        response = await call.read()
    assert response.caught_up
    return call


ENDINGS: dict[str, tuple[Any, str]] = {
    "revoked": (lambda keys: keys.revoke("desk"), "was revoked"),
    "removed": (lambda keys: keys.remove("desk"), "was removed"),
    "expired": (lambda keys: keys.alter("desk", expires_at=LONG_AGO), "has expired"),
    "narrowed": (lambda keys: keys.alter("desk", sources=["kraken"]), "allows less than before"),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_the_streams_of_a_token_end_with_it_and_those_of_others_do_not(
    keys: Keys, node: Node, stub: Any, channel: grpc.aio.Channel, ending: str
) -> None:
    end, what = ENDINGS[ending]
    desk, other = keys.add("desk"), keys.add("other")
    take_changes(node)
    calls = [await subscribed(stub, desk) for _ in range(3)]
    watching = call_of(channel, "/grpc.health.v1.Health/Watch", bearer(desk))
    assert await watching.read()
    going_on = await subscribed(stub, other)
    end(keys)
    take_changes(node)
    for call in [*calls, watching]:
        _, error = await everything(call)
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        assert f"the token 'desk' of this stream {what}" in str(error.details())
        assert error_details(error)["ErrorInfo"].reason == "TOKEN_ENDED"
    NodeFeed(node).bids("kraken", {"BTCUSD": 9.0})
    async with asyncio.timeout(AWAIT_S):
        while not (response := await going_on.read()).quotes:
            pass
    assert response.quotes[0].bid_price == 9.0
    going_on.cancel()


async def test_a_stream_whose_first_response_is_under_way_ends_as_well(
    keys: Keys, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    desk = keys.add("desk")
    take_changes(node)
    NodeFeed(node).bids("kraken", {f"S{number}": 1.0 for number in range(4000)})
    # Without the probe, which grows it to megabytes, grpc receives 64 KiB ahead of a reader.
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.http2.bdp_probe", 0))
    async with grpc.aio.insecure_channel(node.address, options=options) as channel:
        call = call_of(channel, f"{SERVICE}Subscribe", bearer(desk))
        await until(lambda: any(stream.writing_since_ns for stream in node.streams._streams))
        keys.revoke("desk")
        take_changes(node)
        await until(lambda: len(watch_of(node)._sessions) == 0)
        _, error = await everything(call)
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "was revoked" in str(error.details())
    assert not [record for record in caplog.records if record.name.startswith("grpc")]


async def test_the_running_task_ends_them_by_itself(keys: Keys, node: Node, stub: Any) -> None:
    desk = keys.add("desk")
    take_changes(node)
    task = asyncio.create_task(watch_of(node).watch())
    call = await subscribed(stub, desk)
    keys.revoke("desk")
    assert (await refused(call)).code() is grpc.StatusCode.UNAUTHENTICATED
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_stream_that_the_client_left_leaves_nothing_behind(keys: Keys, node: Node, stub: Any) -> None:
    desk = keys.add("desk", streams_max=1)
    take_changes(node)
    for _ in range(20):
        call = await subscribed(stub, desk)
        call.cancel()
        await call.code()
        await until(lambda: len(watch_of(node)._sessions) == 0)


async def test_a_token_has_as_many_streams_as_it_may_and_no_more(keys: Keys, node: Node, stub: Any) -> None:
    desk, other = keys.add("desk", streams_max=2), keys.add("other")
    take_changes(node)
    calls = [await subscribed(stub, desk) for _ in range(2)]
    error = await refused(stub.Subscribe(contract.SubscribeRequest(), metadata=bearer(desk)))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "the token 'desk' holds 2 streams already, which is all that it may; end one" in str(error.details())
    details = error_details(error)
    assert details["ErrorInfo"].reason == "TOO_MANY_STREAMS"
    assert details["RetryInfo"].retry_delay.ToMilliseconds() > 0
    (await subscribed(stub, other)).cancel()
    snapshot = await stub.GetSnapshot(contract.GetSnapshotRequest(), metadata=bearer(desk), timeout=AWAIT_S)
    assert snapshot.quotes, "only subscriptions count"
    calls[0].cancel()
    await calls[0].code()
    async with asyncio.timeout(AWAIT_S):
        while True:
            call = stub.Subscribe(contract.SubscribeRequest(), metadata=bearer(desk))
            try:
                await call.read()
                break
            except grpc.aio.AioRpcError:
                # The server hears of the end of the other one in its own time.
                await asyncio.sleep(0.01)
    call.cancel()
    calls[1].cancel()


async def test_a_selection_may_hold_as_many_names_as_its_token_allows(keys: Keys, node: Node, stub: Any) -> None:
    desk = keys.add("desk", names_max=2)
    take_changes(node)
    few = contract.Selection(symbols=["BTC*"], sources=["kraken"])
    many = contract.Selection(symbols=["BTC*", "ETH*"], sources=["kraken"])
    await stub.GetSnapshot(contract.GetSnapshotRequest(selection=few), metadata=bearer(desk), timeout=AWAIT_S)
    for call in (
        stub.GetSnapshot(contract.GetSnapshotRequest(selection=many), metadata=bearer(desk)),
        stub.Subscribe(contract.SubscribeRequest(selection=many), metadata=bearer(desk)),
    ):
        error = await refused(call)
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error.details() == "selection: 3 names; this token allows 2"


async def test_what_a_token_may_not_see_is_nowhere(keys: Keys, node: Node, stub: Any) -> None:
    desk = keys.add("desk", sources=["kraken"])
    take_changes(node)
    metadata = bearer(desk)
    snapshot = await stub.GetSnapshot(contract.GetSnapshotRequest(), metadata=metadata, timeout=AWAIT_S)
    assert {quote.source for quote in snapshot.quotes} == {"kraken"}
    assert {status.source for status in snapshot.source_statuses} == {"kraken"}
    found = await stub.ListInstruments(contract.ListInstrumentsRequest(), metadata=metadata, timeout=AWAIT_S)
    assert {instrument.source for instrument in found.instruments} == {"kraken"}
    sources = await stub.ListSources(contract.ListSourcesRequest(), metadata=metadata, timeout=AWAIT_S)
    assert {status.source for status in sources.source_statuses} == {"kraken"}
    selection = contract.Selection(symbols=["BTCUSDT", "BTCUSD"])
    request = contract.GetSnapshotRequest(selection=selection)
    narrowed = await stub.GetSnapshot(request, metadata=metadata, timeout=AWAIT_S)
    assert list(narrowed.unmatched) == ["BTCUSDT"], "as if it did not exist"
    call = await subscribed(stub, desk)
    feed = NodeFeed(node)
    feed.bids("binance", {"BTCUSDT": 5.0})
    feed.bids("kraken", {"BTCUSD": 6.0})
    quotes: list[Any] = []
    async with asyncio.timeout(AWAIT_S):
        while not quotes or quotes[-1].bid_price != 6.0:
            response = await call.read()
            quotes += response.quotes
            assert {status.source for status in response.source_statuses} <= {"kraken"}
    assert {quote.source for quote in quotes} == {"kraken"}
    call.cancel()


@pytest.mark.parametrize("named", ["binance", "BINANCE", "binanec", "nope", "consolidated"])
async def test_a_source_that_a_token_may_not_see_is_refused_like_one_that_does_not_exist(
    keys: Keys, node: Node, stub: Any, named: str
) -> None:
    desk = keys.add("desk", sources=["kraken"])
    take_changes(node)
    selection = contract.Selection(sources=["kraken", named])
    for call in (
        stub.GetSnapshot(contract.GetSnapshotRequest(selection=selection), metadata=bearer(desk)),
        stub.ListInstruments(contract.ListInstrumentsRequest(selection=selection), metadata=bearer(desk)),
        stub.Subscribe(contract.SubscribeRequest(selection=selection), metadata=bearer(desk)),
    ):
        error = await refused(call)
        assert error.code() is grpc.StatusCode.PERMISSION_DENIED
        details = error_details(error)
        assert details["ErrorInfo"].reason == "NOT_ALLOWED"
        (violation,) = details["BadRequest"].field_violations
        assert violation.field == "selection.sources[1]"
        assert violation.description == f"this token may not use source '{named}'; it may use kraken"


async def test_a_source_that_is_gone_is_unknown_and_only_allowed_ones_are_named(
    keys: Keys, node: Node, stub: Any
) -> None:
    desk = keys.add("desk", sources=["kraken", "binance-us"])
    take_changes(node)
    selection = contract.Selection(sources=["binance-us"])
    request = contract.GetSnapshotRequest(selection=selection)
    error = await refused(stub.GetSnapshot(request, metadata=bearer(desk)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details() == "selection.sources[0]: unknown source 'binance-us'; known are kraken"
    gone = keys.add("gone", sources=["binance-us"])
    take_changes(node)
    snapshot = await stub.GetSnapshot(contract.GetSnapshotRequest(), metadata=bearer(gone), timeout=AWAIT_S)
    assert not snapshot.quotes
    assert not snapshot.source_statuses


async def test_the_consolidated_source_is_seen_by_those_whose_token_names_it(keys: Keys, node: Node, stub: Any) -> None:
    both, alone = keys.add("both", sources=["kraken", "consolidated"]), keys.add("alone", sources=["consolidated"])
    take_changes(node)

    async def seen(token: str, *sources: str) -> tuple[set[str], set[str]]:
        request = contract.GetSnapshotRequest(selection=contract.Selection(sources=sources))
        snapshot = await stub.GetSnapshot(request, metadata=bearer(token), timeout=AWAIT_S)
        listed = await stub.ListSources(contract.ListSourcesRequest(), metadata=bearer(token), timeout=AWAIT_S)
        return {quote.source for quote in snapshot.quotes}, {status.source for status in listed.source_statuses}

    async with asyncio.timeout(AWAIT_S):
        # It joins what was fed in its own time.
        while (await seen(both, "consolidated"))[0] != {"consolidated"}:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    assert await seen(both) == ({"kraken"}, {"kraken", "consolidated"})
    assert await seen(alone) == ({"consolidated"}, {"consolidated"})


async def test_without_a_token_file_anyone_may_call() -> None:
    async with guarded(None) as node, grpc.aio.insecure_channel(node.address) as channel:
        for method in METHODS:
            assert await first_answer(call_of(channel, method, bearer("anything"))) is not None
        assert node.tokens is None
        call = call_of(channel, SERVICE + "Subscribe", ())
        await call.read()
        call.cancel()
        assert (await failure(call)).code() is grpc.StatusCode.CANCELLED
