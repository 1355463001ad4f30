"""What a recorded message says, as it is written there: json and Decimal, and nothing of Tickmux."""

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

Number = Decimal | None
"""A price, size or volume as it was written; None where the message says that there is none."""


class Reason(enum.StrEnum):
    """Why something that was recorded gives no line of quotes."""

    CONTROL = "control"
    """An answer, a notice, a heartbeat or an error: no market data."""
    OURS = "ours"
    """What the client sent."""
    ORDER_BOOK = "order book"
    """Depth: it takes a book to make a best bid and ask of it."""
    NOT_ASKED = "not asked for"
    """Market data that the adapter does not subscribe to or request: bars, candles, histories, other streams."""
    OLDER = "older"
    """Its number or time is behind what came before in the same stream."""
    REPEAT = "repeat"
    """The same once more."""
    NOTHING_GIVEN = "nothing given"
    """An answer without a value: an unknown symbol, an empty list."""
    NOT_THE_LAST = "not of the last trade"
    """A correction or cancel of a trade that the last price does not come from."""
    ARTIFICIAL = "artificial"
    """Sample data that the venue sends in place of the real."""


@dataclass(frozen=True, kw_only=True)
class Quoted:
    """One update of one instrument."""

    message: int
    """Which message of the recording: the number of its line, or of its body where the recording is one document."""
    symbol: str
    type: str = "crypto"
    numbers: dict[str, Number] = field(default_factory=dict)
    """What the message carries, by the name of the quote's field; what is not in it is not carried."""
    time_ns: int | None = None
    """The venue's time of the message, Unix nanoseconds."""
    marks: dict[str, bool] = field(default_factory=dict)
    """What is true or false of the instrument from here on: `halted`, `delayed`; `indicative` on every quote of one."""


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One instrument of a listing."""

    message: int
    symbol: str
    texts: dict[str, str]
    """`type`, `exchange`, `venue_symbol`, `base`, `quote`, `state`."""
    numbers: dict[str, Number]
    """`price_increment`, `size_increment`."""


@dataclass(frozen=True, kw_only=True)
class Silent:
    """A message, or a part of one, that gives no line."""

    message: int
    reason: Reason


Entry = Quoted | Listed | Silent
Reader = Callable[[Path], Iterator[Entry]]
"""Reads one recording, in order; every message of it gives at least one entry."""


def side(name: str, price: Number, size: Number) -> dict[str, Number]:
    """One side of a quote; a side whose price is 0 is none, whatever its size says."""
    if not price:
        return {f"{name}_price": None, f"{name}_size": None}
    return {f"{name}_price": price, f"{name}_size": size}
