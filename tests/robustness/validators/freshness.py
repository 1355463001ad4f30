"""Freshness is visible: a venue that is dead or mute is said to be so, and nothing old is served as the present."""

from typing import Final

from tests.robustness.history import Call, History
from tests.robustness.plan import Fault
from tests.robustness.records import FaultFired
from tests.robustness.validators.tally import Tally

FRESH: Final = frozenset({"LIVE", "THROTTLED"})
MARGIN_S: Final = 1.5
"""Beyond the deadline: the adapter's looks at its watch, the way to the client, and a loaded machine."""
SILENCING: Final = frozenset({Fault.VENUE_FREEZE.value, Fault.VENUE_BLACKHOLE.value})


def check(history: History) -> Tally:
    """Look at states, at live quotes behind news of another epoch, and at what was told of silent venues."""
    tally = Tally()
    for call in history.calls.values():
        _check_flags(tally, call)
        _check_epochs(tally, call)
    for fault in history.faults:
        _check_silence(tally, history, fault)
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


def _check_silence(tally: Tally, history: History, fault: FaultFired) -> None:
    """A venue that says nothing for longer than its deadline is told not to be live while that lasts."""
    within_s = history.plan.stale_after_s + MARGIN_S
    by_ns = round(fault.at_ns + within_s * 1e9)
    if (
        fault.fault not in SILENCING
        or fault.until_ns < by_ns
        or history.is_faulted(fault.at_ns, by_ns, "server", "client", "garbage-bytes")
        or history.stood_still(fault.at_ns, by_ns)
    ):
        return
    for call in history.calls.values():
        sources = call.begun.asked.sources
        is_witness = call.begun.at_ns <= fault.at_ns and call.until_ns >= by_ns and history.is_prompt(call)
        if not is_witness or (sources and fault.target not in sources):
            continue
        told = [
            status.state
            for received in call.received
            if fault.at_ns <= received.at_ns <= by_ns
            for status in received.statuses
            if status.source == fault.target
        ]
        if not tally.holds(any(state not in FRESH for state in told)):
            tally.blame(
                f"{fault.target} said nothing for {within_s:.1f} s ({fault.fault}) and was told to be {told}", call.name
            )
