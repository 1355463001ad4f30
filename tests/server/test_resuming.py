"""Resuming, pace and ends over a real gRPC server."""

import asyncio
from typing import Any

import grpc
import pytest
from tests.server.feed import NodeFeed
from tests.server.test_service import AWAIT_S, error_details, everything, refused, until

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux_adapters.model import SystemClock
from tickmux_server.config import Config
from tickmux_server.node import Node
from tickmux_server.streams import RECONNECT_SPREAD_S_MIN, reconnect_spread_s


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    return stubs.MarketDataServiceStub(channel)


async def read(call: Any) -> contract.SubscribeResponse:
    async with asyncio.timeout(AWAIT_S):
        response: contract.SubscribeResponse = await call.read()
        return response


async def prices(call: Any, count: int) -> tuple[list[float], str]:
    """The next bids of a stream, and the token of the last response."""
    bids: list[float] = []
    token = ""
    while len(bids) < count:
        response = await read(call)
        bids += [quote.bid_price for quote in response.quotes]
        token = response.resume_token
    return bids, token


async def test_a_stream_that_was_cut_goes_on_with_exactly_what_it_missed(
    node: Node, stub: Any, feeding: NodeFeed
) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0, "ETHUSDT": 1.0})
    selection = contract.Selection(symbols=["BTCUSDT"])
    call = stub.Subscribe(contract.SubscribeRequest(selection=selection))
    _, token = await prices(call, 1)
    call.cancel()
    await until(lambda: len(node.streams) == 0)
    for price in range(2, 200):
        feeding.bids("binance", {"BTCUSDT": float(price), "ETHUSDT": float(price)})
    call = stub.Subscribe(contract.SubscribeRequest(selection=selection, resume_token=token))
    first = await read(call)
    assert first.continuity == contract.CONTINUITY_RESUMED
    assert [status.source for status in first.source_statuses] == ["binance"]
    assert [quote.bid_price for quote in first.quotes] == [float(price) for price in range(2, 200)]
    assert (first.caught_up, first.conflated) == (True, 0)
    feeding.bids("binance", {"BTCUSDT": 200.0})
    assert (await prices(call, 1))[0] == [200.0]
    call.cancel()


async def test_a_snapshot_and_a_stream_join_without_loss(stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {f"S{number:02}": 1.0 for number in range(25)})
    request = contract.GetSnapshotRequest(page_size=10)
    tokens: list[str] = []
    for price in (2.0, 3.0, 4.0):
        page = await stub.GetSnapshot(request, timeout=AWAIT_S)
        tokens.append(page.resume_token)
        request.page_token = page.next_page_token
        feeding.bids("binance", {"S00": price})
    assert tokens[:2] == ["", ""]
    for delivery, bids in ((contract.DELIVERY_ALL, [2.0, 3.0, 4.0]), (contract.DELIVERY_LATEST, [4.0])):
        call = stub.Subscribe(contract.SubscribeRequest(resume_token=tokens[2], delivery=delivery))
        first = await read(call)
        assert first.continuity == contract.CONTINUITY_RESUMED
        assert [quote.bid_price for quote in first.quotes] == bids
        call.cancel()


async def test_a_text_that_is_no_token_is_refused(stub: Any) -> None:
    error = await refused(stub.Subscribe(contract.SubscribeRequest(resume_token="yesterday")))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [violation.field for violation in error_details(error)["BadRequest"].field_violations] == ["resume_token"]


async def test_a_paced_stream_is_woken_when_its_time_has_come(stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0})
    request = contract.SubscribeRequest(delivery=contract.DELIVERY_LATEST)
    request.min_interval.FromMilliseconds(300)
    call = stub.Subscribe(request)
    await read(call)
    feeding.bids("binance", {"BTCUSDT": 2.0})
    feeding.bids("binance", {"BTCUSDT": 3.0})
    response = await read(call)
    assert ([quote.bid_price for quote in response.quotes], response.conflated) == ([3.0], 1)
    call.cancel()


