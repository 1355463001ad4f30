"""The seeded market of one venue: pure and deterministic under a seed, a start and the steps it is given."""

import bisect
import itertools
import math
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tickmux_simulators.book import Book, LevelChange, Side
from tickmux_simulators.day import BUCKET_S, DAY_S, Bucket, RollingDay
from tickmux_simulators.fair_value import FairValues, Regime
from tickmux_simulators.listings import ASSETS, Listing
from tickmux_simulators.orders import GAPS_MAX, Orders, usual_gap

NANOSECONDS: Final = 1_000_000_000
HISTORY_PERIOD_S: Final = 600.0  # faster moves do not show in the statistics of a day
FAIR_VALUE_AGE_NS: Final = 40_000_000
TRADES_KEPT: Final = 1000
SPREAD_SHARE: Final = 1e-5  # half a spread of a liquid pair, in parts of its price
EVENTS_A_STEP_MAX: Final = 5_000  # after a pause the market goes on; it does not make up for it
# Identifiers continue over a restart, as a venue's do: they start from the wall time and grow slower than it.
IDENTIFIER_EPOCH_S: Final = 1_700_000_000
UPDATES_A_SECOND: Final = 10_000
TRADES_A_SECOND: Final = 1_000


class Trade(NamedTuple):
    """One execution. Price and size in the listing's units."""

    instrument: "Instrument"
    time_ns: int
    trade_id: int
    price: int
    size: int
    taker: Side
    """BID if the buyer took the offer, ASK if the seller hit the bid."""


class BookEvent(NamedTuple):
    """One change of a book."""

    instrument: "Instrument"
    time_ns: int
    changes: tuple[LevelChange, ...]
    first_update_id: int
    last_update_id: int
    is_top_changed: bool


class RecordedFrame(NamedTuple):
    """One payload of a recording, to be sent as it is."""

    stream: str
    symbol: str
    raw: str


MarketEvent = Trade | BookEvent
Event = MarketEvent | RecordedFrame


@dataclass(slots=True, eq=False)
class Instrument:
    """A listing and everything that is currently known of it."""

    listing: Listing
    book: Book = field(default_factory=Book)
    day: RollingDay = field(default_factory=RollingDay)
    trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))
    update_id: int = 0
    trade_id: int = 0
    last_price: int = 0
    last_size: int = 0
    changed_at_ns: int = 0
    """Wall time of the last event."""
    is_halted: bool = False
    fair: float = 0.0
    fair_at_ns: int = 0

    @property
    def symbol(self) -> str:
        """The venue's name of it."""
        return self.listing.symbol


