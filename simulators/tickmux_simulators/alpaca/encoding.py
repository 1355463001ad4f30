"""Alpaca's messages, as objects whose numbers and times are a codec's. Keys and their order are the venue's."""

from collections.abc import Iterable
from typing import Any, Final

from tickmux_simulators.alpaca.bars import VWAP_DECIMALS, Bar
from tickmux_simulators.alpaca.codecs import SECOND_NS, Codec
from tickmux_simulators.alpaca.feeds import Feed
from tickmux_simulators.alpaca.securities import SECURITIES, Status
from tickmux_simulators.book import Side
from tickmux_simulators.market import Instrument, Trade

Message = dict[str, Any]
LOT: Final = 100
"""Shares in a round lot, which is what the sizes of stock quotes count."""
BARE_QUOTE_CONDITION: Final = "R"
BARE_TRADE_CONDITION: Final = "@"
"""A regular trade; R would be one of seller's settlement."""
NO_EXCHANGE: Final = " "
EXCHANGES: Final = "QKPZVNJ"
"""Letters of the exchanges that the consolidated feed brings by turns."""
FIRST_COIN_TRADE: Final = 2**62
FIRST_LISTED_TRADE: Final = 52_983_000_000_000
"""Trade ids of the tapes A and B are larger than those of C."""
BAND_SHARE: Final = 20
"""A price band is one part in so many away."""


def stock_trade(codec: Codec, feed: Feed, event: Trade, *, is_bare: bool) -> Message:
    """Type t: a trade of shares."""
    return {
        "T": "t",
        "S": event.instrument.symbol,
        "i": stock_trade_id(event),
        "x": _exchange(feed, event.trade_id),
        "p": _price(codec, event.instrument, event.price),
        "s": event.size,
        "c": BARE_TRADE_CONDITION if is_bare else _conditions(event),
        "z": SECURITIES[event.instrument.symbol].tape,
        "t": _instant(codec, feed, event.time_ns),
    }


def stock_quote(
    codec: Codec, feed: Feed, instrument: Instrument, time_ns: int, *, absent: Side | None, is_bare: bool
) -> Message:
    """Type q: the best bid and offer, sizes in round lots; `absent` is a side that is not quoted."""
    bid, bid_size, ask, ask_size = instrument.book.top()
    has_bid, has_ask = absent is not Side.BID, absent is not Side.ASK
    return {
        "T": "q",
        "S": instrument.symbol,
        "bx": _exchange(feed, bid) if has_bid else NO_EXCHANGE,
        "bp": _price(codec, instrument, bid if has_bid else 0),
        "bs": lots(bid_size) if has_bid else 0,
        "ax": _exchange(feed, ask) if has_ask else NO_EXCHANGE,
        "ap": _price(codec, instrument, ask if has_ask else 0),
        "as": lots(ask_size) if has_ask else 0,
        "c": BARE_QUOTE_CONDITION if is_bare else ["R"],
        "z": SECURITIES[instrument.symbol].tape,
        "t": _instant(codec, feed, time_ns),
    }


def stock_correction(codec: Codec, feed: Feed, wrong: Trade, right: Trade, time_ns: int) -> Message:
    """Type c: what a trade was and what it should have been."""
    instrument = wrong.instrument
    return {
        "T": "c",
        "S": instrument.symbol,
        "x": _exchange(feed, wrong.trade_id),
        "oi": stock_trade_id(wrong),
        "op": _price(codec, instrument, wrong.price),
        "os": wrong.size,
        "oc": _conditions(wrong),
        "ci": stock_trade_id(right),
        "cp": _price(codec, instrument, right.price),
        "cs": right.size,
        "cc": _conditions(right),
        "z": SECURITIES[instrument.symbol].tape,
        "t": _instant(codec, feed, time_ns),
    }


def stock_cancel(codec: Codec, feed: Feed, cancelled: Trade, time_ns: int) -> Message:
    """Type x: a trade that is not to count."""
    instrument = cancelled.instrument
    return {
        "T": "x",
        "S": instrument.symbol,
        "i": stock_trade_id(cancelled),
        "x": _exchange(feed, cancelled.trade_id),
        "p": _price(codec, instrument, cancelled.price),
        "s": cancelled.size,
        "a": "C",
        "z": SECURITIES[instrument.symbol].tape,
        "t": _instant(codec, feed, time_ns),
    }


def stock_status(codec: Codec, feed: Feed, instrument: Instrument, status: Status, time_ns: int) -> Message:
    """Type s: a halt or a resumption."""
    return {
        "T": "s",
        "S": instrument.symbol,
        "sc": status.code,
        "sm": status.message,
        "rc": status.reason,
        "rm": status.reason_message,
        "t": _instant(codec, feed, time_ns),
        "z": SECURITIES[instrument.symbol].tape,
    }


