"""A Binance source: lists what was configured, keeps its slots delivering, and looks for halts."""

import asyncio
import logging
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import aiohttp

from tickmux_adapters.backoff import Backoff
from tickmux_adapters.binance.catalogue import match
from tickmux_adapters.binance.feed import BinanceFeed
from tickmux_adapters.binance.messages import ExchangeInfo
from tickmux_adapters.binance.rest import BinanceRest, names_unknown_symbol, weight_window
from tickmux_adapters.binance.settings import DEFAULT_SYMBOLS, DOCUMENTED_HOSTS, BinanceSettings
from tickmux_adapters.errors import VenueError, VenueRejected
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import (
    ChannelStatus,
    Clock,
    Instrument,
    Moment,
    Sink,
    SourceState,
)
from tickmux_adapters.pacing import SlidingWindow
from tickmux_adapters.registry import AdapterType
from tickmux_adapters.rest import RestClient
from tickmux_adapters.slot import Slot
from tickmux_adapters.supervision import check_settings, points_elsewhere, wanted_symbols

logger = logging.getLogger(__name__)

INSTRUMENTS_PER_SLOT: Final = 300
"""Three streams each and the canary stay under the 1 024 streams of a connection."""
CONNECTS: Final = (300, 300.0)
"""Connection attempts that the venue allows an address: 300 in 5 minutes."""
CONTROL_MESSAGES: Final = (4, 1.0)
"""One less than the 5 a second that the venue takes before it cuts the connection."""
RELIST_S: Final = 60.0
"""Time between two looks at the listing while nothing of what was configured is in it."""


class BinanceAdapter:
    """One source; see `model.Adapter`."""

    def __init__(self, source: str, settings: BinanceSettings, sink: Sink, clock: Clock) -> None:
        """Prepare; no I/O.

        Raises:
            SettingsError: a URL or a time cannot work.
        """
        check_settings(source, settings)
        self._source = source
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._symbols = wanted_symbols(settings.symbols, DEFAULT_SYMBOLS)
        self._connects = SlidingWindow(limit=CONNECTS[0], window_s=CONNECTS[1])
        # A slot holds so many of the configured symbols, listed or not: a listing that changes moves none to another.
        self._healths = [
            ChannelHealth(source=source, channel=str(number), sink=sink, clock=clock)
            for number in range(-(-len(self._symbols) // INSTRUMENTS_PER_SLOT))
        ]
        self._feeds: list[BinanceFeed] = []

    def statuses(self) -> list[ChannelStatus]:
        """Health of every slot now."""
        return [health.status() for health in self._healths]

    async def run(self) -> None:
        """Deliver until cancelled."""
        for health in self._healths:
            health.announce()
        async with aiohttp.ClientSession() as http:
            rest = BinanceRest(
                RestClient(
                    http=http,
                    base_url=self._settings.rest_url,
                    clock=self._clock,
                    timeout_s=self._settings.answer_timeout_s,
                    weights=weight_window(),
                )
            )
            listed = await self._list(rest)
            slots = [
                self._slot(http, rest, listed[health.channel], health)
                for health in self._healths
                if health.channel in listed
            ]
            async with asyncio.TaskGroup() as tasks:
                for slot in slots:
                    tasks.create_task(slot.run())
                tasks.create_task(self._poll_states(rest))

    async def _list(self, rest: BinanceRest) -> dict[str, list[Instrument]]:
        """The instruments of each slot that has any, asked for until the venue answers and lists at least one."""
        backoff = Backoff(cap_s=self._settings.retry_cap_s, base_s=min(0.5, self._settings.retry_cap_s))
        while True:
            try:
                instruments = self._find(await rest.exchange_info())
            except VenueError as error:
                state = SourceState.REJECTED if isinstance(error, VenueRejected) else SourceState.DOWN
                for health in self._healths:
                    health.enter(state, str(error))
                delay_s = backoff.after_failure(error)
                logger.warning("%s: %s; trying again in %.1f s", self._source, error, delay_s)
                await asyncio.sleep(delay_s)
            else:
                slots: defaultdict[str, list[Instrument]] = defaultdict(list)
                for instrument in instruments:
                    self._sink.instrument(instrument)
                    slots[instrument.channel].append(instrument)
                for health in self._healths:
                    if health.channel not in slots:
                        health.enter(SourceState.DOWN, "none of its symbols is listed")
                return slots

    def _find(self, info: ExchangeInfo) -> tuple[Instrument, ...]:
        catalogue = match(info, self._symbols, source=self._source, instruments_per_channel=INSTRUMENTS_PER_SLOT)
        self._healths[0].note("; ".join(catalogue.problems))
        for problem in catalogue.problems:
            logger.warning("%s: %s", self._source, problem)
        if not catalogue.instruments:
            raise VenueError("none of the configured symbols is listed", retry_after_s=RELIST_S)
        return catalogue.instruments

    def _slot(
        self,
        http: aiohttp.ClientSession,
        rest: BinanceRest,
        instruments: Sequence[Instrument],
        health: ChannelHealth,
    ) -> Slot:
        feed = BinanceFeed(
            instruments,
            rest=rest,
            sink=self._sink,
            health=health,
            clock=self._clock,
            answer_timeout_s=self._settings.answer_timeout_s,
        )
        self._feeds.append(feed)
        return Slot(
            http=http,
            url=self._settings.websocket_url.rstrip("/") + "/stream?timeUnit=MICROSECOND",
            settings=self._settings,
            feed=feed,
            health=health,
            sink=self._sink,
            clock=self._clock,
            connects=self._connects,
            control_limit=CONTROL_MESSAGES,
        )

    async def _poll_states(self, rest: BinanceRest) -> None:
        """Look for halts. A failure is said and logged, and disturbs nothing: the streams go on."""
        while True:
            await asyncio.sleep(self._settings.states_poll_s * random.uniform(0.9, 1.1))  # noqa: S311 - spreads load
            try:
                await self._update_states(rest)
            except VenueError as error:
                for health in self._healths:
                    health.enter(health.state, f"cannot look for halts: {error}")
                logger.warning("%s: cannot look for halts: %s", self._source, error)

    async def _update_states(self, rest: BinanceRest) -> None:
        symbols = [symbol for feed in self._feeds for symbol in feed.venue_symbols]
        try:
            info = await rest.exchange_info_of(symbols)
        except VenueError as error:
            if not names_unknown_symbol(error):
                raise
            # One of them is listed no more; the whole listing says which.
            info = await rest.exchange_info()
        moment = Moment(self._clock.wall_ns(), self._clock.monotonic_ns())
        for feed in self._feeds:
            feed.take_listing(info, moment)


ADAPTER: Final = AdapterType(
    name="binance",
    settings=BinanceSettings,
    create=BinanceAdapter,
    is_simulated=lambda settings: points_elsewhere(settings, DOCUMENTED_HOSTS),
)
