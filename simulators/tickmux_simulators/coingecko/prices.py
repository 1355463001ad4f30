"""What every coin is worth, in any unit, at an instant."""

from typing import Final, NamedTuple

from tickmux_simulators.coingecko.coins import Coin, Unit
from tickmux_simulators.fair_value import uniform
from tickmux_simulators.spans import DAY_S, Spans

SECOND_NS: Final = 1_000_000_000
LAG_S_MAX: Final = 30.0


class Quote(NamedTuple):
    """One coin in one unit."""

    price: float
    day_ago: float
    market_cap: float
    volume: float
    """What it traded for in 24 hours, in the unit."""

    @property
    def change_percent(self) -> float:
        """Over 24 hours."""
        return (self.price / self.day_ago - 1.0) * 100.0


class Prices:
    """Prices that follow the fair values of the assets."""

    def __init__(self, spans: Spans, *, cache_s: float) -> None:
        self._spans = spans
        self._lag_s_max = min(LAG_S_MAX, cache_s / 2)

    def updated_ns(self, coin: Coin, now_ns: int) -> int:
        """When the newest price of a coin was made: each is a little late, and always by as much."""
        return now_ns - int(abs(uniform(coin.id, "lag")) * self._lag_s_max * SECOND_NS)

    def quote(self, coin: Coin, unit: Unit, time_s: float) -> Quote:
        """A coin in a unit, at a wall time."""
        price = self.price(coin, unit, time_s)
        volume = self._spans.volume(coin.asset, time_s) / coin.ratio * coin.activity
        return Quote(price, self.day_ago(coin, unit, time_s), coin.supply * price, volume * price)

    def price(self, coin: Coin, unit: Unit, time_s: float) -> float:
        """Of one coin, in a unit."""
        if coin.asset == unit.asset:
            return coin.ratio * unit.per_asset
        return self._spans.price(coin.asset, unit.asset, time_s) * coin.ratio * unit.per_asset

    def day_ago(self, coin: Coin, unit: Unit, time_s: float, days: int = 1) -> float:
        """The price some days before a wall time."""
        if coin.asset == unit.asset:
            return coin.ratio * unit.per_asset
        before_s = int(time_s) - days * DAY_S
        return self._spans.at_grid(coin.asset, unit.asset, before_s) * coin.ratio * unit.per_asset

    def range(self, coin: Coin, unit: Unit, time_s: float) -> tuple[float, float]:
        """The highest and the lowest price of 24 hours."""
        if coin.asset == unit.asset:
            same = coin.ratio * unit.per_asset
            return same, same
        begin_s = int(time_s) - DAY_S
        span = self._spans.span(coin.asset, unit.asset, begin_s - begin_s % 900, time_s)
        scale = coin.ratio * unit.per_asset
        return span.high * scale, span.low * scale
