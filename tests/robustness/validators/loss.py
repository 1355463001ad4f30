"""No silent loss: under ALL every published revision arrives, or `conflated` has said that some were passed over."""

from tests.robustness.history import Call, History, Phase
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Follow each instrument through every stream that asked for all updates."""
    tally = Tally()
    for call in history.calls.values():
        if call.begun.asked.delivery != "LATEST":
            for phase in call.phases:
                _check_phase(tally, call, phase)
    return tally


def _check_phase(tally: Tally, call: Call, phase: Phase) -> None:
    excused = 0
    for step in phase.steps:
        excused += step.received.conflated
        if step.is_state:
            continue
        for key, before, now in step.moves:
            if now is None or (before is None and not phase.is_known):
                continue
            skipped = now - (0 if before is None else before + 1)
            if not tally.holds(skipped <= excused):
                tally.blame(
                    f"{skipped} publications of {key} before its {now} were not told, "
                    f"and {excused} updates are called conflated",
                    call.name,
                    step.received.number,
                )
            excused -= min(max(skipped, 0), excused)
