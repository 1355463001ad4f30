"""The consolidator over any history of quotes, statuses, chains and time, against a naive model of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.consolidated_model import Model, Read
from tests.server.feed import Feed, ManualClock

from tickmux_adapters.model import UNCHANGED, Instrument, QuoteUpdate, SourceState
from tickmux_server.consolidator import Consolidator
from tickmux_server.log import InstrumentEntry, LogEntry, QuoteEntry

SYMBOL = "BTCUSD"
SOURCES = ("alpaca-crypto", "alphavantage", "coingecko", "kraken")
"""Streamed; polled; indicative; streamed and, in `Feed`, simulated."""
EXCHANGES = {"alpaca-crypto": "Alpaca", "kraken": "Kraken"}
POLLED = {"alphavantage", "coingecko"}


@dataclass(frozen=True)
class Quoted:
    source: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class Stood:
    source: str
    state: SourceState


@dataclass(frozen=True)
class Began:
    source: str


@dataclass(frozen=True)
class Passed:
    seconds: float


def often(usual: st.SearchStrategy[Any], rare: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One in eight is rare: legs count for most of the time, so that they compete."""
    return st.integers(min_value=0, max_value=7).flatmap(lambda number: rare if number == 7 else usual)


# Few values, so that ties and crossed markets come often; and any double, so that all survive.
few = st.sampled_from([0.0, 1.0, 1.5])
prices = often(few, st.one_of(st.none(), st.floats(min_value=0, allow_infinity=False)))
carried = often(prices, st.just(UNCHANGED))
sides = dict.fromkeys(("bid_price", "bid_size", "ask_price", "ask_size"), carried)
changes = st.one_of(
    st.fixed_dictionaries(sides),
    st.fixed_dictionaries({"last_price": prices}),
    st.fixed_dictionaries({**sides, "last_price": prices}),
    st.fixed_dictionaries({"halted": st.booleans(), "delayed": st.booleans()}),
    st.fixed_dictionaries({"halted": st.just(False), "delayed": st.just(False)}),
    st.just({}),
)
venue_times = st.one_of(st.none(), st.integers(min_value=0, max_value=2**60))
names = st.sampled_from([*SOURCES, "alpaca-crypto", "kraken", "kraken"])
quoted = st.builds(
    lambda source, fields, venue_time_ns: Quoted(source, {**fields, "venue_time_ns": venue_time_ns}),
    names,
    changes,
    venue_times,
)
stood = st.builds(Stood, names, often(st.just(SourceState.LIVE), st.sampled_from(list(SourceState))))
began = st.builds(Began, names)
passed = st.builds(Passed, st.sampled_from([0.0, 0.0004, 0.4, 1.0, 1.5, 2.9, 3.2]))
events = st.one_of(quoted, quoted, quoted, quoted, stood, began, passed)


class Rig:
    """A feed with a consolidator, and the model that reads the same log."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.feed = Feed(self.clock)
        self.model = Model(polled=POLLED)
        self.feed.log.read(self._read)
        self.consolidator = Consolidator(self.feed.log, self.feed.publisher, self.clock, polled=POLLED)
        for source in SOURCES:
            self.feed.publisher.instrument(
                Instrument(
                    source=source,
                    symbol=SYMBOL,
                    type="crypto",
                    exchange=EXCHANGES.get(source, ""),
                    is_indicative=source == "coingecko",
                )
            )
            self.happen(Began(source))
            self.happen(Stood(source, SourceState.LIVE))

    def _read(self, _first: int, entries: Sequence[LogEntry]) -> None:
        for entry in entries:
            source = entry.instrument[0] if isinstance(entry, QuoteEntry | InstrumentEntry) else entry.source
            if source != "consolidated":
                self.model.read(Read(entry, self.clock.monotonic, self.clock.wall))

    def happen(self, event: Quoted | Stood | Began | Passed) -> None:
        if isinstance(event, Quoted):
            self.feed.publisher.quote(
                QuoteUpdate(
                    instrument=(event.source, SYMBOL),
                    received_at_ns=self.clock.wall,
                    received_monotonic_ns=self.clock.monotonic,
                    **event.fields,
                )
            )
        elif isinstance(event, Stood):
            self.feed.status(event.source, event.state)
        elif isinstance(event, Began):
            self.feed.publisher.begin_chain(event.source, "0")
        else:
            self.clock.advance(event.seconds)
            self.consolidator.watch()
            self.model.watched(self.clock.monotonic, self.clock.wall)
        # Once for the sources' entries, once for what the consolidator makes of them.
        self.feed.publisher.flush()
        self.feed.publisher.flush()


@settings(max_examples=400, deadline=None)
@given(st.lists(events, min_size=20, max_size=40))
def test_every_revision_is_what_the_whole_log_says(happenings: list[Any]) -> None:
    rig = Rig()
    for event in happenings:
        rig.happen(event)
        published = [quote for quote in rig.feed.quotes() if quote.source == "consolidated"]
        assert len({quote.epoch for quote in published}) <= 1
        for quote in published:
            quote.ClearField("epoch")
        assert published == rig.model.quotes
