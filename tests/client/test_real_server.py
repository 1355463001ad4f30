"""Both flavours of the client against the real hub and gRPC server, fed by hand."""

import asyncio
import time
from collections import defaultdict

import pytest
from tests.client.flavours import FLAVOURS, LIMIT_S, OPTIONS, Flavour, ask, collect, kinds
from tests.client.real_server import Watching, bid, running
from tests.server.feed import NodeFeed

from tickmux_adapters.model import ChannelStatus, SourceState
from tickmux_client import (
    CaughtUp,
    Conflated,
    Disconnected,
    GoingAway,
    Hole,
    InvalidRequestError,
    Quote,
    Reconnected,
    Reset,
    SourceChanged,
    Unmatched,
    connect,
)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_every_revision_arrives_in_order(flavour: Flavour) -> None:
    async with running() as node:
        feed = NodeFeed(node)
        feed.bids("binance", {"BTCUSDT": 1.0, "ETHUSDT": 1.0})
        watching = Watching(flavour, node.address, bid(500.0), symbols=["BTC*", "NOPE"])
        await watching.started()
        for price in range(2, 501):
            feed.bids("binance", {"ETHUSDT": float(price), "BTCUSDT": float(price)})
            if price % 50 == 0:
                await asyncio.sleep(0)
        events = await watching.result()
    quotes = [event for event in events if isinstance(event, Quote)]
    assert [quote.bid_price for quote in quotes] == [float(price) for price in range(1, 501)]
    assert [quote.revision for quote in quotes] == list(range(1, 501))
    assert {quote.symbol for quote in quotes} == {"BTCUSDT"}
    assert not any(quote.gap_before for quote in quotes)
    others = {type(event) for event in events} - {Quote}
    assert others == {CaughtUp, SourceChanged, Unmatched}


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_source_that_stops_makes_its_quotes_stale_and_a_new_chain_shows(flavour: Flavour) -> None:
    async with running() as node:
        feed = NodeFeed(node)
        feed.bids("binance", {"BTCUSDT": 1.0, "QUIET": 1.0})
        watching = Watching(flavour, node.address, bid(2.0), sources="binance")
        await watching.started()
        for state in (SourceState.DOWN, SourceState.LIVE):
            node.publisher.status(
                ChannelStatus(source="binance", channel="0", state=state, since_ns=time.time_ns(), last_error="gone")
            )
        node.publisher.begin_chain("binance", "0")
        feed.bids("binance", {"BTCUSDT": 2.0})
        events = await watching.result()
    quotes = {(event.symbol, event.bid_price): event for event in events if isinstance(event, Quote)}
    assert quotes["BTCUSDT", 2.0].revision == 1
    assert quotes["BTCUSDT", 2.0].epoch > quotes["BTCUSDT", 1.0].epoch
    assert {key: quote.gap_before for key, quote in quotes.items()} == {
        ("BTCUSDT", 1.0): False,
        ("QUIET", 1.0): False,
        ("BTCUSDT", 2.0): True,
    }
    assert Hole not in kinds(events)
    states = [event.status.state.name for event in events if isinstance(event, SourceChanged)]
    assert "DOWN" in states
    assert states[-1] == "LIVE"


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_restarted_server_is_found_again(flavour: Flavour) -> None:
    async with running() as node:
        NodeFeed(node).bids("binance", {"BTCUSDT": 1.0})
        watching = Watching(flavour, node.address, bid(2.0))
        await watching.started()
    async with running(node.address) as node:
        NodeFeed(node).bids("binance", {"BTCUSDT": 2.0})
        events = await watching.result()
    order = [kind for kind in kinds(events) if kind not in (Disconnected, SourceChanged)]
    assert Disconnected in kinds(events)
    assert order[:2] == [Quote, CaughtUp]
    assert order[2:4] == [Reconnected, Reset]
    assert events[-1].gap_before or events[-1].revision == 1


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_a_server_that_drains_says_so(flavour: Flavour) -> None:
    async with running() as node:
        NodeFeed(node).bids("binance", {"BTCUSDT": 1.0})
        watching = Watching(flavour, node.address, lambda event: isinstance(event, GoingAway))
        await watching.started()
        await node.drain()
        events = await watching.result()
    assert Disconnected not in kinds(events)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_refusals_are_typed(flavour: Flavour) -> None:
    async with running() as node:
        with pytest.raises(InvalidRequestError, match="binance") as caught:
            await ask(flavour, node.address, "snapshot", sources="binanec")
        assert caught.value.reason
        assert caught.value.violations
        with pytest.raises(InvalidRequestError):
            await collect(flavour, node.address, "quotes", lambda _: False, symbols="B*C")
        with pytest.raises(InvalidRequestError, match="resume_token"):
            await collect(flavour, node.address, "quotes", lambda _: False, resume_token="yesterday")


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_lists(flavour: Flavour) -> None:
    async with running() as node:
        feed = NodeFeed(node)
        feed.bids("binance", {f"S{number}USDT": 1.5 for number in range(25)})
        snapshot = await ask(flavour, node.address, "snapshot", ["S*", "NOPE"], page_size=10)
        found = await ask(flavour, node.address, "instruments", page_size=10)
        sources = await ask(flavour, node.address, "sources")
    assert len(snapshot.quotes) == len(found.instruments) == 25
    assert {quote.bid_price for quote in snapshot.quotes} == {1.5}
    assert not any(quote.is_stale for quote in snapshot.quotes)
    assert snapshot.unmatched == ("NOPE",)
    assert "binance" in {status.source for status in sources}


async def test_a_consumer_that_falls_behind_is_told_how_much_it_missed() -> None:
    # Enough symbols that the walk, once behind, needs several responses.
    symbols = [f"S{number:04}USDT" for number in range(3000)]
    rounds = 16
    # Without the probe, which grows it to megabytes, grpc receives 64 KiB ahead of the consumer.
    options = {**OPTIONS, "channel_options": [("grpc.http2.bdp_probe", 0)]}
    async with running() as node, connect(node.address, **options) as client, asyncio.timeout(2 * LIMIT_S):
        feed = NodeFeed(node)
        feed.bids("binance", dict.fromkeys(symbols, 0.0))
        stream = client.subscribe()
        async for event in stream:
            if isinstance(event, CaughtUp):
                break
        delivered: dict[str, list[int]] = defaultdict(list)
        conflated = 0
        holes = []
        for price in range(1, rounds + 1):
            feed.bids("binance", dict.fromkeys(symbols, float(price)))
            # The server writes what fits; nothing is read meanwhile.
            await asyncio.sleep(0.01)
        async for event in stream:
            match event:
                case Quote():
                    before = delivered[event.symbol][-1] if delivered[event.symbol] else 1
                    assert event.gap_before is (event.revision != before + 1)
                    delivered[event.symbol].append(event.revision)
                    if len(delivered) == len(symbols) and all(seen[-1] == rounds + 1 for seen in delivered.values()):
                        break
                case Conflated(count):
                    conflated += count
                case Hole():
                    holes.append(event)
        await stream.aclose()
    assert conflated > 0
    assert holes == []
    assert conflated + sum(map(len, delivered.values())) == rounds * len(symbols)
