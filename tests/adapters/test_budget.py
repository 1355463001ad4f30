"""What a key may ask: windows, spreading, the venue's own word, and what a restart remembers; time is injected."""

import itertools
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.clock import ManualClock

from tickmux_adapters.budget import Allowance, Budget, Spending
from tickmux_adapters.budget_file import BudgetFile, default_path
from tickmux_adapters.poll_plan import PollPlan

DAY_S = 86_400.0
FREE = (Allowance(1, 1.0), Allowance(25, DAY_S))
SECOND_NS = 1_000_000_000


def run_a_plan(plan: PollPlan, budget: Budget, clock: ManualClock, until_ns: int) -> list[tuple[float, int]]:
    """(seconds since the start, request) of everything that is asked until then; every answer comes at once."""
    start_ns = clock.monotonic_ns()
    asked: list[tuple[float, int]] = []
    while True:
        left_s = (until_ns - clock.monotonic_ns()) / SECOND_NS
        delay_s = max(plan.delay_s(), 1e-6)
        clock.forward(min(delay_s, left_s))
        if delay_s >= left_s:
            return asked
        assert budget.delay_s() == 0.0, "the plan asks for what the budget does not allow"
        index = plan.next()
        budget.spend()
        plan.answered(index, None)
        asked.append(((clock.monotonic_ns() - start_ns) / SECOND_NS, index))


def test_a_key_of_25_a_day_gives_each_of_five_symbols_its_share_all_day_long() -> None:
    clock = ManualClock()
    budget = Budget(FREE, clock)
    plan = PollPlan(5, refresh_s=60.0, refresh_s_min=0.0, budget=budget, clock=clock)
    asked = run_a_plan(plan, budget, clock, clock.monotonic_ns() + 4 * int(DAY_S) * SECOND_NS)
    times = [at_s for at_s, _ in asked]
    # The first round comes at once, a second apart; then it goes on evenly, on every day.
    assert [index for _, index in asked[:5]] == [0, 1, 2, 3, 4]
    assert times[4] < 10.0
    for day in range(4):
        shares = Counter(index for at_s, index in asked if day * DAY_S <= at_s < (day + 1) * DAY_S)
        assert all(4 <= shares[index] <= 6 for index in range(5)), shares
    assert max(later - before for before, later in itertools.pairwise(times)) < 2 * DAY_S / 25
    most = max(sum(at_s <= other < at_s + DAY_S for other in times) for at_s in times)
    assert most <= 25


def test_restarts_do_not_use_the_day_up() -> None:
    clock = ManualClock()
    spent: list[Spending] = []
    total = 0
    shares: Counter[int] = Counter()
    for _ in range(40):  # every half hour
        budget = Budget(FREE, clock)
        budget.remember(spent)
        plan = PollPlan(5, refresh_s=60.0, refresh_s_min=0.0, budget=budget, clock=clock)
        asked = run_a_plan(plan, budget, clock, clock.monotonic_ns() + 1800 * SECOND_NS)
        total += len(asked)
        shares.update(index for _, index in asked)
        spent = budget.spendings()
    assert 20 <= total <= 25
    assert sum(spending.requests for spending in spent) == total
    assert all(4 <= shares[index] <= 6 for index in range(5)), shares


def test_a_day_that_is_spent_at_the_start_says_when_it_goes_on() -> None:
    clock = ManualClock()
    budget = Budget(FREE, clock)
    hour_ns = 3600 * SECOND_NS
    budget.remember([Spending(clock.wall_ns() - hour_ns, 25)])
    assert budget.is_holding_back
    assert budget.delay_s() == pytest.approx(23 * 3600.0)
    (status,) = budget.statuses(budget.delay_s())
    assert (status.limit, status.left, status.window_s) == (25, 0, DAY_S)
    assert status.reason == "all 25 requests of a day are made"
    assert status.next_request_at_ns == clock.wall_ns() + 23 * hour_ns
    assert status.resets_at_ns is None


def test_what_is_dated_in_the_future_counts_as_spent_now() -> None:
    clock = ManualClock()
    budget = Budget(FREE, clock)
    budget.remember([Spending(clock.wall_ns() + 5 * 3600 * SECOND_NS, 25)])
    assert budget.delay_s() == pytest.approx(DAY_S)


def test_what_is_older_than_a_window_is_forgotten() -> None:
    clock = ManualClock()
    budget = Budget(FREE, clock)
    budget.remember([Spending(clock.wall_ns() - int(DAY_S) * SECOND_NS, 25)])
    assert budget.delay_s() == 0.0
    assert budget.last_spent_ns is None


