"""Legs: what each source last said of an instrument, and how it ranks among the others of it.

Pure: no log and no clock. Times are monotonic nanoseconds, given by the caller.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from tickmux.v1 import quote_pb2

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
        "symbol",
    )

    def __init__(self, source: str, symbol: str, slot: Slot, *, exchange: str, is_polled: bool) -> None:
        self.source = source
        self.symbol = symbol
        self.name = exchange or source
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

    def take(self, quote: quote_pb2.Quote, number: int, now_ns: int) -> bool:
        """Take over a quote that was read just now; False if it says what the one before said.

        Args:
            quote: All that is known of the instrument at the source.
            number: Which quote of all it is: what changed last has the greatest.
            now_ns: When it was read.
        """
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
            self._last_changed = number
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


@lru_cache(maxsize=64)
def _flagged(flags: Sequence[quote_pb2.QuoteFlag.ValueType]) -> tuple[bool, bool]:
    """Whether a quote can be traded at, and whether it is simulated. There are a handful of combinations."""
    return _NOT_TRADABLE.isdisjoint(flags), quote_pb2.QUOTE_FLAG_SIMULATED in flags


def _zero(quote: quote_pb2.Quote, field: str) -> float | None:
    """The value of an optional number that reads as zero, which it also does when it is absent."""
    return 0.0 if quote.HasField(field) else None  # type: ignore[arg-type] # a field of its own
