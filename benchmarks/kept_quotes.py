"""The plain way to write a Quote: a protobuf message kept per instrument, changed and serialised at each revision.

What the parsers of others are measured with, and what `tickmux_server.chain` is compared to. Needs protobuf and the
generated stubs only, as it also runs in the environment of the peers.
"""

from collections.abc import Mapping
from typing import Final

from tickmux.v1 import quote_pb2

_NS_PER_S: Final = 1_000_000_000
_NS_PER_MS: Final = 1_000_000
_QUOTES_TAG: Final = b"\x0a"


class KeptQuote:
    """One instrument's full quote."""

    __slots__ = ("_book_seen_ns", "_last_seen_ns", "_revision", "quote")

    def __init__(self, listing: Mapping[str, str], *, epoch: int) -> None:
        """Keep a quote of an instrument.

        Args:
            listing: Its source, symbol and exchange.
            epoch: Number of the chain of quotes.
        """
        self.quote = quote_pb2.Quote(
            symbol=listing["symbol"],
            type="crypto",
            exchange=listing["exchange"],
            source=listing["source"],
            channel="0",
            epoch=epoch,
        )
        self._revision = 0
        self._book_seen_ns: int | None = None
        self._last_seen_ns: int | None = None

    def take(
        self,
        wall_ns: int,
        monotonic_ns: int,
        *,
        book: tuple[float | None, float | None, float | None, float | None] | None = None,
        last: float | None = None,
        volume: float | None = None,
        venue_time_ms: int | None = None,
    ) -> bytes:
        """The next revision, framed.

        Args:
            wall_ns: When the message was read, Unix nanoseconds.
            monotonic_ns: The same moment, monotonic.
            book: Bid price, bid size, ask price and ask size, if the message carries them.
            last: Last price, if it carries one.
            volume: 24 h volume, if it carries one.
            venue_time_ms: The venue's time of the message, Unix milliseconds.
        """
        quote = self.quote
        if book is not None:
            bid_price, bid_size, ask_price, ask_size = book
            if bid_price is not None and bid_size is not None:
                quote.bid_price = bid_price
                quote.bid_size = bid_size
            else:
                quote.ClearField("bid_price")
                quote.ClearField("bid_size")
            if ask_price is not None and ask_size is not None:
                quote.ask_price = ask_price
                quote.ask_size = ask_size
            else:
                quote.ClearField("ask_price")
                quote.ClearField("ask_size")
            self._book_seen_ns = monotonic_ns
        if last is not None:
            quote.last_price = last
            self._last_seen_ns = monotonic_ns
        if volume is not None:
            quote.volume = volume
        if venue_time_ms is None:
            quote.ClearField("timestamp")
        else:
            timestamp = quote.timestamp
            timestamp.seconds, milliseconds = divmod(venue_time_ms, 1000)
            timestamp.nanos = milliseconds * _NS_PER_MS
        if (seen_ns := self._book_seen_ns) is not None:
            quote.bid_ask_age_ms = (monotonic_ns - seen_ns) // _NS_PER_MS
        if (seen_ns := self._last_seen_ns) is not None:
            quote.last_age_ms = (monotonic_ns - seen_ns) // _NS_PER_MS
        self._revision = quote.revision = self._revision + 1
        received_at = quote.received_at
        received_at.seconds, received_at.nanos = divmod(wall_ns, _NS_PER_S)
        payload = quote.SerializeToString()
        length = len(payload)
        if length < 0x80:
            return b"%b%c%b" % (_QUOTES_TAG, length, payload)
        return b"%b%c%c%b" % (_QUOTES_TAG, length & 0x7F | 0x80, length >> 7, payload)


def values(quote: quote_pb2.Quote) -> list[float | int | None]:
    """What a venue said, for comparing parsers: bid, its size, ask, its size, last, volume, time in ms."""
    return [
        *(
            getattr(quote, field) if quote.HasField(field) else None
            for field in ("bid_price", "bid_size", "ask_price", "ask_size", "last_price", "volume")
        ),
        quote.timestamp.seconds * 1000 + quote.timestamp.nanos // _NS_PER_MS if quote.HasField("timestamp") else None,
    ]
