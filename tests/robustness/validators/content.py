"""Content: every quote that is delivered is, byte for byte, one that was published, and one that was asked for."""

from tests.robustness.history import History
from tests.robustness.published import Life, Published, selects
from tests.robustness.records import Asked, ToldQuote
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Look every delivered quote up."""
    tally = Tally()
    for call in history.calls.values():
        for received in call.received:
            for quote in received.quotes:
                problem = _problem(history.published, quote, call.begun.asked, call.life)
                if not tally.holds(not problem):
                    tally.blame(f"{quote} {problem}", call.name, received.number)
    for taken in history.snapshots:
        for quote in taken.quotes:
            problem = _problem(history.published, quote, taken.asked, None)
            if not tally.holds(not problem):
                tally.blame(f"{quote} in a snapshot for {taken.client} {problem}")
    return tally


def _problem(published: Published, quote: ToldQuote, asked: Asked, expected: Life | None) -> str:
    """What is wrong with a quote, of a given life of the server if one is given; empty if nothing is."""
    found = published.find(quote.source, quote.symbol, quote.epoch, quote.revision)
    if found is None:
        return "was never published"
    life, index = found
    if expected is not None and life is not expected:
        return "was published by another life of the server"
    if life.quotes[(quote.source, quote.symbol)][index].quoted.digest != quote.digest:
        return "has other bytes than were published"
    if not selects(asked, (quote.source, quote.symbol)):
        return "was not asked for"
    return ""
