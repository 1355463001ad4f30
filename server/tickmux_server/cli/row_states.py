"""The state of a row in words: its source's, and what must be known of the quote itself."""

from typing import Final

from tickmux.v1.quote_pb2 import QuoteFlag
from tickmux.v1.source_pb2 import SourceState

FLAG_WORDS: Final = {
    QuoteFlag.QUOTE_FLAG_HALTED: "halted",
    QuoteFlag.QUOTE_FLAG_DELAYED: "delayed",
    QuoteFlag.QUOTE_FLAG_INDICATIVE: "indicative",
    QuoteFlag.QUOTE_FLAG_SIMULATED: "sim",
}
"""What a row says beside its source's state, the gravest first."""

STATES_IN_ORDER: Final = frozenset({SourceState.SOURCE_STATE_LIVE, SourceState.SOURCE_STATE_THROTTLED})
"""States of a source under which its quotes stand for the present."""

FLAG_LETTERS: Final = {"halted": "H", "delayed": "D", "indicative": "I"}
SHORT_STATES: Final = {"connecting": "conn", "throttled": "thr", "rejected": "rej"}
SHORT_WIDTH: Final = 12
"""What every short state fits into."""


def short_state(state: str) -> str:
    """A row's state where there is no room for its words: `live DI sim` of `live delayed indicative sim`."""
    first, *flags = state.split()
    letters = "".join(FLAG_LETTERS.get(flag, "") for flag in flags)
    whole = [flag for flag in flags if flag not in FLAG_LETTERS]
    return " ".join([SHORT_STATES.get(first, first), *([letters] if letters else []), *whole])
