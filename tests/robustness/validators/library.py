"""The client library, beside the raw clients: it sees no hole, and never gives up."""

from tests.robustness.history import History
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Look at what the library yielded beside quotes."""
    tally = Tally()
    for event in history.library:
        if not tally.holds(event.kind != "Hole"):
            tally.blame(event.text)
    return tally
