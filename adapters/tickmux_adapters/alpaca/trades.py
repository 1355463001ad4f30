"""The latest trades of one instrument, so that one that is corrected or cancelled can be taken back."""

from typing import Any, Final, NamedTuple

from tickmux_adapters.alpaca.messages import Id

REMEMBERED_MAX: Final = 32
"""A correction or cancel of a trade that is older than so many changes no last price."""

TradeKey = tuple[str, Id]
"""(exchange, id): each exchange counts for itself."""


class RememberedTrade(NamedTuple):
    """A trade that was taken for the last price."""

    price: float
    time_ns: int | None
    seen_ns: int
    """When we read of it, monotonic."""


class RecentTrades:
    """Trades in the order in which they were taken."""

    __slots__ = ("_strangers", "_trades")

    def __init__(self) -> None:
        self._trades: dict[TradeKey, RememberedTrade] = {}
        self._strangers: dict[TradeKey, None] = {}

    @property
    def last(self) -> RememberedTrade | None:
        """The newest, if any is left."""
        return next(reversed(self._trades.values()), None)

    def get(self, key: TradeKey) -> RememberedTrade | None:
        """One of them, if it is remembered."""
        return self._trades.get(key)

    def add(self, key: TradeKey, trade: RememberedTrade) -> None:
        """It is the newest; ids are used again after some days."""
        self._trades.pop(key, None)
        self._trades[key] = trade
        _bound(self._trades)

    def remove(self, key: TradeKey) -> None:
        """It never was."""
        self._trades.pop(key, None)

    def void(self, key: TradeKey) -> None:
        """One that is not among them does not count, should it still come."""
        self._strangers[key] = None
        _bound(self._strangers)

    def is_void(self, key: TradeKey) -> bool:
        """Whether it was said of this one that it does not count."""
        return key in self._strangers

    def replace(self, key: TradeKey, new_key: TradeKey, price: float) -> None:
        """One of them gets another price, and maybe another id, in its old place."""
        self._trades = {
            (new_key if each == key else each): (trade._replace(price=price) if each == key else trade)
            for each, trade in self._trades.items()
        }


def _bound(remembered: dict[TradeKey, Any]) -> None:
    if len(remembered) > REMEMBERED_MAX:
        del remembered[next(iter(remembered))]
