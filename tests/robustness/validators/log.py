"""The server's log: whatever happens, no traceback is in it."""

from tests.robustness.history import History
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Look at every line of it."""
    tally = Tally()
    for line in history.server_log:
        if not tally.holds("Traceback" not in line):
            tally.blame(line)
    return tally
