"""Nothing is unbounded: a write that nobody reads, the age of a stream, the end of a server."""

from typing import Final

from tests.robustness.history import Call, History
from tests.robustness.validators.tally import Tally

AGE_JITTER: Final = 0.2
MARGIN_S: Final = 2.0
WRITE_HELD_UP_AFTER_BYTES: Final = 300_000
"""So much stands between a server's write and a reader that pauses, at most: gRPC's windows and the sockets."""


def check(history: History) -> Tally:
    """Look at streams that nobody read, at how old streams get, and at how long the server takes to end."""
    tally = Tally()
    for call in history.calls.values():
        _check_age(tally, history, call)
        _check_stall(tally, history, call)
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


def _check_stall(tally: Tally, history: History, call: Call) -> None:
    """Who reads nothing, while enough is published for it to hold up a write past its deadline, is ended."""
    if call.life is None or history.kinds[call.begun.client].stall_after_s is None:
        return
    for pause in call.pauses:
        by_ns = pause.until_ns - round((history.plan.write_deadline_s + 1.0) * 1e9)
        unread = sum(
            publication.quoted.size
            for key in call.life.selected(call.begun.asked)
            for publication in call.life.quotes[key]
            if pause.at_ns < publication.at_ns < by_ns
        )
        if unread < WRITE_HELD_UP_AFTER_BYTES or history.is_faulted(pause.at_ns, call.until_ns, "server", "client"):
            continue
        is_ended = call.ended is not None and not call.ended.by_client
        if call.ended is not None and call.ended.code == "STOPPED":
            # The run was over before it could read how the call had ended.
            continue
        if not tally.holds(is_ended):
            tally.blame(f"{unread} bytes were held up for more than {history.plan.write_deadline_s} s", call.name)
