"""What an answer of CoinGecko that is no success means, and what to do about it. No I/O here."""

from typing import Any, Final, NamedTuple

from tickmux_adapters.coingecko.messages import decode_error, page_title
from tickmux_adapters.coingecko.settings import CoinGeckoSettings
from tickmux_adapters.conversation import BAD_FRAME
from tickmux_adapters.errors import VenueError, VenueRejected
from tickmux_adapters.failures import host_of, refusal
from tickmux_adapters.rest import ERROR_TEXT_CHARS_MAX, Answer
from tickmux_adapters.secrets import redact

NO_KEY: Final = 10002
NEEDS_PLAN: Final = 10005
PAID_KEY: Final = 10010
DEMO_KEY: Final = 10011
TOO_MANY: Final = 429


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
    if code == NO_KEY:
        return VenueRejected(f"{host} has no valid key of us{tail}: set {variable} to one, and plan to its kind")
    if code == NEEDS_PLAN:
        return VenueRejected(f"{host} does not allow this to the plan of our key{tail}: check {variable} and plan")
    if code == PAID_KEY:
        return VenueRejected(f"{host} is not the root for paid keys{tail}: {_other_root(settings, 'pro')}")
    if code == DEMO_KEY:
        return VenueRejected(f"{host} is the root for paid keys alone{tail}: {_other_root(settings, 'demo')}")
    if code == TOO_MANY:
        return refusal(TOO_MANY, answer.headers, host, text)
    if answer.status == 200:
        return VenueError(f"{host} answered with an error{tail}")
    if answer.status == 304:
        return VenueError(f"{host} answered HTTP 304, not modified, although we did not say what we have")
    if answer.status == 401:
        return VenueRejected(f"{host} answered HTTP 401, the venue refuses our key{tail}: check {variable}")
    return refusal(answer.status, answer.headers, host, text)


def _other_root(settings: CoinGeckoSettings, plan: str) -> str:
    if settings.plan == plan:
        return f'unset rest_url, or set plan to the kind of the key, which is "{plan}" now'
    return f'set plan = "{plan}"'


def _text(answer: Answer, said: Said | None) -> str:
    if said is not None:
        return redact(" ".join(said.text.split()))[:ERROR_TEXT_CHARS_MAX]
    title = page_title(answer.body)
    return answer.text() if title is None else title


def _code(code: Any) -> int | None:
    return code if isinstance(code, int) else None
