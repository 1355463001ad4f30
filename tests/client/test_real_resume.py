"""Both flavours of the client go on where they stood, against the real hub and gRPC server."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.client.flavours import FLAVOURS, Flavour, ask, given, kinds
from tests.client.real_server import Watching, bid, running
from tests.relay import Relay
from tests.server.feed import NodeFeed

from tickmux_client import (
    CaughtUp,
    Delivery,
    Disconnected,
    GoingAway,
    Hole,
    Quote,
    Reconnected,
    Reset,
    SourceChanged,
)
from tickmux_server.node import Node

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

SYMBOLS = [f"S{number:02}USDT" for number in range(20)]
LAST_PRICE = 1_000_000.0


@asynccontextmanager
async def trading(node: Node) -> AsyncIterator[None]:
    """Every symbol is quoted over and over; on leaving, once more at the last price."""
    feed = NodeFeed(node)
    feed.bids("binance", dict.fromkeys(SYMBOLS, 1.0))

    async def trade() -> None:
        price = 2.0
        while True:
            # One at a time, so that a state is cut between any two.
            for symbol in SYMBOLS:
                feed.bids("binance", {symbol: price})
                await asyncio.sleep(0)
            price += 1.0
            await asyncio.sleep(0.02)

    task = asyncio.create_task(trade())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    for symbol in SYMBOLS:
        feed.bids("binance", {symbol: LAST_PRICE})


def is_last(event: Any) -> bool:
    return isinstance(event, Quote) and event.symbol == SYMBOLS[-1] and event.bid_price == LAST_PRICE


def assert_whole(events: list[Any], before: dict[str, int] | None = None) -> None:
    """Every revision of every symbol once and in order, from those of `before` or the first that was seen on."""
    revisions: dict[str, list[int]] = defaultdict(list)
    for event in events:
        if isinstance(event, Quote):
            revisions[event.symbol].append(event.revision)
    assert sorted(revisions) == SYMBOLS
    for symbol, seen in revisions.items():
        first = seen[0] if before is None else before[symbol] + 1
        assert seen == list(range(first, first + len(seen))), symbol
    assert not any(event.gap_before for event in events if isinstance(event, Quote))
    assert not {Hole, Reset} & set(kinds(events))


async def test_cuts_of_the_connection_lose_nothing_and_repeat_nothing(flavour: Flavour) -> None:
    async with running() as node, Relay(node.address) as relay:
        async with trading(node):
            watching = Watching(flavour, relay.target, is_last)
            for _ in range(5):
                await watching.started()
                watching.caught_up.clear()
                relay.cut()
            await watching.started()
        events = await watching.result()
    assert_whole(events)
    assert [event.resumed for event in events if isinstance(event, Reconnected)] == [True] * 5
    assert [event.attempts for event in events if isinstance(event, Disconnected)].count(0) == 5


async def test_a_program_that_starts_anew_goes_on_where_it_stood(flavour: Flavour) -> None:
    events: list[Any] = []
    token = ""
    async with running() as node:
        async with trading(node):
            for count in (50, 51, 67, 93):
                of_one_run, token = await given(flavour, node.address, "subscribe", count, resume_token=token)
                events += of_one_run
            watching = Watching(flavour, node.address, is_last, resume_token=token)
            await watching.started()
        events += await watching.result()
    revisions: dict[str, set[int]] = defaultdict(set)
    for event in events:
        if isinstance(event, Quote):
            revisions[event.symbol].add(event.revision)
    assert sorted(revisions) == SYMBOLS
    for symbol, seen in revisions.items():
        assert seen == set(range(min(seen), max(seen) + 1)), symbol
    assert not {Hole, Reset} & set(kinds(events))


async def test_the_age_of_a_stream_is_no_trouble(flavour: Flavour) -> None:
    async with running(stream_age_s=0.5) as node:
        async with trading(node):
            watching = Watching(flavour, node.address, is_last)
            for _ in range(3):
                await watching.started()
                watching.caught_up.clear()
        events = await watching.result()
    assert_whole(events)
    moves = [event for event in events if isinstance(event, GoingAway | Reconnected | Disconnected)]
    assert kinds(moves)[:4] == [GoingAway, Reconnected] * 2
    assert Disconnected not in kinds(moves)
    assert all(event.resumed for event in moves if isinstance(event, Reconnected))


@pytest.mark.parametrize("page_size", [0, 1])
async def test_a_stream_joins_a_snapshot_without_loss_and_without_repeats(flavour: Flavour, page_size: int) -> None:
    async with running() as node:
        async with trading(node):
            snapshot = await ask(flavour, node.address, "snapshot", page_size=page_size)
            watching = Watching(flavour, node.address, is_last, after=snapshot)
            await watching.started()
        events = await watching.result()
    assert_whole(events, {quote.symbol: quote.revision for quote in snapshot.quotes})


async def test_a_stream_after_the_snapshot_of_something_else_says_so(flavour: Flavour) -> None:
    async with running() as node:
        NodeFeed(node).bids("binance", {"BTCUSDT": 1.0})
        other = await ask(flavour, node.address, "snapshot", ["ETH*"])
        events = await Watching(flavour, node.address, bid(1.0), symbols=["BTC*"], after=other).result()
    assert [kind for kind in kinds(events) if kind is not SourceChanged] == [Reset, Quote]


async def test_latest_goes_on_with_what_has_changed(flavour: Flavour) -> None:
    async with running() as node, Relay(node.address) as relay:
        feed = NodeFeed(node)
        feed.bids("binance", {"BTCUSDT": 1.0, "ETHUSDT": 1.0})
        watching = Watching(flavour, relay.target, bid(3.0), delivery=Delivery.LATEST)
        await watching.started()
        relay.cut()
        feed.bids("binance", {"BTCUSDT": 2.0})
        feed.bids("binance", {"BTCUSDT": 3.0})
        events = await watching.result()
    assert Reset not in kinds(events)
    after_cut = events[kinds(events).index(Disconnected) :]
    assert {event.symbol for event in after_cut if isinstance(event, Quote)} == {"BTCUSDT"}


async def test_a_quiet_quote_is_right_again_at_once(flavour: Flavour) -> None:
    stale: list[tuple[type, bool]] = []
    async with running() as node, Relay(node.address) as relay:
        kept: list[Quote] = []

        def until(event: Any) -> bool:
            if isinstance(event, Quote):
                kept.append(event)
            elif isinstance(event, CaughtUp | Disconnected):
                stale.append((type(event), kept[0].is_stale))
            return stale[-1:] == [(CaughtUp, False)] and len(stale) > 1

        NodeFeed(node).bids("binance", {"BTCUSDT": 1.0})
        watching = Watching(flavour, relay.target, until)
        await watching.started()
        relay.cut()
        await watching.result()
    assert (stale[0], stale[-1]) == ((CaughtUp, False), (CaughtUp, False))
    assert set(stale[1:-1]) == {(Disconnected, True)}
    assert len(kept) == 1
