"""One slot of Binance: its instruments, their halts, and the state that is fetched when a chain begins."""

from collections.abc import Sequence

import msgspec

from tickmux_adapters.binance.conversation import BinanceConversation
from tickmux_adapters.binance.decoder import BinanceDecoder
from tickmux_adapters.binance.rest import BinanceRest, batches
from tickmux_adapters.errors import VenueError
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Clock, Instrument, InstrumentState, Moment, QuoteUpdate, Sink


class BinanceFeed:
    """What the supervision of a slot drives; see `conversation.Feed`."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        rest: BinanceRest,
        sink: Sink,
        health: ChannelHealth,
        clock: Clock,
        answer_timeout_s: float,
    ) -> None:
        self._instruments = {instrument.venue_symbol: instrument for instrument in instruments}
        self._rest = rest
        self._sink = sink
        self._clock = clock
        self._answer_timeout_s = answer_timeout_s
        self._decoder = BinanceDecoder(instruments, sink, health)
        self._chain_begun = False

    @property
    def venue_symbols(self) -> list[str]:
        """The venue's names of the slot's instruments."""
        return list(self._instruments)

    def converse(self) -> BinanceConversation:
        """Begin the talk over a new connection."""
        return BinanceConversation(self._decoder, self._clock, answer_timeout_s=self._answer_timeout_s)

    def begin_chain(self, moment: Moment) -> None:
        """Start anew; what is halted is said first, as the streams do not tell."""
        self._chain_begun = True
        self._decoder.begin_chain()
        for instrument in self._instruments.values():
            if instrument.state is not InstrumentState.TRADING:
                self._tell_halted(instrument, moment)

    async def seed(self) -> None:
        """Fetch top of book, last price and volume of every instrument: a quiet one may not send any for hours."""
        for batch in batches(self.venue_symbols):
            book_tickers = await self._rest.book_tickers(batch)
            moment = Moment(self._clock.wall_ns(), self._clock.monotonic_ns())
            day_tickers = await self._rest.day_tickers(batch)
            day_moment = Moment(self._clock.wall_ns(), self._clock.monotonic_ns())
            try:
                for book_ticker in book_tickers:
                    self._decoder.seed_book(book_ticker, moment)
                for day_ticker in day_tickers:
                    self._decoder.seed_day(day_ticker, day_moment)
            except ValueError as error:
                raise VenueError(f"the venue's answer could not be understood: {error}") from error

    def take_state(self, venue_symbol: str, state: InstrumentState, moment: Moment) -> None:
        """Take an instrument's state from the venue's listing; say so if it is another than before."""
        before = self._instruments[venue_symbol]
        if state is before.state:
            return
        instrument = msgspec.structs.replace(before, state=state)
        self._instruments[venue_symbol] = instrument
        self._sink.instrument(instrument)
        was_halted = before.state is not InstrumentState.TRADING
        if self._chain_begun and was_halted != (state is not InstrumentState.TRADING):
            self._tell_halted(instrument, moment)

    def _tell_halted(self, instrument: Instrument, moment: Moment) -> None:
        self._sink.quote(
            QuoteUpdate(
                instrument=instrument.key,
                received_at_ns=moment.wall_ns,
                received_monotonic_ns=moment.monotonic_ns,
                halted=instrument.state is not InstrumentState.TRADING,
            )
        )
