"""What Binance sends, as it is on the wire. Prices and sizes are decimal text; field names are single letters there.

Times are in milliseconds, or in microseconds after `timeUnit=MICROSECOND`, which we ask for.
"""

from typing import Annotated, Final

import msgspec

YEAR_2100_US: Final = 4_102_444_800_000_000
Time = Annotated[int, msgspec.Meta(ge=0, le=YEAR_2100_US)]
Sequence = Annotated[int, msgspec.Meta(ge=0)]

MICROSECONDS_FROM: Final = 10**14
"""A time from here on is in microseconds: in milliseconds it would be the year 5138."""


def time_ns(time: int) -> int | None:
    """A venue time as Unix nanoseconds, whichever unit it came in; 0 means none."""
    return (time * 1_000 if time >= MICROSECONDS_FROM else time * 1_000_000) or None


class BookTicker(msgspec.Struct, gc=False):
    """The best bid and ask after a change. It carries no time; `u` orders it within its symbol.

    `{"u":98494969448,"s":"BTCUSDT","b":"63704.00000000","B":"4.77471000","a":"63704.01000000","A":"11.33198000"}`
    """

    update_id: Sequence = msgspec.field(name="u")
    symbol: str = msgspec.field(name="s")
    bid_price: str = msgspec.field(name="b")
    bid_size: str = msgspec.field(name="B")
    ask_price: str = msgspec.field(name="a")
    ask_size: str = msgspec.field(name="A")


class BookTickerFrame(msgspec.Struct, gc=False):
    """`{"stream":"nknusdt@bookTicker","data":{"u":499869768,"s":"NKNUSDT","b":"0.35210000", …}}`."""

    data: BookTicker


class Trade(msgspec.Struct, gc=False):
    """One trade. Other operators of the protocol add order ids as integers `b` and `a`.

    `{"e":"trade","E":1790446152679,"s":"BTCUSDT","t":6715234671,"p":"84106.09000000","q":"0.00007000",`
    `"T":1790446152678,"m":true,"M":true}`
    """

    symbol: str = msgspec.field(name="s")
    trade_id: Sequence = msgspec.field(name="t")
    price: str = msgspec.field(name="p")
    event_time: Time = msgspec.field(name="E")
    trade_time: Time = msgspec.field(name="T", default=0)


class TradeFrame(msgspec.Struct, gc=False):
    """`{"stream":"btcusdt@trade","data":{"e":"trade", …}}`."""

    data: Trade


class MiniTicker(msgspec.Struct, gc=False):
    """The last 24 hours, at most once a second. `v` is in base units, `q` in quote units.

    `{"e":"24hrMiniTicker","E":1786539510015,"s":"BTCUSDT","c":"64117.99000000","o":"64330.60000000",`
    `"h":"64500.00000000","l":"63238.00000000","v":"14724.65375000","q":"940099726.82861850"}`
    """

    symbol: str = msgspec.field(name="s")
    event_time: Time = msgspec.field(name="E")
    last_price: str = msgspec.field(name="c")
    volume: str = msgspec.field(name="v")


class MiniTickerFrame(msgspec.Struct, gc=False):
    """`{"stream":"btcusdt@miniTicker","data":{"e":"24hrMiniTicker", …}}`."""

    data: MiniTicker


class ErrorBody(msgspec.Struct):
    """`{"code":2,"msg":"Invalid request: invalid stream"}`."""

    code: int = 0
    msg: str = ""


class AnyFrame(msgspec.Struct):
    """Whatever is not a data frame in its usual shape: answers, errors, notices, data with its keys in another order.

    `{"result":null,"id":1}`
    `{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":1}`, or flat: `{"code":2,"msg":"…"}`
    `{"e":"serverShutdown","E":1770123456789}`
    `{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}`
    """

    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    event: str = msgspec.field(name="e", default="")
    id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: ErrorBody | None = None
    code: int | None = None
    msg: str = ""


class Filter(msgspec.Struct):
    """`{"filterType":"PRICE_FILTER","minPrice":"0.01000000","maxPrice":"1000000.00000000","tickSize":"0.01000000"}`."""

    filter_type: str = msgspec.field(name="filterType")
    tick_size: str = msgspec.field(name="tickSize", default="")
    step_size: str = msgspec.field(name="stepSize", default="")


class SymbolInfo(msgspec.Struct):
    """`{"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","quoteAsset":"BTC","filters":[…], …}`."""

    symbol: str
    status: str
    base_asset: str = msgspec.field(name="baseAsset")
    quote_asset: str = msgspec.field(name="quoteAsset")
    filters: list[Filter] = []


class ExchangeInfo(msgspec.Struct):
    """`GET /api/v3/exchangeInfo`: `{"timezone":"UTC","serverTime":1633998511098,"rateLimits":[…],"symbols":[…]}`."""

    symbols: list[SymbolInfo]


class RestBookTicker(msgspec.Struct):
    """An entry of `GET /api/v3/ticker/bookTicker`.

    `{"symbol":"BTCUSDT","bidPrice":"6621.55000000","bidQty":"0.16356700","askPrice":"6622.10000000",`
    `"askQty":"0.18635000"}`
    """

    symbol: str
    bid_price: str = msgspec.field(name="bidPrice")
    bid_size: str = msgspec.field(name="bidQty")
    ask_price: str = msgspec.field(name="askPrice")
    ask_size: str = msgspec.field(name="askQty")


class RestDayTicker(msgspec.Struct):
    """An entry of `GET /api/v3/ticker/24hr?type=MINI`.

    `{"symbol":"BTCUSDT","lastPrice":"69624.00000000","volume":"33278.39129000","closeTime":1730439018472, …}`
    """

    symbol: str
    last_price: str = msgspec.field(name="lastPrice")
    volume: str
    close_time: Time = msgspec.field(name="closeTime", default=0)
