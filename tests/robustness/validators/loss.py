"""No silent loss: under ALL every published revision arrives, or `conflated` has said that some were passed over."""

from typing import Final

from tests.robustness.history import Call, History, Phase
from tests.robustness.validators.tally import Tally

ON_ITS_WAY_S: Final = 1.5
"""What was published longer ago than this is there by the next heartbeat, for a client that reads."""


def check(history: History) -> Tally:
    """Follow each instrument through every stream that asked for all updates, and look at every heartbeat."""
    tally = Tally()
    for call in history.calls.values():
        _check_heartbeats(tally, history, call)
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


def _check_heartbeats(tally: Tally, history: History, call: Call) -> None:
    """Once a heartbeat has come, nothing of before it is to come: else the last update of all might be lost unseen."""
    life = call.life
    if life is None or not history.is_prompt(call):
        return
    is_live = False
    for step in call.steps:
        received = step.received
        if is_live and received.statuses and not received.quotes:
            due_ns = received.at_ns - round(ON_ITS_WAY_S * 1e9)
            if due_ns < call.begun.at_ns or history.is_hindered(call.begun.client, due_ns, received.at_ns):
                continue
            missing = [
                key
                for key in life.selected(call.begun.asked)
                if life.index_at(key, due_ns) - 1 > step.reached.get(key, -1)
            ]
            if not tally.holds(not missing):
                tally.blame(f"a heartbeat comes before old updates of {missing}", call.name, received.number)
        is_live = is_live or received.caught_up
