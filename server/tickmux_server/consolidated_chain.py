"""The chain of a consolidated quote: what is shown, numbered and encoded once."""

from functools import lru_cache
from typing import Final

from tickmux.v1 import quote_pb2
from tickmux_server import quote_fields as fields
from tickmux_server.consolidation import Book, View
from tickmux_server.encoding import text, unsigned, varint
from tickmux_server.frames import QUOTES_FIELD, frame
from tickmux_server.log import QuoteEntry
from tickmux_server.selection import CONSOLIDATED

CHANNEL: Final = "0"


class ConsolidatedChain:
    """Encodes the revisions of one instrument within one epoch. An exchange and a volume they never have."""

    __slots__ = ("_epoch", "_identity", "_key", "_revision", "_simulated")

    def __init__(self, symbol: str, type: str, epoch: int) -> None:  # noqa: A002 - the contract's name
        self._key = (CONSOLIDATED, symbol)
        self._epoch = epoch
        self._revision = 0
        named = (("symbol", symbol), ("type", type), ("source", CONSOLIDATED), ("channel", CHANNEL))
        self._identity = b"".join(text(fields.NUMBER[name], value) for name, value in named)
        self._identity += unsigned(fields.NUMBER["epoch"], epoch)
        self._simulated = self._identity + fields.flags([quote_pb2.QUOTE_FLAG_SIMULATED])

    def next(self, book: Book, *, now_ns: int, received_at_ns: int, venue_time_ns: int | None) -> QuoteEntry:
        """The next revision: what a book shows now.

        Args:
            book: One that shows something.
            now_ns: Monotonic time that the ages are counted to.
            received_at_ns: When the cause was received, Unix nanoseconds.
            venue_time_ns: The venue's time of the cause, Unix nanoseconds; None if it has none.
        """
        view = book.shown
        assert view is not None  # noqa: S101 - for the type checker: the caller was told to publish it
        self._revision = revision = self._revision + 1
        payload = b"".join(
            (
                self._simulated if view.is_simulated else self._identity,
                _prices(view),
                _named(view.bid_exchange, view.ask_exchange, view.last_exchange),
                fields.REVISION,
                varint(revision),
                fields.received_at.encode(received_at_ns),
                b"" if venue_time_ns is None else fields.timestamp.encode(venue_time_ns),
                fields.bid_ask_age(book.bid_ask_seen_ns, now_ns),
                fields.last_age(book.last_seen_ns, now_ns),
            )
        )
        return QuoteEntry(self._key, self._epoch, revision, frame(QUOTES_FIELD, payload))


def _prices(view: View) -> bytes:
    bid_price, bid_size, ask_price, ask_size = view.bid_price, view.bid_size, view.ask_price, view.ask_size
    last = b"" if view.last_price is None else fields.last_price(view.last_price)
    return last + fields.top_of_book(bid_price, bid_size, ask_price, ask_size)


@lru_cache(maxsize=1024)
def _named(bid_exchange: str, ask_exchange: str, last_exchange: str) -> bytes:
    """The fields that name the legs. There are few combinations, and one stands in every revision."""
    named = (("bid_exchange", bid_exchange), ("ask_exchange", ask_exchange), ("last_exchange", last_exchange))
    return b"".join(text(fields.NUMBER[name], exchange) for name, exchange in named)
