"""Conflated: over a stream, delivered + conflated = published, of the selection and since the state or the token."""

from tests.robustness.history import Call, History, Phase
from tests.robustness.records import Received
from tests.robustness.validators.reach import is_within_reach
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Compare what each stream calls conflated with what it really passed over."""
    tally = Tally()
    for call in history.calls.values():
        for phase in call.phases:
            if phase.since_ns is not None:
                # Where it begins is not known to the update.
                continue
            _check_phase(tally, call, phase, is_exact=_is_exact(history, call, phase))
    return tally


def _is_exact(history: History, call: Call, phase: Phase) -> bool:
    """Whether the server can know how many were passed over: not of those that LATEST missed before the history."""
    if phase.has_state or call.begun.asked.delivery != "LATEST":
        return True
    return call.life is not None and call.origin is not None and is_within_reach(history, call, call.life, call.origin)


def _check_phase(tally: Tally, call: Call, phase: Phase, *, is_exact: bool) -> None:
    """The count of a walk may stand on the first of its several responses.

    So never is less called conflated than was passed over, and as much where a walk is over for sure: before the next
    count, and on a response without quotes.
    """
    said = passed_over = unknown = 0
    for step in phase.steps:
        received = step.received
        if received.conflated and is_exact:
            _compare(tally, call, received, said, passed_over - unknown)
        said += received.conflated
        if not step.is_state:
            for _, before, now in step.moves:
                if now is None or (before is None and not phase.is_known):
                    # From here on nobody can count.
                    return
                passed_over += now - (0 if before is None else before + 1)
        if not is_exact:
            # What was forgotten was forgotten by the end of the first walk.
            unknown = max(unknown, passed_over - said)
            is_exact = received.caught_up
        is_end = is_exact and not received.quotes and not step.is_state
        _compare(tally, call, received, said if is_end else min(said, passed_over - unknown), passed_over - unknown)


def _compare(tally: Tally, call: Call, received: Received, said: int, passed_over: int) -> None:
    if not tally.holds(said == passed_over):
        tally.blame(
            f"{said} updates are called conflated so far in the phase, and {passed_over} were passed over",
            call.name,
            received.number,
        )
