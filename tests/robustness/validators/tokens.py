"""Tokens and openings: a call opens with a phase and all statuses; a token is on every response from the completed
state on, and on none before."""

from tests.robustness.history import Call, History
from tests.robustness.published import tells_of
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Look at every response of every call."""
    tally = Tally()
    for call in history.calls.values():
        if call.received:
            _check_opening(tally, call)
        for step in call.steps:
            is_incomplete = step.is_state and not step.received.caught_up
            if not tally.holds(bool(step.received.token) != is_incomplete):
                problem = "a token before the state is complete" if is_incomplete else "no token"
                tally.blame(problem, call.name, step.received.number)
    return tally


def _check_opening(tally: Tally, call: Call) -> None:
    first, asked = call.received[0], call.begun.asked
    if not tally.holds(first.continuity != "UNSPECIFIED"):
        tally.blame("the first response opens no phase", call.name, 0)
    if call.life is None:
        return
    slots = {
        (status.stated.source, status.stated.channel)
        for status in call.life.statuses
        if status.at_ns < call.begun.at_ns and tells_of(asked, status.stated.source)
    }
    untold = slots - {(status.source, status.channel) for status in first.statuses}
    if not tally.holds(not untold):
        tally.blame(f"the first response says nothing of the slots {sorted(untold)}", call.name, 0)
    symbols = {key[1] for key in call.life.channels}
    nowhere = {name for name in asked.symbols if not name.endswith("*") and name not in symbols}
    if not tally.holds(nowhere <= set(first.unmatched)):
        tally.blame(f"{nowhere} match nothing, and {first.unmatched} are called unmatched", call.name, 0)
