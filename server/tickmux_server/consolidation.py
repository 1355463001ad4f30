"""The best bid and offer of one instrument over its legs, and whether what is shown of it has changed.

Pure: no log and no clock. Times are monotonic nanoseconds, given by the caller.
"""

from bisect import insort
from typing import Final

import msgspec

from tickmux_server.legs import Leg

SIGHT_NS_MIN: Final = 1_000_000_000
"""A leg that says the same again makes a revision only if what is shown was last seen this much earlier: ages stay
true to a second, and repetitions cost next to nothing."""


class View(msgspec.Struct, frozen=True, gc=False):
    """What a consolidated quote shows, its ages apart. None and an empty name: no leg has it."""

    bid_price: float | None = None
    bid_size: float | None = None
    bid_exchange: str = ""
    ask_price: float | None = None
    ask_size: float | None = None
    ask_exchange: str = ""
    last_price: float | None = None
    last_exchange: str = ""
    is_simulated: bool = False


class Book:
    """The legs of one instrument, and what of them was shown last.

    A side is the leg's with the best price; at the same price the one with the greater size, then the first by its
    source's name. A polled leg stands behind every streamed one, whatever its price: between two polls nothing tells
    that it has changed.
    """

    __slots__ = (
        "_ask",
        "_bid",
        "_last",
        "bid_ask_seen_ns",
        "last_seen_ns",
        "legs",
        "shown",
        "symbol",
        "type",
    )

    def __init__(self, symbol: str, type: str) -> None:  # noqa: A002 - the contract's name
        self.symbol = symbol
        self.type = type
        self.legs: list[Leg] = []
        self.shown: View | None = None
        """None before the first revision."""
        self.bid_ask_seen_ns: int | None = None
        """When bid and ask were last seen at their legs, the earlier of the two; None if there is neither."""
        self.last_seen_ns: int | None = None
        self._bid: Leg | None = None
        self._ask: Leg | None = None
        self._last: Leg | None = None

    def add(self, leg: Leg) -> None:
        """Take one more leg."""
        insort(self.legs, leg, key=lambda each: each.source)

    def took(self, leg: Leg, *, has_changed: bool) -> bool:
        """Whether the quote that a leg took makes a revision, which is then shown."""
        if not has_changed and not self._is_seen_anew(leg):
            return False
        return self.look()

    def look(self) -> bool:
        """Compare the legs; whether what they show makes a revision, which is then shown."""
        bid: Leg | None = None
        ask: Leg | None = None
        last: Leg | None = None
        best_bid = best_ask = newest = None
        is_simulated = False
        for leg in self.legs:
            if leg.is_simulated:
                is_simulated = True
            if (rank := leg.bid_rank) is not None and (best_bid is None or rank > best_bid):
                bid, best_bid = leg, rank
            if (rank := leg.ask_rank) is not None and (best_ask is None or rank > best_ask):
                ask, best_ask = leg, rank
            if (turn := leg.last_rank) is not None and (newest is None or turn > newest):
                last, newest = leg, turn
        bid_price, bid_size, bid_exchange, bid_seen_ns = _NO_SIDE
        ask_price, ask_size, ask_exchange, ask_seen_ns = _NO_SIDE
        last_price, _, last_exchange, last_seen_ns = _NO_SIDE
        if bid is not None:
            bid_price, bid_size, bid_exchange, bid_seen_ns = bid.bid_price, bid.bid_size, bid.name, bid.bid_ask_seen_ns
        if ask is not None:
            ask_price, ask_size, ask_exchange, ask_seen_ns = ask.ask_price, ask.ask_size, ask.name, ask.bid_ask_seen_ns
        if last is not None:
            last_price, last_exchange, last_seen_ns = last.last_price, last.name, last.last_seen_ns
        view = View(
            bid_price,
            bid_size,
            bid_exchange,
            ask_price,
            ask_size,
            ask_exchange,
            last_price,
            last_exchange,
            is_simulated,
        )
        bid_ask_seen_ns = _earlier(bid_seen_ns, ask_seen_ns)
        self._bid, self._ask, self._last = bid, ask, last
        if (
            view == self.shown
            and not _much_later(bid_ask_seen_ns, self.bid_ask_seen_ns)
            and not _much_later(last_seen_ns, self.last_seen_ns)
        ):
            return False
        self.shown = view
        self.bid_ask_seen_ns = bid_ask_seen_ns
        self.last_seen_ns = last_seen_ns
        return True

    def _is_seen_anew(self, leg: Leg) -> bool:
        if (leg is self._bid or leg is self._ask) and _much_later(leg.bid_ask_seen_ns, self.bid_ask_seen_ns):
            return True
        return leg is self._last and _much_later(leg.last_seen_ns, self.last_seen_ns)


_NO_SIDE: Final[tuple[float | None, float | None, str, int | None]] = (None, None, "", None)


def _earlier(one_ns: int | None, other_ns: int | None) -> int | None:
    if one_ns is None or other_ns is None:
        return other_ns if one_ns is None else one_ns
    return min(one_ns, other_ns)


def _much_later(seen_ns: int | None, shown_ns: int | None) -> bool:
    return seen_ns is not None and shown_ns is not None and seen_ns - shown_ns >= SIGHT_NS_MIN
