"""What CoinGecko answers, as it is on the wire.

`GET /simple/price` answers an object by coin id, and in it one by currency:

`{"bitcoin":{"usd":76975,"usd_market_cap":1542226908349.8406,"usd_24h_vol":29096603418.89408,`
`"usd_24h_change":-1.4093297098441402,"last_updated_at":1779092258}}`

Integers, decimals and exponents are mixed, a price may be null, and a coin that the venue does not know is missing. The
24 h volume is in the quote currency.
"""

import logging
from typing import Any, Final

import msgspec

from tickmux_adapters.conversation import BAD_FRAME
from tickmux_adapters.entries import understood
from tickmux_adapters.errors import MalformedMessage
from tickmux_adapters.secrets import redact

logger = logging.getLogger(__name__)

YEAR_2100_S: Final = 4_102_444_800
UPDATED: Final = "last_updated_at"
PAGE_HEAD_BYTES: Final = 4096
TITLE_CHARS_MAX: Final = 80
QUOTED_CHARS_MAX: Final = 40

# Numbers with a point or an exponent arrive as their text, integers as int.
_decode_object = msgspec.json.Decoder(dict[str, Any], float_hook=str).decode


class Coin(msgspec.Struct):
    """An entry of `GET /coins/list`.

    `{"id":"official-trump","symbol":"trump","name":"Official Trump"}`
    """

    id: str
    symbol: str | None = None


class ErrorBody(msgspec.Struct):
    """An error, in the shapes that there are; a coin may well have the id `status`, so that nothing is sure.

    `{"error":"coin not found"}`
    `{"status":{"error_code":429,"error_message":"You've exceeded the Rate Limit. Please visit …"}}`
    `{"error":{"status":{"timestamp":"2024-01-01T00:00:00.000+00:00","error_code":10010,"error_message":"…"}}}`
    `{"timestamp":"2024-01-01T00:00:00.000+00:00","error_code":10011,"status":{"error_message":"…"}}`
    """

    error: Any = None
    status: Any = None
    error_code: Any = None


_split_coins = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_coin = msgspec.json.Decoder(Coin).decode
_decode_currencies = msgspec.json.Decoder(list[str]).decode
decode_error = msgspec.json.Decoder(ErrorBody).decode


def read_prices(body: bytes) -> dict[str, Any]:
    """What is said of each coin, by id.

    Raises:
        MalformedMessage: it is no object.
    """
    try:
        return _decode_object(body)
    except BAD_FRAME as error:
        raise MalformedMessage(_instead_of_json(body, error), body) from error


def read_coins(body: bytes) -> list[Coin]:
    """Every coin that the venue lists; how many could not be understood is logged.

    Raises:
        MalformedMessage: it is no list of coins.
    """
    problems: list[str] = []
    try:
        coins = understood(_split_coins(body), _decode_coin, lambda problem, _: problems.append(problem))
    except BAD_FRAME as error:
        raise MalformedMessage(_instead_of_json(body, error), body) from error
    if problems:
        total = len(coins) + len(problems)
        logger.warning("%d of %d listed coins could not be understood: %s", len(problems), total, redact(problems[0]))
    return coins


def read_currencies(body: bytes) -> list[str]:
    """The currencies of `GET /simple/supported_vs_currencies`: `["btc","eth","ltc", …]`.

    Raises:
        MalformedMessage: it is no list of words.
    """
    try:
        return _decode_currencies(body)
    except BAD_FRAME as error:
        raise MalformedMessage(_instead_of_json(body, error), body) from error


def number_text(number: object) -> str | None:
    """The decimal that was written for a JSON number; None for null.

    Raises:
        ValueError: it is no number.
    """
    if number is None or isinstance(number, str):
        return number
    # True is an int, too, but no number.
    if number.__class__ is int:
        return str(number)
    raise ValueError(f"not a number: {quoted(number)}")


def time_ns(time: object) -> int | None:
    """A time in Unix seconds as nanoseconds; None for null and 0.

    Raises:
        ValueError: it is no such time.
    """
    if time is None:
        return None
    if not isinstance(time, int) or isinstance(time, bool) or not 0 <= time <= YEAR_2100_S:
        raise ValueError(f"not a time in Unix seconds: {quoted(time)}")
    return time * 1_000_000_000 or None


def page_title(body: bytes) -> str | None:
    """The title of a web page, empty where it has none; None if the body is no web page."""
    head = body[:PAGE_HEAD_BYTES].lstrip()
    if not head.startswith(b"<"):
        return None
    _, found, rest = head.partition(b"<title>")
    title = rest.partition(b"<")[0].decode("utf-8", "replace") if found else ""
    return redact(" ".join(title.split()))[:TITLE_CHARS_MAX]


def quoted(value: object) -> str:
    """The beginning of what is not what it should be, for messages."""
    # Cut last: half a key is still a secret.
    return repr(redact(str(value))[:QUOTED_CHARS_MAX])


def _instead_of_json(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "an empty body"
    title = page_title(body)
    if title is not None:
        return f"a web page ({title})" if title else "a web page"
    return str(error) or type(error).__name__
