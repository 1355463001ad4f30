"""Rolling 24 hour statistics of one pair."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

DAY_S: Final = 86_400
BUCKET_S: Final = 900


@dataclass(slots=True)
class Bucket:
    """What traded within a quarter of an hour. Prices and sizes in the listing's units."""

    start_s: int
    open: int
    high: int
    low: int
    volume: int = 0
    turnover: int = 0
    """Sum of price times size."""
    trades: int = 0

    def add(self, price: int, size: int) -> None:
        """Count one trade."""
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.volume += size
        self.turnover += price * size
        self.trades += 1


class RollingDay:
    """The last 24 hours, in quarters of an hour, so that old trades leave as they do at a venue."""

    def __init__(self) -> None:
        self._buckets: deque[Bucket] = deque()
        self.volume = 0
        self.turnover = 0
        self.trades = 0
        self.high = 0
        self.low = 0
        self.version = 0
        """Rises whenever anything here changed."""

    @property
    def open(self) -> int:
        """The first price of the window; 0 before any trade."""
        return self._buckets[0].open if self._buckets else 0

    @property
    def average(self) -> int:
        """Volume-weighted average price; 0 before any trade."""
        return self.turnover // self.volume if self.volume else 0

    def seed(self, buckets: Iterable[Bucket]) -> None:
        """Put what traded before the simulation began; oldest first."""
        self._buckets.extend(buckets)
        self._recount()

    def add(self, time_s: int, price: int, size: int) -> None:
        """Count one trade."""
        self.expire(time_s)
        start_s = time_s - time_s % BUCKET_S
        if not self._buckets or self._buckets[-1].start_s < start_s:
            self._buckets.append(Bucket(start_s, price, price, price))
        self._buckets[-1].add(price, size)
        self.volume += size
        self.turnover += price * size
        self.trades += 1
        self.high = max(self.high, price)
        self.low = min(self.low, price) if self.low else price
        self.version += 1

    def between(self, first_s: int, end_s: int) -> Bucket | None:
        """What traded from one quarter of an hour up to a later time, as far as it is kept; None if nothing did."""
        chosen = [bucket for bucket in self._buckets if first_s <= bucket.start_s < end_s]
        if not chosen:
            return None
        return Bucket(
            first_s,
            chosen[0].open,
            max(bucket.high for bucket in chosen),
            min(bucket.low for bucket in chosen),
            sum(bucket.volume for bucket in chosen),
            sum(bucket.turnover for bucket in chosen),
            sum(bucket.trades for bucket in chosen),
        )

    def expire(self, time_s: int) -> None:
        """Forget what is older than a day."""
        is_changed = False
        while self._buckets and self._buckets[0].start_s + BUCKET_S <= time_s - DAY_S:
            self._buckets.popleft()
            is_changed = True
        if is_changed:
            self._recount()

    def _recount(self) -> None:
        self.volume = sum(bucket.volume for bucket in self._buckets)
        self.turnover = sum(bucket.turnover for bucket in self._buckets)
        self.trades = sum(bucket.trades for bucket in self._buckets)
        self.high = max((bucket.high for bucket in self._buckets), default=0)
        self.low = min((bucket.low for bucket in self._buckets), default=0)
        self.version += 1
