"""Prices of a span of time for venues that are asked, not streamed: a pure function of the seed and the time."""

import functools
from typing import Final, NamedTuple

from tickmux_simulators.fair_value import FairValues, uniform
from tickmux_simulators.listings import ASSETS

DAY_S: Final = 86_400
GRID_S: Final = 900
"""Between the prices that a day's high and low are taken from."""
SAMPLES_KEPT: Final = 32_768


class Span(NamedTuple):
    """Prices between two instants, in units of the quote."""

    open: float
    high: float
    low: float
    close: float


class Spans:
    """Prices of one venue."""

    def __init__(self, seed: int, venue: str) -> None:
        self._seed = seed
        self._fair_values = FairValues(seed, venue)
        self._sample = functools.lru_cache(maxsize=SAMPLES_KEPT)(self._fair_values.price)

    def price(self, base: str, quote: str, time_s: float) -> float:
        """Price of one unit of base at a wall time."""
        return self._fair_values.price(base, quote, time_s)

    def at_grid(self, base: str, quote: str, time_s: int) -> float:
        """Price at an instant that will be asked for again, such as a day ago in quarters of an hour."""
        return self._sample(base, quote, float(time_s - time_s % GRID_S))

    def span(self, base: str, quote: str, begin_s: int, end_s: float) -> Span:
        """Prices from one wall time to another."""
        first = begin_s - begin_s % GRID_S + GRID_S
        opening = self._sample(base, quote, float(begin_s))
        closing = self.price(base, quote, end_s)
        between = [self._sample(base, quote, float(time_s)) for time_s in range(first, int(end_s), GRID_S)]
        return Span(opening, max(opening, closing, *between), min(opening, closing, *between), closing)

    def volume(self, base: str, time_s: float, length_s: float = DAY_S) -> float:
        """Units of base that traded in the time before a wall time."""
        hour = time_s / 3_600
        begin, part = int(hour), hour % 1
        noise = uniform(self._seed, "volume", base, begin) * (1 - part)
        noise += uniform(self._seed, "volume", base, begin + 1) * part
        asset = ASSETS[base]
        return asset.turnover_usd / asset.price_usd * (1.0 + 0.2 * noise) * length_s / DAY_S
