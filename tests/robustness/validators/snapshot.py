"""Snapshot, then stream, no hole: a state is all that stood at one moment, and the stream goes on right behind it."""

from tests.robustness.history import Call, History, Phase
from tests.robustness.published import InstrumentKey, Life
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Hold every state that was completed against what was published."""
    tally = Tally()
    for call in history.calls.values():
        for phase in call.phases:
            if call.life is not None and phase.has_state and phase.caught_up:
                _check_state(tally, call, call.life, phase)
                _check_join(tally, call, phase)
    return tally


def _check_state(tally: Tally, call: Call, life: Life, phase: Phase) -> None:
    """All of a state stood together at some position of the log.

    That is behind the latest quote in it, and before the earliest that replaced one of them or was the first of an
    instrument that is not in it.
    """
    state = next(step for step in phase.steps if step.received.caught_up)
    if not state.reached:
        # Before the first quote of all there is no moment to compare with.
        return
    latest = max((life.quotes[key][index] for key, index in state.reached.items()), key=lambda each: each.position)
    for key in life.selected(call.begun.asked):
        after = state.reached.get(key, -1) + 1
        if after == len(life.quotes[key]):
            continue
        successor = life.quotes[key][after]
        if not tally.holds(successor.position > latest.position):
            tally.blame(
                f"the state lacks {successor}, which is older than {latest}, which it has",
                call.name,
                state.received.number,
            )


def _check_join(tally: Tally, call: Call, phase: Phase) -> None:
    """The first live quote of each instrument follows the one in the state, as far as none is called conflated."""
    may_skip = call.begun.asked.delivery == "LATEST"
    told: set[InstrumentKey] = set()
    for step in phase.steps:
        if step.is_state:
            continue
        may_skip = may_skip or step.received.conflated > 0
        for key, before, now in step.moves:
            if key in told or now is None:
                continue
            told.add(key)
            expected = 0 if before is None else before + 1
            if not tally.holds(now == expected or (may_skip and now > expected)):
                tally.blame(
                    f"behind the state publication {expected} of {key} is due, and {now} comes",
                    call.name,
                    step.received.number,
                )
