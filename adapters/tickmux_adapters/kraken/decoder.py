"""From Kraken's frames to quote updates, in order and once each. No I/O: a slot, a test or a benchmark feeds it."""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from tickmux_adapters.conversation import BAD_FRAME, Heard
from tickmux_adapters.errors import MalformedMessage
from tickmux_adapters.exactness import SURELY_EXACT_CHARS_MAX, decimal_value, is_exact
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.kraken.messages import AnyFrame, Number, Ticker, TickerFrame, time_ns
from tickmux_adapters.model import Instrument, Moment, QuoteUpdate, Sink

TICKER_PREFIX: Final = b'{"channel":"ticker"'
REMEMBERED_MAX: Final = 64
DOUBT_S: Final = 2.0
"""How long an instrument may bring nothing but what is older than its quote, before it is asked for anew."""
DOUBT_NS: Final = int(DOUBT_S * 1_000_000_000)
INFINITY: Final = float("inf")

decode_ticker = msgspec.json.Decoder(TickerFrame, float_hook=str).decode
_decode_any = msgspec.json.Decoder(AnyFrame).decode


class KrakenDecoder:
    """The tickers of one slot. Connections that overlap feed the same decoder: what both bring counts once."""

    def __init__(self, sink: Sink, health: ChannelHealth) -> None:
        self._quote = sink.quote
        self._health = health
        self._tickers: dict[str, _InstrumentTicker] = {}
        self.ticker_at_ns = 0
        """When the last ticker of any instrument was read, monotonic."""
        self.understood: Sequence[Ticker] = ()
        """What the last ticker message said, repeats included."""

    def add(self, instrument: Instrument) -> None:
        """Take an instrument's tickers from now on."""
        self._tickers.setdefault(instrument.venue_symbol, _InstrumentTicker(instrument, self._health))

    def begin_chain(self) -> None:
        """Forget the order of what came before."""
        for ticker in self._tickers.values():
            ticker.begin_chain()

    def overlap(self) -> None:
        """Another connection takes over: what it tells again counts once."""
        for ticker in self._tickers.values():
            ticker.overlap()

    def feed(
        self,
        frame: bytes,
        wall_ns: int,
        monotonic_ns: int,
        control: Callable[[AnyFrame], Heard] | None = None,
    ) -> Heard:
        """Take one frame; deliver what it says.

        Args:
            frame: as it was read.
            wall_ns: when it was read, Unix nanoseconds.
            monotonic_ns: the same moment, monotonic.
            control: takes everything but tickers, and says what it proves.
        """
        message: AnyFrame | None = None
        entries: Sequence[Ticker] = ()
        try:
            if not frame.startswith(TICKER_PREFIX):
                message = _decode_any(frame)
            if message is None or message.channel == "ticker":
                entries, message = decode_ticker(frame).data, None
        except BAD_FRAME as error:
            return self._count(error, frame)
        # What else is raised from here on is a defect of ours, and no message that cannot be understood.
        if message is None:
            return self._take(entries, frame, wall_ns, monotonic_ns)
        if control is None:
            return Heard.ALIVE
        try:
            return control(message)
        except MalformedMessage as error:
            return self._count(error, frame)

    def _take(self, entries: Sequence[Ticker], frame: bytes, wall_ns: int, monotonic_ns: int) -> Heard:
        heard = Heard.ALIVE
        understood = entries
        self.ticker_at_ns = monotonic_ns
        for entry in entries:
            try:
                ticker = self._tickers.get(entry.symbol)
                if ticker is None:
                    raise ValueError(f"a ticker that we did not ask for: {entry.symbol[:40]!r}")
                update = ticker.take(entry, wall_ns, monotonic_ns)
            except BAD_FRAME as error:
                self._count(error, frame)
                understood = [each for each in understood if each is not entry]
                continue
            if update is not None:
                heard = Heard.DATA
                self._quote(update)
        self.understood = understood
        return heard if understood else Heard.NOTHING

    def _count(self, error: Exception, frame: bytes) -> Heard:
        self._health.count_malformed(str(error) or type(error).__name__, frame)
        return Heard.NOTHING

    def withdraw(self, venue_symbol: str, moment: Moment) -> None:
        """Take back what was quoted of an instrument in this chain: nobody keeps it fresh any more."""
        ticker = self._tickers.get(venue_symbol)
        update = None if ticker is None else ticker.withdraw(moment)
        if update is not None:
            self._quote(update)

    def doubtful(self, now_ns: int) -> list[str]:
        """Instruments of which only the past has come for DOUBT_S.

        One connection keeps the venue's order, so that this is no message that was overtaken: the venue's clock was
        set back, or what was quoted last was not the latest.
        """
        return [symbol for symbol, ticker in self._tickers.items() if ticker.is_doubtful(now_ns)]

    def begin_order(self, venue_symbol: str) -> None:
        """Take what comes next of an instrument, whatever its time; what was quoted stands until then."""
        self._tickers[venue_symbol].begin_order()


