"""Caught up: it stands on the response that completes what opens a phase, and once in a phase."""

from tests.robustness.history import Call, History, Phase
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Look at where `caught_up` stands in every phase."""
    tally = Tally()
    for call in history.calls.values():
        for phase in call.phases:
            _check_phase(tally, call, phase)
    return tally


def _check_phase(tally: Tally, call: Call, phase: Phase) -> None:
    marked = [step for step in phase.steps if step.received.caught_up]
    if not tally.holds(len(marked) <= 1):
        numbers = [step.received.number for step in marked]
        tally.blame(f"caught_up stands on {len(marked)} responses of one phase: {numbers}", call.name)
    if not marked or call.life is None or not phase.is_known:
        return
    step = marked[0]
    # A phase that opens later in a call is as new as what came before it.
    opening = phase.steps[0].received.number
    since_ns = max((each.at_ns for each in call.received if each.number < opening), default=call.begun.at_ns)
    for key in call.life.selected(call.begun.asked):
        due, stands = call.life.index_at(key, since_ns) - 1, step.reached.get(key, -1)
        if not tally.holds(stands >= due):
            tally.blame(
                f"caught up with {key} at publication {stands}, while {due} was there before the phase opened",
                call.name,
                step.received.number,
            )
