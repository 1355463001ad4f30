"""A client that reads nothing costs bounded memory and nobody else an update; after the write deadline it is cut."""

import asyncio
from typing import Any

import grpc
import pytest
from tests.server.feed import NodeFeed
from tests.server.test_service import AWAIT_S, error_details, everything, until

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux_adapters.model import SystemClock
from tickmux_server.config import Config
from tickmux_server.node import Node
from tickmux_server.route import CHUNK_BYTES_MAX
from tickmux_server.streams import WRITE_DEADLINE_S

# With BDP probing the client's window grows to megabytes, and a stall shows only after those.
SMALL_WINDOW = (("grpc.http2.bdp_probe", 0), ("grpc.use_local_subchannel_pool", 1))
SYMBOLS = [f"S{number:03}" for number in range(100)]


class LeapingClock(SystemClock):
    """The machine's clock, which a test can set forward."""

    leap_ns = 0

    def monotonic_ns(self) -> int:
        return SystemClock.monotonic_ns() + self.leap_ns


@pytest.fixture
async def clock() -> LeapingClock:
    return LeapingClock()


@pytest.fixture
async def node(clock: LeapingClock) -> Any:
    node = Node(Config(listen="127.0.0.1:0", sources={"binance": None}), clock, flags={})  # type: ignore[dict-item] # only the name is asked for
    await node.start()
    yield node
    await node.stop()


async def test_a_client_that_never_reads_hurts_only_itself(node: Node, clock: LeapingClock) -> None:
    feeding = NodeFeed(node)
    feeding.bids("binance", dict.fromkeys(SYMBOLS, 0.0))
    async with (
        grpc.aio.insecure_channel(node.address, options=SMALL_WINDOW) as stalled_channel,
        grpc.aio.insecure_channel(node.address, options=SMALL_WINDOW) as healthy_channel,
    ):
        stalled_stub: Any = stubs.MarketDataServiceStub(stalled_channel)
        healthy_stub: Any = stubs.MarketDataServiceStub(healthy_channel)
        stalled = stalled_stub.Subscribe(contract.SubscribeRequest())
        await asyncio.wait_for(stalled.read(), AWAIT_S)
        healthy = healthy_stub.Subscribe(contract.SubscribeRequest())
        await asyncio.wait_for(healthy.read(), AWAIT_S)

        revisions = dict.fromkeys(SYMBOLS, 1)
        for price in range(1, 400):
            feeding.bids("binance", dict.fromkeys(SYMBOLS, float(price)))
            while min(revisions.values()) < price + 1:
                response = await asyncio.wait_for(healthy.read(), AWAIT_S)
                assert response.conflated == 0
                for quote in response.quotes:
                    assert quote.revision == revisions[quote.symbol] + 1
                    revisions[quote.symbol] = quote.revision

        # The healthy one may still be at the end of its last write.
        await until(lambda: sum(stream.writing_since_ns is not None for stream in node.streams._streams) == 1)
        (stream,) = (stream for stream in node.streams._streams if stream.writing_since_ns is not None)
        assert stream.subscription is not None
        owned = sum(len(batch.quotes) + len(batch.statuses) for batch in stream.subscription._batches)
        assert owned <= CHUNK_BYTES_MAX

        clock.leap_ns = round((WRITE_DEADLINE_S + 1) * 1e9)
        node.streams.sweep()
        await until(lambda: len(node.streams) == 1)
        feeding.bids("binance", {"S000": -1.0})
        async with asyncio.timeout(AWAIT_S):
            while not any(quote.bid_price == -1.0 for quote in (await healthy.read()).quotes):
                pass
        healthy.cancel()
        _, error = await everything(stalled)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert error_details(error)["ErrorInfo"].reason == "CLIENT_TOO_SLOW"


async def stall(node: Node, channel: grpc.aio.Channel, count: int) -> list[Any]:
    """Subscribe, and read not even the first response, which does not fit into the window."""
    stub: Any = stubs.MarketDataServiceStub(channel)
    calls = [stub.Subscribe(contract.SubscribeRequest()) for _ in range(count)]
    await until(
        lambda: sum(stream.writing_since_ns is not None for stream in node.streams._streams) == count,
    )
    return calls