def stock_band(codec: Codec, feed: Feed, instrument: Instrument, time_ns: int) -> Message:
    """Type l: between which prices the stock may trade."""
    reach = instrument.last_price // BAND_SHARE
    return {
        "T": "l",
        "S": instrument.symbol,
        "u": _price(codec, instrument, instrument.last_price + reach),
        "d": _price(codec, instrument, instrument.last_price - reach),
        "i": "B",
        "t": _instant(codec, feed, time_ns),
        "z": SECURITIES[instrument.symbol].tape,
    }


def stock_imbalance(codec: Codec, feed: Feed, instrument: Instrument, time_ns: int) -> Message:
    """Type i: the price of an auction that does not balance, while a stock is halted."""
    return {
        "T": "i",
        "S": instrument.symbol,
        "p": _price(codec, instrument, instrument.last_price),
        "z": SECURITIES[instrument.symbol].tape,
        "t": _instant(codec, feed, time_ns),
    }


def coin_trade(codec: Codec, event: Trade) -> Message:
    """Type t: a trade of coins."""
    instrument = event.instrument
    return {
        "T": "t",
        "S": instrument.symbol,
        "p": _price(codec, instrument, event.price),
        "s": _size(codec, instrument, event.size),
        "t": codec.instant(event.time_ns),
        "i": FIRST_COIN_TRADE + event.trade_id,
        "tks": "B" if event.taker is Side.BID else "S",
    }


def coin_quote(codec: Codec, instrument: Instrument, time_ns: int, *, absent: Side | None) -> Message:
    """Type q: the best bid and offer, sizes in units of the base."""
    bid, bid_size, ask, ask_size = instrument.book.top()
    has_bid, has_ask = absent is not Side.BID, absent is not Side.ASK
    return {
        "T": "q",
        "S": instrument.symbol,
        "bp": _price(codec, instrument, bid if has_bid else 0),
        "bs": _size(codec, instrument, bid_size if has_bid else 0),
        "ap": _price(codec, instrument, ask if has_ask else 0),
        "as": _size(codec, instrument, ask_size if has_ask else 0),
        "t": codec.instant(time_ns),
    }


def coin_book(
    codec: Codec,
    instrument: Instrument,
    bids: Iterable[tuple[int, int]],
    asks: Iterable[tuple[int, int]],
    time_ns: int,
    *,
    is_whole: bool,
) -> Message:
    """Type o: a whole book, or the levels that changed; size 0 removes one."""
    message: Message = {
        "T": "o",
        "S": instrument.symbol,
        "t": codec.instant(time_ns),
        "b": _levels(codec, instrument, bids),
        "a": _levels(codec, instrument, asks),
    }
    if is_whole:
        message["r"] = True
    return message


def bar(codec: Codec, kind: str, one: Bar, *, delay_s: int = 0) -> Message:
    """Types b and d: what traded in a minute, or in the day so far."""
    listing = one.instrument.listing
    return {
        "T": kind,
        "S": listing.symbol,
        "o": codec.number(one.open, one.price_decimals),
        "h": codec.number(one.high, one.price_decimals),
        "l": codec.number(one.low, one.price_decimals),
        "c": codec.number(one.close, one.price_decimals),
        "v": codec.number(one.volume, listing.size_decimals) if listing.size_decimals else one.volume,
        "t": codec.instant((one.start_s - delay_s) * SECOND_NS),
        "n": one.trades,
        "vw": codec.number(one.vwap, listing.price_decimals + VWAP_DECIMALS),
    }


def stock_trade_id(event: Trade) -> int:
    """The id of a trade on its tape."""
    first = FIRST_LISTED_TRADE if SECURITIES[event.instrument.symbol].tape in {"A", "B"} else 0
    return first + event.trade_id


def lots(shares: int) -> int:
    """Shares in round lots; a rest that is smaller than one shows as one."""
    return max(shares // LOT, 1) if shares else 0


def _price(codec: Codec, instrument: Instrument, units: int) -> Any:
    return codec.number(units, instrument.listing.price_decimals)


def _size(codec: Codec, instrument: Instrument, units: int) -> Any:
    return codec.number(units, instrument.listing.size_decimals)


def _levels(codec: Codec, instrument: Instrument, rows: Iterable[tuple[int, int]]) -> list[Message]:
    return [{"p": _price(codec, instrument, at), "s": _size(codec, instrument, held)} for at, held in rows]


def _instant(codec: Codec, feed: Feed, time_ns: int) -> Any:
    return codec.instant(time_ns - feed.delay_s * SECOND_NS)


def _exchange(feed: Feed, number: int) -> str:
    return feed.exchange or EXCHANGES[number % len(EXCHANGES)]


def _conditions(event: Trade) -> list[str]:
    regular = "@" if SECURITIES[event.instrument.symbol].is_utp else " "
    return [regular, "I"] if event.size < LOT else [regular]
