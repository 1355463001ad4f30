"""One slot of Binance: its instruments, their halts, and the state that is fetched when a chain begins."""

from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec

from tickmux_adapters.binance.catalogue import state_of
from tickmux_adapters.binance.conversation import BinanceConversation
from tickmux_adapters.binance.decoder import BinanceDecoder
from tickmux_adapters.binance.messages import ExchangeInfo
from tickmux_adapters.binance.rest import BinanceRest, batches, names_unknown_symbol
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
        """Fetch top of book, last price and volume of every instrument: a quiet one may not send any for hours.

        Books come first, and what fails withholds nothing else.

        Raises:
            VenueError: the first failure, after everything was tried.
        """
        failure: VenueError | None = None
        for seed_part in (self._seed_books, self._seed_days):
            for batch in batches(self._listed(self._instruments)):
                try:
                    await self._seed_batch(seed_part, batch)
                except VenueError as error:
                    failure = failure or error
        if failure is not None:
            raise failure

    async def _seed_batch(self, seed_part: Callable[[Sequence[str]], Awaitable[None]], batch: Sequence[str]) -> None:
        try:
            await seed_part(batch)
        except VenueError as error:
            if not names_unknown_symbol(error):
                raise
            # The venue refuses the whole request for one symbol that is listed no more, and does not say which.
            self.take_listing(await self._rest.exchange_info(), self._now())
            remaining = self._listed(batch)
            if len(remaining) == len(batch):
                raise
            if remaining:
                await seed_part(remaining)

    async def _seed_books(self, symbols: Sequence[str]) -> None:
        tickers = await self._rest.book_tickers(symbols)
        moment = self._now()
        for ticker in tickers:
            self._decoder.seed_book(ticker, moment)

    async def _seed_days(self, symbols: Sequence[str]) -> None:
        tickers = await self._rest.day_tickers(symbols)
        moment = self._now()
        for ticker in tickers:
            self._decoder.seed_day(ticker, moment)

    def take_listing(self, info: ExchangeInfo, moment: Moment) -> None:
        """Take every instrument's state from the venue's listing; one that is not in it is delisted."""
        states = {listed.symbol: state_of(listed.status) for listed in info.symbols}
        for venue_symbol in self.venue_symbols:
            self._take_state(venue_symbol, states.get(venue_symbol, InstrumentState.DELISTED), moment)

    def _listed(self, venue_symbols: Iterable[str]) -> list[str]:
        return [each for each in venue_symbols if self._instruments[each].state is not InstrumentState.DELISTED]

    def _now(self) -> Moment:
        return Moment(self._clock.wall_ns(), self._clock.monotonic_ns())

    def _take_state(self, venue_symbol: str, state: InstrumentState, moment: Moment) -> None:
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
