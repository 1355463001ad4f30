"""Deliveries: ALL_OR_END passes nothing over, min_interval keeps its pace, LATEST repeats nothing in a response."""

from typing import Final

from tests.robustness.history import Call, History
from tests.robustness.records import Received
from tests.robustness.validators.tally import Tally

CLOCK_SLACK_S: Final = 0.005
"""Responses are stamped by the wall clock when they are made, a moment before or after the pace is looked at."""
WALK_QUOTES_MIN: Final = 500
"""A walk that leaves something for the next has gathered more than so many."""
QUOTE_BYTES_MAX: Final = 400
"""A quote of ours, and a response's own fields, take less."""


def check(history: History) -> Tally:
    """Look at every call that asked for more than the plain delivery."""
    tally = Tally()
    for call in history.calls.values():
        asked = call.begun.asked
        if asked.delivery == "ALL_OR_END":
            _check_all_or_end(tally, call)
        if asked.min_interval_s:
            _check_pace(tally, call, history.plan.chunk_bytes)
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
    if call.ended is not None and call.ended.reason == "CLIENT_TOO_FAR_BEHIND":
        last = call.received[-1].token if call.received else call.begun.token
        is_proper = call.ended.code == "RESOURCE_EXHAUSTED" and call.ended.token == last
        if not tally.holds(is_proper):
            tally.blame(f"it ends {call.ended.code} with another token than the last one", call.name)


def _check_pace(tally: Tally, call: Call, chunk_bytes: int) -> None:
    """Between two live responses with quotes is the interval that was asked for, unless one was too full for both.

    A response is full when the next quote would not fit, or a part of such a one when a status had to stand in between.
    """
    before: Received | None = None
    is_live = False
    for step in call.steps:
        received = step.received
        if is_live and received.quotes:
            is_cut = before is not None and (
                before.size + QUOTE_BYTES_MAX > chunk_bytes
                or len(before.quotes) > WALK_QUOTES_MIN
                or before.statuses
                or received.statuses
            )
            if before is not None and not is_cut:
                apart_s = (received.sent_at_ns - before.sent_at_ns) / 1e9
                if not tally.holds(apart_s >= call.begun.asked.min_interval_s - CLOCK_SLACK_S):
                    tally.blame(f"{apart_s:.3f} s after the response before it", call.name, received.number)
            before = received
        is_live = is_live or received.caught_up
