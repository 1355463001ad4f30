"""A simulated market looks after an hour as it did at its opening: no chasms, no stale last prices, bounded books."""

import itertools
import math
from collections.abc import Iterator

import pytest

from tickmux_simulators.book import Side
from tickmux_simulators.kraken.depth import visible_changes
from tickmux_simulators.listings import BINANCE_LISTINGS, KRAKEN_LISTINGS, Listing
from tickmux_simulators.market import BookEvent, Instrument, Market
from tickmux_simulators.orders import LEVELS, LEVELS_SLACK

START_NS = 1_790_000_000_000_000_000
STEP_NS = 100_000_000
LISTINGS = {"binance": BINANCE_LISTINGS, "kraken": KRAKEN_LISTINGS}
TICKS = 6
"""What the price step alone explains: some pairs have a step of 0.2 % of the price."""


def market(venue: str, bases: set[str], *, seed: int, rate: float) -> Market:
    """A market of a few pairs, each as busy as it is when the venue's whole list shares the rate."""
    listings = tuple(one for one in LISTINGS[venue] if one.base in bases and one.quote in {"USD", "USDT", "EUR"})
    share = sum(map(weight, listings)) / sum(map(weight, LISTINGS[venue]))
    return Market(venue, listings, seed=seed, rate=rate * share, start_ns=START_NS)


def weight(listing: Listing) -> float:
    return math.sqrt(listing.turnover_usd)


def seconds(one: Market, count: int, *, first: int = 0) -> Iterator[int]:
    """Play so many seconds, and stop after each."""
    for second in range(first + 1, first + count + 1):
        for step in range(10):
            for _ in one.advance(START_NS + (second - 1) * 1_000_000_000 + (step + 1) * STEP_NS):
                pass
        yield second


def faults_of(instrument: Instrument) -> list[str]:
    """What is not plausible about an instrument as it stands."""
    step = instrument.listing.price_step
    bid, _, ask, _ = instrument.book.top()
    mid = (bid + ask) / 2
    found = []
    if not 0 < ask - bid <= max(TICKS * step, 0.0015 * mid):
        found.append(f"spread {bid}/{ask}")
    if abs(instrument.last_price - mid) > max(TICKS * step, 0.005 * mid):
        found.append(f"last {instrument.last_price} at {bid}/{ask}")
    for side in Side:
        ladder = instrument.book.ladder(side)
        prices = [price for price, _ in ladder.top(10)]
        gap = max((abs(near - far) for near, far in itertools.pairwise(prices)), default=0)
        if len(prices) < 10 or gap > max(3 * step, 0.0005 * mid):
            found.append(f"{side.name} levels {prices}")
        # Half a price has so many steps; a pair of fewer than 1000 cannot fill the nominal depth.
        fewest = min(LEVELS - LEVELS_SLACK, int(mid / 2 / step / 2))
        if not fewest <= len(ladder) <= LEVELS + LEVELS_SLACK:
            found.append(f"{len(ladder)} {side.name} levels")
    return [f"{instrument.symbol}: {each}" for each in found]


@pytest.mark.parametrize(
    ("venue", "bases", "seed", "rate"),
    [
        ("binance", {"BTC", "LINK", "AVAX", "ATOM", "PEPE", "USDC"}, 7, 50.0),
        ("kraken", {"SOL", "AVAX", "ATOM", "SHIB"}, 1, 50.0),
        ("binance", {"LINK", "AVAX"}, 1, 200.0),
        ("kraken", {"LINK", "DOT"}, 3, 200.0),
        ("binance", {"DOT"}, 2, 1000.0),
        ("kraken", {"ATOM"}, 2, 1000.0),
    ],
)
def test_a_market_is_as_sound_after_an_hour_as_at_its_opening(
    venue: str, bases: set[str], seed: int, rate: float
) -> None:
    one = market(venue, bases, seed=seed, rate=rate)
    assert len(one.instruments) >= len(bases)
    opening = {symbol: instrument.update_id for symbol, instrument in one.instruments.items()}
    for second in seconds(one, 3600):
        if second % 10 == 0:
            found = [each for instrument in one.instruments.values() for each in faults_of(instrument)]
            assert not found, f"after {second} s"
    assert all(instrument.update_id > opening[symbol] for symbol, instrument in one.instruments.items())


@pytest.mark.parametrize("venue", ["binance", "kraken"])
def test_a_book_that_stood_still_for_hours_is_whole_after_its_next_event(venue: str) -> None:
    one = market(venue, {"SOL", "AVAX", "PEPE"}, seed=5, rate=200.0)
    for hours in range(3, 40, 6):
        # The fair value is by now beyond every level of one side, or far inside the other.
        start_ns = START_NS + hours * 3_600_000_000_000
        waiting = set(one.instruments)
        step = 0
        while waiting:
            step += 1
            for event in one.advance(start_ns + step * STEP_NS):
                symbol = event.instrument.symbol
                if symbol in waiting and isinstance(event, BookEvent):
                    waiting.discard(symbol)
                    assert [each for each in faults_of(event.instrument) if "last" not in each] == []
                    assert len(event.changes) < 2.2 * (LEVELS + 2 * LEVELS_SLACK)


@pytest.mark.parametrize("depth", [10, 100, 1000])
def test_a_reader_of_limited_depth_follows_levels_that_come_and_go_by_the_hundred(depth: int) -> None:
    one = market("kraken", {"SOL", "AVAX", "LINK"}, seed=5, rate=1.0)
    held = {
        (symbol, side): dict(instrument.book.ladder(side).top(depth))
        for symbol, instrument in one.instruments.items()
        for side in Side
    }
    longest = 0
    for event in one.advance(START_NS + 2 * 3_600_000_000_000):
        if not isinstance(event, BookEvent):
            continue
        longest = max(longest, len(event.changes))
        for side in Side:
            ladder = event.instrument.book.ladder(side)
            changes = [change for change in event.changes if change.side is side]
            rows = held[event.instrument.symbol, side] | dict(visible_changes(changes, ladder, depth))
            levels = sorted((price * side.value, size) for price, size in rows.items() if size)[:depth]
            read = [(price * side.value, size) for price, size in levels]
            assert read == ladder.top(depth)
            held[event.instrument.symbol, side] = dict(read)
    assert longest > 100
