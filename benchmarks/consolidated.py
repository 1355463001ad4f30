"""What the source `consolidated` adds to each update: publishing with it and without, by turns, on one core."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from benchmarks.arithmetic import Cost
from benchmarks.tables import table
from benchmarks.workers import chunks, settle_garbage_collector
from tickmux_adapters.model import ChannelStatus, Instrument, QuoteUpdate, SourceState, SystemClock
from tickmux_server.consolidator import Consolidator
from tickmux_server.log import LogEntry, MemoryLog, QuoteEntry
from tickmux_server.publisher import Publisher

ROUNDS: Final = 15
UPDATES: Final = 10_000
INSTRUMENTS: Final = 300
BURST: Final = 10
TICK: Final = 0.01
SEED: Final = 20_260_101
CHANNEL: Final = "0"


@dataclass(frozen=True, slots=True)
class Market:
    """One row of the table."""

    name: str
    venues: int
    trades: float
    """Share of updates that are trades; the others move the top of the book, or its sizes."""


MARKETS: Final = (
    Market("1 venue, each update a new top of book", 1, 0.0),
    Market("3 venues around one price, 1 of 4 a trade", 3, 0.25),
)


class Path:
    """Publisher and log, with or without a consolidator, and what they are fed."""

    def __init__(self, market: Market, *, consolidated: bool) -> None:
        self.revisions = 0
        clock, log = SystemClock(), MemoryLog()
        self._publisher = Publisher(log, clock, flags={}, schedule=lambda _flush: None)
        if consolidated:
            Consolidator(log, self._publisher, clock)
        for venue in range(market.venues):
            source = f"venue-{venue}"
            for number in range(INSTRUMENTS):
                self._publisher.instrument(
                    Instrument(source=source, symbol=f"C{number:03}USDT", type="crypto", exchange=source.title())
                )
            self._publisher.begin_chain(source, CHANNEL)
            self._publisher.status(
                ChannelStatus(source=source, channel=CHANNEL, state=SourceState.LIVE, since_ns=clock.wall_ns())
            )
        self._flush()
        log.read(self._count)

    def spend_us(self, bursts: Sequence[Sequence[QuoteUpdate]]) -> float:
        """CPU microseconds of publishing all updates, in batches of the loop's turns."""
        quote = self._publisher.quote
        started_ns = time.thread_time_ns()
        for burst in bursts:
            for update in burst:
                quote(update)
            self._flush()
        return (time.thread_time_ns() - started_ns) / 1000

    def _flush(self) -> None:
        # Once for what the venues said, once for what the consolidator made of it.
        self._publisher.flush()
        self._publisher.flush()

    def _count(self, _first: int, entries: Sequence[LogEntry]) -> None:
        self.revisions += sum(type(entry) is QuoteEntry and entry.instrument[0] == "consolidated" for entry in entries)


def report(rounds: int = ROUNDS, updates: int = UPDATES) -> str:
    """Measure and return the table."""
    rows = [_measured(market, rounds, updates) for market in MARKETS]
    notes = [
        "us/update: CPU time of one core to merge, encode and log an update, without what the adapter spent before.",
        "with: all that the consolidator does for it: read the frame, compare the legs, encode and log a revision.",
        f"{INSTRUMENTS} instruments, batches of {BURST}; x: median over neighbours in time.",
    ]
    columns = ("", "without", "least", "with", "least", "x", "revisions/update")
    return table("CONSOLIDATED: what it adds to publishing, us/update", columns, rows, notes)


def _measured(market: Market, rounds: int, updates: int) -> tuple[str, ...]:
    bursts = chunks(_updates(market, updates), BURST)
    alone, joined = Path(market, consolidated=False), Path(market, consolidated=True)
    settle_garbage_collector()
    # The first one fills the caches and makes every instrument's first revision.
    for path in (alone, joined):
        path.spend_us(bursts)
        path.revisions = 0
    without, with_it = [], []
    for _ in range(rounds):
        without.append(alone.spend_us(bursts) / updates)
        with_it.append(joined.spend_us(bursts) / updates)
    before, after = Cost(tuple(without)), Cost(tuple(with_it))
    return (
        market.name,
        f"{before.median:.2f}",
        f"{before.least:.2f}",
        f"{after.median:.2f}",
        f"{after.least:.2f}",
        f"{after.times(before):.2f}",
        f"{joined.revisions / rounds / updates:.2f}",
    )


def _updates(market: Market, count: int) -> list[QuoteUpdate]:
    source = random.Random(SEED)
    ticks = [source.randrange(1_000, 6_000_000) for _ in range(INSTRUMENTS)]
    return [_update(market, ticks, source) for _ in range(count)]


def _update(market: Market, ticks: list[int], source: random.Random) -> QuoteUpdate:
    number = source.randrange(INSTRUMENTS)
    # A price walks a tick at a time, and no venue strays further from it than a few.
    ticks[number] = tick = max(100, ticks[number] + source.choice((-1, 0, 0, 1)))
    fields: dict[str, Any] = {}
    if source.random() < market.trades:
        fields["last_price"] = round(tick * TICK, 2)
    else:
        fields["bid_price"] = round((tick - source.randrange(1, 4)) * TICK, 2)
        fields["ask_price"] = round((tick + source.randrange(1, 4)) * TICK, 2)
        fields |= {side: round(source.uniform(0, 9), 5) for side in ("bid_size", "ask_size")}
    now_ns = time.time_ns()
    return QuoteUpdate(
        instrument=(f"venue-{source.randrange(market.venues)}", f"C{number:03}USDT"),
        received_at_ns=now_ns,
        received_monotonic_ns=time.monotonic_ns(),
        venue_time_ns=now_ns - 1_000_000,
        **fields,
    )
