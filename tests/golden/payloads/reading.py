"""The formats of the recordings, taken apart into numbered messages. Shares no code with Tickmux."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.golden.payloads.entries import Listed, Number

NS_PER_S = 1_000_000_000

ALIASES = {"XBT": "BTC", "XDG": "DOGE"}
"""Names that venues have for currencies which everybody else calls otherwise."""


FIAT = {"USD", "JPY", "EUR", "CNY", "GBP", "CHF", "CAD", "AUD", "AED"}
"""Currencies of states that are recorded: a pair of two of them is foreign exchange."""


def exact(text: str) -> Any:
    """JSON with every number as the decimal that was written."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """A document a line, numbered from 1."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.strip():
            yield number, exact(line)


def received_lines(path: Path, separator: str) -> Iterator[tuple[int, Any]]:
    """A line for each frame, preceded by the time of its reception; the first line may name the address."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        _, found, frame = line.partition(separator)
        if found and not line.startswith("wss:"):
            yield number, exact(frame)


def pair(base: str, quote: str) -> str:
    """The symbol of a pair: BTC and USD give BTCUSD."""
    return ALIASES.get(base.upper(), base.upper()) + ALIASES.get(quote.upper(), quote.upper())


def pair_type(base: str, quote: str) -> str:
    """What a pair is, by its codes in upper case."""
    return "fx" if {base, quote} <= FIAT else "crypto"


def listed_pair(
    message: int, venue_symbol: str, base: str, quote: str, *, exchange: str, state: str, steps: tuple[Number, Number]
) -> Listed:
    """A pair of a crypto venue's listing, with its price and size increments."""
    return Listed(
        message=message,
        symbol=pair(base, quote),
        texts={
            "type": pair_type(base, quote),
            "exchange": exchange,
            "venue_symbol": venue_symbol,
            "base": ALIASES.get(base, base),
            "quote": ALIASES.get(quote, quote),
            "state": state,
        },
        numbers={"price_increment": steps[0] or None, "size_increment": steps[1] or None},
    )


def rfc3339_ns(text: str) -> int:
    """An instant with up to nine digits of a second."""
    clock, _, fraction = text.removesuffix("Z").removesuffix("+00:00").partition(".")
    seconds = int(dt.datetime.fromisoformat(clock).replace(tzinfo=dt.UTC).timestamp())
    return seconds * NS_PER_S + int(fraction.ljust(9, "0"))


def milliseconds_ns(time: Decimal) -> int:
    """Unix milliseconds as nanoseconds."""
    return int(time) * 1_000_000
