"""Resume: a token within reach yields exactly the missed updates, any other one RESET and full state; never part."""

from tests.robustness.history import Call, History, Phase
from tests.robustness.published import Life
from tests.robustness.validators.reach import is_within_reach
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Look at the first phase of every call, in the light of its token."""
    tally = Tally()
    for call in history.calls.values():
        if not call.phases or call.life is None:
            continue
        first = call.phases[0]
        allowed, why = _allowed(history, call, call.life)
        if not tally.holds(first.continuity in allowed):
            tally.blame(f"it opens with {first.continuity} instead of {' or '.join(allowed)}: {why}", call.name, 0)
        if first.continuity == "RESUMED" and first.is_known:
            _check_missed(tally, call, first)
            _check_complete(tally, call, call.life, first)
    return tally


def _allowed(history: History, call: Call, life: Life) -> tuple[tuple[str, ...], str]:
    """How a call may open, and why."""
    asked = call.begun.asked
    if not call.begun.token:
        return ("SNAPSHOT",), "it has no token"
    origin = call.origin
    if origin is None or origin.life is None:
        return ("RESUMED", "RESET"), "its token is from nobody knows where"
    why = f"its token is from {origin.name}"
    if origin.life is not life:
        return ("RESET",), f"{why}, which another life of the log served"
    if not origin.fits(asked):
        return ("RESET",), f"{why}, which asked for something else"
    if asked.delivery == "LATEST" or is_within_reach(history, call, life, origin):
        return ("RESUMED",), f"{why}, and all since then was kept still"
    return ("RESUMED", "RESET"), why


def _check_missed(tally: Tally, call: Call, phase: Phase) -> None:
    """Each instrument goes on with the very next publication, or with a later one if it may skip."""
    may_skip = call.begun.asked.delivery == "LATEST"
    went_on = set()
    for step in phase.steps:
        for key, before, now in step.moves:
            # A stream that falls behind the history later on says so, and is no matter of resuming any more.
            may_skip = may_skip or (step.received.conflated > 0 and phase.steps[0] is not step)
            expected = 0 if before is None else before + 1
            if key in went_on or now is None:
                continue
            went_on.add(key)
            if not tally.holds(
                now == expected or (may_skip and now > expected) or (phase.since_ns is not None and now < expected)
            ):
                tally.blame(
                    f"goes on with publication {now} of {key}, and the next one missed is {expected}",
                    call.name,
                    step.received.number,
                )


def _check_complete(tally: Tally, call: Call, life: Life, phase: Phase) -> None:
    """Once it has caught up, nothing is missing that was there before it was called."""
    for step in phase.steps:
        if step.received.caught_up:
            for key in life.selected(call.begun.asked):
                due = life.index_at(key, call.begun.at_ns) - 1
                if not tally.holds(step.reached.get(key, -1) >= due):
                    tally.blame(
                        f"has caught up without publication {due} of {key}, which was there before the call",
                        call.name,
                        step.received.number,
                    )
            return
