"""What the streams say of one instrument, in order and once each. No I/O."""

from typing import Any, Final

from tickmux_adapters.alpaca.conditions import halts, is_present_market
from tickmux_adapters.alpaca.market import Market
from tickmux_adapters.alpaca.messages import BarData, Cancel, Correction, Number, QuoteData, Status, TradeData
from tickmux_adapters.alpaca.trades import RecentTrades, RememberedTrade, TradeKey
from tickmux_adapters.conversation import Heard
from tickmux_adapters.exactness import SURELY_EXACT_CHARS_MAX, decimal_value, is_exact
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import UNCHANGED, Field, Instrument, InstrumentState, Moment, QuoteUpdate
from tickmux_adapters.repeats import Repeats

INFINITY: Final = float("inf")
DAY_NS: Final = 86_400 * 1_000_000_000

Said = QuoteUpdate | Heard
"""What a message says of its instrument, or only proves of the connection."""
Top = tuple[Number, Number, Number, Number]
"""Bid price and size, ask price and size, as they were written."""


class InstrumentStreams:
    """Quotes, trades, daily bars and statuses of one instrument: their order, and what they say."""

    __slots__ = (
        "_bar",
        "_bar_start_ns",
        "_delayed",
        "_ended_start_ns",
        "_halt_ns",
        "_halted",
        "_health",
        "_is_halt_doubtful",
        "_lot",
        "_quote_ns",
        "_quote_repeats",
        "_quote_seen",
        "_session_end_ns",
        "_status",
        "_status_ns",
        "_top",
        "_trade_ns",
        "_trade_repeats",
        "_trade_seen",
        "_trades",
        "instrument",
    )

    def __init__(self, instrument: Instrument, market: Market, health: ChannelHealth) -> None:
        self.instrument = instrument
        self._health = health
        self._lot = market.lot
        self._delayed = True if market.is_delayed else UNCHANGED
        self._halted = False
        self._halt_ns: int | None = None
        self._is_halt_doubtful = False
        self.begin_chain()

    def begin_chain(self) -> None:
        """Forget what came before, but for a halt: what ended it may have been missed, or may be still to come."""
        self._quote_ns = self._trade_ns = self._bar_start_ns = self._ended_start_ns = self._status_ns = -1
        self._quote_seen = self._trade_seen = False
        self._top: Top | None = None
        self._bar: Number = None
        self._status = ""
        self._session_end_ns: int | None = None
        self._trades = RecentTrades()
        self._quote_repeats = Repeats()
        self._trade_repeats = Repeats()
        self._is_halt_doubtful = self._halted

    @property
    def is_stuck(self) -> bool:
        """Whether a stream brings only the past: its clock was set back."""
        return self._quote_repeats.stuck(self._quote_ns) or self._trade_repeats.stuck(self._trade_ns)

    @property
    def is_halted(self) -> bool:
        """Whether it does not trade, as far as is known: halted, or not listed any more."""
        return self._halted or self.instrument.state is InstrumentState.DELISTED

    def halt_update(self, moment: Moment) -> QuoteUpdate:
        """That it is halted, or is not, without a message that says so."""
        return self._update(moment, None, halted=self.is_halted)

    def quote(self, data: QuoteData[Any], venue_ns: int | None, moment: Moment) -> Said:
        """A best bid and ask. One of the same time is news, unless it says the same."""
        top = (data.bid_price, data.bid_size, data.ask_price, data.ask_size)
        if venue_ns is not None and venue_ns < self._quote_ns:
            return self._skip(self._quote_repeats, venue_ns, self._quote_ns, moment)
        if venue_ns == self._quote_ns and top == self._top:
            return self._skip(None, 0, 0, moment)
        update = self._quote_update(data, venue_ns, moment)
        self._top = top
        self._quote_seen = True
        if venue_ns is not None:
            self._quote_ns = venue_ns
        return update

    def trade(self, data: TradeData[Any], venue_ns: int | None, moment: Moment) -> Said:
        """A trade: the last price, if it was made at the market of its time."""
        price = self._number(data.price)
        if not price or not is_present_market(data.conditions, data.tape):
            return Heard.DATA
        if venue_ns is not None and venue_ns < self._trade_ns:
            return self._skip(self._trade_repeats, venue_ns, self._trade_ns, moment)
        key, trade = (data.exchange, data.id), RememberedTrade(price, venue_ns, moment.monotonic_ns)
        known = self._trades.get(key)
        if known is not None and (known.price, known.time_ns) == (price, venue_ns):
            return self._skip(None, 0, 0, moment)
        self._trades.add(key, trade)
        self._trade_seen = True
        if venue_ns is not None:
            self._trade_ns = venue_ns
        return self._update(
            moment,
            venue_ns,
            last_price=price,
            volume=self._ended_session(venue_ns),
            halted=False if self._ends_doubtful_halt(venue_ns) else UNCHANGED,
        )

    def correction(self, data: Correction[Any], venue_ns: int | None, moment: Moment) -> Said:
        """A trade had another price, or was none of the market: it changes the last price if it made it."""
        key = (data.exchange, data.wrong_id)
        wrong = self._trades.get(key)
        price = self._number(data.price)
        if wrong is None:
            return self._void(key)
        if not price or not is_present_market(data.conditions, data.tape):
            return self._take_back(key, venue_ns, moment)
        if key == (data.exchange, data.id) and price == wrong.price:
            return self._skip(None, 0, 0, moment)
        is_last = wrong is self._trades.last
        self._trades.replace(key, (data.exchange, data.id), price)
        if not is_last:
            return Heard.DATA
        return self._update(moment, venue_ns, last_price=price, last_seen_ns=wrong.seen_ns)

    def cancel(self, data: Cancel[Any], venue_ns: int | None, moment: Moment) -> Said:
        """A trade does not count: the one before it is the last, if it is known."""
        return self._take_back((data.exchange, data.id), venue_ns, moment)

    def daily_bar(self, data: BarData[Any], start_ns: int | None, moment: Moment) -> Said:
        """The session's volume. The time of a bar is the session's beginning, so that the update has none."""
        if start_ns is not None and (start_ns < self._bar_start_ns or start_ns <= self._ended_start_ns):
            return self._skip(None, 0, 0, moment)
        if start_ns == self._bar_start_ns and data.volume == self._bar:
            return self._skip(None, 0, 0, moment)
        update = self._update(moment, None, volume=self._number(data.volume))
        self._bar = data.volume
        if start_ns is not None:
            self._bar_start_ns = start_ns
            self._session_end_ns = start_ns + DAY_NS
        return update

    def status(self, data: Status[Any], venue_ns: int | None, moment: Moment) -> Said:
        """A halt or a resumption."""
        if venue_ns is not None and venue_ns < self._status_ns:
            return self._skip(None, 0, 0, moment)
        if venue_ns == self._status_ns and data.code == self._status:
            return self._skip(None, 0, 0, moment)
        self._status = data.code
        if venue_ns is not None:
            self._status_ns = venue_ns
        halted = halts(data.code)
        if halted is None:
            return Heard.DATA
        self._halted = halted
        self._halt_ns = venue_ns if halted else None
        self._is_halt_doubtful = False
        return self._update(moment, venue_ns, halted=self.is_halted)

    def seed_quote(self, data: QuoteData[str], venue_ns: int | None, moment: Moment) -> QuoteUpdate | None:
        """A best bid and ask from a request, unless the stream has brought one in this chain."""
        # It sets no order: what the stream brings next may be some milliseconds older, and what follows is newer.
        return None if self._quote_seen else self._quote_update(data, venue_ns, moment)

    def seed_trade(self, data: TradeData[str], venue_ns: int | None, moment: Moment) -> QuoteUpdate | None:
        """A last trade from a request, unless the stream has brought one in this chain, or taken this one back."""
        key, price = (data.exchange, data.id), self._number(data.price)
        if self._trade_seen or self._trades.is_void(key):
            return None
        if not price or not is_present_market(data.conditions, data.tape):
            return None
        self._trades.add(key, RememberedTrade(price, venue_ns, moment.monotonic_ns))
        # Asked for once more it would come back though the stream has cancelled it since.
        self._trade_seen = True
        return self._update(
            moment,
            venue_ns,
            last_price=price,
            halted=False if self._ends_doubtful_halt(venue_ns) else UNCHANGED,
        )

    def seed_bar(
        self, data: BarData[str], start_ns: int | None, newest_ns: int | None, moment: Moment
    ) -> QuoteUpdate | None:
        """A session's volume from a request, unless the stream has brought it, or another session has begun since.

        `newest_ns` is the venue's time of the newest quote or trade beside it. By this, and not by our clock, the bar
        is one of the present session or of an earlier one: sessions begin at midnight in New York.
        """
        if self._bar is not None or start_ns is None or newest_ns is None:
            return None
        if not start_ns <= newest_ns < start_ns + DAY_NS:
            return None
        self._bar = data.volume
        self._session_end_ns = start_ns + DAY_NS
        return self._update(moment, None, volume=self._number(data.volume))

    def _quote_update(self, data: QuoteData[Any], venue_ns: int | None, moment: Moment) -> QuoteUpdate:
        bid, bid_size = self._side(data.bid_price, data.bid_size)
        ask, ask_size = self._side(data.ask_price, data.ask_size)
        return self._update(
            moment,
            venue_ns,
            bid_price=bid,
            bid_size=bid_size,
            ask_price=ask,
            ask_size=ask_size,
            volume=self._ended_session(venue_ns),
        )

    def _take_back(self, key: TradeKey, venue_ns: int | None, moment: Moment) -> Said:
        trade = self._trades.get(key)
        if trade is None:
            return self._void(key)
        was_last = trade is self._trades.last
        self._trades.remove(key)
        if not was_last:
            return Heard.DATA
        before = self._trades.last
        if before is None:
            return self._update(moment, venue_ns, last_price=None)
        # An old price stands again, which makes it no newer.
        return self._update(moment, venue_ns, last_price=before.price, last_seen_ns=before.seen_ns)

    def _void(self, key: TradeKey) -> Said:
        # It was made before the stream told us of trades, so that the seed may still bring it.
        if not self._trade_seen:
            self._trades.void(key)
        return Heard.DATA

    def _ended_session(self, venue_ns: int | None) -> Field:
        """None, once, when a quote or trade is of a day after that of the volume; else what leaves it as it is."""
        if venue_ns is None or self._session_end_ns is None or venue_ns < self._session_end_ns:
            return UNCHANGED
        # The session's last bar may come after the first quotes of the next.
        self._ended_start_ns = self._session_end_ns - DAY_NS
        self._session_end_ns = None
        return None

    def _ends_doubtful_halt(self, venue_ns: int | None) -> bool:
        """Whether a trade shows that a halt of an earlier chain ended while no connection could tell."""
        if not self._is_halt_doubtful or venue_ns is None:
            return False
        if self._halt_ns is None:
            # The venue did not date the halt, and our clock is not the venue's. Trades of a later chain tell the time
            # instead: the first, seeded or not, may have been made before the halt; one that the venue dates after it
            # was made since this chain began, thus after the halt was told.
            self._halt_ns = venue_ns
        if venue_ns <= self._halt_ns:
            return False
        self._halted = self._is_halt_doubtful = False
        return not self.is_halted

    def _update(
        self,
        moment: Moment,
        venue_ns: int | None,
        *,
        bid_price: Field = UNCHANGED,
        bid_size: Field = UNCHANGED,
        ask_price: Field = UNCHANGED,
        ask_size: Field = UNCHANGED,
        last_price: Field = UNCHANGED,
        last_seen_ns: int | None = None,
        volume: Field = UNCHANGED,
        halted: Any = UNCHANGED,
    ) -> QuoteUpdate:
        if venue_ns is not None:
            self._health.lag_ns = moment.wall_ns - venue_ns
        return QuoteUpdate(
            instrument=self.instrument.key,
            received_at_ns=moment.wall_ns,
            received_monotonic_ns=moment.monotonic_ns,
            venue_time_ns=venue_ns,
            bid_price=bid_price,
            bid_size=bid_size,
            ask_price=ask_price,
            ask_size=ask_size,
            last_price=last_price,
            last_seen_monotonic_ns=last_seen_ns,
            volume=volume,
            halted=halted,
            delayed=self._delayed,
        )

    def _side(self, price: Number, size: Number) -> tuple[float | None, float | None]:
        value, units = self._number(price), self._number(size)
        # Nobody stands there: the venue writes zeros for it.
        return (value, units * self._lot) if value and units else (None, None)

    def _number(self, number: Number) -> float:
        """The value of a number.

        Raises:
            ValueError: it is none, or negative, or not finite.
        """
        kind = number.__class__
        if kind is float:
            if not 0.0 <= number < INFINITY:
                raise ValueError(f"not a finite, non-negative number: {number}")
            # Msgpack brings doubles. One whose shortest text has more digits than a double holds exactly was made of a
            # decimal with more.
            if not is_exact(repr(number)):
                self._health.inexact += 1
            return float(number)
        if kind is not str and kind is not int:
            raise ValueError(f"not a number: {str(number)[:40]!r}")
        text = str(number)
        if len(text) > SURELY_EXACT_CHARS_MAX and not is_exact(text):
            self._health.inexact += 1
        return decimal_value(text) or 0.0

    def _skip(self, repeats: Repeats | None, venue_ns: int, stands_at: int, moment: Moment) -> Heard:
        self._health.duplicates += 1
        if repeats is not None and venue_ns < stands_at:
            repeats.note(stands_at, moment.monotonic_ns)
        return Heard.NOTHING
