"""Freshness is visible: nothing old is served as the present."""

from typing import Final

from tests.robustness.history import Call, History
from tests.robustness.validators.tally import Tally

FRESH: Final = frozenset({"LIVE", "THROTTLED"})
"""States of a slot whose quotes can be taken for the present."""


def check(history: History) -> Tally:
    """Look at states, and at live quotes behind news of another epoch."""
    tally = Tally()
    for call in history.calls.values():
        _check_flags(tally, call)
        _check_epochs(tally, call)
    return tally


def _check_flags(tally: Tally, call: Call) -> None:
    """The STALE flag is on quotes of a state whose slot is not alive or has begun a later epoch, and on no other."""
    for phase in call.phases:
        slots = {(told.source, told.channel): told for told in phase.steps[0].received.statuses}
        for step in phase.steps:
            for quote in step.received.quotes:
                slot = slots.get((quote.source, quote.channel))
                is_fresh = slot is not None and slot.state in FRESH and quote.epoch >= slot.epoch
                if not tally.holds(quote.is_stale == (step.is_state and not is_fresh)):
                    tally.blame(
                        f"{quote} is {'STALE' if quote.is_stale else 'not STALE'} "
                        f"{'as state' if step.is_state else 'as live quote'} of a slot that is {slot}",
                        call.name,
                        step.received.number,
                    )


def _check_epochs(tally: Tally, call: Call) -> None:
    """Once a slot is told to be in an epoch, no live quote of an earlier one follows.

    What catches up after RESUMED is of the past: its phase opens with how the slots stand now. So are quotes that wait
    for their pace, which news of sources does not.
    """
    if call.begun.asked.min_interval_s:
        return
    for phase in call.phases:
        epochs: dict[tuple[str, str], int] = {}
        is_live = False
        for step in phase.steps:
            epochs.update({(told.source, told.channel): told.epoch for told in step.received.statuses})
            if not is_live:
                is_live = step.received.caught_up
                continue
            for quote in step.received.quotes:
                epoch = epochs.get((quote.source, quote.channel), 0)
                if not tally.holds(quote.epoch >= epoch):
                    tally.blame(f"{quote} is told live after its slot's epoch {epoch}", call.name, step.received.number)