class Market:
    """Books and trades of one venue, moved on by `advance`."""

    is_recording = False

    def __init__(self, venue: str, listings: tuple[Listing, ...], *, seed: int, rate: float, start_ns: int) -> None:
        """Make the opening books.

        Args:
            venue: name, so that two venues of one seed differ in detail and agree in price.
            listings: what it trades.
            seed: everything random follows from it and from the times given.
            rate: events a second over all listings, on average over calm and busy times.
            start_ns: Unix time of the opening, nanoseconds.
        """
        self.rate = rate
        self.instruments = {listing.symbol: Instrument(listing) for listing in listings}
        self._random = random.Random(f"{seed}:{venue}:{start_ns}")  # noqa: S311 - a simulation, not a secret
        self._orders = Orders(self._random)
        self._fair_values = FairValues(seed, venue)
        self._regime = Regime(seed)
        self._now_ns = start_ns
        self._credit = 0.0
        self._order = list(self.instruments.values())
        weights = [math.sqrt(listing.turnover_usd) for listing in listings]
        self._weights = list(itertools.accumulate(weights))
        for instrument in self._order:
            self._open(instrument, start_ns)

    def advance(self, now_ns: int) -> Iterator[MarketEvent]:
        """Everything that happened since the last call, in order, with times up to `now_ns`.

        Each event is yielded when it has just happened: the books then are as it left them.
        """
        before_ns, self._now_ns = self._now_ns, max(now_ns, self._now_ns)
        elapsed_ns = self._now_ns - before_ns
        if elapsed_ns <= 0 or self.rate <= 0:
            return
        due = elapsed_ns / NANOSECONDS * self.rate * self._regime.factor(now_ns / NANOSECONDS)
        self._credit = min(self._credit + due, EVENTS_A_STEP_MAX)
        while self._credit >= 1.0:
            self._credit -= 1.0
            instrument = self._pick()
            if not instrument.is_halted:
                time_ns = self._now_ns - int(elapsed_ns * min(1.0, self._credit / max(due, 1.0)))
                events: list[MarketEvent] = []
                self._act(instrument, time_ns, events)
                yield from events

    def _pick(self) -> Instrument:
        return self._order[bisect.bisect_right(self._weights, self._random.random() * self._weights[-1])]

    # The opening.

    def _open(self, instrument: Instrument, start_ns: int) -> None:
        listing = instrument.listing
        seconds = start_ns / NANOSECONDS - IDENTIFIER_EPOCH_S
        instrument.update_id = int(seconds * UPDATES_A_SECOND)
        instrument.trade_id = int(seconds * TRADES_A_SECOND)
        instrument.changed_at_ns = start_ns
        self._seed_day(instrument, start_ns)
        bid, ask = self._targets(instrument, start_ns)
        for ladder, best in ((instrument.book.bids, bid), (instrument.book.asks, ask)):
            ladder.set(best, self._orders.size(instrument.listing))
            self._orders.mend(ladder, listing, instrument.fair)
        for ago in range(50, 0, -1):
            side = Side.BID if self._random.random() < 0.5 else Side.ASK
            price = ask if side is Side.BID else bid
            self._record(
                instrument, start_ns - ago * NANOSECONDS // 4, price, self._orders.trade_size(instrument.listing), side
            )
        instrument.last_price -= instrument.last_price % listing.price_step

    def _seed_day(self, instrument: Instrument, start_ns: int) -> None:
        listing = instrument.listing
        now_s = start_ns // NANOSECONDS
        first_s = now_s - now_s % BUCKET_S - DAY_S + BUCKET_S
        bucket_usd = listing.turnover_usd / (DAY_S / BUCKET_S)
        buckets: list[Bucket] = []
        opening = self._on_step(listing, self._price(listing, first_s, HISTORY_PERIOD_S))
        for start_s in range(first_s, now_s - BUCKET_S, BUCKET_S):
            closing = self._on_step(listing, self._price(listing, start_s + BUCKET_S, HISTORY_PERIOD_S))
            size = bucket_usd * self._random.uniform(0.4, 1.6) / ASSETS[listing.base].price_usd
            volume = max(int(size * 10**listing.size_decimals), 1)
            low, high = min(opening, closing), max(opening, closing)
            turnover = volume * (low + high) // 2
            buckets.append(Bucket(start_s, opening, high, low, volume, turnover, int(bucket_usd / 900) + 1))
            opening = closing
        instrument.day.seed(buckets)

    # One event.

    def _act(self, instrument: Instrument, time_ns: int, events: list[MarketEvent]) -> None:
        target_bid, target_ask = self._targets(instrument, time_ns)
        bids, asks = instrument.book.bids, instrument.book.asks
        best_bid, best_ask = bids.best, asks.best
        if best_bid is None or best_ask is None:
            raise AssertionError("a simulated book always has both sides")
        roll = self._random.random()
        is_wide = best_ask - best_bid > target_ask - target_bid + usual_gap(instrument.listing, best_bid)
        if best_bid >= target_ask or best_ask <= target_bid or is_wide:
            self._quote_anew(instrument, time_ns, events, target_bid, target_ask)
        elif roll < 0.18:
            self._trade(instrument, time_ns, events)
        elif roll < 0.50 and best_bid < target_bid < best_ask:
            self._change(instrument, time_ns, events, [(Side.BID, target_bid, self._orders.size(instrument.listing))])
        elif roll < 0.50 and best_bid < target_ask < best_ask:
            self._change(instrument, time_ns, events, [(Side.ASK, target_ask, self._orders.size(instrument.listing))])
        elif roll < 0.70:
            side, price = (Side.BID, best_bid) if self._random.random() < 0.5 else (Side.ASK, best_ask)
            self._change(instrument, time_ns, events, [(side, price, self._orders.size(instrument.listing))])
        elif roll < 0.75:
            self._step_back(instrument, time_ns, events, target_bid, target_ask)
        else:
            self._deep(instrument, time_ns, events)

    def _quote_anew(
        self, instrument: Instrument, time_ns: int, events: list[MarketEvent], target_bid: int, target_ask: int
    ) -> None:
        """The fair value ran away: orders that it ran through go, and both sides stand at their targets again."""
        bids, asks = instrument.book.bids, instrument.book.asks
        sides = [(bids, target_bid), (asks, target_ask)]
        if asks.price_at(0) <= target_bid:
            sides.reverse()  # what is run through goes before the other side takes its place
        moves: list[tuple[Side, int, int]] = []
        for ladder, target in sides:
            moves.append((ladder.side, target, self._orders.size(instrument.listing)))
            moves += ((ladder.side, price, 0) for price in ladder.better_than(target))
        self._change(instrument, time_ns, events, moves)

    def _step_back(
        self, instrument: Instrument, time_ns: int, events: list[MarketEvent], target_bid: int, target_ask: int
    ) -> None:
        """The best order of a side that is ahead of its target is cancelled."""
        bids, asks = instrument.book.bids, instrument.book.asks
        bid, ask = bids.price_at(0), asks.price_at(0)
        slack = GAPS_MAX * usual_gap(instrument.listing, bid)
        if bid >= target_bid and bids.price_at(1) >= target_bid - slack:
            self._change(instrument, time_ns, events, [(Side.BID, bid, 0)])
        elif ask <= target_ask and asks.price_at(1) <= target_ask + slack:
            self._change(instrument, time_ns, events, [(Side.ASK, ask, 0)])
        else:
            self._deep(instrument, time_ns, events)

    def _deep(self, instrument: Instrument, time_ns: int, events: list[MarketEvent]) -> None:
        """An order behind the best one comes, changes or goes."""
        side = Side.BID if self._random.random() < 0.5 else Side.ASK
        price, size = self._orders.deep(instrument.book.ladder(side), instrument.listing)
        self._change(instrument, time_ns, events, [(side, price, size)])

    def _trade(self, instrument: Instrument, time_ns: int, events: list[MarketEvent]) -> None:
        """A taker trades against the best order, or now and then against one hidden inside the spread."""
        bid, bid_size, ask, ask_size = instrument.book.top()
        taker = Side.BID if self._random.random() < 0.5 else Side.ASK
        size = self._orders.trade_size(instrument.listing)
        step = instrument.listing.price_step
        if ask - bid > 2 * step and self._random.random() < 0.15:
            price = bid + step * self._random.randrange(1, (ask - bid) // step)
            events.append(self._record(instrument, time_ns, price, size, taker))
            return
        price, there, side = (ask, ask_size, Side.ASK) if taker is Side.BID else (bid, bid_size, Side.BID)
        size = min(size, there)
        events.append(self._record(instrument, time_ns, price, size, taker))
        self._change(instrument, time_ns, events, [(side, price, there - size)])

    def _record(self, instrument: Instrument, time_ns: int, price: int, size: int, taker: Side) -> Trade:
        instrument.trade_id += 1
        trade = Trade(instrument, time_ns, instrument.trade_id, price, size, taker)
        instrument.trades.append(trade)
        instrument.last_price, instrument.last_size = price, size
        instrument.changed_at_ns = time_ns
        instrument.day.add(time_ns // NANOSECONDS, price, size)
        return trade

    def _change(
        self, instrument: Instrument, time_ns: int, events: list[MarketEvent], moves: list[tuple[Side, int, int]]
    ) -> None:
        book = instrument.book
        before = book.top()
        changes: list[LevelChange] = []
        for side, price, size in moves:
            ladder = book.ladder(side)
            if size == 0 and len(ladder) == 1:
                continue  # a side never runs empty
            change = ladder.set(price, size)
            if change is not None:
                changes.append(change)
        for ladder in (book.bids, book.asks):
            changes += self._orders.mend(ladder, instrument.listing, instrument.fair)
        if not changes:
            return
        first = instrument.update_id + 1
        instrument.update_id += len(changes)
        instrument.changed_at_ns = time_ns
        events.append(BookEvent(instrument, time_ns, tuple(changes), first, instrument.update_id, before != book.top()))

    # Numbers.

    def _targets(self, instrument: Instrument, time_ns: int) -> tuple[int, int]:
        """Where the best bid and ask should be now, in the listing's units."""
        listing = instrument.listing
        if time_ns - instrument.fair_at_ns >= FAIR_VALUE_AGE_NS or not instrument.fair:
            instrument.fair = self._price(listing, time_ns / NANOSECONDS)
            instrument.fair_at_ns = time_ns
        step = listing.price_step
        share = SPREAD_SHARE * math.sqrt(1.2e9 / max(listing.turnover_usd, 1e6))
        half = instrument.fair * share
        bid = math.floor((instrument.fair - half) / step) * step
        ask = math.ceil((instrument.fair + half) / step) * step
        return bid, max(ask, bid + step)

    def _price(self, listing: Listing, time_s: float, period_s_min: float = 0.0) -> float:
        price = self._fair_values.price(listing.base, listing.quote, time_s, period_s_min)
        return price * float(10**listing.price_decimals)

    @staticmethod
    def _on_step(listing: Listing, price: float) -> int:
        return max(round(price / listing.price_step), 1) * listing.price_step
