"""What goes out on the feeds: subscribers by channel and symbol, and the messages that they get."""

from collections.abc import Callable, Iterable
from typing import Final

from tickmux_simulators.alpaca import encoding
from tickmux_simulators.alpaca.bars import Bar, MinuteBars, daily_bar
from tickmux_simulators.alpaca.codecs import JSON, SECOND_NS, Codec
from tickmux_simulators.alpaca.encoding import Message
from tickmux_simulators.alpaca.feeds import ALL, CRYPTO, FEEDS, STOCKS, TEST, Feed
from tickmux_simulators.alpaca.securities import SECURITIES, Status, halt_status, resume_status
from tickmux_simulators.alpaca.session import AlpacaSession, Outgoing
from tickmux_simulators.book import Side
from tickmux_simulators.data_faults import DataFaults
from tickmux_simulators.faults import Fault, FaultBoard
from tickmux_simulators.market import BookEvent, Event, Instrument, Trade
from tickmux_simulators.venue import Limits

TEST_SYMBOL: Final = "FAKEPACA"
_FEEDS_OF: Final = {
    kind: tuple(feed for feed in FEEDS.values() if feed.kind == kind) for kind in (STOCKS, TEST, CRYPTO)
}
Make = Callable[[Codec, Feed], Message]
Record = Callable[[str, str, str], None]
"""(symbol, channel, text) of a message that is sent."""


