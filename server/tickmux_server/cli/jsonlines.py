"""The JSON of the command line: the eight unified keys first, null for what is not known, exact decimals."""

import json
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from tickmux.v1.quote_pb2 import Quote, QuoteFlag
from tickmux.v1.source_pb2 import Budget, SourceState, SourceStatus
from tickmux_client import Instrument
from tickmux_server.cli.presence import CONSOLIDATED, known

Record = dict[str, Any]

UNIFIED_KEYS: Final = (
    "symbol",
    "type",
    "exchange",
    "last_price",
    "volume",
    "bid_price",
    "ask_price",
    "timestamp",
)


def line(record: Record) -> str:
    """One object on one line. A double is written as its shortest decimal, which is the venue's own number."""
    return json.dumps(record, allow_nan=False)


def quote_record(quote: Quote) -> Record:
    """A quote: the eight unified keys in order, then everything else that is known of it."""
    record: Record = {
        "symbol": quote.symbol,
        "type": quote.type,
        "exchange": quote.exchange or None,
        "last_price": known(quote, "last_price"),
        "volume": known(quote, "volume"),
        "bid_price": known(quote, "bid_price"),
        "ask_price": known(quote, "ask_price"),
        "timestamp": _time(quote, "timestamp"),
        "bid_size": known(quote, "bid_size"),
        "ask_size": known(quote, "ask_size"),
        "source": quote.source,
        "epoch": quote.epoch,
        "revision": quote.revision,
        "received_at": _time(quote, "received_at"),
        "flags": [flag_name(flag) for flag in quote.flags],
        "channel": quote.channel,
        "bid_ask_age_ms": known(quote, "bid_ask_age_ms"),
        "last_age_ms": known(quote, "last_age_ms"),
    }
    legs = {name: getattr(quote, name) or None for name in ("bid_exchange", "ask_exchange", "last_exchange")}
    if quote.source == CONSOLIDATED or any(legs.values()):
        record |= legs
    return record


def status_record(status: SourceStatus) -> Record:
    """The health of one upstream slot."""
    return {
        "source": status.source,
        "channel": status.channel,
        "state": state_name(status.state),
        "epoch": status.epoch,
        "since": _time(status, "since"),
        "last_message_at": _time(status, "last_message_at"),
        "messages": status.messages,
        "malformed": status.malformed,
        "duplicates": status.duplicates,
        "inexact": status.inexact,
        "reconnects": status.reconnects,
        "last_error": status.last_error or None,
        "lag_ms": _duration_s(status, "lag", 1000),
        "budgets": [_budget_record(budget) for budget in status.budgets],
    }


def instrument_record(instrument: Instrument) -> Record:
    """What can be quoted."""
    return {
        "symbol": instrument.symbol,
        "type": instrument.type,
        "exchange": instrument.exchange or None,
        "source": instrument.source,
        "venue_symbol": instrument.venue_symbol or None,
        "base": instrument.base or None,
        "quote": instrument.quote or None,
        "state": instrument.state.name.lower(),
        "price_increment": instrument.price_increment,
        "size_increment": instrument.size_increment,
    }


def flag_name(flag: int) -> str:
    """`simulated` for QUOTE_FLAG_SIMULATED; the number of one that this release does not know."""
    return _enum_name(QuoteFlag, flag, "QUOTE_FLAG_")


def state_name(state: int) -> str:
    """`live` for SOURCE_STATE_LIVE."""
    return _enum_name(SourceState, state, "SOURCE_STATE_")


def _enum_name(enum: Any, number: int, prefix: str) -> str:
    try:
        name: str = enum.Name(number)
    except ValueError:
        return str(number)
    return name.removeprefix(prefix).lower()


def _budget_record(budget: Budget) -> Record:
    return {
        "window_s": _duration_s(budget, "window", 1),
        "limit": budget.limit,
        "left": budget.left,
        "next_request_at": _time(budget, "next_request_at"),
        "resets_at": _time(budget, "resets_at"),
        "reason": budget.reason or None,
    }


def _time(message: Message, field: str) -> str | None:
    """RFC 3339 in UTC, to the nanosecond that the venue gave."""
    if not message.HasField(field):
        return None
    moment: Timestamp = getattr(message, field)
    return moment.ToJsonString()


def _duration_s(message: Message, field: str, per_second: int) -> float | None:
    if not message.HasField(field):
        return None
    duration: Duration = getattr(message, field)
    return (duration.seconds * 1_000_000_000 + duration.nanos) * per_second / 1_000_000_000
