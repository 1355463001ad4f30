"""A chain of quotes: one instrument's unbroken run of revisions within one epoch."""

from collections.abc import Sequence

from tickmux.v1 import quote_pb2
from tickmux_adapters.model import UNCHANGED, Instrument, QuoteUpdate
from tickmux_server import quote_fields as fields
from tickmux_server.encoding import text, unsigned, varint
from tickmux_server.frames import QUOTES_FIELD, frame
from tickmux_server.log import QuoteEntry


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
            text(fields.NUMBER[name], getattr(instrument, name))
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
            ages = fields.BID_ASK_NOW
        elif (seen_ns := self._bid_ask_seen_ns) is not None:
            ages = fields.BID_ASK_AGE + fields.age(seen_ns, now_ns)
        else:
            ages = b""
        last = update.last_price
        if last is not UNCHANGED:
            self._last = b"" if last is None else fields.last_price(last)
            if update.last_seen_monotonic_ns is None:
                self._last_seen_ns = now_ns
                ages += fields.LAST_NOW
            else:
                self._last_seen_ns = update.last_seen_monotonic_ns
                ages += fields.LAST_AGE + fields.age(self._last_seen_ns, now_ns)
        elif (seen_ns := self._last_seen_ns) is not None:
            ages += fields.LAST_AGE + fields.age(seen_ns, now_ns)
        volume = update.volume
        if volume is not UNCHANGED:
            self._volume = b"" if volume is None else fields.volume(volume)
        if update.halted is not UNCHANGED and update.halted != self._halted:
            self._halted = update.halted
            self._set_head()
        if update.delayed is not UNCHANGED and update.delayed != self._delayed:
            self._delayed = update.delayed
            self._set_head()
        if update.venue_time_ns is not None:
            ages += fields.timestamp.encode(update.venue_time_ns)
        self._revision = revision = self._revision + 1
        payload = b"".join(
            (
                self._head,
                self._last,
                self._volume,
                self._top,
                fields.REVISION,
                varint(revision),
                fields.received_at.encode(update.received_at_ns),
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
        self._top = fields.top_of_book(self._bid_price, self._bid_size, self._ask_price, self._ask_size)

    def _set_head(self) -> None:
        flags = list(self._flags)
        if self._delayed:
            flags.append(quote_pb2.QUOTE_FLAG_DELAYED)
        if self._halted:
            flags.append(quote_pb2.QUOTE_FLAG_HALTED)
        self._head = self._identity + unsigned(fields.NUMBER["epoch"], self.epoch) + fields.flags(flags)
