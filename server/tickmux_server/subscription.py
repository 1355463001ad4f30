"""A subscription: a cursor into the log, and what it is to be sent next."""

import enum
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux_adapters.model import Clock
from tickmux_server.encoding import TimestampField, unsigned
from tickmux_server.errors import ClientTooFarBehind
from tickmux_server.hub import Hub
from tickmux_server.resume import ResumeToken, ResumeTokens
from tickmux_server.route import CHUNK_BYTES_MAX, Batch
from tickmux_server.selection import Selection, unmatched

HEARTBEAT_INTERVAL_S_DEFAULT: Final = 5.0
HEARTBEAT_INTERVAL_S_MIN: Final = 1.0

_Response = contract.SubscribeResponse
_FIELDS: Final = _Response.DESCRIPTOR.fields_by_name
_SENT_AT: Final = TimestampField(_FIELDS["sent_at"].number)
_RESUME_TOKEN: Final = _FIELDS["resume_token"].number
_CONFLATED: Final = _FIELDS["conflated"].number
_CAUGHT_UP: Final = unsigned(_FIELDS["caught_up"].number, 1)


class Delivery(enum.Enum):
    """What a stream does when updates arrive faster than its client reads."""

    ALL = "all"
    LATEST = "latest"
    ALL_OR_END = "all_or_end"


_NUMBERS: Final = {
    Delivery.ALL: contract.DELIVERY_ALL,
    Delivery.LATEST: contract.DELIVERY_LATEST,
    Delivery.ALL_OR_END: contract.DELIVERY_ALL_OR_END,
}
"""What a token says of the delivery that it was given under."""


