"""The calls over a real gRPC server: what is answered, what is refused and how."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import msgspec
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status
from tests.server.feed import NodeFeed

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux_server.node import SERVER_OPTIONS, Node
from tickmux_server.selection import VIOLATIONS_MAX
from tickmux_server.streams import STREAMS_PER_CONNECTION_MAX

AWAIT_S = 10.0
"""Generous: only a hang reaches it."""


def error_details(error: grpc.aio.AioRpcError) -> dict[str, Any]:
    """The typed details of an error by message name."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type] # AioRpcError has what it reads
    assert status is not None, f"{error.code()} carries no details"
    details: dict[str, Any] = {}
    for packed in status.details:
        for kind in (error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo):
            if any_pb2.Any.Is(packed, kind.DESCRIPTOR):
                details[kind.DESCRIPTOR.name] = kind.FromString(packed.value)
    return details


async def refused(call: Any) -> grpc.aio.AioRpcError:
    """The error that a call ends with, whatever it answered before."""
    return (await everything(call))[1]


async def everything(call: Any) -> tuple[list[Any], grpc.aio.AioRpcError]:
    """All that a call answers, and the error that it ends with."""
    responses: list[Any] = []
    try:
        async with asyncio.timeout(AWAIT_S):
            if isinstance(call, grpc.aio.UnaryUnaryCall):
                responses.append(await call)
            else:
                while (response := await call.read()) is not grpc.aio.EOF:
                    responses.append(response)
                # EOF says that the stream is over, its status whether in good order.
                raise await failure(call)
    except grpc.aio.AioRpcError as error:
        return responses, error
    raise AssertionError(f"no error, but {responses}")


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that announces itself to nobody."""
    async with asyncio.timeout(AWAIT_S):
        while not condition():  # noqa: ASYNC110 - the server keeps no event for tests
            await asyncio.sleep(0.01)


async def failure(call: Any) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        await call.code(), await call.initial_metadata(), await call.trailing_metadata(), await call.details()
    )


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    return stubs.MarketDataServiceStub(channel)


@pytest.fixture
async def watching(node: Node) -> AsyncIterator[None]:
    task = asyncio.create_task(node.streams.watch())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_snapshot_has_quotes_statuses_and_what_matched_nothing(stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0, "ETHUSDT": 2.0})
    feeding.bids("kraken", {"BTCUSD": 3.0})
    selection = contract.Selection(symbols=["btc*", "doge/usd"])
    snapshot = await stub.GetSnapshot(contract.GetSnapshotRequest(selection=selection), timeout=AWAIT_S)
    assert [(quote.source, quote.symbol, quote.bid_price) for quote in snapshot.quotes] == [
        ("binance", "BTCUSDT", 1.0),
        ("kraken", "BTCUSD", 3.0),
    ]
    assert [status.source for status in snapshot.source_statuses] == ["binance", "kraken"]
    assert list(snapshot.unmatched) == ["doge/usd"]
    assert snapshot.HasField("sent_at")


async def test_pages_join_to_the_whole_in_order(stub: Any, feeding: NodeFeed) -> None:
    prices = {f"S{number:03}": float(number) for number in range(25)}
    feeding.bids("binance", prices)
    for call, listed in ((stub.GetSnapshot, "quotes"), (stub.ListInstruments, "instruments")):
        symbols: list[str] = []
        request = (contract.GetSnapshotRequest if listed == "quotes" else contract.ListInstrumentsRequest)(page_size=10)
        pages = 0
        while True:
            page = await call(request, timeout=AWAIT_S)
            symbols += [item.symbol for item in getattr(page, listed)]
            pages += 1
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        assert symbols == sorted(prices)
        assert pages == 3


async def test_sources_and_instruments_are_listed(stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0})
    sources = await stub.ListSources(contract.ListSourcesRequest(), timeout=AWAIT_S)
    assert [(status.source, status.channel, status.state) for status in sources.source_statuses] == [
        ("binance", "0", 2),
        ("consolidated", "0", 2),
    ]
    instruments = await stub.ListInstruments(contract.ListInstrumentsRequest(), timeout=AWAIT_S)
    assert [(item.source, item.symbol, item.venue_symbol) for item in instruments.instruments] == [
        ("binance", "BTCUSDT", "BTCUSDT")
    ]


async def test_a_stream_goes_from_state_to_live_without_a_hole(stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0})
    call = stub.Subscribe(contract.SubscribeRequest())
    first = await asyncio.wait_for(call.read(), AWAIT_S)
    assert (first.continuity, first.caught_up) == (contract.CONTINUITY_SNAPSHOT, True)
    revisions = [quote.revision for quote in first.quotes]
    for price in range(2, 500):
        feeding.bids("binance", {"BTCUSDT": float(price)})
        if price % 50 == 0:
            await asyncio.sleep(0)
    while revisions[-1] < 499:
        response = await asyncio.wait_for(call.read(), AWAIT_S)
        revisions += [quote.revision for quote in response.quotes]
        assert response.conflated == 0
    assert revisions == list(range(1, 500))
    call.cancel()


async def test_a_heartbeat_comes_when_nothing_else_does(stub: Any, watching: None, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0})
    request = contract.SubscribeRequest()
    request.heartbeat_interval.FromSeconds(1)
    call = stub.Subscribe(request)
    await asyncio.wait_for(call.read(), AWAIT_S)
    heartbeat = await asyncio.wait_for(call.read(), AWAIT_S)
    assert not heartbeat.quotes
    assert [status.source for status in heartbeat.source_statuses] == ["binance"]
    call.cancel()


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [
        ({"selection": {"sources": ["binanse"]}}, "selection.sources[0]"),
        ({"selection": {"symbols": ["B*T"]}}, "selection.symbols[0]"),
        ({"selection": {"symbols": [f"S{number}" for number in range(2001)]}}, "selection"),
        ({"selection": {"symbols": [f"S{number}*" for number in range(33)]}}, "selection.symbols"),
    ],
)
async def test_a_bad_selection_is_refused_by_every_call(stub: Any, request_fields: Any, field: str) -> None:
    for call, request in (
        (stub.GetSnapshot, contract.GetSnapshotRequest),
        (stub.ListInstruments, contract.ListInstrumentsRequest),
        (stub.Subscribe, contract.SubscribeRequest),
    ):
        error = await refused(call(request(**request_fields)))
        details = error_details(error)
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (details["ErrorInfo"].reason, details["ErrorInfo"].domain) == ("INVALID_REQUEST", "tickmux")
        assert [violation.field for violation in details["BadRequest"].field_violations] == [field]


@pytest.mark.parametrize(
    ("request_fields", "field"),
    [
        ({"heartbeat_interval": {"nanos": 999_999_999}}, "heartbeat_interval"),
        ({"heartbeat_interval": {"seconds": -5}}, "heartbeat_interval"),
        ({"heartbeat_interval": {"seconds": 315_576_000_000, "nanos": -1}}, "heartbeat_interval"),
        ({"min_interval": {"nanos": -1}}, "min_interval"),
        ({"min_interval": {"seconds": 3601}}, "min_interval"),
        ({"delivery": 17}, "delivery"),
    ],
)
async def test_bad_terms_of_a_stream_are_refused(stub: Any, request_fields: Any, field: str) -> None:
    error = await refused(stub.Subscribe(contract.SubscribeRequest(**request_fields)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in error_details(error)["BadRequest"].field_violations] == [field]


async def test_of_many_wrong_names_the_first_are_told(stub: Any) -> None:
    for wrong in (
        contract.Selection(sources=[f"nowhere-{number}" for number in range(1000)]),
        contract.Selection(symbols=[f"B*{number}" for number in range(30)]),
        contract.Selection(types=[f"kind-{number}" for number in range(1000)]),
    ):
        error = await refused(stub.GetSnapshot(contract.GetSnapshotRequest(selection=wrong)))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert len(error_details(error)["BadRequest"].field_violations) == VIOLATIONS_MAX


def forged_page_token() -> str:
    forged = msgspec.msgpack.encode([1, "log", -1, "selection", ["binance", "BTCUSDT"]])
    return base64.urlsafe_b64encode(forged).decode().rstrip("=")


@pytest.mark.parametrize("page_token", ["?", "e30", "x" * 2000, forged_page_token()])
async def test_a_page_token_that_is_none_of_ours_is_refused(stub: Any, page_token: str) -> None:
    error = await refused(stub.GetSnapshot(contract.GetSnapshotRequest(page_token=page_token)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error_details(error)["BadRequest"].field_violations[0].field == "page_token"


@pytest.mark.parametrize("page_size", [-1, 10_001])
async def test_a_page_size_out_of_bounds_is_refused(stub: Any, page_size: int) -> None:
    error = await refused(stub.GetSnapshot(contract.GetSnapshotRequest(page_size=page_size)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_page_token_of_another_selection_is_refused(stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0, "ETHUSDT": 1.0})
    page = await stub.GetSnapshot(contract.GetSnapshotRequest(page_size=1), timeout=AWAIT_S)
    request = contract.GetSnapshotRequest(page_token=page.next_page_token, selection=contract.Selection(symbols=["B*"]))
    error = await refused(stub.GetSnapshot(request))
    assert "another selection" in (error.details() or "")


async def test_bytes_that_are_no_request_are_refused_by_every_call(channel: grpc.aio.Channel) -> None:
    raw: Any = channel
    for method in ("GetSnapshot", "ListInstruments", "ListSources"):
        error = await refused(raw.unary_unary(f"/tickmux.v1.MarketDataService/{method}")(b"\x0a\xff\xff\xff\x0f"))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert error_details(error)["ErrorInfo"].reason == "INVALID_REQUEST"
    error = await refused(raw.unary_stream("/tickmux.v1.MarketDataService/Subscribe")(b"\x08"))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_request_of_70_kib_is_refused_and_the_next_one_answered(stub: Any) -> None:
    large = contract.GetSnapshotRequest(page_token="x" * 70 * 1024)
    error = await refused(stub.GetSnapshot(large))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert (await stub.GetSnapshot(contract.GetSnapshotRequest(), timeout=AWAIT_S)).HasField("sent_at")


async def test_a_call_that_was_refused_holds_no_place_on_its_connection(
    stub: Any, channel: grpc.aio.Channel, uncollected: None
) -> None:
    calls_max = dict(SERVER_OPTIONS)["grpc.max_concurrent_streams"]
    raw: Any = channel
    for method in (raw.unary_unary("/tickmux.v1.MarketDataService/GetSnapshot"), stub.Subscribe):
        request = b"\xff" if method is not stub.Subscribe else contract.SubscribeRequest(resume_token="yesterday")
        codes = {(await refused(method(request))).code() for _ in range(calls_max + 10)}
        assert codes == {grpc.StatusCode.INVALID_ARGUMENT}


async def test_garbage_on_the_port_disturbs_nobody(node: Node, stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0})
    call = stub.Subscribe(contract.SubscribeRequest())
    await asyncio.wait_for(call.read(), AWAIT_S)
    host, _, port = node.address.rpartition(":")
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for garbage in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 5000, preface + b"\xff" * 5000, b"\x16\x03\x01"):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(garbage)
        await writer.drain()
        if garbage[:1] != b"\x16":
            async with asyncio.timeout(AWAIT_S):
                while await reader.read(4096):
                    pass
        writer.close()
    feeding.bids("binance", {"BTCUSDT": 2.0})
    response = await asyncio.wait_for(call.read(), AWAIT_S)
    assert [quote.revision for quote in response.quotes] == [2]
    call.cancel()


async def test_one_stream_too_many_on_a_connection_is_told(stub: Any) -> None:
    calls = [stub.Subscribe(contract.SubscribeRequest()) for _ in range(STREAMS_PER_CONNECTION_MAX)]
    await asyncio.wait_for(asyncio.gather(*(call.read() for call in calls)), AWAIT_S)
    error = await refused(stub.Subscribe(contract.SubscribeRequest()))
    details = error_details(error)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details["ErrorInfo"].reason == "TOO_MANY_STREAMS"
    assert details["RetryInfo"].retry_delay.ToNanoseconds() > 0
    for call in calls:
        call.cancel()


async def test_what_a_cancelled_stream_held_is_given_back(node: Node, stub: Any) -> None:
    selection = contract.Selection(symbols=["BTCUSDT"])
    call = stub.Subscribe(contract.SubscribeRequest(selection=selection))
    await asyncio.wait_for(call.read(), AWAIT_S)
    assert (len(node.streams), node.hub.routes) == (1, 1)
    call.cancel()
    await until(lambda: len(node.streams) == 0)
    assert node.hub.routes == 0


async def test_draining_sends_every_stream_away_and_refuses_new_ones(node: Node, stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0})
    calls = [stub.Subscribe(contract.SubscribeRequest()) for _ in range(5)]
    await asyncio.wait_for(asyncio.gather(*(call.read() for call in calls)), AWAIT_S)
    feeding.bids("binance", {"BTCUSDT": 2.0})
    drained = asyncio.create_task(node.drain())
    delays = set()
    for call in calls:
        responses, error = await everything(call)
        assert [response.going_away for response in responses][-1]
        assert not any(response.going_away for response in responses[:-1])
        details = error_details(error)
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert details["ErrorInfo"].reason == "GOING_AWAY"
        delays.add(details["RetryInfo"].retry_delay.ToNanoseconds())
    assert len(delays) == len(calls), "clients are spread over time"
    await asyncio.wait_for(drained, AWAIT_S)
    error = await refused(stub.Subscribe(contract.SubscribeRequest()))
    assert error.code() is grpc.StatusCode.UNAVAILABLE


async def test_health_is_checked_and_watched(node: Node, channel: grpc.aio.Channel) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)
    for service in ("", "tickmux.v1.MarketDataService"):
        answer = await health.Check(health_pb2.HealthCheckRequest(service=service), timeout=AWAIT_S)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    watch = health.Watch(health_pb2.HealthCheckRequest())
    assert (await asyncio.wait_for(watch.read(), AWAIT_S)).status == health_pb2.HealthCheckResponse.SERVING
    await node.drain()
    assert (await asyncio.wait_for(watch.read(), AWAIT_S)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watch.cancel()


async def test_reflection_describes_the_service(node: Node) -> None:
    def describe() -> tuple[list[str], list[str]]:
        with grpc.insecure_channel(node.address) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            services = list(database.get_services())
            file = database.FindFileContainingSymbol("tickmux.v1.MarketDataService")
            return services, [method.name for method in file.service[0].method]

    services, methods = await asyncio.to_thread(describe)
    assert {"tickmux.v1.MarketDataService", "grpc.health.v1.Health"} <= set(services)
    assert methods == ["GetSnapshot", "Subscribe", "ListInstruments", "ListSources"]


async def test_a_defect_is_told_as_one_and_logged(
    node: Node, stub: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(node.hub, "select", fail)
    monkeypatch.setattr(node.hub, "join", fail)
    for call in (stub.GetSnapshot(contract.GetSnapshotRequest()), stub.Subscribe(contract.SubscribeRequest())):
        error = await refused(call)
        assert error.code() is grpc.StatusCode.INTERNAL
        assert error_details(error)["ErrorInfo"].reason == "INTERNAL"
        assert "a defect" not in (error.details() or "")
    assert caplog.text.count("RuntimeError: a defect") == 2
