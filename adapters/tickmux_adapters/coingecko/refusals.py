"""What an answer of CoinGecko that is no success means, and what to do about it. No I/O here."""

from typing import Any, Final, NamedTuple

from tickmux_adapters.coingecko.messages import decode_error, page_title
from tickmux_adapters.coingecko.settings import CoinGeckoSettings
from tickmux_adapters.conversation import BAD_FRAME
from tickmux_adapters.errors import VenueError, VenueRejected
from tickmux_adapters.failures import host_of, refusal
from tickmux_adapters.rest import ERROR_TEXT_CHARS_MAX, Answer
from tickmux_adapters.secrets import redact

TOO_MANY: Final = 429
MEANINGS: Final = {
    10002: ("that it has no valid key of us", "set {variable} to one, and plan to its kind"),
    10005: ("that the plan of our key does not allow this", "check {variable} and plan"),
    10010: ("that paid keys have another root, and ours is one", 'set plan = "pro"'),
    10011: ("that this is the root for paid keys alone, and ours is none", 'set plan = "demo"'),
}
"""What the venue's error codes say about our key, and what to do."""


class Said(NamedTuple):
    """An error in the venue's own words."""

    code: int | None
    text: str


def said_by(body: bytes) -> Said | None:
    """The error that a body tells of, in any of its shapes; None if it is none."""
    try:
        outer = decode_error(body)
    except BAD_FRAME:
        return None
    if isinstance(outer.error, str):
        return Said(_code(outer.error_code), outer.error)
    inner = outer.error.get("status") if isinstance(outer.error, dict) else outer.status
    if not isinstance(inner, dict):
        return None
    code = _code(inner.get("error_code", outer.error_code))
    text = inner.get("error_message")
    if code is None and not isinstance(text, str):
        # The prices of a coin that is called so.
        return None
    return Said(code, text if isinstance(text, str) else "")


def refused(answer: Answer, settings: CoinGeckoSettings) -> VenueError:
    """The error for an answer that is no success; its text says what to set where that helps.

    Args:
        answer: its status is not 200, or its body tells of an error.
        settings: resolved.
    """
    host, variable = host_of(settings.rest_url), settings.key_variable
    said = said_by(answer.body)
    text = _text(answer, said)
    tail = f" ({text})" if text else ""
    code = said.code if said else None
    if code in MEANINGS:
        meaning, advice = MEANINGS[code]
        return VenueRejected(f"{host} answered {meaning}{tail}: {advice.format(variable=variable)}")
    if code == TOO_MANY:
        return refusal(TOO_MANY, answer.headers, host, text)
    if answer.status == 200:
        return VenueError(f"{host} answered with an error{tail}")
    if answer.status == 304:
        return VenueError(f"{host} answered HTTP 304, not modified, although we did not say what we have")
    if answer.status == 401:
        return VenueRejected(f"{host} answered HTTP 401, the venue refuses our key{tail}: check {variable}")
    return refusal(answer.status, answer.headers, host, text)


def _text(answer: Answer, said: Said | None) -> str:
    if said is not None:
        return redact(" ".join(said.text.split()))[:ERROR_TEXT_CHARS_MAX]
    title = page_title(answer.body)
    return answer.text() if title is None else title


def _code(code: Any) -> int | None:
    return code if isinstance(code, int) else None
