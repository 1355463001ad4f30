"""Which request of a round is next, and when: fair over all of them, no faster than the venue renews its answers."""

from collections.abc import Sequence
from typing import Final

from tickmux_adapters.budget import Budget
from tickmux_adapters.model import Clock

NS_PER_S: Final = 1_000_000_000
NEVER_NS: Final = 1 << 62
"""So long before any moment of the monotonic clock stand the requests that were never made, in the order of turns."""
REFUSALS_MAX: Final = 2
LAPSE_TURNS: Final = 2
"""What a request said last is not believed for longer than so many of its turns, while others are answered."""


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
        # Where an earlier run left off, so that restarts do not favour whoever stands first.
        first = budget.spent % count
        now_ns = clock.monotonic_ns()
        self._turns = [_Turn(now_ns, asked_ns=(index - first) % count - NEVER_NS) for index in range(count)]
        self._untried = set(range(count))
        self._answers = 0
        self._failures = 0
        """Of any request, since the last answer."""

    def next(self) -> int:
        """The request whose turn it is: the one that may be made first, and of several the one asked longest ago."""
        now_ns = self._clock.monotonic_ns()
        order = [(max(turn.ready_ns, now_ns), turn.asked_ns) for turn in self._turns]
        return order.index(min(order))

    def delay_s(self, *, after_failure_s: float = 0.0) -> float:
        """Seconds until the next request.

        Args:
            after_failure_s: the pause that the last request's failure asks for; 0 if it was answered. The first
                failures after an answer may be made up for out of turn, as long as half of a long window is left;
                those after them wait for their turns, so that an outage does not use up what is everybody's.
        """
        now_ns = self._clock.monotonic_ns()
        in_haste = len(self._untried) or int(0 < self._failures <= self._budget.spare_requests)
        last_ns = self._budget.last_spent_ns
        paced_s = 0.0 if last_ns is None else self._budget.pace_s(in_haste) - (now_ns - last_ns) / NS_PER_S
        ready_s = (self._turns[self.next()].ready_ns - now_ns) / NS_PER_S
        return max(0.0, paced_s, ready_s, after_failure_s, self._budget.delay_s())

    def answered(self, index: int, fresh_s: float | None) -> None:
        """A request was answered with data.

        Args:
            index: which one.
            fresh_s: for how long the venue would only repeat itself, if it said so.
        """
        self._take_turn(index)
        self._failures = 0
        self._answers += 1
        turn = self._turns[index]
        turn.answers = self._answers
        turn.is_idle = False
        # The venue knows best how old its answer is: a copy that was cached a while ago is renewed the sooner.
        wait_s = max(self._refresh_s if fresh_s is None else fresh_s, self._refresh_s_min)
        turn.ready_ns = self._clock.monotonic_ns() + int(wait_s * NS_PER_S)

    def put_off(self, index: int, wait_s: float) -> None:
        """A request is known to bring nothing for a while; the others go on."""
        self._take_turn(index)
        self._turns[index].is_idle = True
        self._turns[index].ready_ns = self._clock.monotonic_ns() + int(wait_s * NS_PER_S)

    def failed(self, index: int) -> None:
        """A request was made in vain: the next turn is another's."""
        self._take_turn(index)
        self._failures += 1

    def refused(self, index: int) -> None:
        """A request was one too many, says the venue.

        It keeps its turn, or whoever comes last in a round that is larger than the venue's allowance would be refused
        for ever. One that is refused after the wait again is not held for the last drop: the others must go on.
        """
        turn = self._turns[index]
        turn.refusals += 1
        if turn.refusals >= REFUSALS_MAX:
            turn.asked_ns = self._clock.monotonic_ns()
        if turn.refusals >= 2 * REFUSALS_MAX:
            # No haste for what is refused however long we wait.
            self._untried.discard(index)

    @property
    def idle(self) -> int:
        """Count of requests that are put off: their turns come between those that bring data."""
        return sum(turn.is_idle for turn in self._turns)

    def lapsed(self) -> Sequence[int]:
        """Requests that are overdue by more than LAPSE_TURNS of their turns, although others were answered since.

        Whatever keeps them from being answered, what they said last is not known to hold. What a source says as a whole
        has a deadline of its own.
        """
        now_ns = self._clock.monotonic_ns()
        turn_s = max(self._refresh_s, self._refresh_s_min, len(self._turns) * self._budget.even_pace_s)
        overdue_ns = int(LAPSE_TURNS * turn_s * NS_PER_S)
        return [
            index
            for index, turn in enumerate(self._turns)
            if now_ns - turn.ready_ns > overdue_ns and turn.answers < self._answers
        ]

    def _take_turn(self, index: int) -> None:
        self._untried.discard(index)
        self._turns[index].refusals = 0
        self._turns[index].asked_ns = self._clock.monotonic_ns()


class _Turn:
    """One request's place in the round."""

    __slots__ = ("answers", "asked_ns", "is_idle", "ready_ns", "refusals")

    def __init__(self, ready_ns: int, *, asked_ns: int) -> None:
        self.ready_ns = ready_ns
        """From when on its answer may be another than before."""
        self.asked_ns = asked_ns
        self.answers = 0
        """How many answers the source had had with its latest one."""
        self.is_idle = False
        """It was put off when it was made last."""
        self.refusals = 0
        """In a row."""
