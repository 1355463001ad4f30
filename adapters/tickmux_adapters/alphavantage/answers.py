"""From the bodies of answers to what they say of each instrument, or why they say nothing. No I/O, no memory."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from tickmux_adapters.alphavantage.messages import (
    BULK_KEY,
    BULK_MESSAGE_KEY,
    DELAYED_MARK,
    NOTICE_KEYS,
    QUOTE_KEY,
    RATE_KEY,
    BulkRow,
    ExchangeRate,
    GlobalQuote,
    Number,
    number_text,
    time_ns,
)
from tickmux_adapters.alphavantage.refusals import Refusal, Refused, classify, is_for_others
from tickmux_adapters.conversation import BAD_FRAME
from tickmux_adapters.errors import MalformedMessage
from tickmux_adapters.exactness import decimal_value, is_exact
from tickmux_adapters.model import UNCHANGED, Field, Instrument

_decode_parts: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text: Final = msgspec.json.Decoder(str).decode
_decode_rows: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_quote: Final = msgspec.json.Decoder(GlobalQuote, float_hook=str).decode
_decode_rate: Final = msgspec.json.Decoder(ExchangeRate, float_hook=str).decode
_decode_row: Final = msgspec.json.Decoder(BulkRow, float_hook=str).decode


class Sighting(NamedTuple):
    """What an answer says of one instrument."""

    last: float | None
    volume: Field = UNCHANGED
    bid: Field = UNCHANGED
    ask: Field = UNCHANGED
    venue_time_ns: int | None = None
    is_delayed: bool = False
    inexact: int = 0
    """Numbers of more digits than a double holds."""


class Row(NamedTuple):
    """A row of an answer about many stocks."""

    body: bytes
    is_delayed: bool


def global_quote(body: bytes, stock: Instrument) -> Sighting | None:
    """What GLOBAL_QUOTE says of a stock; None if the venue does not know it.

    Raises:
        Refused: the venue gives a reason instead of data.
        MalformedMessage: it is not what it should be.
    """
    try:
        key, part = _part(_parts(body), QUOTE_KEY)
        if _is_empty(part):
            return None
        quote = _decode_quote(part)
    except BAD_FRAME as error:
        raise _malformed(error) from error
    if quote.symbol and _plain(quote.symbol) != _plain(stock.venue_symbol):
        raise MalformedMessage(f"the answer is about another stock than {stock.venue_symbol}")
    numbers = _Numbers()
    last = numbers.price("05. price", quote.price)
    volume = numbers.volume("06. volume", quote.volume)
    return Sighting(last, volume, is_delayed=_is_delayed(key), inexact=numbers.inexact)


def exchange_rate(body: bytes, pair: Instrument) -> Sighting | None:
    """What CURRENCY_EXCHANGE_RATE says of a pair; None if the venue does not know it.

    Raises:
        Refused: the venue gives a reason instead of data.
        MalformedMessage: it is not what it should be.
    """
    try:
        key, part = _part(_parts(body), RATE_KEY)
        if _is_empty(part):
            return None
        rate = _decode_rate(part)
    except BAD_FRAME as error:
        raise _malformed(error) from error
    codes = (rate.from_code.upper() or pair.base, rate.to_code.upper() or pair.quote)
    if codes != (pair.base, pair.quote):
        raise MalformedMessage(f"the answer is about another pair than {pair.venue_symbol}")
    numbers = _Numbers()
    return Sighting(
        last=numbers.price("5. Exchange Rate", rate.rate),
        bid=numbers.price("8. Bid Price", rate.bid),
        ask=numbers.price("9. Ask Price", rate.ask),
        venue_time_ns=time_ns(rate.refreshed, rate.zone),
        is_delayed=_is_delayed(key),
        inexact=numbers.inexact,
    )


def bulk_rows(body: bytes) -> Iterator[Row]:
    """The rows of REALTIME_BULK_QUOTES, none of them made up.

    Raises:
        Refused: the venue gives a reason instead of data, or a sample that only looks like data.
        MalformedMessage: it is not what it should be.
    """
    try:
        parts = _parts(body)
        message = _decode_text(parts[BULK_MESSAGE_KEY]) if BULK_MESSAGE_KEY in parts else ""
        if is_for_others(message):
            raise Refused(Refusal.ENTITLEMENT, message)
        _, part = _part(parts, BULK_KEY)
        rows = _decode_rows(part)
    except BAD_FRAME as error:
        raise _malformed(error) from error
    return (Row(bytes(row), _is_delayed(message)) for row in rows if not _is_empty(row))


def bulk_row(row: Row) -> tuple[str, Sighting]:
    """The symbol of a row, and what it says.

    Raises:
        MalformedMessage: it is not what it should be.
    """
    try:
        data = _decode_row(row.body)
    except BAD_FRAME as error:
        raise _malformed(error) from error
    numbers = _Numbers()
    last, volume = numbers.price("close", data.close), numbers.volume("volume", data.volume)
    return _plain(data.symbol), Sighting(last, volume, is_delayed=row.is_delayed, inexact=numbers.inexact)


def row_name(stock: Instrument) -> str:
    """The symbol under which `bulk_row` tells of a stock."""
    return _plain(stock.venue_symbol)


class _Numbers:
    """Reads the numbers of one answer, and counts those that a double does not hold exactly."""

    def __init__(self) -> None:
        self.inexact = 0

    def price(self, name: str, number: Number) -> float | None:
        text = number_text(name, number)
        try:
            value = decimal_value(text)
        except ValueError:
            # What it is instead is not quoted: venues echo keys.
            raise MalformedMessage(f"{name!r} is no decimal") from None
        self.inexact += not is_exact(text)
        return value

    def volume(self, name: str, number: Number) -> float | None:
        value = self.price(name, number)
        # Nothing traded is a volume of 0, not an unknown one.
        return 0.0 if value is None and number_text(name, number) else value


def _parts(body: bytes) -> dict[str, msgspec.Raw]:
    start = body.lstrip()[:1]
    if start != b"{":
        kind = "HTML" if start == b"<" else "no JSON object"
        raise MalformedMessage(f"the body is {kind if start else 'empty'}")
    return _decode_parts(body)


def _part(parts: dict[str, msgspec.Raw], wanted: str) -> tuple[str, msgspec.Raw]:
    """The part under a key that begins as is wanted: an answer is good only if it is there."""
    for key, part in parts.items():
        if key.startswith(wanted):
            return key, part
    for key in (*NOTICE_KEYS, BULK_MESSAGE_KEY):
        if key in parts:
            said = _decode_text(parts[key])
            raise Refused(classify(key, said), said)
    raise MalformedMessage(f"neither {wanted!r} nor a notice is in the body")


def _is_empty(part: msgspec.Raw) -> bool:
    return b"".join(bytes(part).split()) == b"{}"


def _is_delayed(text: str) -> bool:
    return DELAYED_MARK in text.upper()


def _plain(symbol: str) -> str:
    return symbol.strip().upper().replace("-", ".")


def _malformed(error: Exception) -> MalformedMessage:
    return MalformedMessage(str(error) or type(error).__name__)
