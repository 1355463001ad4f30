"""The client library, beside the raw clients: no update is missing without `gap_before`, none comes twice, no Hole."""

from tests.robustness.history import History
from tests.robustness.published import InstrumentKey
from tests.robustness.records import LibraryEvent
from tests.robustness.validators.tally import Tally


def check(history: History) -> Tally:
    """Follow what the library yielded, over all its reconnects."""
    tally = Tally()
    stands: dict[InstrumentKey, tuple[int, int]] = {}
    for told in history.library:
        if isinstance(told, LibraryEvent):
            if not tally.holds(told.kind != "Hole"):
                tally.blame(told.text)
            if told.kind == "Reset":
                # The state of now follows, whatever came before.
                stands.clear()
            continue
        key, now = (told.source, told.symbol), (told.epoch, told.revision)
        if (before := stands.get(key)) is not None:
            follows = now in {(before[0], before[1] + 1), (max(now[0], before[0] + 1), 1)}
            if not tally.holds(now > before and (follows or told.gap_before)):
                tally.blame(f"{key} is {now} after {before}, and gap_before is {told.gap_before}")
        stands[key] = now
    return tally
