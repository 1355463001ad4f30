"""Routes: one distinct selection, whoever asks for it, and the instruments that it selects in order of recency."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tickmux_adapters.model import InstrumentKey
from tickmux_server.history import Run, in_order, stretch_end
from tickmux_server.selection import Selection

CHUNK_BYTES_MAX: Final = 256 * 1024
"""Largest batch of frames that is joined and written at once."""
CHUNK_FRAMES: Final = 1024
"""About as many frames one walk gathers, so that catching up yields the event loop at a steady pace."""
_SHARED_WALKS_MAX: Final = 16
"""Walks kept for subscriptions at the same cursor; more cursors than this share nothing and lose only time."""


class InstrumentState:
    """What the hub knows of one instrument."""

    __slots__ = (
        "channel",
        "epoch",
        "exchange",
        "frame",
        "key",
        "listed",
        "position",
        "revision",
        "routes",
        "run",
        "type",
    )

    def __init__(self, key: InstrumentKey, *, type: str, exchange: str, channel: str) -> None:  # noqa: A002 - the contract's name
        self.key = key
        self.type = type
        self.exchange = exchange
        self.channel = channel
        self.listed = b""
        """The Instrument, framed for ListInstrumentsResponse."""
        self.frame = b""
        """The latest quote, framed; empty before the first."""
        self.position = 0
        self.epoch = 0
        self.revision = 0
        self.run = Run()
        self.routes: list[Route] = []


@dataclass(frozen=True, slots=True)
class StatusChange:
    """News of a source, in the order of the log."""

    number: int
    """Rises by one with each change that the hub saw."""
    position: int
    """Where in the log it stands: quotes after this position come after it."""
    source: str
    frame: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames joined for one response: all its statuses precede all its quotes."""

    statuses: bytes
    quotes: bytes
    count: int
    """Quotes in it."""
    through: int
    """The position that a cursor reaches by it: every selected update up to there is written by then, or superseded by
    one that is."""
    change: int
    """The number of the latest status change that a subscription knows by it."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What a subscription at some cursor is to be sent next, in order."""

    batches: tuple[Batch, ...]
    latest_only: bool
    """Superseded revisions are left out: the latest was asked for, or the history no longer reaches the cursor."""
    complete: bool
    """Whether it ends at `through`; if not, the rest is walked once this part is written."""
    through: int
    """The position that it is to end at."""
    change: int
    """The number of the latest status change up to there."""
    entries: int
    """The route's count of entries at the head of the log."""


class Route:
    """A distinct selection: its instruments, latest last, and its subscriptions."""

    __slots__ = ("_shared", "_shared_head", "dirty", "entries", "instruments", "selection", "wakers")

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.instruments: OrderedDict[InstrumentState, None] = OrderedDict()
        self.wakers: dict[object, Callable[[], None]] = {}
        """What to call when there is news, by subscription."""
        self.entries = 0
        """Quotes of this route that passed since it was made."""
        self.dirty = False
        self._shared: dict[tuple[int, int, int, bool], Walk] = {}
        self._shared_head = (0, 0)

    def since(
        self, cursor: int, through: int, head: int, changes: "StatusChanges", known: int, *, latest: bool
    ) -> Walk:
        """What follows a cursor, shared by all subscriptions that stand at the same one.

        Args:
            cursor: The position reached.
            through: The position to end at. A walk that leaves out superseded revisions always ends at the head.
            head: Position of the latest entry of the log.
            changes: The hub's news of sources.
            known: Number of the latest status change that the subscription was sent.
            latest: Whether only the latest quote of each instrument is wanted.
        """
        stamp = (head, changes.latest)
        if self._shared_head != stamp:
            self._shared.clear()
            self._shared_head = stamp
        asked = (cursor, through, known, latest)
        walk = self._shared.get(asked)
        if walk is None:
            walk = self._walk(cursor, through, head, changes, known, latest=latest)
            # For a single subscription it would only be kept from being freed.
            if len(self.wakers) > 1 and len(self._shared) < _SHARED_WALKS_MAX:
                self._shared[asked] = walk
        return walk

    def reaches(self, cursor: int) -> bool:
        """Whether every quote after a position is still kept."""
        return not any(state.run.evicted > cursor for state in self.latest(cursor))

    def count_after(self, cursor: int, head: int) -> int:
        """How many of the quotes that passed after a position are known of: all, if the history reaches there."""
        # Of an instrument whose frames are all forgotten the latest is known: it is the state.
        return sum(max(state.run.count(cursor, head), 1) for state in self.latest(cursor))

    def latest(self, cursor: int = 0) -> list[InstrumentState]:
        """The instruments that have a quote after a position, earliest first."""
        changed: list[InstrumentState] = []
        for state in reversed(self.instruments):
            if state.position <= cursor:
                break
            changed.append(state)
        changed.reverse()
        return changed

    def _walk(
        self, cursor: int, through: int, head: int, changes: "StatusChanges", known: int, *, latest: bool
    ) -> Walk:
        changed = self.latest(cursor)
        # A run that was evicted past the cursor has lost revisions that this subscription was not sent.
        latest = latest or any(state.run.evicted > cursor for state in changed)
        if latest:
            through = head
        news, change = changes.since(known, self.selection, through)
        cutter = _Cutter(news, known)
        if latest:
            # Until the last of them is written, an update may be missing whose successor is not written either.
            cutter.take([state.position for state in changed], [state.frame for state in changed], reached=cursor)
            complete = True
        else:
            runs = [state.run for state in changed]
            end = stretch_end(runs, cursor, through, CHUNK_FRAMES)
            taken = cutter.take(*in_order(runs, cursor, end), bytes_max=CHUNK_BYTES_MAX)
            complete = taken and end == through
            if taken and not complete:
                cutter.pause(end)
        if complete:
            cutter.end(through, change)
        return Walk(
            tuple(cutter.batches),
            latest_only=latest,
            complete=complete,
            through=through,
            change=change,
            entries=self.entries,
        )


