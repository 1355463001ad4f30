"""Kraken v2 payloads, written as text: JSON numbers at full precision, with their trailing zeros."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from tickmux_simulators.book import Side
from tickmux_simulators.decimals import decimal_text
from tickmux_simulators.instants import second_text
from tickmux_simulators.kraken.checksum import checksum_of_units
from tickmux_simulators.market import Instrument, Trade

Levels = list[tuple[int, int]]
VERSION: Final = "2.0.10"
MAINTENANCE_STATUS: Final = (
    '{"channel":"status","data":[{"api_version":"v2","system":"maintenance","version":"2.0.6"}],"type":"update"}'
)
MARGINABLE: Final = frozenset({"BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "DOT", "LINK"})
FIAT_DECIMALS: Final = {"USD": 4, "EUR": 4}


def rfc3339(time_ns: int) -> str:
    """A time in UTC with microseconds: `2026-08-12T19:29:02.066592Z`."""
    second, rest = divmod(time_ns, 1_000_000_000)
    return f"{second_text(second)}.{rest // 1000:06d}Z"


def price(instrument: Instrument, units: int) -> str:
    """A price of the instrument."""
    return decimal_text(units, instrument.listing.price_decimals)


def size(instrument: Instrument, units: int) -> str:
    """A quantity of the instrument."""
    return decimal_text(units, instrument.listing.size_decimals)


def message(channel: str, kind: str, data: str) -> str:
    """A channel message around its data."""
    return f'{{"channel":"{channel}","type":"{kind}","data":{data}}}'


def ticker(instrument: Instrument, kind: str) -> str:
    """Channel ticker: top of book, last trade and the rolling 24 hours."""
    day = instrument.day
    bid, bid_size, ask, ask_size = instrument.book.top()
    change = instrument.last_price - day.open
    percent = change * 10_000 // day.open if day.open else 0
    return message(
        "ticker",
        kind,
        f'[{{"symbol":"{instrument.symbol}","bid":{price(instrument, bid)},"bid_qty":{size(instrument, bid_size)},'
        f'"ask":{price(instrument, ask)},"ask_qty":{size(instrument, ask_size)},'
        f'"last":{price(instrument, instrument.last_price)},"volume":{size(instrument, day.volume)},'
        f'"vwap":{price(instrument, day.average)},"low":{price(instrument, day.low)},'
        f'"high":{price(instrument, day.high)},"change":{price(instrument, change)},'
        f'"change_pct":{decimal_text(percent, 2)},"trades":{day.trades},'
        f'"timestamp":"{rfc3339(instrument.changed_at_ns)}"}}]',
    )


def trades(instrument: Instrument, kind: str, events: Iterable[Trade]) -> str:
    """Channel trade: one or more executions; `side` is the taker's."""
    rows = [
        f'{{"symbol":"{instrument.symbol}","side":"{"buy" if event.taker is Side.BID else "sell"}",'
        f'"price":{price(instrument, event.price)},"qty":{size(instrument, event.size)},'
        f'"ord_type":"{"market" if event.trade_id % 3 == 0 else "limit"}","trade_id":{event.trade_id},'
        f'"timestamp":"{rfc3339(event.time_ns)}"}}'
        for event in events
    ]
    return message("trade", kind, "[" + ",".join(rows) + "]")


def book_checksum(instrument: Instrument) -> int:
    """The checksum of the book as it stands."""
    return checksum_of_units(instrument.book.asks.top(10), instrument.book.bids.top(10))


def book(instrument: Instrument, kind: str, bids: Levels, asks: Levels, *, crc: int, time_ns: int) -> str:
    """Channel book: the levels of a snapshot, or those that changed; quantity 0 removes one."""
    return message(
        "book",
        kind,
        f'[{{"symbol":"{instrument.symbol}","bids":{_levels(instrument, bids)},"asks":{_levels(instrument, asks)},'
        f'"checksum":{crc},"timestamp":"{rfc3339(time_ns)}"}}]',
    )


def _levels(instrument: Instrument, rows: Levels) -> str:
    inner = ",".join(f'{{"price":{price(instrument, at)},"qty":{size(instrument, held)}}}' for at, held in rows)
    return f"[{inner}]"


def instruments(kind: str, listed: Iterable[Instrument], statuses: Mapping[str, str], assets: Iterable[str]) -> str:
    """Channel instrument: `data` is an object here, and an array everywhere else."""
    pairs = ",".join(_pair(one, statuses.get(one.symbol, "online")) for one in listed)
    return message("instrument", kind, f'{{"assets":[{",".join(map(_asset, assets))}],"pairs":[{pairs}]}}')


def _asset(name: str) -> str:
    decimals = FIAT_DECIMALS.get(name, 10)
    if name in MARGINABLE or name in FIAT_DECIMALS:
        margin = '"borrowable":true,"collateral_value":1.00,"margin_rate":0.020000'
    else:
        margin = '"borrowable":false,"collateral_value":0.00'
    return (
        f'{{"id":"{name}","status":"enabled","precision":{decimals},"precision_display":{min(decimals, 5)},{margin}}}'
    )


def _pair(instrument: Instrument, status: str) -> str:
    listing = instrument.listing
    step = decimal_text(listing.price_step, listing.price_decimals)
    is_marginable = listing.base in MARGINABLE and listing.quote in FIAT_DECIMALS
    limits = '"margin_initial":0.20,"position_limit_long":300,"position_limit_short":240,' if is_marginable else ""
    return (
        f'{{"symbol":"{listing.symbol}","base":"{listing.base}","quote":"{listing.quote}","status":"{status}",'
        f'"qty_precision":{listing.size_decimals},'
        f'"qty_increment":{decimal_text(listing.size_step, listing.size_decimals)},'
        f'"price_precision":{listing.price_decimals},"cost_precision":5,"marginable":{json.dumps(is_marginable)},'
        f'"has_index":true,"cost_min":0.50,{limits}'
        f'"tick_size":{step},"price_increment":{step},'
        f'"qty_min":{decimal_text(listing.size_step * 10, listing.size_decimals)}}}'
    )


def status(system: str, connection_id: int, *, has_arrays: bool, maintenance: list[dict[str, Any]]) -> str:
    """Channel status. In maintenance the frame is another: no connection_id, other key order."""
    if system == "maintenance":
        return MAINTENANCE_STATUS
    arrays = f',"upcoming_maintenance":{compact(maintenance)},"emergency":[]' if has_arrays else ""
    return message(
        "status",
        "update",
        f'[{{"version":"{VERSION}","system":"{system}","api_version":"v2","connection_id":{connection_id}{arrays}}}]',
    )


def upcoming_maintenance(now_ns: int, starts_in_s: int) -> dict[str, Any]:
    """One announcement, as status frames carry it since 2026."""
    second = 1_000_000_000
    return {
        "affected_services": ["spot_trading", "spot_fix", "spot_ws"],
        "cancel_before_utc": rfc3339(now_ns + (starts_in_s - 300) * second),
        "event_id": 33,
        "expected_end_utc": rfc3339(now_ns + (starts_in_s + 3600) * second),
        "expected_start_utc": rfc3339(now_ns + starts_in_s * second),
        "order_submission": "allowed",
        "phase": "approaching_30m" if starts_in_s <= 1800 else "announced",
        "recommended_action": "continue",
        "source_url": "https://status.example.invalid/33",
        "time_to_start_s": starts_in_s,
        "title": "Order Entry System Maintenance",
    }


def compact(body: object) -> str:
    """JSON without spaces, keys as given."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)
