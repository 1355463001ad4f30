"""Nothing is unbounded: neither the age of a stream, nor its silence, nor the end of a server."""

import itertools
from typing import Final

from tests.robustness.history import Call, History
from tests.robustness.validators.tally import Tally

AGE_JITTER: Final = 0.2
MARGIN_S: Final = 2.0


def check(history: History) -> Tally:
    """Look at how old streams get, how long they are silent, and how long the server takes to end."""
    tally = Tally()
    for call in history.calls.values():
        _check_age(tally, history, call)
        _check_pulse(tally, history, call)
    for ended in history.ended:
        took_s = (ended.at_ns - ended.told_ns) / 1e9
        if ended.signal == "SIGTERM" and not tally.holds(ended.code == 0 and took_s < history.plan.drain_s + 5.0):
            tally.blame(f"after SIGTERM the server ended with {ended.code}, {took_s:.1f} s later")
    return tally


def _check_age(tally: Tally, history: History, call: Call) -> None:
    """By the server's own stamps, as what a slow reader has yet to read may be old."""
    if not call.received or history.is_faulted(call.begun.at_ns, call.until_ns, "server-freeze"):
        return
    age_s = (call.received[-1].sent_at_ns - call.received[0].sent_at_ns) / 1e9
    age_s_max = history.plan.stream_age_s * (1 + AGE_JITTER) + history.plan.write_deadline_s + MARGIN_S
    if not tally.holds(age_s <= age_s_max):
        tally.blame(f"the stream is {age_s:.1f} s old, and {age_s_max:.1f} s is the most", call.name)


def _check_pulse(tally: Tally, history: History, call: Call) -> None:
    """Who reads hears something at least once a heartbeat."""
    if not history.is_prompt(call):
        return
    for earlier, later in itertools.pairwise(call.received):
        apart_s = (later.at_ns - earlier.at_ns) / 1e9
        is_late = apart_s > call.begun.asked.heartbeat_s + MARGIN_S
        if is_late and history.is_hindered(call.begun.client, earlier.at_ns, later.at_ns):
            continue
        if not tally.holds(not is_late):
            tally.blame(f"nothing was told for {apart_s:.1f} s", call.name, later.number)
