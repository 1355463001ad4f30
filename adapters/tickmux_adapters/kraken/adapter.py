"""A Kraken source: its slots, each of which lists, subscribes and watches for itself."""

import asyncio
from typing import Final

import aiohttp

from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.kraken.feed import KrakenFeed
from tickmux_adapters.kraken.settings import DEFAULT_SYMBOLS, DOCUMENTED_HOSTS, KrakenSettings
from tickmux_adapters.model import ChannelStatus, Clock, Sink
from tickmux_adapters.pacing import SlidingWindow
from tickmux_adapters.registry import AdapterType
from tickmux_adapters.slot import Slot
from tickmux_adapters.supervision import check_settings, points_elsewhere, wanted_symbols

INSTRUMENTS_PER_SLOT: Final = 200
CONNECTS: Final = (150, 600.0)
"""Connection attempts that the venue allows an address: about 150 in 10 minutes."""
CONTROL_MESSAGES: Final = (4, 1.0)
"""The venue publishes no limit and varies it with its load."""


class KrakenAdapter:
    """One source; see `model.Adapter`."""

    def __init__(self, source: str, settings: KrakenSettings, sink: Sink, clock: Clock) -> None:
        """Prepare; no I/O.

        Raises:
            SettingsError: a URL or a time cannot work.
        """
        check_settings(source, settings)
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._connects = SlidingWindow(limit=CONNECTS[0], window_s=CONNECTS[1])
        symbols = wanted_symbols(settings.symbols, DEFAULT_SYMBOLS)
        self._symbols = [
            symbols[start : start + INSTRUMENTS_PER_SLOT] for start in range(0, len(symbols), INSTRUMENTS_PER_SLOT)
        ]
        self._healths = [
            ChannelHealth(source=source, channel=str(number), sink=sink, clock=clock)
            for number in range(len(self._symbols))
        ]

    def statuses(self) -> list[ChannelStatus]:
        """Health of every slot now."""
        return [health.status() for health in self._healths]

    async def run(self) -> None:
        """Deliver until cancelled."""
        for health in self._healths:
            health.announce()
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
            for symbols, health in zip(self._symbols, self._healths, strict=True):
                tasks.create_task(self._slot(http, symbols, health).run())

    def _slot(self, http: aiohttp.ClientSession, symbols: list[str], health: ChannelHealth) -> Slot:
        feed = KrakenFeed(
            symbols,
            sink=self._sink,
            health=health,
            clock=self._clock,
            snapshot_timeout_s=self._settings.snapshot_timeout_s,
            quiet_probe_s=self._settings.quiet_probe_s,
        )
        return Slot(
            http=http,
            url=self._settings.websocket_url,
            settings=self._settings,
            feed=feed,
            health=health,
            sink=self._sink,
            clock=self._clock,
            connects=self._connects,
            control_limit=CONTROL_MESSAGES,
        )


ADAPTER: Final = AdapterType(
    name="kraken",
    settings=KrakenSettings,
    create=KrakenAdapter,
    is_simulated=lambda settings: points_elsewhere(settings, DOCUMENTED_HOSTS),
)