class _InstrumentTicker:
    """One instrument's order, and what it says."""

    __slots__ = (
        "_ask",
        "_bid",
        "_entry",
        "_health",
        "_key",
        "_last",
        "_overlap_ns",
        "_past_since_ns",
        "_seen",
        "_spoken",
        "_time_ns",
        "_volume",
    )

    def __init__(self, instrument: Instrument, health: ChannelHealth) -> None:
        self._key = instrument.key
        self._health = health
        self.begin_chain()

    def begin_chain(self) -> None:
        self._entry: Ticker | None = None
        self._bid: tuple[float | None, float | None] = (None, None)
        self._ask: tuple[float | None, float | None] = (None, None)
        self._last: float | None = None
        self._volume: float | None = None
        self._spoken = False
        self.begin_order()

    def begin_order(self) -> None:
        self._time_ns = 0
        # What came with the latest venue time: several updates may share one.
        self._seen: list[Ticker] = []
        self._overlap_ns = 0
        self._past_since_ns: int | None = None

    def is_doubtful(self, now_ns: int) -> bool:
        return self._past_since_ns is not None and now_ns - self._past_since_ns >= DOUBT_NS

    def take(self, entry: Ticker, wall_ns: int, monotonic_ns: int) -> QuoteUpdate | None:
        """What an entry says, unless it repeats or precedes what was said."""
        venue_ns = time_ns(entry.timestamp)
        latest_ns = self._time_ns
        if venue_ns is not None and venue_ns <= latest_ns:
            if venue_ns < latest_ns:
                self._health.duplicates += 1
                if self._past_since_ns is None:
                    self._past_since_ns = monotonic_ns
                return None
            if self._repeats_seen(entry):
                self._health.duplicates += 1
                self._past_since_ns = None
                return None
        self._read(entry)
        self._past_since_ns = None
        if venue_ns is not None:
            if venue_ns > latest_ns:
                self._time_ns = venue_ns
                self._seen = [entry]
            else:
                self._seen.append(entry)
                del self._seen[:-REMEMBERED_MAX]
            self._health.lag_ns = wall_ns - venue_ns
        self._spoken = True
        return QuoteUpdate(
            instrument=self._key,
            received_at_ns=wall_ns,
            received_monotonic_ns=monotonic_ns,
            venue_time_ns=venue_ns,
            bid_price=self._bid[0],
            bid_size=self._bid[1],
            ask_price=self._ask[0],
            ask_size=self._ask[1],
            last_price=self._last,
            volume=self._volume,
        )

    def withdraw(self, moment: Moment) -> QuoteUpdate | None:
        """That nothing is known any more, if something was said."""
        if not self._spoken:
            return None
        self.begin_chain()
        return QuoteUpdate(
            instrument=self._key,
            received_at_ns=moment.wall_ns,
            received_monotonic_ns=moment.monotonic_ns,
            bid_price=None,
            bid_size=None,
            ask_price=None,
            ask_size=None,
            last_price=None,
            volume=None,
        )

    def overlap(self) -> None:
        """From here on another connection tells again what was delivered last."""
        self._overlap_ns = self._time_ns

    def _repeats_seen(self, entry: Ticker) -> bool:
        """Whether an entry with the latest venue time is a repeat.

        On one connection only the very last entry can be told to be one: a quote that moves away and back within a
        microsecond is news. What a second connection tells again is known by its content, for as long as its time is
        that of the take-over.
        """
        if self._time_ns == self._overlap_ns:
            return entry in self._seen
        return entry == self._seen[-1]

    def _read(self, entry: Ticker) -> None:
        # Most updates change one or two numbers, and reading a number costs more than comparing its text.
        # Forgotten until all of it is read: a number that cannot be read must not leave values that match no entry.
        before, self._entry = self._entry, None
        if before is None:
            self._bid = self._side(entry.bid, entry.bid_qty)
            self._ask = self._side(entry.ask, entry.ask_qty)
            self._last = self._number(entry.last) or None
            self._volume = self._number(entry.volume)
        else:
            if entry.bid != before.bid or entry.bid_qty != before.bid_qty:
                self._bid = self._side(entry.bid, entry.bid_qty)
            if entry.ask != before.ask or entry.ask_qty != before.ask_qty:
                self._ask = self._side(entry.ask, entry.ask_qty)
            if entry.last != before.last:
                self._last = self._number(entry.last) or None
            if entry.volume != before.volume:
                self._volume = self._number(entry.volume)
        self._entry = entry

    def _side(self, price: Number, size: Number) -> tuple[float | None, float | None]:
        value = self._number(price)
        # A side without a price is gone, whatever its size says.
        return (value, self._number(size)) if value else (None, None)

    def _number(self, number: Number) -> float | None:
        """The value of a JSON number; None for null."""
        text = number if number.__class__ is str else _text(number)
        if not text:
            return None
        # The common case first: short, plain and not negative.
        if len(text) <= SURELY_EXACT_CHARS_MAX and "_" not in text and 0.0 <= (plain := float(text)) < INFINITY:
            return plain
        if not is_exact(text):
            self._health.inexact += 1
        return decimal_value(text) or 0.0


def _text(number: Number) -> str | None:
    if number is None:
        return None
    if number.__class__ is int:
        return str(number)
    raise ValueError(f"not a number: {str(number)[:40]!r}")


def increment(number: Number) -> float | None:
    """A price or size step; None where the venue gives none that can be read."""
    try:
        text = number if isinstance(number, str) else _text(number)
        return None if text is None else decimal_value(text)
    except ValueError:
        return None