def test_a_wall_clock_that_jumps_changes_nothing_while_we_run() -> None:
    clock = ManualClock()
    budget = Budget(FREE, clock)
    budget.spend()
    clock.jump(7 * 3600.0)
    assert budget.delay_s() == pytest.approx(1.0)
    clock.jump(-30 * 3600.0)
    assert budget.delay_s() == pytest.approx(1.0)


def test_the_venues_word_holds_until_it_answers_again() -> None:
    clock = ManualClock()
    budget = Budget(FREE, clock)
    budget.stop(90.0, "the venue says so", is_dated=True)
    (status,) = budget.statuses(90.0)
    assert (status.left, status.reason, status.resets_at_ns) == (
        0,
        "the venue says so",
        clock.wall_ns() + 90 * SECOND_NS,
    )
    assert budget.is_holding_back
    assert budget.delay_s() == pytest.approx(90.0)
    budget.resume()
    assert budget.delay_s() == 0.0
    (status,) = budget.statuses(0.0)
    assert (status.left, status.reason, status.resets_at_ns) == (25, "", None)


def test_a_guess_at_when_to_try_again_is_not_told_as_the_venues_reset() -> None:
    clock = ManualClock()
    budget = Budget(FREE, clock)
    budget.stop(3600.0, "the day is spent", is_dated=False)
    assert budget.statuses(3600.0)[0].resets_at_ns is None


def test_a_request_that_never_went_is_given_back() -> None:
    clock = ManualClock()
    budget = Budget(FREE, clock)
    budget.spend()
    budget.take_back()
    assert budget.delay_s() == 0.0
    assert budget.statuses(None)[0].left == 25


def test_even_spending_is_no_holding_back() -> None:
    """A key whose day is used up evenly gets each request back just when the next one is due: all goes to plan."""
    clock = ManualClock()
    budget = Budget(FREE, clock)
    for _ in range(60):
        clock.forward(DAY_S / 25)
        assert not budget.is_holding_back
        budget.spend()
    assert not budget.is_holding_back


@given(
    st.lists(st.floats(min_value=0, max_value=40_000), max_size=60),
    st.lists(st.tuples(st.integers(1, 30), st.sampled_from([1.0, 60.0, 3600.0, DAY_S])), min_size=1, max_size=3),
)
def test_no_window_ever_holds_more_than_its_limit(waits: list[float], limits: list[tuple[int, float]]) -> None:
    clock = ManualClock()
    budget = Budget([Allowance(*each) for each in limits], clock)
    times: list[int] = []
    for wait_s in waits:
        clock.forward(max(wait_s, budget.delay_s()) + 1e-6)
        assert budget.delay_s() == 0.0
        budget.spend()
        times.append(clock.monotonic_ns())
    for limit, window_s in limits:
        window_ns = int(window_s * SECOND_NS)
        assert all(sum(0 <= other - at < window_ns for other in times) <= limit for at in times)


def test_the_file_survives_a_restart_and_knows_its_key(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "alphavantage.budget.json"
    spent = [Spending(5, 2), Spending(9, 1)]
    BudgetFile(path, "THE-KEY-1").save(spent)
    assert BudgetFile(path, "THE-KEY-1").load() == spent
    assert BudgetFile(path, "ANOTHER-KEY").load() == []
    assert "THE-KEY-1" not in path.read_text()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name], "nothing half-written is left"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b'{"salt":1}', b"[" * 100_000])
def test_a_file_that_cannot_be_understood_is_said_and_done_without(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "budget.json"
    path.write_bytes(content)
    file = BudgetFile(path, "THE-KEY-1")
    assert file.load() == []
    assert "does not hold what was written there" in file.problem
    file.save([Spending(1, 1)])
    assert file.problem == ""
    assert BudgetFile(path, "THE-KEY-1").load() == [Spending(1, 1)]


def test_a_place_that_cannot_be_written_is_said_and_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    file = BudgetFile(tmp_path / "file" / "budget.json", "THE-KEY-1")
    file.save([Spending(1, 1)])
    assert "cannot be written" in file.problem


def test_the_default_place_is_the_users_state_directory() -> None:
    assert default_path("av", {"XDG_STATE_HOME": "/x/state", "HOME": "/h"}) == Path("/x/state/tickmux/av.budget.json")
    assert default_path("av", {"XDG_STATE_HOME": "relative", "HOME": "/h"}) == Path(
        "/h/.local/state/tickmux/av.budget.json"
    )
    assert default_path("av", {}) is None
