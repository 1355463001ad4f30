"""Codes: what is malformed, oversized or no gRPC at all is refused as it should be, whatever else goes on."""

from typing import Final

from tests.robustness.history import History
from tests.robustness.validators.tally import Tally

RECONNECT_NS: Final = 1_000_000_000


def check(history: History) -> Tally:
    """Look at how each of the intruder's attempts was answered."""
    tally = Tally()
    for answer in history.answers:
        # A channel whose server was away fails for a moment more before it tries again.
        span = (answer.at_ns - RECONNECT_NS, answer.until_ns)
        if history.is_faulted(*span, "server") or history.is_server_away(*span):
            continue
        if not tally.holds(answer.got in answer.expected):
            tally.blame(f"{answer.case}: {answer.got} instead of {' or '.join(answer.expected)}")
    return tally
