"""Who reads nothing is ended: a write may be held up for its deadline, and no longer."""

from typing import Final

from tests.robustness.history import Call, History
from tests.robustness.records import Paused
from tests.robustness.validators.tally import Tally

HELD_UP_AFTER_BYTES: Final = 120_000
"""So much stands between a server's write and a reader that pauses, at most, where gRPC does not grow its windows."""
MARGIN_S: Final = 0.7
"""The server looks at its streams every so often, and may not be run at once."""


def check(history: History) -> Tally:
    """Look at every pause of a client that stalls by intent."""
    tally = Tally()
    for call in history.calls.values():
        if call.life is not None and history.kinds[call.begun.client].stall_after_s is not None:
            for pause in call.pauses:
                _check_pause(tally, history, call, pause)
    return tally


def _check_pause(tally: Tally, history: History, call: Call, pause: Paused) -> None:
    """If enough is published to hold up a write, and for longer than its deadline, it must end the call."""
    held_up_by_ns = pause.until_ns - round((history.plan.write_deadline_s + MARGIN_S) * 1e9)
    unread = call.life.bytes_between(call.begun.asked, pause.at_ns, held_up_by_ns) if call.life else 0
    ended = call.ended
    if (
        unread < HELD_UP_AFTER_BYTES
        or history.is_faulted(pause.at_ns, pause.until_ns, "server")
        # The run was over before it could read how the call had ended.
        or ended is None
        or ended.code == "STOPPED"
    ):
        return
    if not tally.holds(not ended.by_client):
        tally.blame(
            f"a write was held up for more than {history.plan.write_deadline_s} s and did not end it", call.name
        )
