"""From Alpaca's frames to quote updates, in order and once each. No I/O: a slot, a test or a benchmark feeds it."""

from collections.abc import Callable
from typing import Any

import msgspec

from tickmux_adapters.alpaca.codecs import AnyData, Codec, Message, codec_of
from tickmux_adapters.alpaca.instrument import InstrumentStreams, Said
from tickmux_adapters.alpaca.market import Market
from tickmux_adapters.alpaca.messages import (
    CONTROL,
    IGNORED,
    Cancel,
    Control,
    Correction,
    DailyBar,
    Quote,
    Snapshot,
    Status,
    Trade,
)
from tickmux_adapters.alpaca.times import text_time_ns
from tickmux_adapters.conversation import BAD_FRAME, Heard
from tickmux_adapters.errors import VenueError
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Instrument, Moment, QuoteUpdate, Sink


class AlpacaDecoder:
    """The streams of one slot."""

    def __init__(self, market: Market, sink: Sink, health: ChannelHealth) -> None:
        self._market = market
        self._has_sessions = "dailyBars" in market.channels
        self._quote = sink.quote
        self._health = health
        self._streams: dict[str, InstrumentStreams] = {}

    def add(self, instrument: Instrument) -> InstrumentStreams:
        """Take an instrument's messages from now on, or a change of the instrument."""
        streams = self._streams.get(instrument.venue_symbol)
        if streams is None:
            streams = InstrumentStreams(instrument, self._market, self._health)
            self._streams[instrument.venue_symbol] = streams
        streams.instrument = instrument
        return streams

    def begin_chain(self, moment: Moment) -> None:
        """Forget the order of what came before; what is halted is said first."""
        for streams in self._streams.values():
            streams.begin_chain()
            if streams.is_halted:
                self._quote(streams.halt_update(moment))

    @property
    def stuck(self) -> str | None:
        """An instrument of which only the past comes, if there is one: what it brings would be skipped for ever."""
        return next((symbol for symbol, streams in self._streams.items() if streams.is_stuck), None)

    def feed(
        self,
        frame: bytes,
        wall_ns: int,
        monotonic_ns: int,
        control: Callable[[Control], None] | None = None,
    ) -> Heard:
        """Take one frame, in whichever encoding; deliver what it says.

        Args:
            frame: as it was read.
            wall_ns: when it was read, Unix nanoseconds.
            monotonic_ns: the same moment, monotonic.
            control: takes answers and errors.
        """
        codec = codec_of(frame)
        try:
            messages = codec.decode(frame)
        except BAD_FRAME:
            messages = self._salvaged(codec, frame)
        moment = Moment(wall_ns, monotonic_ns)
        heard = Heard.NOTHING
        for message in messages:
            if not isinstance(message, CONTROL) and not isinstance(message, IGNORED):
                heard = max(heard, self._take(message, codec, frame, moment))
                continue
            heard = max(heard, Heard.ALIVE)
            if control is not None and isinstance(message, CONTROL):
                control(message)
        return heard

    def seed(self, symbol: str, snapshot: Snapshot, moment: Moment) -> None:
        """Take an instrument's state from a request: each part of it unless the stream has brought it in this chain.

        Raises:
            VenueError: something could not be read; the parts before it are taken.
        """
        streams = self._streams.get(symbol)
        if streams is None:
            return
        quote, trade, bar = snapshot.latest_quote, snapshot.latest_trade, snapshot.daily_bar
        try:
            quote_ns = None if quote is None else text_time_ns(quote.time)
            trade_ns = None if trade is None else text_time_ns(trade.time)
            if quote is not None:
                self._deliver(streams.seed_quote(quote, quote_ns, moment))
            if trade is not None:
                self._deliver(streams.seed_trade(trade, trade_ns, moment))
            if bar is not None and self._has_sessions:
                newest_ns = max((each for each in (quote_ns, trade_ns) if each is not None), default=None)
                self._deliver(streams.seed_bar(bar, text_time_ns(bar.start), newest_ns, moment))
        except BAD_FRAME as error:
            raise VenueError(f"the venue's snapshot of {symbol} could not be understood: {error}") from error

    def _take(self, message: AnyData, codec: Codec, frame: bytes, moment: Moment) -> Heard:
        try:
            said = self._read(message, codec, moment)
        except BAD_FRAME as error:
            return self._count(error, frame)
        # What is raised from here on is a defect of ours, and no message that cannot be understood.
        if isinstance(said, QuoteUpdate):
            self._quote(said)
            return Heard.DATA
        return said

    def _read(self, message: AnyData, codec: Codec, moment: Moment) -> Said:
        streams = self._streams.get(message.symbol)
        if streams is None:
            raise ValueError(f"a message of what we did not ask for: {message.symbol[:40]!r}")
        time_ns: Callable[[Any], int | None] = codec.time_ns
        match message:
            case Quote():
                return streams.quote(message, time_ns(message.time), moment)
            case Trade():
                return streams.trade(message, time_ns(message.time), moment)
            case DailyBar():
                # Those of crypto are neither rolling nor a session's.
                return streams.daily_bar(message, time_ns(message.start), moment) if self._has_sessions else Heard.ALIVE
            case Correction():
                return streams.correction(message, time_ns(message.time), moment)
            case Cancel():
                return streams.cancel(message, time_ns(message.time), moment)
            case Status():
                return streams.status(message, time_ns(message.time), moment)

    def _salvaged(self, codec: Codec, frame: bytes) -> list[Message]:
        """The messages of a frame that can be understood: one that cannot must not take its neighbours with it."""
        try:
            parts = codec.split(frame)
        except BAD_FRAME as error:
            self._count(error, frame)
            return []
        return [message for part in parts if (message := self._one(codec, part)) is not None]

    def _one(self, codec: Codec, part: msgspec.Raw) -> Message | None:
        try:
            return codec.decode_one(part)
        except BAD_FRAME as error:
            self._count(error, bytes(part))
            return None

    def _deliver(self, update: QuoteUpdate | None) -> None:
        if update is not None:
            self._quote(update)

    def _count(self, error: Exception, frame: bytes) -> Heard:
        self._health.count_malformed(str(error) or type(error).__name__, frame)
        return Heard.NOTHING
