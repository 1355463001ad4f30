"""An order book of integer prices and sizes, and what an event did to it."""

import bisect
import enum
from typing import NamedTuple


class Side(enum.Enum):
    """A side of the book; the value is what a price is multiplied by so that the best sorts first."""

    BID = -1
    ASK = 1


class ChangeKind(enum.Enum):
    """What happened to a price level."""

    INSERTED = "inserted"
    RESIZED = "resized"
    REMOVED = "removed"


class LevelChange(NamedTuple):
    """One level after an event: size 0 means it is gone."""

    side: Side
    price: int
    size: int
    kind: ChangeKind
    place: int
    """Where in its side the level is, or was before it went; 0 is the best."""


class Ladder:
    """One side of a book, best level first."""

    __slots__ = ("_keys", "_sign", "_sizes", "side")

    def __init__(self, side: Side) -> None:
        self.side = side
        self._sign = side.value
        self._keys: list[int] = []
        self._sizes: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def best(self) -> int | None:
        """The best price, or None on an empty side."""
        return self._keys[0] * self._sign if self._keys else None

    def price_at(self, index: int) -> int:
        """The price of the level at an index. Raises IndexError beyond the last."""
        return self._keys[index] * self._sign

    def size(self, price: int) -> int:
        """The size at a price; 0 where there is no level."""
        return self._sizes.get(price, 0)

    def top(self, count: int, start: int = 0) -> list[tuple[int, int]]:
        """The levels from `start` (0 is the best) up to the `count`-th, (price, size), best first."""
        sign, sizes = self._sign, self._sizes
        return [(key * sign, sizes[key * sign]) for key in self._keys[start:count]]

    def better_than(self, price: int) -> list[int]:
        """The prices of the levels before a price, best first."""
        sign = self._sign
        return [key * sign for key in self._keys[: bisect.bisect_left(self._keys, price * sign)]]

    def cut(self, count: int) -> list[int]:
        """Remove all levels but the best `count`; the prices of what went, best first."""
        gone = [key * self._sign for key in self._keys[count:]]
        del self._keys[count:]
        for price in gone:
            del self._sizes[price]
        return gone

    def set(self, price: int, size: int) -> LevelChange | None:
        """Give a level a size, 0 to remove it. None if that changed nothing."""
        key = price * self._sign
        held = self._sizes.get(price)
        index = bisect.bisect_left(self._keys, key)
        if size == 0:
            if held is None:
                return None
            del self._keys[index], self._sizes[price]
            return LevelChange(self.side, price, 0, ChangeKind.REMOVED, index)
        self._sizes[price] = size
        if held is None:
            self._keys.insert(index, key)
            return LevelChange(self.side, price, size, ChangeKind.INSERTED, index)
        return None if held == size else LevelChange(self.side, price, size, ChangeKind.RESIZED, index)


class Book:
    """Both sides."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = Ladder(Side.BID)
        self.asks = Ladder(Side.ASK)

    def ladder(self, side: Side) -> Ladder:
        """The ladder of a side."""
        return self.bids if side is Side.BID else self.asks

    def top(self) -> tuple[int, int, int, int]:
        """(bid price, bid size, ask price, ask size) with zeros for what is not there."""
        bid, ask = self.bids.best or 0, self.asks.best or 0
        return bid, self.bids.size(bid), ask, self.asks.size(ask)
