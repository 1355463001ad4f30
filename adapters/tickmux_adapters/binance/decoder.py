"""From Binance's frames to quote updates, in order and once each. No I/O: a slot, a test or a benchmark feeds it."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import msgspec

from tickmux_adapters.binance.messages import (
    AnyFrame,
    BookTickerFrame,
    MiniTickerFrame,
    RestBookTicker,
    RestDayTicker,
    TradeFrame,
    time_ns,
)
from tickmux_adapters.conversation import BAD_FRAME, Heard
from tickmux_adapters.errors import VenueError
from tickmux_adapters.exactness import SURELY_EXACT_CHARS_MAX, decimal_value, is_exact
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import UNCHANGED, Field, Instrument, Moment, QuoteUpdate, Sink
from tickmux_adapters.repeats import Repeats

CANARY: Final = "btcusdt@bookTicker"
"""A stream that is never quiet for seconds, so that its silence means a mute connection."""
INFINITY: Final = float("inf")
NAME_START: Final = len('{"stream":"')

Said = QuoteUpdate | Heard
"""What a frame says of its instrument, or only proves of the connection."""
Handler = Callable[[bytes, int, int], Said]
Seed = TypeVar("Seed", RestBookTicker, RestDayTicker)

_decode_book = msgspec.json.Decoder(BookTickerFrame).decode
_decode_trade = msgspec.json.Decoder(TradeFrame).decode
_decode_mini = msgspec.json.Decoder(MiniTickerFrame).decode
_decode_any = msgspec.json.Decoder(AnyFrame).decode


class BinanceDecoder:
    """The streams of one slot. Connections that overlap feed the same decoder: what both bring counts once."""

    def __init__(self, instruments: Iterable[Instrument], sink: Sink, health: ChannelHealth) -> None:
        self._health = health
        self._quote = sink.quote
        self._handlers: dict[bytes, Handler] = {}
        self._streams: dict[str, _InstrumentStreams] = {}
        for instrument in instruments:
            streams = _InstrumentStreams(instrument, health)
            self._streams[instrument.venue_symbol] = streams
            name = instrument.venue_symbol.lower().encode()
            self._handlers[name + b"@bookTicker"] = streams.book_ticker
            self._handlers[name + b"@trade"] = streams.trade
            self._handlers[name + b"@miniTicker"] = streams.mini_ticker
        self._handlers.setdefault(CANARY.encode(), self._canary)

    @property
    def stream_names(self) -> list[str]:
        """Every stream to subscribe to, the canary included."""
        return [name.decode() for name in self._handlers]

    def begin_chain(self) -> None:
        """Forget the order of what came before."""
        for streams in self._streams.values():
            streams.begin_chain()

    def feed(
        self,
        frame: bytes,
        wall_ns: int,
        monotonic_ns: int,
        control: Callable[[AnyFrame], None] | None = None,
    ) -> Heard:
        """Take one frame of the combined stream; deliver what it says.

        Args:
            frame: as it was read.
            wall_ns: when it was read, Unix nanoseconds.
            monotonic_ns: the same moment, monotonic.
            control: takes answers, errors and notices.
        """
        # The name's place is fixed in the usual shape, so that it is found without decoding. A frame of another shape
        # either names no stream there, or fails in the typed decoder.
        handler = self._handlers.get(frame[NAME_START : frame.find(b'"', NAME_START)])
        message: AnyFrame | None = None
        try:
            if handler is None:
                handler, message = self._uncommon(frame)
            said = Heard.ALIVE if handler is None else handler(frame, wall_ns, monotonic_ns)
        except BAD_FRAME as error:
            self._health.count_malformed(str(error) or type(error).__name__, frame)
            return Heard.NOTHING
        # What is raised from here on is a defect of ours, and no message that cannot be understood.
        if isinstance(said, QuoteUpdate):
            self._quote(said)
            return Heard.DATA
        if message is not None and control is not None:
            control(message)
        return said

    def _uncommon(self, frame: bytes) -> tuple[Handler | None, AnyFrame | None]:
        """Who takes a frame of another shape: the handler of its stream, or whoever takes answers and notices."""
        message = _decode_any(frame)
        handler = self._handlers.get(message.stream.encode())
        if handler is not None:
            return handler, None
        is_control = message.id is not msgspec.UNSET or message.error or message.code is not None
        if is_control or "serverShutdown" in (message.event, message.stream.lstrip("!")):
            return None, message
        raise ValueError(f"neither an answer nor a stream we asked for: {message.stream[:40]!r}")

    @staticmethod
    def _canary(frame: bytes, _wall_ns: int, _monotonic_ns: int) -> Said:
        _decode_book(frame)
        return Heard.DATA

    def end_overlap(self) -> None:
        """Another connection has told again what was told before: its repeats say nothing of the streams."""
        for streams in self._streams.values():
            streams.forget_repeats()

    @property
    def stuck(self) -> str | None:
        """A stream that has begun to count anew, if there is one: what it brings would be skipped for ever."""
        return next((symbol for symbol, streams in self._streams.items() if streams.stuck), None)

    def seed_book(self, ticker: RestBookTicker, moment: Moment) -> None:
        """Take a best bid and ask from a request, unless the stream has brought them already in this chain.

        Raises:
            VenueError: a number could not be read.
        """
        streams = self._streams.get(ticker.symbol)
        if streams is not None:
            self._deliver(streams.seed_book, ticker, moment)

    def seed_day(self, ticker: RestDayTicker, moment: Moment) -> None:
        """Take the last price and the 24 h volume from a request, each unless the stream has brought it already.

        Raises:
            VenueError: a number could not be read.
        """
        streams = self._streams.get(ticker.symbol)
        if streams is not None:
            self._deliver(streams.seed_day, ticker, moment)

    def _deliver(self, read: Callable[[Seed, Moment], QuoteUpdate | None], ticker: Seed, moment: Moment) -> None:
        try:
            update = read(ticker, moment)
        except BAD_FRAME as error:
            raise VenueError(f"the venue's answer could not be understood: {error}") from error
        if update is not None:
            self._quote(update)


class _InstrumentStreams:
    """The three streams of one instrument: their order, and what they say."""

    __slots__ = (
        "_ask",
        "_ask_size",
        "_ask_size_text",
        "_ask_text",
        "_bid",
        "_bid_size",
        "_bid_size_text",
        "_bid_text",
        "_book_id",
        "_book_repeats",
        "_health",
        "_key",
        "_last_seen",
        "_mini_repeats",
        "_mini_time",
        "_symbol",
        "_trade_id",
        "_trade_repeats",
        "_volume_seen",
    )

    def __init__(self, instrument: Instrument, health: ChannelHealth) -> None:
        self._key = instrument.key
        self._symbol = instrument.venue_symbol
        self._health = health
        self._bid_text = self._bid_size_text = self._ask_text = self._ask_size_text = ""
        self._bid: float | None = None
        self._bid_size: float | None = None
        self._ask: float | None = None
        self._ask_size: float | None = None
        self.begin_chain()

    def begin_chain(self) -> None:
        self._book_id = -1
        self._trade_id = -1
        self._mini_time = -1
        self._last_seen = False
        self._volume_seen = False
        self.forget_repeats()

    def forget_repeats(self) -> None:
        self._book_repeats = Repeats()
        self._trade_repeats = Repeats()
        self._mini_repeats = Repeats()

    @property
    def stuck(self) -> bool:
        return (
            self._book_repeats.stuck(self._book_id)
            or self._trade_repeats.stuck(self._trade_id)
            or self._mini_repeats.stuck(self._mini_time)
        )

    def book_ticker(self, frame: bytes, wall_ns: int, monotonic_ns: int) -> Said:
        data = _decode_book(frame).data
        if data.symbol != self._symbol:
            raise ValueError(f"{data.symbol[:40]!r} on a stream of {self._symbol}")
        if data.update_id <= self._book_id:
            return self._skip(self._book_repeats, data.update_id, self._book_id, monotonic_ns)
        # Most changes touch one number of the four, and reading a number costs more than comparing its text.
        if data.bid_price != self._bid_text or (data.bid_size != self._bid_size_text and self._bid is None):
            self._bid, self._bid_size = self._side(data.bid_price, data.bid_size)
            self._bid_text, self._bid_size_text = data.bid_price, data.bid_size
        elif data.bid_size != self._bid_size_text:
            self._bid_size = self._number(data.bid_size) or 0.0
            self._bid_size_text = data.bid_size
        if data.ask_price != self._ask_text or (data.ask_size != self._ask_size_text and self._ask is None):
            self._ask, self._ask_size = self._side(data.ask_price, data.ask_size)
            self._ask_text, self._ask_size_text = data.ask_price, data.ask_size
        elif data.ask_size != self._ask_size_text:
            self._ask_size = self._number(data.ask_size) or 0.0
            self._ask_size_text = data.ask_size
        self._book_id = data.update_id
        return QuoteUpdate(
            instrument=self._key,
            received_at_ns=wall_ns,
            received_monotonic_ns=monotonic_ns,
            bid_price=self._bid,
            bid_size=self._bid_size,
            ask_price=self._ask,
            ask_size=self._ask_size,
        )

    def trade(self, frame: bytes, wall_ns: int, monotonic_ns: int) -> Said:
        data = _decode_trade(frame).data
        if data.symbol != self._symbol:
            raise ValueError(f"{data.symbol[:40]!r} on a stream of {self._symbol}")
        if data.trade_id <= self._trade_id:
            return self._skip(self._trade_repeats, data.trade_id, self._trade_id, monotonic_ns)
        last = self._number(data.price)
        self._trade_id = data.trade_id
        self._last_seen = True
        venue_ns = time_ns(data.trade_time or data.event_time)
        if venue_ns is not None:
            self._health.lag_ns = wall_ns - venue_ns
        return QuoteUpdate(
            instrument=self._key,
            received_at_ns=wall_ns,
            received_monotonic_ns=monotonic_ns,
            venue_time_ns=venue_ns,
            last_price=last,
        )

    def mini_ticker(self, frame: bytes, wall_ns: int, monotonic_ns: int) -> Said:
        data = _decode_mini(frame).data
        if data.symbol != self._symbol:
            raise ValueError(f"{data.symbol[:40]!r} on a stream of {self._symbol}")
        if data.event_time <= self._mini_time:
            return self._skip(self._mini_repeats, data.event_time, self._mini_time, monotonic_ns)
        last, volume = self._number(data.last_price), self._volume(data.volume)
        self._mini_time = data.event_time
        venue_ns = time_ns(data.event_time)
        if venue_ns is not None:
            self._health.lag_ns = wall_ns - venue_ns
        self._volume_seen = True
        return self._day(last, volume, venue_ns, Moment(wall_ns, monotonic_ns))

    def seed_book(self, ticker: RestBookTicker, moment: Moment) -> QuoteUpdate | None:
        if self._book_id >= 0:
            return None
        bid, bid_size = self._side(ticker.bid_price, ticker.bid_size)
        ask, ask_size = self._side(ticker.ask_price, ticker.ask_size)
        return QuoteUpdate(
            instrument=self._key,
            received_at_ns=moment.wall_ns,
            received_monotonic_ns=moment.monotonic_ns,
            bid_price=bid,
            bid_size=bid_size,
            ask_price=ask,
            ask_size=ask_size,
        )

    def seed_day(self, ticker: RestDayTicker, moment: Moment) -> QuoteUpdate | None:
        if self._volume_seen:
            return None
        last, volume = self._number(ticker.last_price), self._volume(ticker.volume)
        return self._day(last, volume, time_ns(ticker.close_time), moment)

    def _day(self, last: float | None, volume: float | None, venue_ns: int | None, moment: Moment) -> QuoteUpdate:
        # A trade is the better source of the last price: this one may be up to a second older than a trade seen before.
        last_field: Field = UNCHANGED if self._last_seen else last
        return QuoteUpdate(
            instrument=self._key,
            received_at_ns=moment.wall_ns,
            received_monotonic_ns=moment.monotonic_ns,
            venue_time_ns=venue_ns,
            last_price=last_field,
            volume=volume,
        )

    def _side(self, price_text: str, size_text: str) -> tuple[float | None, float | None]:
        price, size = self._number(price_text), self._number(size_text)
        # A side without a price is gone, whatever its size says.
        return (None, None) if price is None else (price, 0.0 if size is None else size)

    def _volume(self, text: str) -> float | None:
        value = self._number(text)
        # Nothing traded in 24 hours is a volume of 0, not an unknown one.
        return 0.0 if value is None and text else value

    def _number(self, text: str) -> float | None:
        # The common case first: short, plain and positive.
        if text and len(text) <= SURELY_EXACT_CHARS_MAX and "_" not in text and 0.0 < (plain := float(text)) < INFINITY:
            return plain
        value = decimal_value(text)
        if not is_exact(text):
            self._health.inexact += 1
        return value

    def _skip(self, repeats: Repeats, number: int, stands_at: int, monotonic_ns: int) -> Heard:
        self._health.duplicates += 1
        # The same once more says nothing new, however often it comes.
        if number < stands_at:
            repeats.note(stands_at, monotonic_ns)
        return Heard.NOTHING
