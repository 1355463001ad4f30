"""An adapter as another distribution would bring it: a polled venue with keys, see `venue.py`.

It is registered by that distribution's metadata:

    [project.entry-points."tickmux.adapters"]
    acme = "acme_tickmux.adapter:ADAPTER"
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, NoReturn
from urllib.parse import urlsplit

import aiohttp
import msgspec
from tests.adapters.conformance.acme.messages import AcmeSettings, Entry, Listing, Quotes, Ticker

from tickmux_adapters.backoff import Backoff
from tickmux_adapters.conversation import BAD_FRAME
from tickmux_adapters.errors import VenueError, VenueRejected
from tickmux_adapters.exactness import decimal_value, is_exact
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import (
    ChannelStatus,
    Clock,
    Instrument,
    InstrumentState,
    Moment,
    QuoteUpdate,
    Sink,
    SourceState,
)
from tickmux_adapters.pacing import SlidingWindow
from tickmux_adapters.registry import AdapterType
from tickmux_adapters.rest import RestClient
from tickmux_adapters.symbols import canonical_pair, nearest

logger = logging.getLogger(__name__)

CHANNEL: Final = "0"
REQUESTS: Final = (100, 1.0)
"""Requests that the venue takes in so many seconds."""


class AcmeAdapter:
    """One source; see `tickmux_adapters.model.Adapter`."""

    def __init__(self, source: str, settings: AcmeSettings, sink: Sink, clock: Clock) -> None:
        self._source = source
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._health = ChannelHealth(source=source, channel=CHANNEL, sink=sink, clock=clock)
        self._instruments: dict[str, Instrument] = {}
        self._previous: dict[str, Ticker] = {}

    def statuses(self) -> list[ChannelStatus]:
        """Health of the only slot."""
        return [self._health.status()]

    async def run(self) -> None:
        """Deliver until cancelled."""
        settings = self._settings
        backoff = Backoff(cap_s=settings.retry_cap_s, base_s=min(0.5, settings.retry_cap_s))
        self._health.announce()
        async with aiohttp.ClientSession(headers={"X-Acme-Key": settings.key}) as http:
            rest = RestClient(
                http=http,
                base_url=settings.url,
                clock=self._clock,
                timeout_s=settings.answer_timeout_s,
                weights=SlidingWindow(limit=REQUESTS[0], window_s=REQUESTS[1]),
            )
            while True:
                began_ns = self._clock.monotonic_ns()
                try:
                    await self._serve_chain(rest)
                except VenueError as error:
                    self.enter_failure(error)
                    await self.pause(rest, backoff, error, self._clock.monotonic_ns() - began_ns)

    async def _serve_chain(self, rest: RestClient) -> NoReturn:
        """Poll until it fails: one unbroken chain of quotes.

        Raises:
            VenueError: what ended it.
        """
        if not self._instruments:
            self.take_listing(await self.list(rest))
        body = await self.poll(rest)
        self._previous.clear()
        self.begin_chain()
        while True:
            self.take(body)
            await asyncio.sleep(self._settings.poll_s)
            body = await self.poll(rest)

    async def list(self, rest: RestClient) -> Listing:
        """What the venue lists."""
        try:
            return msgspec.json.decode(await rest.get("/v1/listing", {}, weight=1), type=Listing)
        except msgspec.MsgspecError as error:
            raise VenueError(f"the listing could not be understood: {error}") from error

    async def poll(self, rest: RestClient) -> bytes:
        """The present quotes, as the venue writes them."""
        return await rest.get("/v1/quotes", {"codes": ",".join(self._instruments)}, weight=1)

    async def pause(self, _rest: RestClient, backoff: Backoff, error: VenueError, lasted_ns: int) -> None:
        """Wait before trying again, for as long as the venue wants."""
        await asyncio.sleep(backoff.after_failure(error, connected_ns=lasted_ns))

    def take_listing(self, listing: Listing) -> None:
        """Announce what was configured and is listed, and name what is not."""
        listed = {canonical_pair(entry.base, entry.quote): entry for entry in listing.listing}
        for symbol in self._settings.symbols or listed:
            if symbol in listed:
                self.announce(self._instrument(symbol, listed[symbol]))
        self.name_unlisted(listed)

    def name_unlisted(self, listed: Mapping[str, Entry]) -> None:
        """Say in the status which symbols cannot be served, and what may have been meant."""
        unlisted = [symbol for symbol in self._settings.symbols if symbol not in listed]
        self._health.note("; ".join(f"{each} is not listed (nearest: {nearest(each, listed)})" for each in unlisted))

    def announce(self, instrument: Instrument) -> None:
        """Take an instrument, and say that it exists."""
        self._instruments[instrument.venue_symbol] = instrument
        self._sink.instrument(instrument)

    def begin_chain(self) -> None:
        """What was said before may be out of date."""
        self._sink.begin_chain(self._source, CHANNEL)

    def take(self, body: bytes) -> None:
        """Deliver what a body says that is new; it proves that the venue is well if any of it was understood."""
        moment = Moment(self._clock.wall_ns(), self._clock.monotonic_ns())
        self._health.messages += 1
        self._health.last_message_ns = moment.wall_ns
        try:
            entries = msgspec.json.decode(body, type=Quotes).quotes
        except BAD_FRAME as error:
            self.skip(error, body)
            return
        for raw in entries:
            try:
                update = self._read(msgspec.json.decode(raw, type=Ticker), moment)
            except BAD_FRAME as error:
                self.skip(error, bytes(raw))
                continue
            self._health.enter(SourceState.LIVE, "")
            if update is not None:
                self.deliver(update)

    def skip(self, error: Exception, sample: bytes) -> None:
        """Count what could not be understood."""
        self._health.count_malformed(str(error), sample)

    def deliver(self, update: QuoteUpdate) -> None:
        """Hand an update on."""
        self._sink.quote(update)

    def _read(self, ticker: Ticker, moment: Moment) -> QuoteUpdate | None:
        if ticker == self._previous.get(ticker.code):
            self._health.duplicates += 1
            return None
        if ticker.code not in self._instruments:
            raise ValueError(f"a quote that we did not ask for: {ticker.code[:40]!r}")
        update = QuoteUpdate(
            instrument=self._instruments[ticker.code].key,
            received_at_ns=moment.wall_ns,
            received_monotonic_ns=moment.monotonic_ns,
            venue_time_ns=None if ticker.time_us is None else ticker.time_us * 1_000,
            bid_price=self._number(ticker.bid),
            ask_price=self._number(ticker.ask),
            last_price=self._number(ticker.last),
            volume=self._number(ticker.volume) or 0.0,
        )
        self._previous[ticker.code] = ticker
        return update

    def _number(self, text: str) -> float | None:
        self._health.inexact += not is_exact(text)
        return decimal_value(text)

    def enter_failure(self, error: VenueError) -> None:
        """Say what is wrong; the venue repeats our key when it refuses it, and we do not."""
        text = str(error).replace(self._settings.key, "***")
        state = SourceState.THROTTLED if error.retry_after_s else SourceState.DOWN
        self._health.enter(SourceState.REJECTED if isinstance(error, VenueRejected) else state, text)
        logger.warning("%s: %s", self._source, text)

    def _instrument(self, symbol: str, entry: Entry) -> Instrument:
        return Instrument(
            source=self._source,
            symbol=symbol,
            type="crypto",
            exchange="Acme",
            channel=CHANNEL,
            venue_symbol=entry.code,
            base=entry.base,
            quote=entry.quote,
            state=InstrumentState.TRADING,
        )


ADAPTER: Final = AdapterType(
    name="acme",
    settings=AcmeSettings,
    create=AcmeAdapter,
    is_simulated=lambda settings: urlsplit(settings.url).hostname != "api.acme.example",
)
