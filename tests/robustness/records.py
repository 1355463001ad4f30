"""What is written down during a run: one JSON line each, times in nanoseconds of the machine's monotonic clock.

Every process of a run appends to a file of its own, without a buffer: what a process wrote survives its being killed.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of a record file."""


class Quoted(Record, frozen=True, tag="q"):
    """A revision of a quote that was published."""

    source: str
    symbol: str
    epoch: int
    revision: int
    digest: str
    size: int
    """Bytes of its frame."""


class Stated(Record, frozen=True, tag="s"):
    """The health of a slot that was published."""

    source: str
    channel: str
    state: str
    epoch: int
    change: int


class Listed(Record, frozen=True, tag="i"):
    """An instrument that was published."""

    source: str
    symbol: str
    channel: str


Entry = Quoted | Stated | Listed


class LifeBegun(Record, frozen=True, tag="life"):
    """A server process began to publish: positions of another life mean nothing here."""

    at_ns: int
    log: str
    pid: int


class Appended(Record, frozen=True, tag="append"):
    """A batch of entries that the log took, before anyone read it."""

    at_ns: int
    first: int
    """Position of the first entry; the others follow it."""
    entries: tuple[Entry, ...]


class Asked(Record, frozen=True):
    """What a Subscribe call asked for."""

    symbols: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    delivery: str = "ALL"
    min_interval_s: float = 0.0
    heartbeat_s: float = 1.0


class CallBegun(Record, frozen=True, tag="begin"):
    """A client sent a Subscribe call."""

    at_ns: int
    client: str
    call: int
    asked: Asked
    token: str
    token_from: tuple[int, int] | None
    """Call and response that the token was taken from."""


class ToldStatus(Record, frozen=True):
    """A status as a client was told it."""

    source: str
    channel: str
    state: str
    epoch: int


class ToldQuote(Record, frozen=True):
    """A quote as a client was told it."""

    source: str
    symbol: str
    channel: str
    epoch: int
    revision: int
    digest: str
    is_stale: bool


class Received(Record, frozen=True, tag="got"):
    """A response, all of it."""

    at_ns: int
    client: str
    call: int
    number: int
    """Its place in the call, from 0."""
    continuity: str
    caught_up: bool
    conflated: int
    going_away: bool
    token: str
    unmatched: tuple[str, ...]
    statuses: tuple[ToldStatus, ...]
    quotes: tuple[ToldQuote, ...]
    sent_at_ns: int
    """The server's stamp, in nanoseconds of wall time."""
    size: int
    """Its bytes."""


class SnapshotTaken(Record, frozen=True, tag="snapshot"):
    """A client took a snapshot, page by page."""

    at_ns: int
    """Before it asked for the first page."""
    client: str
    asked: Asked
    token: str
    quotes: tuple[ToldQuote, ...]


class CallEnded(Record, frozen=True, tag="end"):
    """A Subscribe call was over."""

    at_ns: int
    client: str
    call: int
    by_client: bool
    """The client itself cancelled it."""
    code: str
    reason: str
    """ErrorInfo.reason; empty where there is none."""
    retry_s: float | None
    """RetryInfo.retry_delay; None where there is none."""
    token: str
    """ErrorInfo.metadata["resume_token"]; empty where there is none."""


class Paused(Record, frozen=True, tag="pause"):
    """A client did not read for a while, by intent."""

    at_ns: int
    until_ns: int
    client: str
    call: int


class StoodStill(Record, frozen=True, tag="still"):
    """A process of the harness was not run for a while, for want of a processor or because it was frozen."""

    at_ns: int
    until_ns: int
    process: str


class Answered(Record, frozen=True, tag="answer"):
    """What came of a malformed or hostile request."""

    at_ns: int
    until_ns: int
    case: str
    expected: tuple[str, ...]
    """Codes of which one is right, each with its reason behind a slash where there is one."""
    got: str


class LibraryEvent(Record, frozen=True, tag="event"):
    """What the Python client library yielded beside quotes."""

    at_ns: int
    client: str
    kind: str
    text: str


class LibraryQuote(Record, frozen=True, tag="yield"):
    """A quote that the Python client library yielded."""

    at_ns: int
    client: str
    source: str
    symbol: str
    epoch: int
    revision: int
    gap_before: bool


class FaultFired(Record, frozen=True, tag="fault"):
    """A fault and how long it lasted."""

    at_ns: int
    until_ns: int
    fault: str
    target: str


class ServerEnded(Record, frozen=True, tag="ended"):
    """A server process ended."""

    at_ns: int
    told_ns: int
    """When it was sent the signal."""
    signal: str
    code: int


class Health(Record, frozen=True, tag="health"):
    """Whether everything stood well before or after the faults."""

    at_ns: int
    when: str
    took_s: float
    missing: tuple[str, ...]
    """What did not stand well by the end of the wait; empty is good."""


class Memory(Record, frozen=True, tag="memory"):
    """Resident memory of the server process."""

    at_ns: int
    pid: int
    resident: int


Line = (
    LifeBegun
    | Appended
    | CallBegun
    | Received
    | SnapshotTaken
    | CallEnded
    | Paused
    | StoodStill
    | Answered
    | LibraryEvent
    | LibraryQuote
    | FaultFired
    | ServerEnded
    | Health
    | Memory
)

_decoder = msgspec.json.Decoder(Line)
_encoder = msgspec.json.Encoder()


class Writer:
    """Appends records to a file, each before `write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        # A process that was killed may have left half a line, which a blank one tells from a broken record.
        os.write(self._file, b"\n\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def write(self, record: Line) -> None:
        """Append one record."""
        os.write(self._file, _encoder.encode(record) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


class TornRecord(ValueError):
    """A line is no record, and no killed process explains it."""


def read(path: Path) -> Iterator[Line]:
    """The records of a file.

    Raises:
        TornRecord: a line is broken that is neither the last one nor followed by the blank one of another process.
    """
    torn = ""
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line:
            torn = ""
            continue
        if torn:
            raise TornRecord(torn)
        try:
            yield _decoder.decode(line)
        except msgspec.DecodeError as error:
            torn = f"{path}:{number}: {error}"
