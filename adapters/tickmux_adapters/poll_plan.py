"""Which request of a round is next, and when: fair over all of them, no faster than the venue renews its answers."""

from typing import Final

from tickmux_adapters.budget import Budget
from tickmux_adapters.model import Clock

NS_PER_S: Final = 1_000_000_000
NEVER_NS: Final = 1 << 62
"""So long before any moment of the monotonic clock stand the requests that were never made, in the order of turns."""

LAPSE_TURNS: Final = 2


class PollPlan:
    """The turns of the requests of one source. Pure: it is asked for the next one, and told what became of it."""

    def __init__(self, count: int, *, refresh_s: float, refresh_s_min: float, budget: Budget, clock: Clock) -> None:
        """Prepare the first round.

        Args:
            count: requests of a round, at least one.
            refresh_s: time between two answers to the same request, where the venue does not say when it renews one.
            refresh_s_min: the same at least, whatever the venue says.
            budget: what may be asked; it is read, never spent.
            clock: for the time between requests.
        """
        self._refresh_s = refresh_s
        self._refresh_s_min = refresh_s_min
        self._budget = budget
        self._clock = clock
        self._ready_ns = [clock.monotonic_ns()] * count
        # Where an earlier run left off, so that restarts do not favour whoever stands first.
        first = budget.spent % count
        self._asked_ns = [(index - first) % count - NEVER_NS for index in range(count)]
        self._unanswered = set(range(count))
        self._answers = 0
        self._failures = [_Failures() for _ in range(count)]

    def next(self) -> int:
        """The request whose turn it is: the one that may be made first, and of several the one asked longest ago."""
        now_ns = self._clock.monotonic_ns()
        order = [
            (max(ready_ns, now_ns), asked_ns) for ready_ns, asked_ns in zip(self._ready_ns, self._asked_ns, strict=True)
        ]
        return order.index(min(order))

    def delay_s(self, *, after_failure_s: float | None = None) -> float:
        """Seconds until the next request.

        Args:
            after_failure_s: the pause that the last request's failure asks for; None if it was answered. A request
                that failed is made up for out of turn, as long as that costs the others nothing.
        """
        now_ns = self._clock.monotonic_ns()
        unanswered = len(self._unanswered)
        if after_failure_s is not None:
            pace_s = max(self._budget.pace_s(max(1, unanswered)), after_failure_s)
            return max(pace_s, self._budget.delay_s())
        pace_s = self._budget.pace_s(unanswered)
        last_ns = self._budget.last_spent_ns
        paced_s = 0.0 if last_ns is None else pace_s - (now_ns - last_ns) / NS_PER_S
        ready_s = (self._ready_ns[self.next()] - now_ns) / NS_PER_S
        return max(0.0, paced_s, ready_s, self._budget.delay_s())

    def asked(self, index: int) -> None:
        """A request was made, whatever became of it: the next turn is another's."""
        self._asked_ns[index] = self._clock.monotonic_ns()

    def answered(self, index: int, fresh_s: float | None) -> None:
        """A request was answered.

        Args:
            index: which one.
            fresh_s: for how long the venue would only repeat itself, if it said so.
        """
        self._unanswered.discard(index)
        self._answers += 1
        self._failures[index].count = 0
        # The venue knows best how old its answer is: a copy that was cached a while ago is renewed the sooner.
        wait_s = max(self._refresh_s if fresh_s is None else fresh_s, self._refresh_s_min)
        self._ready_ns[index] = self._clock.monotonic_ns() + int(wait_s * NS_PER_S)

    def failed(self, index: int) -> bool:
        """A request got no good answer.

        Returns:
            Whether what it said before has lapsed: it failed in LAPSE_TURNS turns of its own, between which another
            was answered. What a source says as a whole has a deadline of its own.
        """
        failures = self._failures[index]
        if not failures.count:
            failures.since = self._answers
        failures.count += 1
        return failures.count >= LAPSE_TURNS and self._answers > failures.since


class _Failures:
    """The failures of one request in a row."""

    __slots__ = ("count", "since")

    def __init__(self) -> None:
        self.count = 0
        self.since = 0
        """How many answers the source had had at the first of them."""
