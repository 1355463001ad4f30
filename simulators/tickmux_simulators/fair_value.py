"""Fair values as a pure function of seed and wall time, so that separate processes see correlated prices.

A random walk that is drawn step by step would differ between two simulators that did not start together. This one
is addressed by time instead: octaves of smoothed noise whose amplitude grows with the square root of their period,
which over the range of the periods moves as a random walk does, and beyond it stays near where it began.
"""

import hashlib
import math
from typing import Final

from tickmux_simulators.listings import ASSETS

PERIODS_S: Final = tuple(0.5 * 2**octave for octave in range(19))  # half a second to a day and a half
DAY_S: Final = 86_400.0
# Share of an asset's log return that it has in common with all others of its group, and its own share.
MARKET_SHARE: Final = 0.8
OWN_SHARE: Final = 0.6


def uniform(*key: object) -> float:
    """A number in [-1, 1) that depends on nothing but the key."""
    digest = hashlib.blake2b(":".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**63 - 1.0


class Noise:
    """One smooth random function of time, by seed and name; of unit size over a day."""

    def __init__(self, seed: int, name: str) -> None:
        self._key = (seed, name)
        self._amplitudes = [math.sqrt(period / DAY_S) * 0.6 for period in PERIODS_S]
        self._cells = [(-1, 0.0, 0.0)] * len(PERIODS_S)
        """Of each octave the period that was asked for last: its number, the value it begins at, and the rise in it."""

    def at(self, time_s: float, period_s_min: float = 0.0) -> float:
        """The value at a wall time, Unix seconds; without the moves that are faster than `period_s_min`."""
        total = 0.0
        for octave, period in enumerate(PERIODS_S):
            if period < period_s_min:
                continue
            index, begin, rise = self._cells[octave]
            position = time_s / period
            part = position - index
            if not 0.0 <= part < 1.0:
                index, begin, rise = self._cells[octave] = self._cell(octave, int(position))
                part = position - index
            total += begin + rise * (part * part * (3.0 - 2.0 * part))
        return total

    def _cell(self, octave: int, index: int) -> tuple[int, float, float]:
        amplitude = self._amplitudes[octave]
        begin = amplitude * uniform(*self._key, octave, index)
        return index, begin, amplitude * uniform(*self._key, octave, index + 1) - begin


class FairValues:
    """What every asset is worth at a wall time; the same in every process that has the seed."""

    def __init__(self, seed: int, venue: str) -> None:
        self._markets = {"crypto": Noise(seed, "market"), "stock": Noise(seed, "stocks")}
        self._own = {name: Noise(seed, name) for name in ASSETS}
        self._basis = {name: Noise(seed, f"{venue}.{name}") for name in ASSETS}

    def price(self, base: str, quote: str, time_s: float, period_s_min: float = 0.0) -> float:
        """Price of one unit of base in units of quote, as this venue's market sees it."""
        # Venues differ by a few basis points, and drift back to each other.
        basis = 1.0 + 2e-4 * self._basis[base].at(time_s, period_s_min)
        return self._usd(base, time_s, period_s_min) / self._usd(quote, time_s, period_s_min) * basis

    def _usd(self, name: str, time_s: float, period_s_min: float) -> float:
        asset = ASSETS[name]
        move = self._own[name].at(time_s, period_s_min)
        market = self._markets.get(asset.group)
        if market is not None:
            move = MARKET_SHARE * market.at(time_s, period_s_min) + OWN_SHARE * move
        return asset.price_usd * math.exp(asset.volatility_day * move)


class Regime:
    """How busy the market is: calm most of the time, with bursts; on average as busy as the configured rate."""

    PERIOD_S: Final = 2.0
    BURST_SHARE: Final = 0.15
    BURST_FACTOR: Final = 3.4
    CALM_FACTOR: Final = (1.0 - BURST_SHARE * BURST_FACTOR) / (1.0 - BURST_SHARE)

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._index = -1
        self._factor = 1.0

    def factor(self, time_s: float) -> float:
        """Multiple of the configured rate that applies at a wall time."""
        index = int(time_s / self.PERIOD_S)
        if index != self._index:
            self._index = index
            is_burst = uniform(self._seed, "regime", index) < 2 * self.BURST_SHARE - 1
            self._factor = self.BURST_FACTOR if is_burst else self.CALM_FACTOR
        return self._factor
