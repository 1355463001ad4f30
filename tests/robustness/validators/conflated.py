"""Conflated: over a stream, delivered + conflated = published, of the selection and since the state or the token."""

from tests.robustness.history import Call, History, Phase
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Compare what each stream calls conflated with what it really passed over."""
    tally = Tally()
    for call in history.calls.values():
        for phase in call.phases:
            _check_phase(tally, call, phase)
    return tally


def _check_phase(tally: Tally, call: Call, phase: Phase) -> None:
    said = passed_over = 0
    for step in phase.steps:
        received = step.received
        said += received.conflated
        if not step.is_state:
            for _, before, now in step.moves:
                if now is None or (before is None and not phase.is_known):
                    # From here on nobody can count.
                    return
                passed_over += now - (0 if before is None else before + 1)
        # The count of a walk may stand on the first of its several responses. One without quotes ends a walk.
        is_end = not received.quotes and not step.is_state
        if not tally.holds(said == passed_over if is_end else said >= passed_over):
            tally.blame(
                f"{said} updates are called conflated so far in the phase, and {passed_over} were passed over",
                call.name,
                received.number,
            )
