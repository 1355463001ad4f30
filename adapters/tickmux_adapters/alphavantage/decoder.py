"""From Alpha Vantage's answers to quote updates, in order and once each. No I/O: a poller or a test feeds it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tickmux_adapters.alphavantage import answers
from tickmux_adapters.alphavantage.answers import Sighting
from tickmux_adapters.alphavantage.inquiries import Function, Inquiry
from tickmux_adapters.errors import MalformedMessage
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import UNCHANGED, Instrument, Moment, QuoteUpdate
from tickmux_adapters.poll_plan import LAPSE_TURNS
from tickmux_adapters.poller import PolledChain

DOUBT_NS: Final = 5_000_000_000
"""How long what is older than the quote may be skipped. What still comes after that is the present: the venue's clock
was set back, or what was quoted last was not the latest."""


class AlphaVantageDecoder:
    """The answers of one source."""

    def __init__(
        self,
        announce: Callable[[Instrument], None],
        chain: PolledChain,
        health: ChannelHealth,
        *,
        are_stocks_late: bool = False,
    ) -> None:
        """Prepare.

        Args:
            announce: is told of an instrument before its first quote: only then it is known to exist.
            chain: takes the quotes.
            health: counts what is skipped.
            are_stocks_late: the key has no right to stocks as they are now, whether or not an answer says so.
        """
        self._are_stocks_late = are_stocks_late
        self._announce = announce
        self._chain = chain
        self._health = health
        self._told: dict[str, _Told] = {}
        self._unread: dict[str, int] = {}
        """By symbol: answers in a row of which some rows could not be read, and none was about it."""
        self.unreadable: Sequence[Instrument] = []
        """Those of the latest answer of which nothing could be read for LAPSE_TURNS answers or more."""
        self._announced: set[str] = set()

    def take(self, inquiry: Inquiry, body: bytes, moment: Moment) -> Sequence[Instrument]:
        """Deliver what an answer says.

        Args:
            inquiry: what was asked.
            body: as it came, with HTTP 200.
            moment: when it had been read.

        Returns:
            Those that were asked for and that the venue does not know.

        Raises:
            Refused: the venue gives a reason instead of data; nothing was delivered.
            MalformedMessage: the answer could not be understood; nothing was delivered.
        """
        self.unreadable = []
        if inquiry.function is Function.BULK_QUOTES:
            return self._take_bulk(inquiry, body, moment)
        (instrument,) = inquiry.instruments
        is_pair = inquiry.function is Function.EXCHANGE_RATE
        sighting = (answers.exchange_rate if is_pair else answers.global_quote)(body, instrument)
        if sighting is None:
            return inquiry.instruments
        self._tell(instrument, sighting, moment)
        return ()

    def withdraw(self, instruments: Iterable[Instrument], moment: Moment) -> None:
        """Take back what was quoted in this chain: nobody keeps it fresh any more."""
        for instrument in instruments:
            told = self._told.pop(instrument.symbol, None)
            if told is None or told.chain != self._chain.number:
                continue
            is_pair = instrument.type != "stock"
            self._chain.quote(
                QuoteUpdate(
                    instrument=instrument.key,
                    received_at_ns=moment.wall_ns,
                    received_monotonic_ns=moment.monotonic_ns,
                    last_price=None,
                    bid_price=None if is_pair else UNCHANGED,
                    ask_price=None if is_pair else UNCHANGED,
                    volume=UNCHANGED if is_pair else None,
                    delayed=False if told.sighting.is_delayed else UNCHANGED,
                )
            )

    def _take_bulk(self, inquiry: Inquiry, body: bytes, moment: Moment) -> Sequence[Instrument]:
        missing = {answers.row_name(each): each for each in inquiry.instruments}
        asked = dict(missing)
        is_whole = True
        for row in answers.bulk_rows(body):
            try:
                name, sighting = answers.bulk_row(row)
            except MalformedMessage as error:
                is_whole = False
                self._health.count_malformed(error.problem, row.body)
                continue
            if name not in asked:
                self._health.count_malformed("a stock that we did not ask for", row.body)
            elif missing.pop(name, None) is None:
                self._health.duplicates += 1
            else:
                self._tell(asked[name], sighting, moment)
        if len(missing) == len(asked):
            raise MalformedMessage("no row is about any stock that was asked for")
        if is_whole:
            self._unread.clear()
            return list(missing.values())
        # One of the rows that could not be read may have been about it, or it may be unknown: the quote of before
        # stands, but not for long.
        self._unread = {each.symbol: self._unread.get(each.symbol, 0) + 1 for each in missing.values()}
        self.unreadable = [each for each in missing.values() if self._unread[each.symbol] >= LAPSE_TURNS]
        return ()

    def _tell(self, instrument: Instrument, sighting: Sighting, moment: Moment) -> None:
        if instrument.symbol not in self._announced:
            self._announced.add(instrument.symbol)
            self._announce(instrument)
        if self._are_stocks_late and instrument.type == "stock":
            sighting = sighting._replace(is_delayed=True)
        if sighting.venue_time_ns is not None:
            self._health.lag_ns = moment.wall_ns - sighting.venue_time_ns
        told = self._told.get(instrument.symbol)
        if told is None or told.chain != self._chain.number:
            # The chain that it was told in is over, and with it what stood there.
            told = None
        elif sighting.venue_time_ns is not None and not told.is_news(sighting, moment.monotonic_ns):
            self._health.duplicates += 1
            return
        self._told[instrument.symbol] = _Told(self._chain.number, sighting)
        self._health.inexact += sighting.inexact
        # A chain begins with what is not delayed.
        was_delayed = told is not None and told.sighting.is_delayed
        self._chain.quote(
            QuoteUpdate(
                instrument=instrument.key,
                received_at_ns=moment.wall_ns,
                received_monotonic_ns=moment.monotonic_ns,
                venue_time_ns=sighting.venue_time_ns,
                bid_price=sighting.bid,
                ask_price=sighting.ask,
                last_price=sighting.last,
                volume=sighting.volume,
                delayed=UNCHANGED if sighting.is_delayed == was_delayed else sighting.is_delayed,
            )
        )


class _Told:
    """What was last delivered of an instrument."""

    __slots__ = ("_past_since_ns", "chain", "sighting")

    def __init__(self, chain: int, sighting: Sighting) -> None:
        self.chain = chain
        self.sighting = sighting
        self._past_since_ns: int | None = None

    def is_news(self, sighting: Sighting, monotonic_ns: int) -> bool:
        """Whether a dated sighting is neither this one again nor, without doubt, an older one."""
        stands_ns, comes_ns = self.sighting.venue_time_ns, sighting.venue_time_ns
        if stands_ns is None or comes_ns is None or comes_ns > stands_ns:
            return True
        if comes_ns == stands_ns:
            self._past_since_ns = None
            return sighting != self.sighting
        if self._past_since_ns is None:
            self._past_since_ns = monotonic_ns
        return monotonic_ns - self._past_since_ns >= DOUBT_NS