class Subscription:
    """Turns the hub's state and news into the responses of one stream. It queues nothing of its own.

    A stream is made of phases. Each opens with its continuity and the statuses of the sources, goes on with the full
    state (SNAPSHOT, RESET) or the missed updates (RESUMED) up to `caught_up`, and is live from there. A hole in the log
    opens another phase.

    Pure: `next_response` is asked until it has nothing to say; `wake` is called when asking again is worth while.
    """

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        selection: Selection,
        *,
        symbols: Sequence[str] = (),
        delivery: Delivery = Delivery.ALL,
        min_interval_s: float = 0.0,
        heartbeat_interval_s: float = HEARTBEAT_INTERVAL_S_DEFAULT,
        resume: ResumeToken | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """Join the selection's route and open the first phase.

        Args:
            hub: Where quotes come from.
            clock: Stamps responses and times heartbeats.
            selection: What to stream.
            symbols: The selection's symbols as they were sent, to name those that match nothing.
            delivery: What to do when the client falls behind.
            min_interval_s: Shortest time between two live responses with quotes.
            heartbeat_interval_s: Time between two heartbeats.
            resume: Where to go on, if the log still reaches there.
            wake: Called when `next_response` has something to say again.
        """
        self._hub = hub
        self._clock = clock
        self._delivery = delivery
        self._latest = delivery is Delivery.LATEST
        self._min_interval_ns = round(min_interval_s * 1e9)
        self._quotes_from_ns = 0
        self._spent_pace = False
        """Whether quotes of the walk that is under way have been sent."""
        self._heartbeat_ns = round(heartbeat_interval_s * 1e9)
        self._wake = wake
        self._tokens = ResumeTokens(hub.log.identity, selection, _NUMBERS[delivery])
        self._route = hub.join(selection)
        self._route.wakers[self] = self._news if min_interval_s else wake
        self._unmatched = unmatched(symbols, {state.key[1] for state in self._route.instruments}) if symbols else []
        self._batches: deque[Batch] = deque()
        self._state: deque[bytes] | None = None
        """What is left to write of the state that opened the phase."""
        self._catching_up_to: int | None = None
        """Where the missed updates end that opened the phase, until all of them are walked."""
        self._last_of_catch_up: Batch | None = None
        self._is_behind = False
        """Whether the latest walk left some for the next one."""
        if resume is None:
            self._open_with_state(contract.CONTINUITY_SNAPSHOT)
        elif self._tokens.own(resume) and hub.resumes(self._route, resume.position, latest=self._latest):
            self._open_after(resume.position)
        else:
            self._open_with_state(contract.CONTINUITY_RESET)
        self._next_heartbeat_ns = clock.monotonic_ns() + self._heartbeat_ns
        self._ending = False
        self._ended = False

    def close(self) -> None:
        """Leave the route."""
        self._route.wakers.pop(self, None)
        self._hub.leave(self._route)
        # It leads back to whoever holds this subscription, and would keep both until the garbage collector comes by.
        self._wake = lambda: None

    def go_away(self) -> None:
        """Have the next response be the last one, with `going_away`."""
        if not self._ending:
            self._ending = True
            self._wake()

    @property
    def ended(self) -> bool:
        """Whether the last response was given."""
        return self._ended

    @property
    def quotes_due_ns(self) -> int | None:
        """The monotonic time at which to ask again although nothing woke this stream; None if it need not be."""
        if not self._min_interval_ns:
            return None
        # Also when the time has come since `next_response` looked at the clock, and had nothing to say yet.
        is_waiting = self._cursor < self._hub.head or self._clock.monotonic_ns() < self._quotes_from_ns
        return self._quotes_from_ns if is_waiting and not self._ended else None

    @property
    def is_behind(self) -> bool:
        """Whether the next response takes a longer walk: part of the state, or of more updates than fit into one."""
        return self._opening is not None or self._state is not None or self._is_behind

    def heartbeat_due(self, now_ns: int) -> bool:
        """Whether a heartbeat is due; if so the stream is to be woken."""
        return now_ns >= self._next_heartbeat_ns

    def next_response(self) -> bytes | None:
        """The next response, serialised, or None when there is nothing to say now.

        Raises:
            ClientTooFarBehind: The stream would have to pass over updates, and was asked to end instead.
        """
        if self._ended:
            return None
        if self._state is None and not self._batches:
            if self._ending and self._opening is None:
                self._ended = True
                return self._stamped(_Response(going_away=True, resume_token=self._tokens.text(self._cursor)))
            self._advance()
        if self._state is not None:
            return self._state_response(self._state)
        if not self._batches:
            return None
        return self._batch_response(self._batches.popleft())

    def _open_with_state(self, continuity: contract.Continuity.ValueType) -> None:
        """Open a phase with the full state of now."""
        hub, route = self._hub, self._route
        self._state = deque(hub.served_frame(state) for state in route.latest())
        self._cursor = hub.head
        self._seen = route.entries
        self._open(continuity)

    def _open_after(self, position: int) -> None:
        """Open a phase with the updates after a position that this client has reached."""
        hub, route = self._hub, self._route
        self._catching_up_to = hub.head
        self._cursor = position
        self._seen = route.entries - route.count_after(position, hub.head)
        self._open(contract.CONTINUITY_RESUMED)

    def _open(self, continuity: contract.Continuity.ValueType) -> None:
        self._opening: _Response | None = _Response(continuity=continuity, unmatched=self._unmatched)
        self._statuses = b"".join(self._hub.statuses(self._route.selection))
        self._known = self._hub.changes.latest
        self._conflated = 0

    def _opened(self) -> None:
        self._opening = None
        # Told on the first response only, whatever phase that opens.
        self._unmatched = []

    def _advance(self) -> None:
        """Find what to send next, which may be nothing."""
        if self._cursor < self._hub.unbroken_from:
            self._catching_up_to = None
            self._open_with_state(contract.CONTINUITY_RESET)
            return
        changes = self._hub.changes
        if not changes.reaches(self._known):
            # Statuses are not replayed: whoever missed too many changes is told how things stand now.
            self._known = changes.latest
            self._tell_statuses(self._hub.statuses(self._route.selection))
        if self._catching_up_to is not None:
            self._walk(self._catching_up_to)
            return
        if self._clock.monotonic_ns() < self._quotes_from_ns:
            self._tell_news()
            return
        self._walk(self._hub.head)
        self._spent_pace = self._spent_pace or any(batch.count for batch in self._batches)
        # What is too much for one walk goes on at once: paced as well, a stream might never reach the present.
        if self._spent_pace and self._cursor == self._hub.head:
            self._begin_pace()

    def _begin_pace(self) -> None:
        self._spent_pace = False
        self._quotes_from_ns = self._clock.monotonic_ns() + self._min_interval_ns

    def _walk(self, through: int) -> None:
        hub = self._hub
        walk = self._route.since(self._cursor, through, hub.head, hub.changes, self._known, latest=self._latest)
        if walk.latest_only and self._delivery is Delivery.ALL_OR_END:
            raise ClientTooFarBehind(
                "updates that this client has yet to be sent are no longer kept; read faster, keep a longer history, "
                "or subscribe with DELIVERY_ALL to have them conflated",
                resume_token=self._tokens.text(self._cursor),
            )
        delivered = sum(batch.count for batch in walk.batches)
        self._batches.extend(walk.batches)
        if walk.latest_only:
            self._conflated += walk.entries - self._seen - delivered
            self._seen = walk.entries
        else:
            self._seen += delivered
        self._is_behind = not walk.complete
        if not walk.complete:
            self._cursor, self._known = walk.batches[-1].through, walk.batches[-1].change
            return
        self._cursor, self._known = walk.through, walk.change
        if self._catching_up_to is not None:
            self._catching_up_to = None
            if not self._batches:
                self._tell_statuses(())
            self._last_of_catch_up = self._batches[-1]
        if self._cursor == hub.head:
            self._heartbeat()

    def _tell_news(self) -> None:
        """Tell of sources while quotes wait for their pace: that a feed has died must not wait with them."""
        news, self._known = self._hub.changes.since(self._known, self._route.selection, self._hub.head)
        if news:
            self._tell_statuses([change.frame for change in news])
        self._heartbeat()

    def _heartbeat(self) -> None:
        """Tell the current statuses, if it is time. Only to be called when all news was told, which they contain."""
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._next_heartbeat_ns:
            # From now, not from when it was due: a client that stalls is not sent all the ones that it missed.
            self._next_heartbeat_ns = now_ns + self._heartbeat_ns
            self._tell_statuses(self._hub.statuses(self._route.selection))

    def _tell_statuses(self, frames: Sequence[bytes]) -> None:
        self._batches.append(Batch(b"".join(frames), b"", 0, self._cursor, self._known))

    def _news(self) -> None:
        """Wake, unless it is for quotes that wait for their pace: `quotes_due_ns` tells when their time has come."""
        if self._known < self._hub.changes.latest or self._clock.monotonic_ns() >= self._quotes_from_ns:
            self._wake()

    def _state_response(self, state: deque[bytes]) -> bytes:
        message = self._opening or _Response()
        frames: list[bytes] = []
        if self._opening is not None:
            frames.append(self._statuses)
            self._opened()
        size = 0
        while state and size + len(state[0]) <= CHUNK_BYTES_MAX:
            size += len(state[0])
            frames.append(state.popleft())
        if not state:
            message.caught_up = True
            message.resume_token = self._tokens.text(self._cursor)
            self._state = None
            self._begin_pace()
        return self._stamped(message) + b"".join(frames)

    def _batch_response(self, batch: Batch) -> bytes:
        # The one response that is written at the rate of the market: its few own fields are encoded by hand.
        head = _SENT_AT.encode(self._clock.wall_ns()) + self._tokens.field(_RESUME_TOKEN, batch.through)
        if self._conflated:
            head += unsigned(_CONFLATED, self._conflated)
            self._conflated = 0
        if batch is self._last_of_catch_up:
            head += _CAUGHT_UP
            self._last_of_catch_up = None
            self._begin_pace()
        if self._opening is not None:
            head += self._opening.SerializeToString() + self._statuses
            self._opened()
        return head + batch.statuses + batch.quotes

    def _stamped(self, message: _Response) -> bytes:
        message.sent_at.FromNanoseconds(self._clock.wall_ns())
        return message.SerializeToString()
