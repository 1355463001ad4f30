"""A source always comes back, and so does every client: all stood well before the faults, and does again after them."""

from typing import Final

from tests.robustness.history import History
from tests.robustness.plan import Fault
from tests.robustness.validators.tally import Tally

BREAKING: Final = frozenset({Fault.VENUE_CUT.value, Fault.VENUE_RESTART.value, Fault.VENUE_BLACKHOLE.value})
"""Faults that break the chain of quotes, so that another epoch begins."""


def check(history: History) -> Tally:
    """Look at the health before and after, and at the epochs of the venues that were gone."""
    tally = Tally()
    for health in history.health:
        if not tally.holds(not health.missing):
            tally.blame(f"{health.when} the faults, after {health.took_s:.0f} s: {'; '.join(health.missing)}")
    for fault in history.faults:
        life = history.published.life_at(fault.at_ns)
        if fault.fault not in BREAKING or life is None or history.published.lives[-1] is not life:
            continue
        told = [status for status in life.statuses if status.stated.source == fault.target]
        before = max((status.stated.epoch for status in told if status.at_ns < fault.at_ns), default=0)
        last = told[-1].stated
        if not tally.holds(last.state == "LIVE" and last.epoch > before):
            tally.blame(f"{fault.target} is {last} long after {fault.fault}, which epoch {before} saw")
    return tally
