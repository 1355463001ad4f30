"""The log: the one place that orders. Every entry gets a position, and readers see entries in that order."""

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from tickmux_adapters.model import InstrumentKey, SourceState

FRESH: Final = frozenset({SourceState.LIVE, SourceState.THROTTLED})
"""The states of a slot in which what it last said can be taken for the present."""


class InstrumentEntry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An instrument, before its first quote and after every change of it."""

    instrument: InstrumentKey
    type: str
    exchange: str
    channel: str
    frame: bytes
    """The Instrument, framed as an entry of ListInstrumentsResponse."""


class StatusEntry(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The health of one upstream slot: on every change and every second."""

    source: str
    channel: str
    state: SourceState
    epoch: int
    """The slot's current epoch; 0 before the first."""
    change: int
    """Rises with every change of anything but counters and lag, so that readers tell news from repetition."""
    frame: bytes
    """The SourceStatus, framed as an entry of `source_statuses` in a response."""


class QuoteEntry(msgspec.Struct, frozen=True, gc=False):
    """One revision of one quote."""

    instrument: InstrumentKey
    epoch: int
    revision: int
    frame: bytes
    """The whole Quote, framed as an entry of `quotes` in a response."""


LogEntry = InstrumentEntry | StatusEntry | QuoteEntry

Reader = Callable[[int, Sequence[LogEntry]], None]
"""Called with the position of the first entry and the entries, whose positions follow one another."""


class Log(Protocol):
    """What the publisher appends to and the hub reads."""

    @property
    def identity(self) -> str:
        """Random name of this life of the log: positions of another life mean nothing here."""

    @property
    def head(self) -> int:
        """Position of the latest entry; 0 when there is none."""

    def append(self, entries: Sequence[LogEntry]) -> None:
        """Give the entries the next positions, in order."""

    def read(self, reader: Reader) -> None:
        """Hand every later append to a reader."""


class MemoryLog:
    """A log within one process: a counter and a hand-over. Retention is the hub's."""

    def __init__(self) -> None:
        self.identity = secrets.token_urlsafe(8)
        self.head = 0
        self._readers: list[Reader] = []
        self._waiting: deque[tuple[int, Sequence[LogEntry]]] = deque()
        self._is_handing_over = False

    def append(self, entries: Sequence[LogEntry]) -> None:
        """Give the entries the next positions and hand them to every reader before returning.

        A reader may append, too: its entries wait until every reader has those that it is reading, so that all read
        in order.
        """
        self._waiting.append((self.head + 1, entries))
        self.head += len(entries)
        if self._is_handing_over:
            return
        self._is_handing_over = True
        try:
            while self._waiting:
                self._hand_over(*self._waiting.popleft())
        finally:
            self._is_handing_over = False

    def _hand_over(self, first: int, entries: Sequence[LogEntry]) -> None:
        for reader in self._readers:
            reader(first, entries)

    def read(self, reader: Reader) -> None:
        """Hand every later append to a reader."""
        self._readers.append(reader)
