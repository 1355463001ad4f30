"""Drain: a stream that is sent away is told so in its last response, and ends UNAVAILABLE with RetryInfo."""

from typing import Final

from tests.robustness.history import Call, History
from tests.robustness.validators.tally import Tally

OTHERS: Final = ("server-freeze", "server-kill")


def check(history: History) -> Tally:
    """Look at every `going_away`, and at how streams that read end when the server is told to."""
    tally = Tally()
    for call in history.calls.values():
        for received in call.received:
            if received.going_away:
                is_last = received is call.received[-1]
                if not tally.holds(is_last):
                    tally.blame("going_away is not on the last response", call.name, received.number)
        if call.received and call.received[-1].going_away and call.ended is not None and not call.ended.by_client:
            _check_farewell(tally, history, call)
        _check_told(tally, history, call)
    return tally


def _check_farewell(tally: Tally, history: History, call: Call) -> None:
    ended = call.ended
    assert ended is not None
    if history.is_hindered(call.begun.client, call.received[-1].at_ns, ended.at_ns, server=OTHERS):
        return
    is_proper = ended.code == "UNAVAILABLE" and ended.reason == "GOING_AWAY" and ended.retry_s is not None
    if not tally.holds(is_proper):
        tally.blame(f"after going_away it ends {ended.code} {ended.reason}, retry in {ended.retry_s} s", call.name)


def _check_told(tally: Tally, history: History, call: Call) -> None:
    """A prompt reader that had caught up when the server was told to end hears of it."""
    for ended in history.ended:
        span = (ended.told_ns - 200_000_000, ended.at_ns)
        caught_up = any(received.caught_up and received.at_ns < span[0] for received in call.received)
        is_witness = caught_up and call.until_ns >= ended.told_ns and history.is_prompt(call)
        if ended.signal != "SIGTERM" or not is_witness or history.is_hindered(call.begun.client, *span, server=OTHERS):
            continue
        if call.ended is not None and call.ended.by_client:
            # It left by itself at that moment.
            continue
        if not tally.holds(call.received[-1].going_away):
            tally.blame("the server ended without a word", call.name, call.received[-1].number)