async def test_no_quote_sleeps_through_its_time(stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 0.0})
    request = contract.SubscribeRequest()
    request.min_interval.FromMilliseconds(10)
    request.heartbeat_interval.FromSeconds(3600)
    call = stub.Subscribe(request)
    await read(call)
    for price in range(1, 101):
        feeding.bids("binance", {"BTCUSDT": float(price)})
        # Nothing else would wake the stream.
        response = await read(call)
        assert [quote.bid_price for quote in response.quotes] == [float(price)]
    call.cancel()


async def test_all_or_end_is_told_where_it_fell_behind(node: Node, stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0})
    request = contract.SubscribeRequest(delivery=contract.DELIVERY_ALL_OR_END)
    request.min_interval.FromSeconds(1)
    call = stub.Subscribe(request)
    state = await read(call)
    feeding.bids("binance", {"BTCUSDT": 2.0})
    node.hub.retention._bytes_max = 0
    feeding.bids("binance", {"BTCUSDT": 3.0})
    responses, error = await everything(call)
    assert not any(response.quotes for response in responses)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    details = error_details(error)
    assert details["ErrorInfo"].reason == "CLIENT_TOO_FAR_BEHIND"
    assert details["ErrorInfo"].metadata["resume_token"] == state.resume_token
    assert details["RetryInfo"].retry_delay.ToNanoseconds() > 0
    call = stub.Subscribe(contract.SubscribeRequest(delivery=request.delivery, resume_token=state.resume_token))
    assert (await read(call)).continuity == contract.CONTINUITY_RESET
    call.cancel()


async def test_who_is_sent_away_goes_on_after_it(node: Node, stub: Any, feeding: NodeFeed) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0})
    call = stub.Subscribe(contract.SubscribeRequest())
    await read(call)
    (stream,) = node.streams._streams
    assert stream.subscription is not None
    stream.subscription.go_away()
    responses, error = await everything(call)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert responses[-1].going_away
    feeding.bids("binance", {"BTCUSDT": 2.0})
    call = stub.Subscribe(contract.SubscribeRequest(resume_token=responses[-1].resume_token))
    first = await read(call)
    assert (first.continuity, [quote.bid_price for quote in first.quotes]) == (contract.CONTINUITY_RESUMED, [2.0])
    call.cancel()


async def test_a_stream_of_age_ends_and_goes_on_elsewhere() -> None:
    config = Config(listen="127.0.0.1:0", stream_age_s=0.2, sources={"binance": None})  # type: ignore[dict-item] # only the names are asked for
    node = Node(config, SystemClock(), flags={})
    await node.start()
    watching = asyncio.create_task(node.streams.watch())
    async with grpc.aio.insecure_channel(node.address) as channel:
        stub: Any = stubs.MarketDataServiceStub(channel)
        feeding = NodeFeed(node)
        bids: list[float] = []
        token = ""
        for price in range(1, 6):
            feeding.bids("binance", {"BTCUSDT": float(price)})
            responses, error = await everything(stub.Subscribe(contract.SubscribeRequest(resume_token=token)))
            opened = contract.CONTINUITY_RESUMED if token else contract.CONTINUITY_SNAPSHOT
            assert responses[0].continuity == opened
            bids += [quote.bid_price for response in responses for quote in response.quotes]
            assert (responses[-1].going_away, error.code()) == (True, grpc.StatusCode.UNAVAILABLE)
            assert error_details(error)["RetryInfo"].retry_delay.ToMilliseconds() <= RECONNECT_SPREAD_S_MIN * 1000
            token = responses[-1].resume_token
    assert bids == [1.0, 2.0, 3.0, 4.0, 5.0]
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    await node.stop()


def test_the_more_streams_are_sent_away_the_longer_they_take_to_come_back() -> None:
    assert [reconnect_spread_s(streams) for streams in (1, 200, 5_000, 1_000_000)] == [0.1, 0.2, 5.0, 10.0]
