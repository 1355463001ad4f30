"""Isolation: whatever others do, a client that reads loses nothing, and the server's memory stays within bounds."""

from typing import Final

from tests.robustness.history import Call, History
from tests.robustness.validators.reach import BYTES_SLACK
from tests.robustness.validators.tally import Tally

RESIDENT_GROWTH_BYTES_MAX: Final = 96 << 20
"""Beyond the history, from the first look at a process to any later one."""
AFTERMATH_S: Final = 3.0
"""For so long a server that was frozen, or a client that was cut off, may have to catch up."""
UNDER_WAY_S: Final = 0.2
"""A response may have been as long on its way."""
CHUNK_BYTES_MIN: Final = 32_000
"""Smaller responses than these try how they are cut; the server's own are larger, without which a burst is too much."""
BEHIND: Final = ("CLIENT_TOO_SLOW", "CLIENT_TOO_FAR_BEHIND")


def check(history: History) -> Tally:
    """Look at the clients that read, and at the server's memory."""
    tally = Tally()
    for call in history.calls.values():
        _check_reader(tally, history, call)
    first: dict[int, int] = {}
    allowed = RESIDENT_GROWTH_BYTES_MAX + history.plan.history_bytes_max
    for memory in history.memory:
        growth = memory.resident - first.setdefault(memory.pid, memory.resident)
        if not tally.holds(growth <= allowed):
            tally.blame(f"the server has grown by {growth >> 20} MiB, and {allowed >> 20} MiB are allowed")
    return tally


def _check_reader(tally: Tally, history: History, call: Call) -> None:
    """A prompt reader under ALL, at no pace of its own, whose way was clear is not conflated, nor called slow."""
    span = (call.begun.at_ns - round(AFTERMATH_S * 1e9), call.until_ns)
    # What a frozen server, or a process that got no processor, leaves unread for longer than the history is not its
    # neighbours' doing.
    is_hindered = history.is_hindered(call.begun.client, *span, server=("server-freeze",))
    asked = call.begun.asked
    if asked.delivery == "LATEST" or asked.min_interval_s or not history.is_prompt(call) or is_hindered:
        return
    if history.plan.chunk_bytes < CHUNK_BYTES_MIN:
        return
    before_ns = call.begun.at_ns
    for received in call.received:
        if not tally.holds(received.conflated == 0 or _is_flood(history, call, before_ns, received.at_ns)):
            tally.blame(f"{received.conflated} updates were passed over for one that reads", call.name, received.number)
        before_ns = received.at_ns
    if call.ended is not None and not tally.holds(call.ended.reason not in BEHIND):
        tally.blame(f"one that reads was ended as {call.ended.reason}", call.name)


def _is_flood(history: History, call: Call, since_ns: int, until_ns: int) -> bool:
    """Whether more was published between two responses than the history holds: a venue that had stood still itself."""
    if call.life is None:
        return False
    since_ns -= round(UNDER_WAY_S * 1e9)
    return call.life.bytes_at(until_ns) - call.life.bytes_at(since_ns) > history.plan.history_bytes_max * BYTES_SLACK
