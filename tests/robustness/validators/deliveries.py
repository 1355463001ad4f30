"""Deliveries: ALL_OR_END passes nothing over, min_interval keeps its pace, LATEST repeats nothing in a response."""

from typing import Final

from tests.robustness.history import Call, History
from tests.robustness.validators.tally import Tally

CLOCK_SLACK_S: Final = 0.005
"""Responses are stamped by the wall clock when they are made, a moment before or after the pace is looked at."""


def check(history: History) -> Tally:
    """Look at every call that asked for more than the plain delivery."""
    tally = Tally()
    for call in history.calls.values():
        asked = call.begun.asked
        if asked.delivery == "ALL_OR_END":
            _check_all_or_end(tally, call)
        if asked.min_interval_s:
            _check_pace(tally, call)
        if asked.delivery == "LATEST":
            for received in call.received:
                keys = [(quote.source, quote.symbol) for quote in received.quotes]
                if not tally.holds(len(keys) == len(set(keys))):
                    tally.blame("an instrument is in one response twice", call.name, received.number)
    return tally


def _check_all_or_end(tally: Tally, call: Call) -> None:
    for received in call.received:
        if not tally.holds(received.conflated == 0):
            tally.blame(f"{received.conflated} updates were passed over under ALL_OR_END", call.name, received.number)


def _check_pace(tally: Tally, call: Call) -> None:
    """Between two live responses with quotes is the interval that was asked for."""
    before_ns: int | None = None
    for step in call.steps:
        if step.is_state or not step.received.quotes:
            continue
        if before_ns is not None:
            apart_s = (step.received.sent_at_ns - before_ns) / 1e9
            if not tally.holds(apart_s >= call.begun.asked.min_interval_s - CLOCK_SLACK_S):
                tally.blame(f"{apart_s:.3f} s after the response before it", call.name, step.received.number)
        before_ns = step.received.sent_at_ns
