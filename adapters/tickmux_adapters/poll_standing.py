"""How a polled source stands, by when it last succeeded and what went wrong since. Pure: events in, states out."""

from typing import Final

from tickmux_adapters.errors import BudgetSpent, VenueError, VenueRejected
from tickmux_adapters.model import Clock, SourceState

NS_PER_S: Final = 1_000_000_000


class Standing:
    """The state of one source, and until when what it last said can be taken for the present.

    | what happens | within the deadline | past it | before any success |
    |---|---|---|---|
    | success | LIVE, or THROTTLED while the budget holds back | the same, in a new chain | the same |
    | asked too often | THROTTLED; the deadline waits, once | THROTTLED, in a new chain that is empty | THROTTLED |
    | refused | REJECTED | REJECTED | REJECTED |
    | any other failure | LIVE | STALE if mute, else DOWN | DOWN |
    | the deadline | | as for any other failure; THROTTLED while the budget holds back, in a new chain that is empty | |
    """

    def __init__(self, *, request_timeout_s: float, clock: Clock) -> None:
        """Prepare.

        Args:
            request_timeout_s: how long a request may take.
            clock: for the deadline.
        """
        self._timeout_s = request_timeout_s
        self._clock = clock
        self._succeeded_ns: int | None = None
        self._has_waited = False
        self.deadline_ns: int | None = None
        """Monotonic time past which what was last said is not known to hold; None before a success and once passed."""

    @property
    def is_overdue(self) -> bool:
        """Whether the deadline has passed since the last success."""
        return self._succeeded_ns is not None and self.deadline_ns is None

    @property
    def silent_s(self) -> float:
        """Seconds since the last success; 0 before any."""
        return 0.0 if self._succeeded_ns is None else (self._clock.monotonic_ns() - self._succeeded_ns) / NS_PER_S

    def after_success(self, next_in_s: float, *, is_held_back: bool) -> SourceState:
        """A request was answered with data, and the next is planned.

        Args:
            next_in_s: seconds until then.
            is_held_back: whether the budget makes it wait.
        """
        self._succeeded_ns = self._clock.monotonic_ns()
        self._has_waited = False
        # Two planned intervals; and the next request may take as long as it may, before the plan has failed.
        self._set_deadline(max(2 * next_in_s, next_in_s + self._timeout_s))
        return SourceState.THROTTLED if is_held_back else SourceState.LIVE

    def after_failure(self, error: VenueError, pause_s: float, *, before: SourceState, is_mute: bool) -> SourceState:
        """A request failed.

        Args:
            error: how.
            pause_s: seconds that it asks us to wait.
            before: the state until now.
            is_mute: whether there was no answer in time.
        """
        if isinstance(error, VenueRejected):
            return SourceState.REJECTED
        if isinstance(error, BudgetSpent):
            # Told to wait, we wait, and what was last said stands until the venue was asked once more. Not again: a
            # venue that goes on refusing does not make an old price fresh.
            if self.deadline_ns is not None and not self._has_waited:
                self._has_waited = True
                left_s = (self.deadline_ns - self._clock.monotonic_ns()) / NS_PER_S
                self._set_deadline(max(left_s, pause_s + self._timeout_s))
            return SourceState.THROTTLED
        if self._succeeded_ns is None:
            return SourceState.DOWN
        if self.is_overdue or before is SourceState.REJECTED:
            return _silent(is_mute=is_mute)
        return SourceState.LIVE

    def at_deadline(self, *, before: SourceState, is_held_back: bool, is_mute: bool) -> SourceState | None:
        """The state once the deadline has passed; None if it has not.

        Args:
            before: the state until now.
            is_held_back: whether the budget makes the next request wait.
            is_mute: whether the last request was not answered in time.
        """
        if self.deadline_ns is None or self._clock.monotonic_ns() < self.deadline_ns:
            return None
        self.deadline_ns = None
        if before is SourceState.REJECTED or (before is SourceState.THROTTLED and is_held_back):
            return before
        return _silent(is_mute=is_mute)

    def _set_deadline(self, in_s: float) -> None:
        self.deadline_ns = self._clock.monotonic_ns() + int(in_s * NS_PER_S)


def _silent(*, is_mute: bool) -> SourceState:
    return SourceState.STALE if is_mute else SourceState.DOWN
