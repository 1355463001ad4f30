"""What Alpaca sends, as it is on the wire, in JSON and in msgpack; field names are short there.

Every frame is an array that may mix kinds, told apart by `T`, and symbols. The two encodings differ in the types of
numbers and times, not in the fields: JSON numbers are handed over as text by a decoder made with `float_hook=str`, so
that nothing is rounded before it was looked at, and integers as int; msgpack numbers are doubles and integers.
"""

from typing import Any, Final, Generic, TypeVar

import msgspec

Number = Any
"""A number: in JSON its text if it has a point or an exponent, else an int; in msgpack a float or an int."""
Time = TypeVar("Time", str, msgspec.msgpack.Ext)
"""A venue time: RFC 3339 with 0 to 9 digits of a second in JSON, an extension of type -1 in msgpack; see `times`."""
Id = int | str


class QuoteData(msgspec.Struct, Generic[Time], kw_only=True, gc=False):
    """The best bid and ask, as the stream and the snapshots have them. Sizes of stocks are in round lots."""

    bid_price: Number = msgspec.field(name="bp")
    bid_size: Number = msgspec.field(name="bs")
    ask_price: Number = msgspec.field(name="ap")
    ask_size: Number = msgspec.field(name="as")
    time: Time = msgspec.field(name="t")


class Quote(QuoteData[Time], Generic[Time], kw_only=True, gc=False, tag_field="T", tag="q"):
    """A change of the best bid or ask. Those of crypto have neither exchanges, nor conditions, nor a tape.

    `{"T":"q","S":"AMD","bx":"K","bp":91.95,"bs":2,"ax":"Q","ap":91.98,"as":1,"c":["R"],"z":"C",`
    `"t":"2023-04-06T11:54:21.670905508Z"}`
    `{"T":"q","S":"ETH/USDT","bp":1815.55510989,"bs":8.24941727,"ap":1818.4,"as":4.15121428,`
    `"t":"2023-03-18T13:51:33.256826818Z"}`
    """

    symbol: str = msgspec.field(name="S")


class TradeData(msgspec.Struct, Generic[Time], kw_only=True, gc=False):
    """One trade, as the stream and the snapshots have it. An id is one of its exchange's."""

    price: Number = msgspec.field(name="p")
    time: Time = msgspec.field(name="t")
    id: Id = msgspec.field(name="i", default="")
    exchange: str = msgspec.field(name="x", default="")
    conditions: list[str] | str | None = msgspec.field(name="c", default=None)
    """Codes of one character each; a lone one has been seen without its array."""
    tape: str = msgspec.field(name="z", default="")


class Trade(TradeData[Time], Generic[Time], kw_only=True, gc=False, tag_field="T", tag="t"):
    """One trade. Those of crypto carry the taker's side instead of exchange, conditions and tape.

    `{"T":"t","S":"AAPL","i":628,"x":"K","p":162.92,"s":3,"c":["@","F","T","I"],"z":"C",`
    `"t":"2023-04-06T11:54:26.838232225Z"}`
    `{"T":"t","S":"AVAX/USD","p":47.299,"s":29.205707815,"t":"2024-03-12T10:27:48.858228144Z",`
    `"i":3447222699101865076,"tks":"S"}`
    """

    symbol: str = msgspec.field(name="S")


class BarData(msgspec.Struct, Generic[Time], kw_only=True, gc=False):
    """What traded since a session began; `t` is that beginning, midnight in New York for stocks."""

    volume: Number = msgspec.field(name="v")
    start: Time = msgspec.field(name="t")


class DailyBar(BarData[Time], Generic[Time], kw_only=True, gc=False, tag_field="T", tag="d"):
    """The session so far, each minute in which something traded.

    `{"T":"d","S":"SPY","o":388.985,"h":389.13,"l":388.975,"c":389.12,"v":49378,"n":461,"vw":389.062639,`
    `"t":"2021-02-22T05:00:00Z"}`
    """

    symbol: str = msgspec.field(name="S")


class Correction(msgspec.Struct, Generic[Time], kw_only=True, tag_field="T", tag="c"):
    """A trade was reported wrong: what it was, and what it is.

    `{"T":"c","S":"EEM","x":"M","oi":52983525033527,"op":39.1582,"os":440000,"oc":[" ","7"],"ci":52983525034326,`
    `"cp":39.1809,"cs":440000,"cc":[" ","7"],"z":"B","t":"2023-04-06T14:25:06.542305024Z"}`
    """

    symbol: str = msgspec.field(name="S")
    exchange: str = msgspec.field(name="x", default="")
    wrong_id: Id = msgspec.field(name="oi")
    id: Id = msgspec.field(name="ci")
    price: Number = msgspec.field(name="cp")
    conditions: list[str] | str | None = msgspec.field(name="cc", default=None)
    tape: str = msgspec.field(name="z", default="")
    time: Time = msgspec.field(name="t")


class Cancel(msgspec.Struct, Generic[Time], kw_only=True, tag_field="T", tag="x"):
    """A trade is not to count: `a` is C for a cancelled one, E for an error.

    `{"T":"x","S":"GOOGL","i":465,"x":"D","p":105.31,"s":300,"a":"C","z":"C","t":"2023-04-06T13:15:42.83540958Z"}`
    """

    symbol: str = msgspec.field(name="S")
    id: Id = msgspec.field(name="i")
    exchange: str = msgspec.field(name="x", default="")
    time: Time = msgspec.field(name="t")


