"""A subscription: a cursor into the log, and what it is to be sent next."""

import enum
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from tickmux.v1 import market_data_service_pb2
from tickmux_adapters.model import Clock
from tickmux_server.encoding import TimestampField, unsigned
from tickmux_server.hub import Hub
from tickmux_server.route import CHUNK_BYTES_MAX, Batch
from tickmux_server.selection import Selection, unmatched

HEARTBEAT_INTERVAL_S_DEFAULT: Final = 5.0
HEARTBEAT_INTERVAL_S_MIN: Final = 1.0

_Response = market_data_service_pb2.SubscribeResponse
_FIELDS: Final = _Response.DESCRIPTOR.fields_by_name
_SENT_AT: Final = TimestampField(_FIELDS["sent_at"].number)


class Delivery(enum.Enum):
    """What a stream does when updates arrive faster than its client reads."""

    ALL = "all"
    LATEST = "latest"


class Subscription:
    """Turns the hub's state and news into the responses of one stream. It queues nothing of its own.

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
        heartbeat_interval_s: float = HEARTBEAT_INTERVAL_S_DEFAULT,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        """Join the selection's route and take the present state.

        Args:
            hub: Where quotes come from.
            clock: Stamps responses and times heartbeats.
            selection: What to stream.
            symbols: The selection's symbols as they were sent, to name those that match nothing.
            delivery: What to do when the client falls behind.
            heartbeat_interval_s: Time between two heartbeats.
            wake: Called when `next_response` has something to say again.
        """
        self._hub = hub
        self._clock = clock
        self._latest = delivery is Delivery.LATEST
        self._heartbeat_ns = round(heartbeat_interval_s * 1e9)
        self._wake = wake
        self._route = hub.join(selection)
        self._route.wakers[self] = wake
        self._take_state(symbols)
        self._conflated = 0
        self._batches: deque[Batch] = deque()
        self._next_heartbeat_ns = clock.monotonic_ns() + self._heartbeat_ns
        self._ending = False
        self._ended = False

    def close(self) -> None:
        """Leave the route."""
        self._route.wakers.pop(self, None)
        self._hub.leave(self._route)

    def go_away(self) -> None:
        """Have the next response be the last one, with `going_away`."""
        self._ending = True
        self._wake()

    @property
    def ended(self) -> bool:
        """Whether the last response was given."""
        return self._ended

    def heartbeat_due(self, now_ns: int) -> bool:
        """Whether a heartbeat is due; if so the stream is to be woken."""
        return now_ns >= self._next_heartbeat_ns

    def next_response(self) -> bytes | None:
        """The next response, serialised, or None when there is nothing to say now."""
        if self._ended:
            return None
        if self._state is not None:
            return self._state_response()
        if not self._batches:
            if self._ending:
                self._ended = True
                return self._stamped(_Response(going_away=True))
            self._walk()
        if not self._batches:
            return None
        return self._batch_response(self._batches.popleft())

    def _take_state(self, symbols: Sequence[str]) -> None:
        hub, route = self._hub, self._route
        self._state: deque[bytes] | None = deque(hub.served_frame(state) for state in route.latest())
        self._unmatched = unmatched(symbols, {state.key[1] for state in route.instruments}) if symbols else []
        self._statuses = hub.statuses(route.selection)
        self._opened = False
        self._cursor = hub.head
        self._known = hub.changes.latest
        self._seen = route.entries

    def _state_response(self) -> bytes:
        state = self._state
        assert state is not None  # noqa: S101 - narrows for mypy; the caller has looked
        message = _Response()
        frames: list[bytes] = []
        if not self._opened:
            self._opened = True
            message.continuity = market_data_service_pb2.CONTINUITY_SNAPSHOT
            message.unmatched.extend(self._unmatched)
            frames.extend(self._statuses)
        size = 0
        while state and size + len(state[0]) <= CHUNK_BYTES_MAX:
            size += len(state[0])
            frames.append(state.popleft())
        if not state:
            message.caught_up = True
            self._state = None
        return self._stamped(message) + b"".join(frames)

    def _walk(self) -> None:
        changes = self._hub.changes
        if not changes.reaches(self._known):
            # Statuses are not replayed: whoever missed too many changes is told how things stand now.
            self._known = changes.latest
            statuses = b"".join(self._hub.statuses(self._route.selection))
            self._batches.append(Batch(statuses, b"", 0, self._cursor, self._known))
        walk = self._route.since(self._cursor, self._hub.head, self._hub.changes, self._known, latest=self._latest)
        delivered = sum(batch.count for batch in walk.batches)
        self._batches.extend(walk.batches)
        if walk.latest_only:
            self._conflated += walk.entries - self._seen - delivered
            self._seen = walk.entries
        else:
            self._seen += delivered
        if walk.complete:
            self._cursor, self._known = walk.head, walk.change
            self._heartbeat()
        else:
            self._cursor, self._known = walk.batches[-1].through, walk.batches[-1].change

    def _heartbeat(self) -> None:
        """Close a walk that reached the head with the current statuses, if it is time.

        Only there: sent earlier they would run ahead of news that the stream has yet to tell in order.
        """
        now_ns = self._clock.monotonic_ns()
        if now_ns >= self._next_heartbeat_ns:
            # From now, not from when it was due: a client that stalls is not sent all the ones that it missed.
            self._next_heartbeat_ns = now_ns + self._heartbeat_ns
            statuses = b"".join(self._hub.statuses(self._route.selection))
            self._batches.append(Batch(statuses, b"", 0, self._cursor, self._known))

    def _batch_response(self, batch: Batch) -> bytes:
        # The one response that is written at the rate of the market: its few own fields are encoded by hand.
        head = _SENT_AT.encode(self._clock.wall_ns())
        if self._conflated:
            head += unsigned(_FIELDS["conflated"].number, self._conflated)
            self._conflated = 0
        return head + batch.statuses + batch.quotes

    def _stamped(self, message: market_data_service_pb2.SubscribeResponse) -> bytes:
        message.sent_at.FromNanoseconds(self._clock.wall_ns())
        return message.SerializeToString()