async def test_streams_that_stall_do_not_slow_down_the_flushes_of_others(node: Node) -> None:
    feeding = NodeFeed(node)
    feeding.bids("binance", {f"S{number:04}": 1.0 for number in range(4000)})
    async with grpc.aio.insecure_channel(node.address, options=SMALL_WINDOW) as channel:
        calls = await stall(node, channel, 60)
        streams = node.streams
        for price in (2.0, 3.0):
            began_ns = streams._flush_began_ns
            feeding.bids("binance", {"S0000": price})
            await until(lambda before_ns=began_ns: streams._flush_began_ns != before_ns)  # type: ignore[misc] # mypy does not see the default
        assert streams._writers == 0
        for call in calls:
            call.cancel()


async def test_a_client_that_stalls_from_the_start_is_told_when_it_reads(node: Node, clock: LeapingClock) -> None:
    NodeFeed(node).bids("binance", {f"S{number:04}": 1.0 for number in range(4000)})
    async with grpc.aio.insecure_channel(node.address, options=SMALL_WINDOW) as channel:
        (call,) = await stall(node, channel, 1)
        clock.leap_ns = round((WRITE_DEADLINE_S + 1) * 1e9)
        node.streams.sweep()
        await until(lambda: len(node.streams) == 0)
        _, error = await everything(call)
    assert error_details(error)["ErrorInfo"].reason == "CLIENT_TOO_SLOW"


async def test_streams_that_were_cut_hold_no_place_on_their_connection(
    node: Node, clock: LeapingClock, uncollected: None
) -> None:
    NodeFeed(node).bids("binance", {f"S{number:04}": 1.0 for number in range(4000)})
    async with grpc.aio.insecure_channel(node.address, options=SMALL_WINDOW) as channel:
        for _ in range(4):
            calls = await stall(node, channel, 40)
            clock.leap_ns += round((WRITE_DEADLINE_S + 1) * 1e9)
            node.streams.sweep()
            await until(lambda: len(node.streams) == 0)
            for call in calls:
                call.cancel()
                await call.code()


async def test_a_slow_client_under_latest_counts_exactly_what_it_missed(node: Node) -> None:
    feeding = NodeFeed(node)
    feeding.bids("binance", dict.fromkeys(SYMBOLS, 0.0))
    async with grpc.aio.insecure_channel(node.address, options=SMALL_WINDOW) as channel:
        stub: Any = stubs.MarketDataServiceStub(channel)
        call = stub.Subscribe(contract.SubscribeRequest(delivery=contract.DELIVERY_LATEST))
        await asyncio.wait_for(call.read(), AWAIT_S)
        published = 0
        for price in range(1, 400):
            feeding.bids("binance", dict.fromkeys(SYMBOLS, float(price)))
            published += len(SYMBOLS)
            await asyncio.sleep(0)
        delivered = conflated = 0
        latest: dict[str, float] = {}
        while delivered + conflated < published:
            response = await asyncio.wait_for(call.read(), AWAIT_S)
            conflated += response.conflated
            delivered += len(response.quotes)
            latest.update({quote.symbol: quote.bid_price for quote in response.quotes})
        assert delivered + conflated == published
        assert conflated > 0
        assert set(latest.values()) == {399.0}
        call.cancel()


async def test_a_stream_that_is_old_enough_is_sent_away(node: Node, clock: LeapingClock) -> None:
    async with grpc.aio.insecure_channel(node.address, options=SMALL_WINDOW) as channel:
        stub: Any = stubs.MarketDataServiceStub(channel)
        call = stub.Subscribe(contract.SubscribeRequest())
        await asyncio.wait_for(call.read(), AWAIT_S)
        clock.leap_ns = round(0.79 * 1800e9)
        node.streams.sweep()
        clock.leap_ns = round(1.21 * 1800e9)
        node.streams.sweep()
        responses, error = await everything(call)
        assert [response.going_away for response in responses][-1]
        assert error.code() is grpc.StatusCode.UNAVAILABLE
