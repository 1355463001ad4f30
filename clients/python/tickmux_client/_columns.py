"""Quotes and instruments by columns, with None for what is not known: what every kind of table is made of."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from tickmux.v1 import quote_pb2
from tickmux_client._model import Instrument, Quote, to_ns

NANOSECONDS_MAX: Final = 2**63 - 1
"""What a column of nanoseconds can hold, to both sides of 1970: 1677 to 2262."""


class Kind(enum.Enum):
    """What the values of a column are."""

    TEXT = enum.auto()
    NUMBER = enum.auto()
    COUNT = enum.auto()
    """A whole number that is always known."""
    DURATION_MS = enum.auto()
    """A whole number of milliseconds."""
    TIME = enum.auto()
    """Unix nanoseconds."""
    NAMES = enum.auto()
    """A list of texts, which may be empty."""
    ANSWER = enum.auto()
    """Yes or no."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    kind: Kind
    values: list[Any]


def of_quotes(quotes: Sequence[Quote]) -> list[Column]:
    """One row a quote: the fields of the contract in its order, then what the client knows of each quote now.

    Raises:
        ValueError: a time is beyond what nanoseconds can say.
    """
    messages = [quote.message for quote in quotes]
    columns = [Column(name, kind, _READERS[kind](messages, name)) for name, kind in QUOTE_FIELDS.items()]
    columns.append(Column("is_stale", Kind.ANSWER, [quote.is_stale for quote in quotes]))
    columns.append(Column("gap_before", Kind.ANSWER, [quote.gap_before for quote in quotes]))
    return columns


def of_instruments(instruments: Sequence[Instrument]) -> list[Column]:
    """One row an instrument."""
    texts = ("symbol", "type", "exchange", "source", "venue_symbol", "base", "quote")
    columns = [Column(name, Kind.TEXT, [getattr(item, name) or None for item in instruments]) for name in texts]
    columns.append(Column("state", Kind.TEXT, [item.state.name.lower() for item in instruments]))
    columns.append(Column("price_increment", Kind.NUMBER, [item.price_increment for item in instruments]))
    columns.append(Column("size_increment", Kind.NUMBER, [item.size_increment for item in instruments]))
    return columns


QUOTE_FIELDS: Final = {
    "symbol": Kind.TEXT,
    "type": Kind.TEXT,
    "exchange": Kind.TEXT,
    "last_price": Kind.NUMBER,
    "volume": Kind.NUMBER,
    "bid_price": Kind.NUMBER,
    "ask_price": Kind.NUMBER,
    "timestamp": Kind.TIME,
    "bid_size": Kind.NUMBER,
    "ask_size": Kind.NUMBER,
    "source": Kind.TEXT,
    "epoch": Kind.COUNT,
    "revision": Kind.COUNT,
    "received_at": Kind.TIME,
    "flags": Kind.NAMES,
    "channel": Kind.TEXT,
    "bid_ask_age_ms": Kind.DURATION_MS,
    "last_age_ms": Kind.DURATION_MS,
    "bid_exchange": Kind.TEXT,
    "ask_exchange": Kind.TEXT,
    "last_exchange": Kind.TEXT,
}

_Messages = Sequence[quote_pb2.Quote]


def _texts(messages: _Messages, name: str) -> list[str | None]:
    read = attrgetter(name)
    return [read(message) or None for message in messages]


def _counts(messages: _Messages, name: str) -> list[int]:
    return list(map(attrgetter(name), messages))


def _known(messages: _Messages, name: Any) -> list[Any]:
    read = attrgetter(name)
    # The value first: unless it is zero it is present, which saves asking.
    return [value if (value := read(message)) or message.HasField(name) else None for message in messages]


def _times(messages: _Messages, name: Any) -> list[int | None]:
    read = attrgetter(name)
    times = [to_ns(read(message)) if message.HasField(name) else None for message in messages]
    for message, time in zip(messages, times, strict=True):
        if time is not None and abs(time) > NANOSECONDS_MAX:
            raise ValueError(
                f"{name} of {message.source} {message.symbol} is {read(message).ToJsonString()}: a column of "
                "nanoseconds holds the years 1678 to 2261; leave that quote out"
            )
    return times


def _flags(messages: _Messages, _: str) -> list[list[str]]:
    return [[_flag_name(flag) for flag in message.flags] for message in messages]


def _flag_name(flag: int) -> str:
    """`simulated` for QUOTE_FLAG_SIMULATED; the number of one that this release does not know."""
    return _FLAG_NAMES.get(flag) or str(flag)


_FLAG_NAMES: Final[dict[int, str]] = {
    number: name.removeprefix("QUOTE_FLAG_").lower() for name, number in quote_pb2.QuoteFlag.items()
}
_READERS: Final[dict[Kind, Any]] = {
    Kind.TEXT: _texts,
    Kind.NUMBER: _known,
    Kind.COUNT: _counts,
    Kind.DURATION_MS: _known,
    Kind.TIME: _times,
    Kind.NAMES: _flags,
}
