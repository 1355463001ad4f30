"""Whose turn it is, when answers fail, are refused or bring nothing. No waiting: time is injected."""

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum, auto

from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.clock import ManualClock

from tickmux_adapters.budget import Allowance, Budget
from tickmux_adapters.poll_plan import PollPlan

DAY_S = 86_400.0
HOUR_S = 3600.0
SECOND_NS = 1_000_000_000
FREE = (Allowance(1, 1.0), Allowance(25, DAY_S))


class Outcome(Enum):
    GOOD = auto()
    FAILED = auto()
    NOT_SENT = auto()
    REFUSED = auto()
    NOTHING = auto()


class Day:
    """A source that is asked by the plan alone."""

    def __init__(self, count: int, allowances: Sequence[Allowance], *, refresh_s: float = 60.0) -> None:
        self.clock = ManualClock()
        self.budget = Budget(allowances, self.clock)
        self.plan = PollPlan(count, refresh_s=refresh_s, refresh_s_min=0.0, budget=self.budget, clock=self.clock)
        self.asked: list[tuple[float, int]] = []
        self.lapsed: set[int] = set()

    def run(self, until_s: float, outcome: Callable[[int, float], Outcome]) -> None:
        """Ask until so many seconds have passed since the start."""
        start_ns = self.clock.monotonic_ns()
        pause_s = 0.0
        while True:
            now_s = (self.clock.monotonic_ns() - start_ns) / SECOND_NS
            delay_s = self.plan.delay_s(after_failure_s=pause_s)
            assert 0.0 <= delay_s < 3 * DAY_S
            if now_s + delay_s >= until_s:
                self.clock.forward(until_s - now_s)
                return
            self.clock.forward(delay_s)
            now_s += delay_s
            index = self.plan.next()
            self.budget.spend()
            self.asked.append((now_s, index))
            pause_s = self._take(index, outcome(index, now_s))
            self.lapsed.update(self.plan.lapsed())

    def _take(self, index: int, outcome: Outcome) -> float:
        match outcome:
            case Outcome.GOOD:
                self.plan.answered(index, None)
                return 0.0
            case Outcome.NOTHING:
                self.plan.put_off(index, 600.0)
                return 0.0
            case Outcome.REFUSED:
                self.budget.stop(60.0, "too often")
                self.plan.refused(index)
                return 60.0
            case Outcome.NOT_SENT:
                self.budget.take_back()
        self.plan.failed(index)
        return 0.5

    def shares(self) -> Counter[int]:
        return Counter(index for _, index in self.asked)


def test_a_round_larger_than_the_venues_allowance_starves_nobody() -> None:
    """The venue grants one request a minute, and says so only by refusing."""
    day = Day(2, [Allowance(10, 60.0)])
    granted_s = [-60.0]

    def venue(_index: int, now_s: float) -> Outcome:
        if now_s - granted_s[-1] < 60.0:
            return Outcome.REFUSED
        granted_s.append(now_s)
        return Outcome.GOOD

    answered: Counter[int] = Counter()

    def noted(index: int, now_s: float) -> Outcome:
        outcome = venue(index, now_s)
        answered[index] += outcome is Outcome.GOOD
        return outcome

    day.run(6 * HOUR_S, noted)
    assert min(answered.values()) > 100
    assert abs(answered[0] - answered[1]) <= 2
    assert day.lapsed == set()


def test_one_that_is_always_refused_does_not_hold_up_the_others() -> None:
    day = Day(3, [Allowance(30, 60.0)])
    day.run(6 * HOUR_S, lambda index, _: Outcome.REFUSED if index == 1 else Outcome.GOOD)
    shares = day.shares()
    assert min(shares[0], shares[2]) > 100
    assert day.lapsed == {1}, "what it said last is not believed any more"


def test_one_that_always_fails_does_not_use_up_the_day() -> None:
    day = Day(5, FREE)
    day.run(DAY_S, lambda index, _: Outcome.FAILED if index == 2 else Outcome.GOOD)
    shares = day.shares()
    assert sum(shares.values()) <= 25
    assert all(shares[index] >= 4 for index in (0, 1, 3, 4)), shares
    times = [at_s for at_s, index in day.asked if index == 0]
    assert max(later - before for before, later in itertools.pairwise(times)) < 8 * HOUR_S
    assert 2 in day.lapsed


def test_an_outage_on_a_fresh_day_does_not_use_it_up() -> None:
    day = Day(5, FREE)
    day.run(3 * HOUR_S, lambda *_: Outcome.FAILED)
    # The first round, each once; then by turns.
    assert len(day.asked) <= 5 + 1 + 3
    assert day.lapsed == set(), "what fails as a whole has a deadline as a whole"


def test_what_never_reached_the_venue_is_made_again_as_soon_as_the_pause_allows() -> None:
    day = Day(5, FREE)
    day.run(60.0, lambda *_: Outcome.NOT_SENT)
    assert len(day.asked) > 50
    assert day.budget.spent == 0


def test_one_failure_is_made_up_for_out_of_turn() -> None:
    day = Day(1, FREE)
    failures = [True, False]

    def once(_index: int, _now_s: float) -> Outcome:
        return Outcome.FAILED if failures and failures.pop() else Outcome.GOOD

    day.run(120.0, lambda *_: Outcome.GOOD)
    first = len(day.asked)
    failures[:] = [True]
    day.run(2 * HOUR_S, once)
    times = [at_s for at_s, _ in day.asked[first:]]
    assert times[1] - times[0] < 10.0


def test_what_brings_nothing_is_put_off_and_lapses_nobody() -> None:
    day = Day(3, [Allowance(30, 60.0)])
    day.run(2 * HOUR_S, lambda index, _: Outcome.NOTHING if index == 1 else Outcome.GOOD)
    assert day.plan.idle == 1
    assert 11 <= day.shares()[1] <= 13
    assert day.lapsed == set()


def test_what_is_renewed_seldom_does_not_lapse_in_between() -> None:
    day = Day(2, [Allowance(30, 60.0)])
    start_ns = day.clock.monotonic_ns()
    while day.clock.monotonic_ns() - start_ns < 4 * HOUR_S * SECOND_NS:
        day.clock.forward(day.plan.delay_s())
        index = day.plan.next()
        day.budget.spend()
        day.plan.answered(index, HOUR_S if index == 1 else None)
        assert day.plan.lapsed() == []


@given(
    st.integers(1, 6),
    st.lists(st.sampled_from(list(Outcome)), max_size=80),
    st.lists(st.tuples(st.integers(1, 40), st.sampled_from([1.0, 60.0, DAY_S])), min_size=1, max_size=3),
)
def test_no_allowance_is_ever_exceeded_whatever_becomes_of_the_requests(
    count: int, outcomes: list[Outcome], limits: list[tuple[int, float]]
) -> None:
    day = Day(count, [Allowance(*each) for each in limits])
    left = list(outcomes)
    sent: list[float] = []

    def next_one(_index: int, now_s: float) -> Outcome:
        outcome = left.pop() if left else Outcome.GOOD
        if outcome is not Outcome.NOT_SENT:
            sent.append(now_s)
        return outcome

    day.run(2 * HOUR_S, next_one)
    for limit, window_s in limits:
        assert all(sum(0 <= other - at_s < window_s - 1e-6 for other in sent) <= limit for at_s in sent[:200])
