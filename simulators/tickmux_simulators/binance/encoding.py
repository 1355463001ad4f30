"""Binance's payloads: key order and number format as on the wire, where every number is a string of 8 decimals."""

from typing import Final

from tickmux_simulators.book import Side
from tickmux_simulators.day import DAY_S
from tickmux_simulators.decimals import decimal_text
from tickmux_simulators.market import Instrument, Trade

DECIMALS: Final = 8


def padded(units: int, decimals: int) -> str:
    """A number of at most 8 decimals, written with 8."""
    return decimal_text(units * 10 ** (DECIMALS - decimals), DECIMALS)


def price(instrument: Instrument, units: int) -> str:
    """A price of the instrument."""
    return padded(units, instrument.listing.price_decimals)


def size(instrument: Instrument, units: int) -> str:
    """A quantity of the instrument."""
    return padded(units, instrument.listing.size_decimals)


def turnover(instrument: Instrument, units: int) -> str:
    """A product of price and quantity, cut to 8 decimals."""
    decimals = instrument.listing.price_decimals + instrument.listing.size_decimals
    if decimals <= DECIMALS:
        return padded(units, decimals)
    return decimal_text(units // 10 ** (decimals - DECIMALS), DECIMALS)


def clock(time_ns: int, *, is_micro: bool) -> int:
    """A time in the unit that the connection chose."""
    return time_ns // (1_000 if is_micro else 1_000_000)


def book_ticker(instrument: Instrument) -> str:
    """`<symbol>@bookTicker`: no event type and no time."""
    bid, bid_size, ask, ask_size = instrument.book.top()
    return (
        f'{{"u":{instrument.update_id},"s":"{instrument.symbol}",'
        f'"b":"{price(instrument, bid)}","B":"{size(instrument, bid_size)}",'
        f'"a":"{price(instrument, ask)}","A":"{size(instrument, ask_size)}"}}'
    )


def trade(event: Trade, sent_ns: int, *, is_micro: bool) -> str:
    """`<symbol>@trade`."""
    instrument = event.instrument
    return (
        f'{{"e":"trade","E":{clock(sent_ns, is_micro=is_micro)},"s":"{instrument.symbol}","t":{event.trade_id},'
        f'"p":"{price(instrument, event.price)}","q":"{size(instrument, event.size)}",'
        f'"T":{clock(event.time_ns, is_micro=is_micro)},"m":{_is_buyer_maker(event)},"M":true}}'
    )


def aggregate_trade(event: Trade, sent_ns: int, *, is_micro: bool) -> str:
    """`<symbol>@aggTrade`: here every trade is an aggregate of its own."""
    instrument = event.instrument
    return (
        f'{{"e":"aggTrade","E":{clock(sent_ns, is_micro=is_micro)},"s":"{instrument.symbol}","a":{event.trade_id},'
        f'"p":"{price(instrument, event.price)}","q":"{size(instrument, event.size)}",'
        f'"f":{event.trade_id},"l":{event.trade_id},'
        f'"T":{clock(event.time_ns, is_micro=is_micro)},"m":{_is_buyer_maker(event)},"M":true}}'
    )


def mini_ticker(instrument: Instrument, sent_ns: int, *, is_micro: bool) -> str:
    """`<symbol>@miniTicker`: last price and the rolling 24 hours."""
    day = instrument.day
    return (
        f'{{"e":"24hrMiniTicker","E":{clock(sent_ns, is_micro=is_micro)},"s":"{instrument.symbol}",'
        f'"c":"{price(instrument, instrument.last_price)}","o":"{price(instrument, day.open)}",'
        f'"h":"{price(instrument, day.high)}","l":"{price(instrument, day.low)}",'
        f'"v":"{size(instrument, day.volume)}","q":"{turnover(instrument, day.turnover)}"}}'
    )


def change_percent(instrument: Instrument) -> str:
    """How much the last price is above the first of the window, in percent with 3 decimals."""
    opening = instrument.day.open
    return decimal_text((instrument.last_price - opening) * 100_000 // opening, 3) if opening else "0.000"


def ticker(instrument: Instrument, sent_ns: int, *, is_micro: bool) -> str:
    """`<symbol>@ticker`."""
    day = instrument.day
    bid, bid_size, ask, ask_size = instrument.book.top()
    now = clock(sent_ns, is_micro=is_micro)
    opened = clock(sent_ns - DAY_S * 1_000_000_000, is_micro=is_micro)
    first_id = instrument.trade_id - day.trades + 1
    return (
        f'{{"e":"24hrTicker","E":{now},"s":"{instrument.symbol}",'
        f'"p":"{price(instrument, instrument.last_price - day.open)}","P":"{change_percent(instrument)}",'
        f'"w":"{price(instrument, day.average)}","x":"{price(instrument, day.open)}",'
        f'"c":"{price(instrument, instrument.last_price)}","Q":"{size(instrument, instrument.last_size)}",'
        f'"b":"{price(instrument, bid)}","B":"{size(instrument, bid_size)}",'
        f'"a":"{price(instrument, ask)}","A":"{size(instrument, ask_size)}",'
        f'"o":"{price(instrument, day.open)}","h":"{price(instrument, day.high)}","l":"{price(instrument, day.low)}",'
        f'"v":"{size(instrument, day.volume)}","q":"{turnover(instrument, day.turnover)}",'
        f'"O":{opened},"C":{now},"F":{first_id},"L":{instrument.trade_id},"n":{day.trades}}}'
    )


def levels(instrument: Instrument, rows: list[tuple[int, int]]) -> str:
    """Price levels as `[["price","quantity"],…]`."""
    return "[" + ",".join(f'["{price(instrument, at)}","{size(instrument, held)}"]' for at, held in rows) + "]"


def partial_depth(instrument: Instrument, count: int) -> str:
    """`<symbol>@depth5|10|20`, and the body of `GET /api/v3/depth`: no symbol and no time."""
    book = instrument.book
    return (
        f'{{"lastUpdateId":{instrument.update_id},"bids":{levels(instrument, book.bids.top(count))},'
        f'"asks":{levels(instrument, book.asks.top(count))}}}'
    )


def depth_update(
    instrument: Instrument,
    first_id: int,
    last_id: int,
    changed: dict[tuple[Side, int], int],
    sent_ns: int,
    *,
    is_micro: bool,
) -> str:
    """`<symbol>@depth`: the levels that changed in the interval; quantity 0 removes one."""
    bids = sorted(((at, held) for (side, at), held in changed.items() if side is Side.BID), reverse=True)
    asks = sorted((at, held) for (side, at), held in changed.items() if side is Side.ASK)
    return (
        f'{{"e":"depthUpdate","E":{clock(sent_ns, is_micro=is_micro)},"s":"{instrument.symbol}",'
        f'"U":{first_id},"u":{last_id},"b":{levels(instrument, bids)},"a":{levels(instrument, asks)}}}'
    )


def _is_buyer_maker(event: Trade) -> str:
    return "true" if event.taker is Side.ASK else "false"
