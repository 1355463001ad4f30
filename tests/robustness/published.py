"""All that was published in a run, indexed by instrument: the truth that clients' records are held against."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.robustness.records import Appended, Asked, LifeBegun, Line, Listed, Quoted, Stated

CONSOLIDATED: Final = "consolidated"

InstrumentKey = tuple[str, str]
Revision = tuple[str, str, int, int]
"""Source, symbol, epoch and revision."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A revision of a quote, and where and when the log took it."""

    position: int
    at_ns: int
    quoted: Quoted
    bytes_before: int
    """Bytes of all quotes that were published before it in its life."""


@dataclass(frozen=True, slots=True)
class StatusPublication:
    """A status, and where and when the log took it."""

    position: int
    at_ns: int
    stated: Stated


@dataclass(slots=True)
class Life:
    """What one server process published."""

    log: str
    pid: int
    began_ns: int
    quotes: dict[InstrumentKey, list[Publication]] = field(default_factory=dict)
    statuses: list[StatusPublication] = field(default_factory=list)
    channels: dict[InstrumentKey, str] = field(default_factory=dict)
    head: int = 0
    quote_bytes: int = 0
    ended_ns: int = 0
    """When it last published something."""

    def selected(self, asked: Asked) -> Iterator[InstrumentKey]:
        """The instruments of a selection that had a quote in this life."""
        return (key for key in self.quotes if selects(asked, key))

    def index_at(self, key: InstrumentKey, at_ns: int) -> int:
        """How many quotes of an instrument had been published before a moment."""
        return bisect_left(self.quotes.get(key, []), at_ns, key=lambda publication: publication.at_ns)

    def first_missed(self, asked: Asked, reached: Mapping[InstrumentKey, int]) -> Publication | None:
        """The earliest quote of a selection behind the places that were reached; None if there is none."""
        missed = (
            self.quotes[key][index]
            for key in self.selected(asked)
            if (index := reached.get(key, -1) + 1) < len(self.quotes[key])
        )
        return min(missed, key=lambda publication: publication.position, default=None)

    def bytes_between(self, asked: Asked, since_ns: int, until_ns: int) -> int:
        """Bytes of the quotes of a selection that were published in a span of time."""
        return sum(
            publication.quoted.size
            for key in self.selected(asked)
            for publication in self.quotes[key][self.index_at(key, since_ns) : self.index_at(key, until_ns)]
        )

    def bytes_at(self, at_ns: int) -> int:
        """Bytes of all quotes that had been published before a moment."""
        reached = 0
        for key, publications in self.quotes.items():
            if index := self.index_at(key, at_ns):
                latest = publications[index - 1]
                reached = max(reached, latest.bytes_before + latest.quoted.size)
        return reached

    def append(self, record: Appended, frame_overhead_bytes: int) -> None:
        """Take over a batch."""
        for position, entry in enumerate(record.entries, record.first):
            if isinstance(entry, Quoted):
                publication = Publication(position, record.at_ns, entry, self.quote_bytes)
                self.quotes.setdefault((entry.source, entry.symbol), []).append(publication)
                self.quote_bytes += entry.size + frame_overhead_bytes
            elif isinstance(entry, Stated):
                self.statuses.append(StatusPublication(position, record.at_ns, entry))
            else:
                assert isinstance(entry, Listed)
                self.channels[(entry.source, entry.symbol)] = entry.channel
        self.head = record.first + len(record.entries) - 1
        self.ended_ns = record.at_ns


class Published:
    """Every life of the log in a run."""

    FRAME_OVERHEAD_BYTES = 112
    """What the server's history counts for a frame beside its bytes."""

    def __init__(self, records: Iterable[Line]) -> None:
        self.lives: list[Life] = []
        for record in records:
            if isinstance(record, LifeBegun):
                self.lives.append(Life(record.log, record.pid, record.at_ns))
            elif isinstance(record, Appended):
                self.lives[-1].append(record, self.FRAME_OVERHEAD_BYTES)
        self._found: dict[Revision, tuple[Life, int]] = {
            (key[0], key[1], publication.quoted.epoch, publication.quoted.revision): (life, index)
            for life in self.lives
            for key, publications in life.quotes.items()
            for index, publication in enumerate(publications)
        }

    def find(self, source: str, symbol: str, epoch: int, revision: int) -> tuple[Life, int] | None:
        """The life that published a revision, and its place among those of its instrument; None if none did."""
        return self._found.get((source, symbol, epoch, revision))

    def life_at(self, at_ns: int) -> Life | None:
        """The life that ran at a moment, as far as is known."""
        running = [life for life in self.lives if life.began_ns <= at_ns]
        return running[-1] if running else None


def selects(asked: Asked, key: InstrumentKey) -> bool:
    """Whether a selection as our clients write it, in canonical names, takes an instrument."""
    source, symbol = key
    if not tells_of(asked, source):
        return False
    if not asked.symbols:
        return True
    return any(symbol.startswith(name[:-1]) if name.endswith("*") else symbol == name for name in asked.symbols)


def tells_of(asked: Asked, source: str) -> bool:
    """Whether a selection concerns a source: consolidated quotes only where they are named."""
    return source in asked.sources if asked.sources else source != CONSOLIDATED
