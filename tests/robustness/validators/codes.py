"""Codes: what is malformed, oversized or no gRPC at all is refused as it should be, whatever else goes on."""

from tests.robustness.history import History
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Look at how each of the intruder's attempts was answered."""
    tally = Tally()
    for answer in history.answers:
        if history.is_faulted(answer.at_ns, answer.until_ns, "server"):
            continue
        # The run may end, and the server with it, in the middle of an attempt.
        if any(ended.told_ns <= answer.until_ns and ended.at_ns >= answer.at_ns for ended in history.ended):
            continue
        if not tally.holds(answer.got in answer.expected):
            tally.blame(f"{answer.case}: {answer.got} instead of {' or '.join(answer.expected)}")
    return tally
