"""Order: within one phase of a call (epoch, revision) of an instrument strictly rises."""

from tests.robustness.history import History
from tests.robustness.published import InstrumentKey
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Look at every quote of every phase."""
    tally = Tally()
    for call in history.calls.values():
        for phase in call.phases:
            latest: dict[InstrumentKey, tuple[int, int]] = {}
            for step in phase.steps:
                for quote in step.received.quotes:
                    key = (quote.source, quote.symbol)
                    before, now = latest.get(key, (0, 0)), (quote.epoch, quote.revision)
                    if not tally.holds(now > before):
                        tally.blame(f"{key} is {now} after {before}", call.name, step.received.number)
                    latest[key] = now
    return tally