class Streams:
    """Delivers the market to sessions, in frames of everything that a tick brought."""

    def __init__(
        self, instruments: dict[str, Instrument], board: FaultBoard, faults: DataFaults, limits: Limits, record: Record
    ) -> None:
        self.minute_bars = MinuteBars(length_s=limits.minute_bar_s)
        for instrument in instruments.values():
            for trade in instrument.trades:
                self.minute_bars.add(trade)
        self._instruments = instruments
        self._coins = [one for one in instruments.values() if kind_of(one) == CRYPTO]
        self._board = board
        self._faults = faults
        self._limits = limits
        self._record = record
        self._routes: dict[tuple[Feed, str], dict[str, list[AlpacaSession]]] = {}
        self._waiting: set[AlpacaSession] = set()
        self._halted: dict[Instrument, str] = {}
        self._daily_due_ns = 0
        self._daily_versions: dict[Instrument, int] = {}
        self._bands_due_ns = 0

    @property
    def count(self) -> int:
        """Subscriptions that are delivered, over all connections."""
        return sum(len(sessions) for routes in self._routes.values() for sessions in routes.values())

    def subscribe(self, session: AlpacaSession, channel: str, symbol: str) -> None:
        """Deliver from now on; an order book comes whole first. An unknown symbol stays silent."""
        if self._board.strike(Fault.ACK_THEN_SILENCE, "" if symbol == ALL else symbol):
            return
        self._routes.setdefault((session.feed, channel), {}).setdefault(symbol, []).append(session)
        if channel == "orderbooks":
            for instrument in self._coins:
                if symbol in {ALL, instrument.symbol}:
                    self._whole_book(session, instrument)
            session.flush_batch()

    def unsubscribe(self, session: AlpacaSession, channel: str, symbol: str) -> None:
        """Deliver no more."""
        routes = self._routes.get((session.feed, channel), {})
        if session in routes.get(symbol, ()):
            routes[symbol].remove(session)
            if not routes[symbol]:
                del routes[symbol]

    def forget(self, session: AlpacaSession) -> None:
        """A connection is gone."""
        self._waiting.discard(session)
        for channel, symbols in session.subscribed.items():
            for symbol in symbols:
                self.unsubscribe(session, channel, symbol)

    def publish(self, events: Iterable[Event], now_ns: int) -> None:
        """Queue what follows from some events, each taken when it has just happened, and what the time makes due."""
        for event in events:
            if isinstance(event, Trade):
                self._trade(event)
            elif isinstance(event, BookEvent):
                self._book(event)
        self._time(now_ns)
        for session in self._waiting:
            session.flush_batch()
        self._waiting.clear()

    def push_statuses(self, now_ns: int) -> None:
        """Tell of stocks that were halted or resumed since the last call."""
        for instrument in self._instruments.values():
            if kind_of(instrument) != STOCKS:
                continue
            halt = self._board.active(Fault.HALT, instrument.symbol)
            before = self._halted.get(instrument)
            now = halt.text("status") if halt is not None else None
            if now == before:
                continue
            if now is None:
                del self._halted[instrument]
                self._status(instrument, resume_status(SECURITIES[instrument.symbol]), now_ns)
            else:
                self._halted[instrument] = now
                self._status(instrument, halt_status(SECURITIES[instrument.symbol], now), now_ns)
                self._imbalance(instrument, now_ns)

    def correct(self, instrument: Instrument, now_ns: int) -> None:
        """The latest trade of a stock was at another price."""
        wrong = instrument.trades[-1]
        instrument.trade_id += 1
        right = wrong._replace(price=wrong.price + instrument.listing.price_step, trade_id=instrument.trade_id)
        instrument.trades[-1] = right
        instrument.last_price = right.price
        self._send(
            instrument,
            "trades",
            lambda codec, feed: encoding.stock_correction(codec, feed, wrong, right, now_ns),
            named="corrections",
        )

    def cancel(self, instrument: Instrument, now_ns: int) -> None:
        """The latest trade of a stock does not count; the one before it is the latest again."""
        if len(instrument.trades) < 2:
            return
        cancelled = instrument.trades.pop()
        instrument.last_price, instrument.last_size = instrument.trades[-1].price, instrument.trades[-1].size
        self._send(
            instrument,
            "trades",
            lambda codec, feed: encoding.stock_cancel(codec, feed, cancelled, now_ns),
            named="cancelErrors",
        )

    def _trade(self, event: Trade) -> None:
        self.minute_bars.add(event)

        def make(codec: Codec, feed: Feed) -> Message:
            if feed.kind == CRYPTO:
                return encoding.coin_trade(codec, event)
            is_bare = self._board.active(Fault.CONDITION_STRING, event.instrument.symbol) is not None
            return encoding.stock_trade(codec, feed, event, is_bare=is_bare)

        self._send(event.instrument, "trades", make)

    def _book(self, event: BookEvent) -> None:
        instrument = event.instrument

        def quote(codec: Codec, feed: Feed) -> Message:
            absent = self._absent_side(instrument.symbol)
            if feed.kind == CRYPTO:
                return encoding.coin_quote(codec, instrument, event.time_ns, absent=absent)
            is_bare = self._board.active(Fault.CONDITION_STRING, instrument.symbol) is not None
            return encoding.stock_quote(codec, feed, instrument, event.time_ns, absent=absent, is_bare=is_bare)

        def levels(codec: Codec, _feed: Feed) -> Message:
            bids, asks = (
                [(change.price, change.size) for change in event.changes if change.side is side]
                for side in (Side.BID, Side.ASK)
            )
            return encoding.coin_book(codec, instrument, bids, asks, event.time_ns, is_whole=False)

        if event.is_top_changed:
            self._send(instrument, "quotes", quote)
        self._send(instrument, "orderbooks", levels)

    def _status(self, instrument: Instrument, status: Status, now_ns: int) -> None:
        def make(codec: Codec, feed: Feed) -> Message:
            return encoding.stock_status(codec, feed, instrument, status, now_ns)

        self._send(instrument, "statuses", make)

    def _imbalance(self, instrument: Instrument, now_ns: int) -> None:
        self._send(
            instrument, "imbalances", lambda codec, feed: encoding.stock_imbalance(codec, feed, instrument, now_ns)
        )

    def _band(self, instrument: Instrument, now_ns: int) -> None:
        self._send(instrument, "lulds", lambda codec, feed: encoding.stock_band(codec, feed, instrument, now_ns))

    def _time(self, now_ns: int) -> None:
        is_quiet = self._board.active(Fault.QUIET_MARKET) is not None
        for bar in self.minute_bars.due(now_ns, [] if is_quiet else self._coins):
            self._send_bar("bars", "b", bar)
        if now_ns >= self._daily_due_ns:
            self._daily_due_ns = now_ns + int(self._limits.daily_bar_interval_s * SECOND_NS)
            self._daily_bars(now_ns // SECOND_NS)
        if now_ns >= self._bands_due_ns and not is_quiet:
            self._bands_due_ns = now_ns + int(self._limits.price_band_interval_s * SECOND_NS)
            for instrument in self._instruments.values():
                if kind_of(instrument) == STOCKS:
                    self._band(instrument, now_ns)

    def _daily_bars(self, now_s: int) -> None:
        """Of whatever traded since the last time."""
        for instrument in self._instruments.values():
            version = instrument.day.version
            if self._daily_versions.get(instrument) == version:
                continue
            self._daily_versions[instrument] = version
            bar = daily_bar(instrument, now_s, is_stock=kind_of(instrument) != CRYPTO)
            if bar is not None:
                self._send_bar("dailyBars", "d", bar)

    def _send_bar(self, channel: str, kind: str, bar: Bar) -> None:
        def make(codec: Codec, feed: Feed) -> Message:
            return encoding.bar(codec, kind, bar, delay_s=feed.delay_s if kind == "b" else 0)

        self._send(bar.instrument, channel, make)

    def _whole_book(self, session: AlpacaSession, instrument: Instrument) -> None:
        book = instrument.book

        def make(codec: Codec, _feed: Feed) -> Message:
            bids, asks = book.bids.top(len(book.bids)), book.asks.top(len(book.asks))
            return encoding.coin_book(codec, instrument, bids, asks, instrument.changed_at_ns, is_whole=True)

        session.take(self._built(session.codec, session.feed, instrument.symbol, "orderbooks", make))

    def _send(self, instrument: Instrument, channel: str, make: Make, *, named: str = "") -> None:
        """Encode once for each flavour and encoding that is wanted, and hand it to every connection.

        `named` is the channel of a message that goes to the subscribers of another one.
        """
        built: dict[tuple[str, str], Outgoing] = {}
        for feed in _FEEDS_OF[kind_of(instrument)]:
            routes = self._routes.get((feed, channel))
            if not routes:
                continue
            for session in dict.fromkeys([*routes.get(instrument.symbol, ()), *routes.get(ALL, ())]):
                key = (feed.flavour, session.codec.name)
                if key not in built:
                    is_recorded = not any(flavour == feed.flavour for flavour, _ in built)
                    built[key] = self._built(
                        session.codec, feed, instrument.symbol, named or channel, make, is_recorded=is_recorded
                    )
                session.take(built[key])
                self._waiting.add(session)

    def _built(
        self, codec: Codec, feed: Feed, symbol: str, channel: str, make: Make, *, is_recorded: bool = True
    ) -> Outgoing:
        """A message in one encoding, or the frames that faults make of it; recorded as sent, as JSON text."""
        message = codec.encode(make(codec, feed))
        if not (self._board.has_data_faults or self._faults.is_holding):
            if is_recorded:
                text = message if codec is JSON else JSON.encode(make(JSON, feed))
                self._record(symbol, channel, text.decode())
            return Outgoing(message)
        sequence = f"{feed.flavour} {codec.name} {channel} {symbol}"
        payloads = self._faults.apply(sequence, symbol, codec.joined([message]), codec.form)
        for payload in payloads:
            self._record(symbol, channel, codec.text(payload))
        return Outgoing(None, tuple(map(codec.frame, payloads)))

    def _absent_side(self, symbol: str) -> Side | None:
        fault = self._board.active(Fault.ONE_SIDED_QUOTES, symbol)
        if fault is None:
            return None
        return Side.ASK if fault.text("side") == "ask" else Side.BID


def kind_of(instrument: Instrument) -> str:
    """What kind of feed brings an instrument."""
    if instrument.symbol == TEST_SYMBOL:
        return TEST
    return STOCKS if instrument.symbol in SECURITIES else CRYPTO
