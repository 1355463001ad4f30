"""The consolidator: one more source, which the log feeds. The only reader that looks into frames.

It publishes under the name `consolidated`, in one slot and one epoch for as long as it runs.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from google.protobuf.message import DecodeError

from tickmux.v1 import instrument_pb2, quote_pb2
from tickmux_adapters.model import ChannelStatus, Clock, Instrument, InstrumentKey, SourceState
from tickmux_server.consolidated_chain import CHANNEL, ConsolidatedChain
from tickmux_server.consolidation import Book
from tickmux_server.frames import payload
from tickmux_server.hub import STATUS_SILENCE_S
from tickmux_server.legs import Leg, Slot
from tickmux_server.log import InstrumentEntry, Log, LogEntry, QuoteEntry, StatusEntry
from tickmux_server.publisher import Publisher
from tickmux_server.selection import CONSOLIDATED

logger = logging.getLogger(__name__)

STATUS_INTERVAL_S: Final = 1.0
CONFLICTS_TOLD_MAX: Final = 5
_NS_PER_S: Final = 1_000_000_000


class Consolidator:
    """Joins the quotes of every other source by symbol, and the health of their slots.

    A leg counts only while its slot is LIVE. THROTTLED is healthy, yet nobody asks the venue then, and a price that
    nobody looks at is not the best of the market. The consolidator itself is LIVE for as long as it runs: that no leg
    is left is known, and shown as a quote without sides.

    Pure but for `run`: fed by the log, under the clock that it is given.
    """

    def __init__(self, log: Log, publisher: Publisher, clock: Clock, *, polled: Collection[str] = ()) -> None:
        """Begin its chain of quotes, and read the log from here on.

        Args:
            log: What the sources' quotes and statuses are read from.
            publisher: What its own are published through.
            clock: For ages and deadlines.
            polled: Names of the sources that are asked at intervals rather than streamed.
        """
        self._publisher = publisher
        self._clock = clock
        self._polled = frozenset(polled)
        self._slots: dict[tuple[str, str], Slot] = {}
        self._legs: dict[InstrumentKey, Leg] = {}
        self._books: dict[str, Book] = {}
        self._chains: dict[str, ConsolidatedChain] = {}
        self._conflicts: dict[InstrumentKey, str] = {}
        self._since_ns = clock.wall_ns()
        self._messages = self._malformed = 0
        self._head = log.head
        self._last_message_ns: int | None = None
        publisher.begin_chain(CONSOLIDATED, CHANNEL)
        self._epoch = publisher.epoch(CONSOLIDATED, CHANNEL)
        self._publish_status()
        log.read(self.apply)

    async def run(self) -> None:
        """Tell its health and watch the slots' every second, until cancelled."""
        while True:
            await asyncio.sleep(STATUS_INTERVAL_S)
            self.watch()

    def watch(self) -> None:
        """Drop the legs whose publisher is silent, and tell that this one is not. To be called every second."""
        now_ns = self._clock.monotonic_ns()
        silent = [
            slot
            for slot in self._slots.values()
            if slot.is_live and now_ns - slot.heard_ns > STATUS_SILENCE_S * _NS_PER_S
        ]
        for slot in silent:
            slot.is_live = False
        self._settle(silent, now_ns)
        self._publish_status()

    def apply(self, first: int, entries: Sequence[LogEntry]) -> None:
        """Take over entries of the log, the first of them at position `first`; its own are none of its legs."""
        now_ns = self._clock.monotonic_ns()
        if first > self._head + 1:
            # The log lost entries: what the legs said last is not known until they speak again.
            self._lapse(list(self._legs.values()), now_ns)
        self._head = max(self._head, first + len(entries) - 1)
        messages = self._messages
        for entry in entries:
            if type(entry) is QuoteEntry:
                if (leg := self._legs.get(entry.instrument)) is not None:
                    self._quote(leg, entry, now_ns)
            elif type(entry) is StatusEntry:
                if entry.source != CONSOLIDATED:
                    self._status(entry, now_ns)
            elif type(entry) is InstrumentEntry and entry.instrument[0] != CONSOLIDATED:
                self._instrument(entry)
        if self._messages != messages:
            self._last_message_ns = self._clock.wall_ns()

    def _quote(self, leg: Leg, entry: QuoteEntry, now_ns: int) -> None:
        if entry.epoch <= leg.epoch and (entry.epoch < leg.epoch or entry.revision <= leg.revision):
            # A writer that took over may repeat what its predecessor had appended already.
            return
        self._messages += 1
        leg.revision = entry.revision
        try:
            quote = quote_pb2.Quote.FromString(payload(entry.frame))
        except DecodeError:
            self._unreadable(leg, entry, now_ns)
            return
        has_changed = leg.take(quote, self._messages, now_ns)
        book = self._books[leg.symbol]
        if not book.took(leg, has_changed=has_changed):
            return
        received, venue_time = quote.received_at, quote.timestamp
        received_at_ns = received.seconds * _NS_PER_S + received.nanos
        venue_time_ns = venue_time.seconds * _NS_PER_S + venue_time.nanos if quote.HasField("timestamp") else None
        self._publish(book, now_ns, received_at_ns, venue_time_ns)

    def _unreadable(self, leg: Leg, entry: QuoteEntry, now_ns: int) -> None:
        self._malformed += 1
        logger.error("the quote of %s, epoch %d revision %d, cannot be read", leg.name, entry.epoch, entry.revision)
        leg.epoch = entry.epoch
        self._lapse([leg], now_ns)

    def _status(self, entry: StatusEntry, now_ns: int) -> None:
        slot = self._slot(entry.source, entry.channel)
        slot.heard_ns = now_ns
        is_live = entry.state is SourceState.LIVE
        if (slot.is_live, slot.epoch) != (is_live, entry.epoch):
            slot.is_live, slot.epoch = is_live, entry.epoch
            self._settle([slot], now_ns)

    def _settle(self, slots: Sequence[Slot], now_ns: int) -> None:
        """Rank the legs of some slots anew."""
        legs = [leg for slot in slots for leg in slot.legs]
        for leg in legs:
            leg.settle()
        self._look(legs, now_ns)

    def _lapse(self, legs: Sequence[Leg], now_ns: int) -> None:
        """Drop legs whose newest quote is not known."""
        for leg in legs:
            leg.lapse()
        self._look(legs, now_ns)

    def _look(self, legs: Sequence[Leg], now_ns: int) -> None:
        """Compare what has changed of some legs without a message of their venues: it is received as it is noticed.

        All of them have changed before, so that of two that go out together neither is shown in the other's place.
        """
        wall_ns = self._clock.wall_ns()
        for symbol in dict.fromkeys(leg.symbol for leg in legs):
            book = self._books[symbol]
            if book.shown is not None and book.look():
                self._publish(book, now_ns, wall_ns, None)

    def _publish(self, book: Book, now_ns: int, received_at_ns: int, venue_time_ns: int | None) -> None:
        entry = self._chains[book.symbol].next(
            book, now_ns=now_ns, received_at_ns=received_at_ns, venue_time_ns=venue_time_ns
        )
        self._publisher.append(entry)

    def _slot(self, source: str, channel: str) -> Slot:
        slot = self._slots.get((source, channel))
        if slot is None:
            slot = self._slots[(source, channel)] = Slot()
        return slot

    def _instrument(self, entry: InstrumentEntry) -> None:
        source, symbol = key = entry.instrument
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = Book(symbol, entry.type)
            self._chains[symbol] = ConsolidatedChain(symbol, entry.type, self._epoch)
        elif book.type != entry.type:
            self._conflict(key, f"{symbol} of {source} is left out: it is {entry.type}, where others are {book.type}")
            return
        leg = self._legs.get(key)
        if leg is None:
            slot = self._slot(source, entry.channel)
            leg = Leg(source, symbol, slot, exchange=entry.exchange, is_polled=source in self._polled)
            self._legs[key] = leg
            book.add(leg)
            slot.legs.append(leg)
        listed = instrument_pb2.Instrument.FromString(payload(entry.frame))
        leg.base, leg.quote = listed.base, listed.quote
        self._publisher.instrument(
            Instrument(
                source=CONSOLIDATED,
                symbol=symbol,
                type=book.type,
                channel=CHANNEL,
                base=_agreed(leg.base for leg in book.legs),
                quote=_agreed(leg.quote for leg in book.legs),
            )
        )

    def _conflict(self, key: InstrumentKey, problem: str) -> None:
        # (source, symbol) is an instrument's identity, so one symbol cannot be consolidated under two types.
        if key not in self._conflicts:
            logger.warning("consolidated: %s", problem)
            self._conflicts[key] = problem
            self._publish_status()

    def _publish_status(self) -> None:
        told = list(self._conflicts.values())[:CONFLICTS_TOLD_MAX]
        if len(self._conflicts) > len(told):
            told.append(f"and {len(self._conflicts) - len(told)} more")
        self._publisher.status(
            ChannelStatus(
                source=CONSOLIDATED,
                channel=CHANNEL,
                state=SourceState.LIVE,
                since_ns=self._since_ns,
                last_message_at_ns=self._last_message_ns,
                messages=self._messages,
                malformed=self._malformed,
                last_error="; ".join(told),
            )
        )


def _agreed(names: Iterable[str]) -> str:
    """What all say that say anything; empty if they differ."""
    said = {name for name in names if name}
    return said.pop() if len(said) == 1 else ""
