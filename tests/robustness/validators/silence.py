"""Silence is visible: a venue that says nothing is told not to be live within its deadline, while that lasts."""

from typing import Final

from tests.robustness.history import History
from tests.robustness.plan import Fault
from tests.robustness.published import tells_of
from tests.robustness.records import FaultFired
from tests.robustness.validators.freshness import FRESH
from tests.robustness.validators.tally import Tally

MARGIN_S: Final = 1.5
"""Beyond the deadline: the adapter's looks at its watch, the way to the client, and a loaded machine."""
SILENCING: Final = frozenset({Fault.VENUE_FREEZE.value, Fault.VENUE_BLACKHOLE.value})


def check(history: History) -> Tally:
    """Look at what was told of each venue that a fault had silenced for long enough."""
    tally = Tally()
    for fault in history.faults:
        if fault.fault in SILENCING:
            _check_silence(tally, history, fault)
    return tally


def _check_silence(tally: Tally, history: History, fault: FaultFired) -> None:
    within_s = history.plan.stale_after_s + MARGIN_S
    by_ns = round(fault.at_ns + within_s * 1e9)
    if fault.until_ns < by_ns or history.is_faulted(fault.at_ns, by_ns, "server"):
        return
    told: dict[str, list[str]] = {}
    for call in history.calls.values():
        if history.is_prompt(call) and tells_of(call.begun.asked, fault.target):
            told.setdefault(call.begun.client, []).extend(
                status.state
                for received in call.received
                if fault.at_ns <= received.at_ns <= by_ns
                for status in received.statuses
                if status.source == fault.target
            )
    for client, states in told.items():
        # Who was away for all of it was told nothing at all.
        if not states or history.is_hindered(client, fault.at_ns, by_ns):
            continue
        if not tally.holds(any(state not in FRESH for state in states)):
            tally.blame(
                f"{client} was told that {fault.target}, silent for {within_s:.1f} s ({fault.fault}), is {states}"
            )
