"""The best bid and offer of one instrument over its legs: what legs say in, what the consolidated quote shows out.

Pure: no log and no clock. Times are monotonic nanoseconds, given by the caller.
"""

from bisect import insort
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from tickmux.v1 import quote_pb2

SIGHT_NS_MIN: Final = 1_000_000_000
"""A leg that says the same again makes a revision only if what is shown was last seen this much earlier: ages stay
true to a second, and repetitions cost next to nothing."""

_NS_PER_MS: Final = 1_000_000
_NOT_TRADABLE: Final = frozenset(
    {quote_pb2.QUOTE_FLAG_INDICATIVE, quote_pb2.QUOTE_FLAG_DELAYED, quote_pb2.QUOTE_FLAG_HALTED}
)

Rank = tuple[bool, float, float]
"""Whether the leg is streamed, how good its price is, and its size: the greatest is the best."""


class Slot:
    """The upstream slot that legs live on, as its status says."""

    __slots__ = ("epoch", "heard_ns", "is_live", "legs")

    def __init__(self) -> None:
        self.is_live = False
        self.epoch = 0
        self.heard_ns = 0
        self.legs: list[Leg] = []


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


class Leg:
    """What one source last said of the instrument, and how it ranks among the others.

    It counts while its slot is live, its quote belongs to the slot's present chain, and nothing that it is flagged
    with keeps anybody from trading at its prices. A leg that does not count has no rank.
    """

    __slots__ = (
        "_is_streamed",
        "_last_changed",
        "_last_known",
        "_said",
        "ask_price",
        "ask_rank",
        "ask_size",
        "base",
        "bid_ask_seen_ns",
        "bid_price",
        "bid_rank",
        "bid_size",
        "book",
        "epoch",
        "is_simulated",
        "is_tradable",
        "last_price",
        "last_rank",
        "last_seen_ns",
        "name",
        "quote",
        "revision",
        "slot",
        "source",
    )

    def __init__(self, source: str, book: "Book", slot: Slot, *, exchange: str, is_polled: bool) -> None:
        self.source = source
        self.name = exchange or source
        self.book = book
        self.slot = slot
        self.base = ""
        self.quote = ""
        self.epoch = 0
        self.revision = 0
        self.bid_price: float | None = None
        self.bid_size: float | None = None
        self.ask_price: float | None = None
        self.ask_size: float | None = None
        self.last_price: float | None = None
        self.is_tradable = False
        self.is_simulated = False
        self.bid_ask_seen_ns = 0
        self.last_seen_ns = 0
        self.bid_rank: Rank | None = None
        self.ask_rank: Rank | None = None
        self.last_rank: tuple[bool, int] | None = None
        self._is_streamed = not is_polled
        self._last_known: float | None = None
        self._last_changed = 0
        self._said: tuple[object, ...] = ()

    def take(self, quote: quote_pb2.Quote, now_ns: int) -> bool:
        """Take over a quote that was read just now; False if it says what the one before said."""
        self.bid_ask_seen_ns = now_ns - quote.bid_ask_age_ms * _NS_PER_MS
        self.last_seen_ns = now_ns - quote.last_age_ms * _NS_PER_MS
        # Reading a field costs half of asking for its presence, which is in doubt only at zero.
        said = (
            quote.bid_price or _zero(quote, "bid_price"),
            quote.bid_size or _zero(quote, "bid_size"),
            quote.ask_price or _zero(quote, "ask_price"),
            quote.ask_size or _zero(quote, "ask_size"),
            quote.last_price or _zero(quote, "last_price"),
            quote.epoch,
            tuple(quote.flags),
        )
        if said == self._said:
            return False
        self._said = said
        (
            self.bid_price,
            self.bid_size,
            self.ask_price,
            self.ask_size,
            last,
            self.epoch,
            flags,
        ) = said
        self.is_tradable, self.is_simulated = _flagged(flags)
        self.last_price = last
        if last is not None and last != self._last_known:
            # Compared over the end of a chain, too: a price that comes back after a hole has not changed.
            self._last_known = last
            self._last_changed = self.book.next_change()
        self.settle()
        return True

    def lapse(self) -> None:
        """Nothing of it is known to hold: its newest quote is lost, or cannot be read."""
        self.is_tradable = False
        self._said = ()
        self.settle()

    def settle(self) -> None:
        """Rank anew, after the leg or its slot has changed."""
        slot, streamed = self.slot, self._is_streamed
        self.bid_rank = self.ask_rank = self.last_rank = None
        if not (slot.is_live and self.is_tradable and self.epoch >= slot.epoch):
            return
        if (price := self.bid_price) is not None:
            self.bid_rank = (streamed, price, -1.0 if self.bid_size is None else self.bid_size)
        if (price := self.ask_price) is not None:
            self.ask_rank = (streamed, -price, -1.0 if self.ask_size is None else self.ask_size)
        if self.last_price is not None:
            self.last_rank = (streamed, self._last_changed)


class Book:
    """The legs of one instrument, and what of them was shown last.

    A side is the leg's with the best price; at the same price the one with the greater size, then the first by its
    source's name. A polled leg stands behind every streamed one, whatever its price: between two polls nothing tells
    that it has changed.
    """

    __slots__ = (
        "_ask",
        "_bid",
        "_changes",
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
        self._changes = 0

    def add(self, leg: Leg) -> None:
        """Take one more leg."""
        insort(self.legs, leg, key=lambda each: each.source)

    def next_change(self) -> int:
        """Number a change of some leg's last price."""
        self._changes += 1
        return self._changes

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


@lru_cache(maxsize=64)
def _flagged(flags: Sequence[quote_pb2.QuoteFlag.ValueType]) -> tuple[bool, bool]:
    """Whether a quote can be traded at, and whether it is simulated. There are a handful of combinations."""
    return _NOT_TRADABLE.isdisjoint(flags), quote_pb2.QUOTE_FLAG_SIMULATED in flags


def _earlier(one_ns: int | None, other_ns: int | None) -> int | None:
    if one_ns is None or other_ns is None:
        return other_ns if one_ns is None else one_ns
    return min(one_ns, other_ns)


def _zero(quote: quote_pb2.Quote, field: str) -> float | None:
    """The value of an optional number that reads as zero, which it also does when it is absent."""
    return 0.0 if quote.HasField(field) else None  # type: ignore[arg-type] # a field of its own


def _much_later(seen_ns: int | None, shown_ns: int | None) -> bool:
    return seen_ns is not None and shown_ns is not None and seen_ns - shown_ns >= SIGHT_NS_MIN
