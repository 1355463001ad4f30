"""States of a polled source, event by event, on a clock that is moved by hand."""

import pytest
from tests.adapters.clock import ManualClock

from tickmux_adapters.errors import BudgetSpent, VenueError, VenueRejected
from tickmux_adapters.model import SourceState
from tickmux_adapters.poll_standing import Standing

LIVE, STALE, DOWN = SourceState.LIVE, SourceState.STALE, SourceState.DOWN
THROTTLED, REJECTED, CONNECTING = SourceState.THROTTLED, SourceState.REJECTED, SourceState.CONNECTING
FAILURE = VenueError("no")
REFUSAL = VenueRejected("no key")
TOO_OFTEN = BudgetSpent("too often", retry_after_s=60.0, is_dated=True)


class Source:
    """A standing with the state that it led to."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.standing = Standing(request_timeout_s=10.0, clock=self.clock)
        self.state = CONNECTING

    def succeed(self, next_in_s: float = 60.0, *, is_held_back: bool = False) -> SourceState:
        self.state = self.standing.after_success(next_in_s, is_held_back=is_held_back)
        return self.state

    def fail(self, error: VenueError, *, is_mute: bool = False, pause_s: float = 60.0) -> SourceState:
        self.state = self.standing.after_failure(error, pause_s, before=self.state, is_mute=is_mute)
        return self.state

    def wait(self, seconds: float, *, is_held_back: bool = False, is_mute: bool = False) -> SourceState:
        self.clock.forward(seconds)
        state = self.standing.at_deadline(before=self.state, is_held_back=is_held_back, is_mute=is_mute)
        self.state = state or self.state
        return self.state


def test_two_planned_intervals_without_success_are_the_end() -> None:
    source = Source()
    assert source.succeed(60.0) is LIVE
    assert source.fail(FAILURE) is LIVE, "told of in last_error, no more"
    assert source.wait(119.0) is LIVE
    assert source.wait(1.0) is DOWN
    assert source.standing.is_overdue
    assert source.fail(FAILURE) is DOWN
    assert source.fail(FAILURE, is_mute=True) is STALE
    assert source.succeed() is LIVE
    assert not source.standing.is_overdue


def test_the_next_request_may_take_its_time() -> None:
    source = Source()
    source.succeed(1.0)
    assert source.wait(10.9) is LIVE
    assert source.wait(0.2, is_mute=True) is STALE


@pytest.mark.parametrize(("error", "state"), [(FAILURE, DOWN), (REFUSAL, REJECTED), (TOO_OFTEN, THROTTLED)])
def test_before_any_success(error: VenueError, state: SourceState) -> None:
    assert Source().fail(error) is state


def test_a_venue_that_goes_on_refusing_makes_no_price_fresh() -> None:
    source = Source()
    source.succeed(60.0)
    assert source.fail(TOO_OFTEN, pause_s=600.0) is THROTTLED
    assert source.wait(600.0, is_held_back=True) is THROTTLED
    assert not source.standing.is_overdue, "asked to wait, it waits"
    assert source.fail(TOO_OFTEN, pause_s=600.0) is THROTTLED
    assert source.wait(10.0, is_held_back=True) is THROTTLED
    assert source.standing.is_overdue, "what was said before the first refusal is old by now"


def test_too_often_after_an_outage_does_not_revive_what_was_said_before() -> None:
    source = Source()
    source.succeed(60.0)
    assert source.wait(120.0) is DOWN
    assert source.fail(TOO_OFTEN) is THROTTLED
    assert source.standing.is_overdue, "so that the caller begins a new chain"


def test_a_refusal_stays_one_past_the_deadline_and_ends_with_any_other_failure() -> None:
    source = Source()
    source.succeed(60.0)
    assert source.fail(REFUSAL) is REJECTED
    assert source.wait(120.0) is REJECTED
    assert source.standing.is_overdue
    assert source.fail(FAILURE) is DOWN


def test_held_back_by_its_own_budget_it_is_throttled_as_long_as_it_is_to_plan() -> None:
    source = Source()
    assert source.succeed(7200.0, is_held_back=True) is THROTTLED
    assert source.wait(14_399.0, is_held_back=True) is THROTTLED
    assert source.wait(1.0) is DOWN
