"""The hub: what is known now, what was lately, and who is to be told."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from tickmux.v1 import source_pb2
from tickmux_adapters.model import Clock, InstrumentKey, SourceState
from tickmux_server.frames import STATUSES_FIELD, frame, with_stale_flag
from tickmux_server.history import Retention
from tickmux_server.log import FRESH, InstrumentEntry, Log, LogEntry, QuoteEntry, StatusEntry
from tickmux_server.route import InstrumentState, Route, StatusChanges
from tickmux_server.selection import Selection

logger = logging.getLogger(__name__)

HISTORY_BYTES_MAX: Final = 256 * 1024 * 1024
HISTORY_AGE_S: Final = 60.0
STATUS_SILENCE_S: Final = 3.0
"""A slot whose publisher says nothing for this long is UNKNOWN: the publisher says something every second."""

_NS_PER_S: Final = 1_000_000_000


class Hub:
    """The state of all instruments and sources, built from the log and never parsing a frame.

    Pure: no task, no socket; `on_news` is called once when routes have something to tell, until `take_wakers`.
    """

    def __init__(
        self,
        log: Log,
        clock: Clock,
        *,
        history_bytes_max: int = HISTORY_BYTES_MAX,
        history_age_s: float = HISTORY_AGE_S,
        on_news: Callable[[], None] = lambda: None,
    ) -> None:
        self.log = log
        self.head = log.head
        self.unbroken_from = 0
        """Whoever stands before this position has missed entries that the log lost; 0 while it has lost none."""
        self.changes = StatusChanges()
        self.retention = Retention(bytes_max=history_bytes_max, age_ns_max=round(history_age_s * _NS_PER_S))
        self.on_news = on_news
        self._clock = clock
        self._instruments: dict[InstrumentKey, InstrumentState] = {}
        self._by_symbol: dict[str, list[InstrumentState]] = {}
        self._slots: dict[tuple[str, str], _Slot] = {}
        self._routes: dict[Selection, Route] = {}
        self._dirty: list[Route] = []
        self._told = False
        """Whether `on_news` was called since wakers were last taken."""
        log.read(self.apply)

    def apply(self, first: int, entries: Sequence[LogEntry]) -> None:
        """Take over entries of the log, the first of them at position `first`."""
        now_ns = self._clock.monotonic_ns()
        position = first
        if first > self.head + 1:
            self._note_hole(first)
        try:
            for entry in entries:
                if type(entry) is QuoteEntry:
                    self._quote(position, entry)
                elif type(entry) is StatusEntry:
                    self._status(position, entry, now_ns)
                elif type(entry) is InstrumentEntry:
                    self._instrument(entry)
                position += 1
        except Exception:
            # A defect; what is left of the batch is not applied, which is the same as if the log had lost it.
            self._begin_anew(first + len(entries) - 1)
            raise
        finally:
            self.head = first + len(entries) - 1
            self.retention.end_batch(now_ns)
            self._tell()

    def take_wakers(self) -> list[Callable[[], None]]:
        """What to call to tell every subscription of the routes with news; `on_news` is called again for later ones."""
        dirty, self._dirty = self._dirty, []
        self._told = False
        for route in dirty:
            route.dirty = False
        return [waker for route in dirty for waker in route.wakers.values()]

    def watch(self) -> None:
        """Forget old history, and call slots UNKNOWN whose publisher is silent. To be called every second."""
        now_ns = self._clock.monotonic_ns()
        self.retention.expire(now_ns)
        for (source, channel), slot in self._slots.items():
            if slot.state is not SourceState.UNKNOWN and now_ns - slot.heard_ns > STATUS_SILENCE_S * _NS_PER_S:
                message = source_pb2.SourceStatus(
                    source=source,
                    channel=channel,
                    state=source_pb2.SOURCE_STATE_UNKNOWN,
                    epoch=slot.epoch,
                    last_error=f"the publisher of this source has been silent for {STATUS_SILENCE_S:.0f} s",
                )
                message.since.FromNanoseconds(self._clock.wall_ns())
                slot.state = SourceState.UNKNOWN
                slot.change = None
                slot.frame = frame(STATUSES_FIELD, message.SerializeToString())
                self._announce(self.head, source, slot.frame)
        self._tell()

    def join(self, selection: Selection) -> Route:
        """The route of a selection, made if nobody has it yet."""
        route = self._routes.get(selection)
        if route is None:
            route = self._routes[selection] = Route(selection)
            for state in sorted(self.select(selection), key=lambda state: state.position):
                route.instruments[state] = None
                state.routes.append(route)
        return route

    def leave(self, route: Route) -> None:
        """Drop a route that has no subscription left."""
        if not route.wakers and self._routes.get(route.selection) is route:
            del self._routes[route.selection]
            for state in route.instruments:
                state.routes.remove(route)

    def select(self, selection: Selection) -> Iterator[InstrumentState]:
        """The selected instruments, with or without a quote, in no order."""
        candidates: Iterable[InstrumentState] = self._instruments.values()
        if selection.symbols and not selection.prefixes:
            candidates = (state for symbol in selection.symbols for state in self._by_symbol.get(symbol, ()))
        return (state for state in candidates if _selected(selection, state))

    def served_frame(self, state: InstrumentState) -> bytes:
        """The latest quote of an instrument as state, framed: marked STALE when it is not known to be the present.

        That is when its feed is not alive, and when the log has lost entries since: one may have been its next.
        """
        slot = self._slots.get((state.key[0], state.channel))
        is_current = slot is not None and slot.state in FRESH and state.epoch >= slot.epoch
        if is_current and state.position > self.unbroken_from:
            return state.frame
        return with_stale_flag(state.frame)

    def statuses(self, selection: Selection) -> list[bytes]:
        """The current statuses of the selected sources, framed, by source and channel."""
        return [slot.frame for (source, _), slot in sorted(self._slots.items()) if selection.includes_source(source)]

    def resumes(self, route: Route, position: int, *, latest: bool) -> bool:
        """Whether a stream of a route can go on after a position.

        Whoever wants the latest alone needs no history: what has changed since is known as long as the log lives.
        """
        if not self.unbroken_from <= position <= self.head:
            return False
        return latest or route.reaches(position)

    @property
    def routes(self) -> int:
        """Count of distinct selections that are subscribed to."""
        return len(self._routes)

    def _tell(self) -> None:
        if self._dirty and not self._told:
            self._told = True
            self.on_news()

    def _note_hole(self, first: int) -> None:
        """Have every subscription begin anew: what the log lost may have been anyone's."""
        logger.error("the log lost its entries %d to %d; every stream begins anew", self.head + 1, first - 1)
        self._begin_anew(first - 1)

    def _begin_anew(self, through: int) -> None:
        self.unbroken_from = through
        for route in self._routes.values():
            self._soil(route)

    def _soil(self, route: Route) -> None:
        """Have the subscriptions of a route told that there is news."""
        if not route.dirty:
            route.dirty = True
            self._dirty.append(route)

    def _quote(self, position: int, entry: QuoteEntry) -> None:
        state = self._instruments[entry.instrument]
        if entry.epoch <= state.epoch and (entry.epoch < state.epoch or entry.revision <= state.revision):
            # A writer that took over may repeat what its predecessor had appended already.
            return
        state.epoch = entry.epoch
        state.revision = entry.revision
        state.position = position
        state.frame = entry.frame
        state.run.append(position, entry.frame)
        self.retention.add(state.run, entry.frame)
        for route in state.routes:
            route.instruments.move_to_end(state)
            route.entries += 1
            if not route.dirty:  # written out here: this runs for every update of every route
                route.dirty = True
                self._dirty.append(route)

    def _status(self, position: int, entry: StatusEntry, now_ns: int) -> None:
        slot = self._slots.get((entry.source, entry.channel))
        if slot is None:
            slot = self._slots[(entry.source, entry.channel)] = _Slot()
        slot.heard_ns = now_ns
        slot.state = entry.state
        slot.epoch = entry.epoch
        slot.frame = entry.frame
        if entry.change != slot.change:
            slot.change = entry.change
            self._announce(position, entry.source, entry.frame)

    def _announce(self, position: int, source: str, framed: bytes) -> None:
        self.changes.add(position, source, framed)
        for route in self._routes.values():
            if route.selection.includes_source(source):
                self._soil(route)

    def _instrument(self, entry: InstrumentEntry) -> None:
        state = self._instruments.get(entry.instrument)
        if state is None:
            state = InstrumentState(entry.instrument, type=entry.type, exchange=entry.exchange, channel=entry.channel)
            self._instruments[entry.instrument] = state
            self._by_symbol.setdefault(entry.instrument[1], []).append(state)
            for selection, route in self._routes.items():
                if _selected(selection, state):
                    # Without a quote it is the least recent of all, so that walks back from the latest never meet it.
                    route.instruments[state] = None
                    route.instruments.move_to_end(state, last=False)
                    state.routes.append(route)
        state.listed = entry.frame


class _Slot:
    """The latest status of one upstream slot."""

    __slots__ = ("change", "epoch", "frame", "heard_ns", "state")

    def __init__(self) -> None:
        self.change: int | None = None
        self.epoch = 0
        self.frame = b""
        self.heard_ns = 0
        self.state = SourceState.UNKNOWN


def _selected(selection: Selection, state: InstrumentState) -> bool:
    source, symbol = state.key
    return selection.matches(source=source, symbol=symbol, type=state.type, exchange=state.exchange)
