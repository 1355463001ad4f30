"""What Alpha Vantage means when it answers without data. All of it comes with HTTP 200, told apart by its wording."""

import enum
import re
from typing import Final

from tickmux_adapters.errors import AdapterError, BudgetSpent, VenueError, VenueRejected
from tickmux_adapters.secrets import redact

BURST_WAIT_S: Final = 2.0
"""After "1 request per second": the second, and what the next request may draw nearer on its way."""
MINUTE_WAIT_S: Final = 60.0
DAY_WAIT_S: Final = 3600.0
"""Between two looks whether the day's requests are given anew: when, the venue does not say."""
SAID_CHARS_MAX: Final = 200

_URL: Final = re.compile(r"https?://\S*")
"""The venue may repeat the request's own URL, whose parameters are words of the notices."""
_PER_DAY: Final = re.compile(r"\d requests per day")


class Refusal(enum.Enum):
    """Why there is no data."""

    BURST = "asked twice within a second"
    MINUTE = "asked too often within a minute"
    DAY = "the day's requests are spent"
    ENTITLEMENT = "the key does not pay for it"
    DEMO = "the demo key is good for the venue's own examples only"
    BAD_KEY = "the key is refused"
    BAD_REQUEST = "the request is refused"
    UNKNOWN = "none of the reasons that are known"


class Refused(AdapterError):
    """An answer without data, and what the venue says of it; without any key."""

    def __init__(self, refusal: Refusal, said: str) -> None:
        self.refusal = refusal
        # Cut last: half a key is still a secret.
        self.said = redact(" ".join(said.split()))[:SAID_CHARS_MAX]
        super().__init__(f"{refusal.value}: {self.said}")


def classify(key: str, said: str) -> Refusal:
    """What a notice means. The order decides: one text speaks of several limits, and most advertise premium plans.

    Args:
        key: `Error Message`, `Information` or `Note`.
        said: the text under it.
    """
    text = _URL.sub(" ", said.lower())
    if "1 request per second" in text or "spreading out" in text:
        return Refusal.BURST
    if key == "Note" or "calls per minute" in text:
        return Refusal.MINUTE
    if "detected your api key" in text or _PER_DAY.search(text):
        return Refusal.DAY
    if is_for_others(text) or "entitlement" in text:
        return Refusal.ENTITLEMENT
    if "demo" in text:
        return Refusal.DEMO
    if key == "Error Message":
        return Refusal.BAD_KEY if "apikey" in text or "api key" in text else Refusal.BAD_REQUEST
    return Refusal.UNKNOWN


def is_for_others(said: str) -> bool:
    """Whether a text says that what it stands beside is for other keys, be it a sample that looks like data."""
    text = said.lower()
    return "premium endpoint" in text or "artificial" in text


def error_of(refused: Refused, *, name: str, key_variable: str) -> VenueError:
    """The error that a refusal of a request is.

    Args:
        refused: what the venue said.
        name: what was asked for.
        key_variable: where the key is from, to say what to set.
    """
    said = f"the venue says: {refused.said}"
    match refused.refusal:
        case Refusal.BURST:
            problem = f"asked more often than once a second; {said}"
            return BudgetSpent(problem, retry_after_s=BURST_WAIT_S, is_dated=False)
        case Refusal.MINUTE:
            return BudgetSpent(f"asked too often; {said}", retry_after_s=MINUTE_WAIT_S, is_dated=False)
        case Refusal.DAY:
            problem = f"the key's requests of the day are spent, asking again every hour; {said}"
            return BudgetSpent(problem, retry_after_s=DAY_WAIT_S, is_dated=False)
        case Refusal.ENTITLEMENT:
            return VenueRejected(
                f"{name}: the key does not pay for this: set entitlement and bulk as its plan allows; {said}"
            )
        case Refusal.DEMO:
            return VenueRejected(
                f"{name}: the demo key is good for the venue's own examples only: set {key_variable} to a key of your "
                f"own; {said}"
            )
        case Refusal.BAD_KEY:
            return VenueRejected(f"the venue refuses the key: set {key_variable} to a valid one; {said}")
        case Refusal.BAD_REQUEST:
            return VenueError(f"{name}: the venue refuses the request: check the symbol; {said}")
        case Refusal.UNKNOWN:
            return VenueError(f"{name}: an answer without data; {said}")
