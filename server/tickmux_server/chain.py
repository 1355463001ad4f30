"""A chain of quotes: one instrument's unbroken run of revisions within one epoch."""

from collections.abc import Sequence
from typing import Final

from tickmux.v1 import quote_pb2
from tickmux_adapters.model import UNCHANGED, Instrument, QuoteUpdate
from tickmux_server.encoding import (
    LENGTH_DELIMITED,
    TimestampField,
    doubles,
    tag,
    text,
    unsigned,
    varint,
)
from tickmux_server.frames import QUOTES_FIELD, frame
from tickmux_server.log import QuoteEntry

_NS_PER_MS: Final = 1_000_000

_FIELDS: Final = quote_pb2.Quote.DESCRIPTOR.fields_by_name
_NUMBER: Final = {name: field.number for name, field in _FIELDS.items()}

_last_price = doubles(_NUMBER["last_price"])
_volume = doubles(_NUMBER["volume"])
_bid_price = doubles(_NUMBER["bid_price"])
_bid_size = doubles(_NUMBER["bid_size"])
_ask_price = doubles(_NUMBER["ask_price"])
_ask_size = doubles(_NUMBER["ask_size"])
_top_of_book = doubles(_NUMBER["bid_price"], _NUMBER["bid_size"], _NUMBER["ask_price"], _NUMBER["ask_size"])
_received_at = TimestampField(_NUMBER["received_at"])
_timestamp = TimestampField(_NUMBER["timestamp"])
_REVISION: Final = tag(_NUMBER["revision"], 0)
_BID_ASK_AGE: Final = tag(_NUMBER["bid_ask_age_ms"], 0)
_LAST_AGE: Final = tag(_NUMBER["last_age_ms"], 0)
_BID_ASK_NOW: Final = unsigned(_NUMBER["bid_ask_age_ms"], 0)
_LAST_NOW: Final = unsigned(_NUMBER["last_age_ms"], 0)


class QuoteChain:
    """Merges updates into the full Quote of one instrument and encodes each revision, once.

    What is known is kept as encoded pieces of the message, so that a revision costs only the pieces that it changes.
    """

    __slots__ = (
        "_ask_price",
        "_ask_size",
        "_bid_ask_seen_ns",
        "_bid_price",
        "_bid_size",
        "_delayed",
        "_flags",
        "_halted",
        "_head",
        "_identity",
        "_key",
        "_last",
        "_last_seen_ns",
        "_revision",
        "_top",
        "_volume",
        "epoch",
    )

    def __init__(self, instrument: Instrument, flags: Sequence[quote_pb2.QuoteFlag.ValueType], epoch: int) -> None:
        self._key = instrument.key
        indicative = (quote_pb2.QUOTE_FLAG_INDICATIVE,) if instrument.is_indicative else ()
        self._flags = (*indicative, *flags)
        self._identity = b"".join(
            text(_NUMBER[name], getattr(instrument, name))
            for name in ("symbol", "type", "exchange", "source", "channel")
        )
        self.begin(epoch)

    def begin(self, epoch: int) -> None:
        """Start a new epoch, empty: nothing from before the hole is served as fresh, a halt no more than a price."""
        self.epoch = epoch
        self._revision = 0
        self._bid_price: float | None = None
        self._bid_size: float | None = None
        self._ask_price: float | None = None
        self._ask_size: float | None = None
        self._top = self._last = self._volume = b""
        self._bid_ask_seen_ns: int | None = None
        self._last_seen_ns: int | None = None
        self._halted = self._delayed = False
        self._set_head()

    def merge(self, update: QuoteUpdate) -> QuoteEntry:
        """The next revision: all that is known, with the update's fields taken over."""
        now_ns = update.received_monotonic_ns
        bid_price, ask_price = update.bid_price, update.ask_price
        if (
            bid_price is not UNCHANGED
            or ask_price is not UNCHANGED
            or update.bid_size is not UNCHANGED
            or update.ask_size is not UNCHANGED
        ):
            self._merge_top_of_book(update)
            self._bid_ask_seen_ns = now_ns
            ages = _BID_ASK_NOW
        elif (seen_ns := self._bid_ask_seen_ns) is not None:
            ages = _BID_ASK_AGE + _age(seen_ns, now_ns)
        else:
            ages = b""
        last = update.last_price
        if last is not UNCHANGED:
            self._last = b"" if last is None else _last_price(last)
            if update.last_seen_monotonic_ns is None:
                self._last_seen_ns = now_ns
                ages += _LAST_NOW
            else:
                self._last_seen_ns = update.last_seen_monotonic_ns
                ages += _LAST_AGE + _age(self._last_seen_ns, now_ns)
        elif (seen_ns := self._last_seen_ns) is not None:
            ages += _LAST_AGE + _age(seen_ns, now_ns)
        volume = update.volume
        if volume is not UNCHANGED:
            self._volume = b"" if volume is None else _volume(volume)
        if update.halted is not UNCHANGED and update.halted != self._halted:
            self._halted = update.halted
            self._set_head()
        if update.delayed is not UNCHANGED and update.delayed != self._delayed:
            self._delayed = update.delayed
            self._set_head()
        if update.venue_time_ns is not None:
            ages += _timestamp.encode(update.venue_time_ns)
        self._revision = revision = self._revision + 1
        payload = b"".join(
            (
                self._head,
                self._last,
                self._volume,
                self._top,
                _REVISION,
                varint(revision),
                _received_at.encode(update.received_at_ns),
                ages,
            )
        )
        return QuoteEntry(self._key, self.epoch, revision, frame(QUOTES_FIELD, payload))

    def _merge_top_of_book(self, update: QuoteUpdate) -> None:
        if update.bid_price is not UNCHANGED:
            self._bid_price = update.bid_price
        if update.bid_size is not UNCHANGED:
            self._bid_size = update.bid_size
        if update.ask_price is not UNCHANGED:
            self._ask_price = update.ask_price
        if update.ask_size is not UNCHANGED:
            self._ask_size = update.ask_size
        bid_price, bid_size, ask_price, ask_size = self._bid_price, self._bid_size, self._ask_price, self._ask_size
        if bid_price is not None and bid_size is not None and ask_price is not None and ask_size is not None:
            self._top = _top_of_book(bid_price, bid_size, ask_price, ask_size)
            return
        self._top = b"".join(
            encode(value)
            for encode, value in (
                (_bid_price, bid_price),
                (_bid_size, bid_size),
                (_ask_price, ask_price),
                (_ask_size, ask_size),
            )
            if value is not None
        )

    def _set_head(self) -> None:
        flags = list(self._flags)
        if self._delayed:
            flags.append(quote_pb2.QUOTE_FLAG_DELAYED)
        if self._halted:
            flags.append(quote_pb2.QUOTE_FLAG_HALTED)
        encoded = b"".join(varint(flag) for flag in flags)
        if encoded:
            encoded = tag(_NUMBER["flags"], LENGTH_DELIMITED) + varint(len(encoded)) + encoded
        self._head = self._identity + unsigned(_NUMBER["epoch"], self.epoch) + encoded


def _age(seen_ns: int, now_ns: int) -> bytes:
    # A seed is stamped when its answer came and delivered later, maybe behind a newer message: no age is negative.
    return varint(max(now_ns - seen_ns, 0) // _NS_PER_MS)
