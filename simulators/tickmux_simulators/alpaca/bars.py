"""Minute bars from trades, and daily bars from the rolling day."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from tickmux_simulators.day import DAY_S, Bucket
from tickmux_simulators.market import NANOSECONDS, Instrument, Trade

NEW_YORK_S: Final = 5 * 3600
CHICAGO_S: Final = 6 * 3600
"""Behind UTC, without the summer's hour: the day of stocks begins at midnight in New York, of coins in Chicago."""
VWAP_DECIMALS: Final = 6


class Bar(NamedTuple):
    """What traded in a while. Prices in units of 10^-price_decimals, volume in the listing's units."""

    instrument: Instrument
    start_s: int
    open: int
    high: int
    low: int
    close: int
    price_decimals: int
    volume: int
    trades: int
    vwap: int
    """In units of 10^-(the listing's decimals + VWAP_DECIMALS); 0 without a trade."""


def day_start_s(now_s: int, *, is_stock: bool) -> int:
    """When the day began that a time is in, Unix seconds."""
    behind_s = NEW_YORK_S if is_stock else CHICAGO_S
    return now_s - (now_s - behind_s) % DAY_S


def daily_bar(instrument: Instrument, now_s: int, *, is_stock: bool) -> Bar | None:
    """What traded since the day began; None before the first trade."""
    bucket = instrument.day.between(day_start_s(now_s, is_stock=is_stock), now_s + 1)
    return None if bucket is None else _bar(instrument, bucket, instrument.last_price)


def previous_daily_bar(instrument: Instrument, now_s: int, *, is_stock: bool) -> Bar | None:
    """The day before, as far as it lies within the last 24 hours; None where nothing of it does."""
    start_s = day_start_s(now_s, is_stock=is_stock)
    bucket = instrument.day.between(start_s - DAY_S, start_s)
    if bucket is None:
        return None
    today = instrument.day.between(start_s, now_s + 1)
    close = bucket.open if today is None else today.open
    return _bar(instrument, bucket, max(min(close, bucket.high), bucket.low))._replace(start_s=start_s - DAY_S)


@dataclass(slots=True)
class _Building:
    bucket: Bucket
    close: int


class MinuteBars:
    """The bar that each instrument is in, and the one before."""

    def __init__(self, *, length_s: int) -> None:
        self._length_s = max(length_s, 1)
        self._building: dict[Instrument, _Building] = {}
        self._closed: dict[Instrument, Bar] = {}
        self._ready: list[Bar] = []
        self._started_s = 0

    def add(self, trade: Trade) -> None:
        """Count a trade."""
        instrument, start_s = trade.instrument, self._start_s(trade.time_ns)
        building = self._building.get(instrument)
        if building is not None and building.bucket.start_s != start_s:
            self._close(instrument, building)
            building = None
        if building is None:
            bucket = Bucket(start_s, trade.price, trade.price, trade.price)
            building = self._building[instrument] = _Building(bucket, trade.price)
        building.bucket.add(trade.price, trade.size)
        building.close = trade.price

    def due(self, now_ns: int, quoted: list[Instrument]) -> list[Bar]:
        """The bars that have come to their end since the last call.

        Args:
            now_ns: wall time, Unix nanoseconds.
            quoted: instruments that get a bar of their mid price where nothing traded.
        """
        start_s = self._start_s(now_ns)
        before_s, self._started_s = self._started_s, start_s
        if before_s == start_s:
            ready, self._ready = self._ready, []
            return ready
        for instrument, building in list(self._building.items()):
            if building.bucket.start_s < start_s:
                self._close(instrument, building)
        if before_s:
            traded = {bar.instrument for bar in self._ready}
            for instrument in quoted:
                if instrument not in traded:
                    self._closed[instrument] = _mid_bar(instrument, before_s)
                    self._ready.append(self._closed[instrument])
        ready, self._ready = self._ready, []
        return ready

    def latest(self, instrument: Instrument) -> Bar | None:
        """The last bar that has ended, or the one that is being built while there is none."""
        building = self._building.get(instrument)
        if instrument in self._closed or building is None:
            return self._closed.get(instrument)
        return _bar(instrument, building.bucket, building.close)

    def _start_s(self, time_ns: int) -> int:
        now_s = time_ns // NANOSECONDS
        return now_s - now_s % self._length_s

    def _close(self, instrument: Instrument, building: _Building) -> None:
        del self._building[instrument]
        bar = self._closed[instrument] = _bar(instrument, building.bucket, building.close)
        self._ready.append(bar)


def _bar(instrument: Instrument, bucket: Bucket, close: int) -> Bar:
    vwap = bucket.turnover * 10**VWAP_DECIMALS // bucket.volume if bucket.volume else 0
    return Bar(
        instrument,
        bucket.start_s,
        bucket.open,
        max(bucket.high, close),
        min(bucket.low, close),
        close,
        instrument.listing.price_decimals,
        bucket.volume,
        bucket.trades,
        vwap,
    )


def _mid_bar(instrument: Instrument, start_s: int) -> Bar:
    """Of coins that did not trade, bars show the middle of bid and ask, which takes one more decimal."""
    bid, _, ask, _ = instrument.book.top()
    middle = (bid + ask) * 5
    return Bar(instrument, start_s, middle, middle, middle, middle, instrument.listing.price_decimals + 1, 0, 0, 0)
