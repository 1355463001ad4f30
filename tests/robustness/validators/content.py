"""Content: every quote that is delivered is, byte for byte, one that was published, and one that was asked for."""

from tests.robustness.history import History
from tests.robustness.published import selects
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Look every delivered quote up."""
    tally = Tally()
    for call in history.calls.values():
        for received in call.received:
            for quote in received.quotes:
                found = history.published.find(quote.source, quote.symbol, quote.epoch, quote.revision)
                if found is None:
                    problem = "was never published"
                elif found[0] is not call.life:
                    problem = "was published by another life of the server"
                elif found[0].quotes[(quote.source, quote.symbol)][found[1]].quoted.digest != quote.digest:
                    problem = "has other bytes than were published"
                elif not selects(call.begun.asked, (quote.source, quote.symbol)):
                    problem = "was not asked for"
                else:
                    problem = ""
                if not tally.holds(not problem):
                    tally.blame(f"{quote} {problem}", call.name, received.number)
    return tally
