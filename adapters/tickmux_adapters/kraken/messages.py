"""What Kraken sends over WebSocket v2, as it is on the wire.

Prices and sizes are JSON numbers written at full precision. A decoder made with `float_hook=str` hands them over as
text wherever the field is untyped, so that nothing is rounded before it was looked at; integers arrive as int.
"""

import datetime as dt
from typing import Annotated, Any, Final

import msgspec

Number = Any
"""A JSON number: its text if it has a point or an exponent, else an int."""
Time = Annotated[dt.datetime, msgspec.Meta(tz=True)]

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def time_ns(time: dt.datetime | None) -> int | None:
    """A venue time as Unix nanoseconds. 1970 means none: symbols that never traded carry it."""
    if time is None:
        return None
    since = time - EPOCH
    if since.days <= 0:
        return None
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


class Ticker(msgspec.Struct, gc=False):
    """Top of book, last price and 24 h volume of one symbol. Frames of 2024 have no timestamp.

    `{"symbol":"BTC/USD","bid":63297.7,"bid_qty":5.45673101,"ask":63297.8,"ask_qty":0.36974422,"last":63297.8,`
    `"volume":1020.88391276,"vwap":63685.7,"low":63250,"high":64409.2,"change":0.7,"change_pct":0,"trades":47536,`
    `"timestamp":"2026-08-12T19:29:02.066592Z"}`
    """

    symbol: str
    bid: Number
    bid_qty: Number
    ask: Number
    ask_qty: Number
    last: Number
    volume: Number
    timestamp: Time | None = None


class TickerFrame(msgspec.Struct, gc=False):
    """`{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD", …}]}`."""

    channel: str
    data: list[Ticker]


class Pair(msgspec.Struct):
    """One instrument and its state.

    `{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","qty_precision":8,"qty_increment":0.00000001,`
    `"price_precision":1,"cost_precision":5,"marginable":true,"has_index":true,"cost_min":0.50,"tick_size":0.1,`
    `"price_increment":0.1,"qty_min":0.00010000}`
    """

    symbol: str
    base: str
    quote: str
    status: str
    price_increment: Number = None
    qty_increment: Number = None


class Listing(msgspec.Struct):
    """What the instrument channel carries; its `data` is an object, unlike that of every other channel."""

    pairs: list[Pair] = []


class SystemStatus(msgspec.Struct):
    """State of the whole venue: online, post_only, cancel_only or maintenance.

    `{"version":"2.0.10","system":"online","api_version":"v2","connection_id":16763580994566763544}`
    """

    system: str


class SubscriptionResult(msgspec.Struct):
    """`{"channel":"ticker","event_trigger":"bbo","snapshot":true,"symbol":"BTC/USD"}`."""

    channel: str = ""
    symbol: str = ""


class AnyFrame(msgspec.Struct):
    """Whatever is not a ticker in its usual shape.

    `{"channel":"heartbeat"}`
    `{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online", …}]}`
    `{"method":"subscribe","req_id":42,"result":{"channel":"ticker","symbol":"BTC/USD", …},"success":true, …}`
    `{"error":"Currency pair not supported NOPE/USD","method":"subscribe","success":false,"symbol":"NOPE/USD", …}`
    `{"Error":"Exceeded msg rate"}`
    """

    channel: str = ""
    type: str = ""
    data: msgspec.Raw = msgspec.Raw()
    method: str = ""
    req_id: int | None = None
    success: bool | None = None
    result: SubscriptionResult | None = None
    error: str = ""
    symbol: str = ""
    rate_error: str = msgspec.field(name="Error", default="")
