"""What the sweeper does to open streams, and what is left of those that have ended."""

import asyncio
import weakref
from typing import Any

import grpc
from tests.server.feed import Feed, NodeFeed
from tests.server.test_service import AWAIT_S, everything, until

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux_server.node import Node
from tickmux_server.selection import Selection
from tickmux_server.streams import WAKES_PER_ITERATION, Stream, Streams
from tickmux_server.subscription import Subscription
from tickmux_server.turns import Turns


def opened(streams: Streams, feed: Feed, *, expires_ns: int = 1 << 62) -> Stream:
    """A stream that a task serves, as far as the sweeper can see."""
    stream = Stream(expires_ns)
    stream.subscription = Subscription(feed.hub, feed.clock, Selection(), heartbeat_interval_s=1.0)
    while stream.subscription.next_response() is not None:
        pass
    streams._streams[stream] = None
    return stream


async def test_heartbeats_that_are_due_together_are_spread_over_iterations(feed: Feed) -> None:
    streams = Streams(feed.hub, feed.clock, stream_age_s=1800.0)
    open_streams = [opened(streams, feed) for _ in range(2 * WAKES_PER_ITERATION + 5)]
    feed.clock.advance(1.0)
    streams.sweep()
    told = [sum(stream.news.is_set() for stream in open_streams)]
    while told[-1] < len(open_streams):
        await asyncio.sleep(0)
        told.append(sum(stream.news.is_set() for stream in open_streams))
        assert told[-1] > told[-2]
    assert told == [64, 128, 133]


async def test_a_stream_that_always_writes_ends_by_its_age_too(feed: Feed) -> None:
    streams = Streams(feed.hub, feed.clock, stream_age_s=1800.0)
    stream = opened(streams, feed, expires_ns=feed.clock.monotonic + 1)
    feed.clock.advance(1.0)
    stream.writing_since_ns = feed.clock.monotonic
    streams.sweep()
    assert stream.subscription is not None
    raw = stream.subscription.next_response()
    assert raw is not None
    assert contract.SubscribeResponse.FromString(raw).going_away


async def test_a_stream_that_waits_for_its_turn_is_sent_away_too(
    node: Node, channel: grpc.aio.Channel, feeding: NodeFeed
) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0})
    its_turn = asyncio.Event()

    class Held(Turns):
        async def run(self, step: Any) -> Any:
            await its_turn.wait()
            return step()

    node.streams.turns = Held()
    stub: Any = stubs.MarketDataServiceStub(channel)
    call = stub.Subscribe(contract.SubscribeRequest())
    await until(lambda: len(node.streams) == 1)
    draining = asyncio.create_task(node.drain())
    await until(lambda: node.streams._draining)
    its_turn.set()
    responses, error = await everything(call)
    assert (responses[0].caught_up, responses[-1].going_away) == (True, True)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    async with asyncio.timeout(AWAIT_S):
        await draining


async def test_nothing_is_left_of_a_stream_that_has_ended(
    node: Node, channel: grpc.aio.Channel, feeding: NodeFeed, uncollected: None
) -> None:
    feeding.bids("binance", {"BTCUSDT": 1.0})
    stub: Any = stubs.MarketDataServiceStub(channel)
    call = stub.Subscribe(contract.SubscribeRequest())
    await asyncio.wait_for(call.read(), AWAIT_S)
    (stream,) = node.streams._streams
    assert stream.subscription is not None
    subscription = weakref.ref(stream.subscription)
    del stream
    call.cancel()
    await until(lambda: len(node.streams) == 0)
    await until(lambda: subscription() is None)