class Status(msgspec.Struct, Generic[Time], kw_only=True, tag_field="T", tag="s"):
    """A halt, a resumption, or something between; see `conditions`.

    `{"T":"s","S":"AAPL","sc":"H","sm":"Trading Halt","rc":"T12",`
    `"rm":"Trading Halted; For information requested by NASDAQ","t":"2021-02-22T19:15:00Z","z":"C"}`
    """

    symbol: str = msgspec.field(name="S")
    code: str = msgspec.field(name="sc")
    time: Time = msgspec.field(name="t")


class MinuteBar(msgspec.Struct, tag_field="T", tag="b"):
    """`{"T":"b","S":"FAKEPACA","o":132.65,"h":136,"l":132.12,"c":134.65,"v":205,"t":"2024-07-24T07:56:00Z", …}`."""


class UpdatedBar(msgspec.Struct, tag_field="T", tag="u"):
    """A minute bar that late trades have changed."""


class PriceBand(msgspec.Struct, tag_field="T", tag="l"):
    """`{"T":"l","S":"IONM","u":3.24,"d":2.65,"i":"B","t":"2023-04-06T13:34:45.565004401Z","z":"C"}`."""


class Imbalance(msgspec.Struct, tag_field="T", tag="i"):
    """`{"T":"i","S":"INAQU","p":9.12,"z":"C","t":"2024-12-13T19:58:09.242138635Z"}`."""


class OrderBook(msgspec.Struct, tag_field="T", tag="o"):
    """`{"T":"o","S":"MKR/USD","t":"2024-03-12T10:39:39.445492807Z","b":[],"a":[{"p":2614.587,"s":12.5308}]}`."""


class Success(msgspec.Struct, tag_field="T", tag="success"):
    """`[{"T":"success","msg":"connected"}]`, then `[{"T":"success","msg":"authenticated"}]`."""

    msg: str = ""


class Failure(msgspec.Struct, tag_field="T", tag="error"):
    """`[{"T":"error","code":406,"msg":"connection limit exceeded"}]`."""

    code: int
    msg: str = ""


class SubscriptionList(msgspec.Struct, tag_field="T", tag="subscription"):
    """Everything that is subscribed now, the answer to whatever changes it. Feeds differ in the channels they name.

    `[{"T":"subscription","trades":["AAPL"],"quotes":["AMD","CLDR"],"bars":["*"],"updatedBars":[],`
    `"dailyBars":["VOO"],"statuses":["*"],"lulds":[],"corrections":["AAPL"],"cancelErrors":["AAPL"]}]`
    """

    # Where a list is empty the venue's program may write null.
    trades: list[str] | None = None
    quotes: list[str] | None = None
    daily_bars: list[str] | None = msgspec.field(name="dailyBars", default=None)
    statuses: list[str] | None = None


Control = Success | Failure | SubscriptionList
CONTROL: Final = (Success, Failure, SubscriptionList)
Ignored = MinuteBar | UpdatedBar | PriceBand | Imbalance | OrderBook
IGNORED: Final = (MinuteBar, UpdatedBar, PriceBand, Imbalance, OrderBook)
"""Understood, of no use for a quote."""
Data = Quote[Time] | Trade[Time] | DailyBar[Time] | Correction[Time] | Cancel[Time] | Status[Time]


class Snapshot(msgspec.Struct):
    """The state of one symbol, from `GET /v2/stocks/snapshots` or `GET /v1beta3/crypto/{feed}/snapshots`.

    `{"latestTrade":{"t":"2021-05-03T14:45:50.456Z","x":"D","p":133.55,"s":200,"c":["@"],"i":61462,"z":"C"},`
    `"latestQuote":{"t":"2021-05-03T14:45:50.532316972Z","ax":"P","ap":133.55,"as":7,"bx":"Q","bp":133.54,"bs":9,`
    `"c":["R"]},"minuteBar":{…},"dailyBar":{"t":"2021-05-03T04:00:00Z","o":132.04, … ,"v":25094213},"prevDailyBar":{…}}`
    """

    latest_trade: TradeData[str] | None = msgspec.field(name="latestTrade", default=None)
    latest_quote: QuoteData[str] | None = msgspec.field(name="latestQuote", default=None)
    daily_bar: BarData[str] | None = msgspec.field(name="dailyBar", default=None)


class CryptoSnapshots(msgspec.Struct):
    """`{"snapshots":{"ETH/USD":{"latestTrade":{"t":"2021-12-08T19:26:58.703892Z","p":4393.18, …}, …}}}`."""

    snapshots: dict[str, msgspec.Raw]
    """By symbol: a `Snapshot`, or null."""


class Asset(msgspec.Struct):
    """An entry of `GET /v2/assets`; increments are given for crypto alone.

    `{"id":"…","class":"crypto","exchange":"CRYPTO","symbol":"BTC/USD","name":"Bitcoin / US Dollar","status":"active",`
    `"tradable":true, … ,"min_order_size":"0.0001","min_trade_increment":"0.0001","price_increment":"1"}`
    """

    symbol: str
    exchange: str | None = None
    status: str | None = None
    tradable: bool | None = None
    price_increment: Number = None
    min_trade_increment: Number = None