class StatusChanges:
    """The latest news of sources, bounded: who is further behind is sent the current statuses instead."""

    KEPT_MAX: Final = 1024

    def __init__(self) -> None:
        self.latest = 0
        self._changes: OrderedDict[int, StatusChange] = OrderedDict()

    def add(self, position: int, source: str, frame: bytes) -> None:
        """Take note of a change."""
        self.latest += 1
        self._changes[self.latest] = StatusChange(self.latest, position, source, frame)
        if len(self._changes) > self.KEPT_MAX:
            self._changes.popitem(last=False)

    def since(self, known: int, selection: Selection, through: int) -> tuple[list[StatusChange], int]:
        """The changes after a number and up to a position that concern a selection, earliest first.

        Returns:
            Them, and the number of the latest change up to that position, whomever it concerns.
        """
        if known >= self.latest:
            return [], known
        news: list[StatusChange] = []
        reached = known
        for change in reversed(self._changes.values()):
            if change.number <= known:
                break
            if change.position <= through:
                reached = max(reached, change.number)
                if selection.includes_source(change.source):
                    news.append(change)
        news.reverse()
        return news, reached

    def reaches(self, known: int) -> bool:
        """Whether every change after a number is still kept."""
        return self.latest - known <= len(self._changes)


class _Cutter:
    """Cuts frames in log order into batches in which no status follows a quote."""

    def __init__(self, news: list[StatusChange], known: int) -> None:
        self.batches: list[Batch] = []
        self._news = deque(news)
        self._statuses: list[bytes] = []
        self._quotes: list[bytes] = []
        self._bytes = 0
        self._known = known

    def take(
        self,
        positions: list[int],
        frames: list[bytes],
        *,
        bytes_max: int | None = None,
        reached: int | None = None,
    ) -> bool:
        """Take quotes with their positions. False if they were more than `bytes_max`, so that some were left.

        `reached` is what a cursor stands at before all of them are written, if that is not their own positions.
        """
        news, quotes = self._news, self._quotes
        if not news and not quotes and sum(map(len, frames)) <= CHUNK_BYTES_MAX:
            # The common case by far.
            self._quotes = frames
            return True
        through = gathered = 0
        for position, frame in zip(positions, frames, strict=True):
            size = len(frame)
            if quotes and bytes_max is not None and gathered + size > bytes_max:
                self._cut(through, self._known)
                return False
            if quotes and ((news and news[0].position < position) or self._bytes + size > CHUNK_BYTES_MAX):
                self._cut(through, self._known)
            while news and news[0].position < position:
                change = news.popleft()
                self._statuses.append(change.frame)
                self._known = change.number
            quotes.append(frame)
            self._bytes += size
            gathered += size
            through = position if reached is None else reached
        if news and quotes:
            self._cut(through, self._known)
        return True

    def pause(self, through: int) -> None:
        """Close with what was taken: the news that may follow it belongs to the next walk."""
        if self._quotes:
            self._cut(through, self._known)

    def end(self, through: int, change: int) -> None:
        """Close with the news that follows every quote."""
        self._statuses.extend(news.frame for news in self._news)
        if self._quotes or self._statuses:
            self._cut(through, change)

    def _cut(self, through: int, change: int) -> None:
        statuses, quotes = self._statuses, self._quotes
        self.batches.append(Batch(b"".join(statuses), b"".join(quotes), len(quotes), through, change))
        statuses.clear()
        quotes.clear()
        self._bytes = 0
