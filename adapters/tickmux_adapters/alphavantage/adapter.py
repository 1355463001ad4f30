"""An Alpha Vantage source: one slot, polled within what its key allows."""

import functools
from typing import Final

import aiohttp

from tickmux_adapters.alphavantage.catalogue import CHANNEL, instruments_of
from tickmux_adapters.alphavantage.decoder import AlphaVantageDecoder
from tickmux_adapters.alphavantage.feed import AlphaVantageFeed
from tickmux_adapters.alphavantage.inquiries import inquiries_for
from tickmux_adapters.alphavantage.settings import (
    DOCUMENTED_HOSTS,
    REFRESH_S,
    AlphaVantageSettings,
    allowed_requests,
    check_settings,
)
from tickmux_adapters.budget import Budget
from tickmux_adapters.budget_file import BudgetFile
from tickmux_adapters.budget_place import open_budget_file
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import ChannelStatus, Clock, Sink
from tickmux_adapters.poller import PolledChain, Poller
from tickmux_adapters.polling import is_host_of
from tickmux_adapters.registry import AdapterType
from tickmux_adapters.secrets import read_key


def _is_simulated(settings: AlphaVantageSettings) -> bool:
    return not is_host_of(settings.rest_url, DOCUMENTED_HOSTS)


class AlphaVantageAdapter:
    """One source; see `model.Adapter`."""

    def __init__(self, source: str, settings: AlphaVantageSettings, sink: Sink, clock: Clock) -> None:
        """Prepare; no I/O.

        Raises:
            SettingsError: a URL, a variable or a symbol cannot work.
        """
        check_settings(source, settings)
        self._source = source
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._inquiries = inquiries_for(instruments_of(source, settings.symbols), bulk=settings.bulk)
        self._health = ChannelHealth(source=source, channel=CHANNEL, sink=sink, clock=clock)
        self._budget = Budget(allowed_requests(settings), clock)

    def statuses(self) -> list[ChannelStatus]:
        """Health of the one slot now."""
        return [self._health.status()]

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._health.announce()
        chain = PolledChain(self._sink, self._health)
        decoder = AlphaVantageDecoder(
            self._sink.instrument, chain, self._health, are_stocks_late=not self._settings.has_realtime_stocks
        )
        feed = AlphaVantageFeed(self._inquiries, settings=self._settings, decoder=decoder, health=self._health)
        async with aiohttp.ClientSession() as http:
            await Poller(
                http=http,
                settings=self._settings,
                refresh_s=self._settings.refresh_s or REFRESH_S,
                feed=feed,
                chain=chain,
                health=self._health,
                clock=self._clock,
                budget=self._budget,
                open_file=self._open_file,
            ).run()

    def _open_file(self) -> BudgetFile | None:
        return open_budget_file(
            self._source,
            self._settings,
            self._budget,
            functools.partial(read_key, self._settings.key_variable),
            points_elsewhere=_is_simulated(self._settings),
        )


ADAPTER: Final = AdapterType(
    name="alphavantage",
    settings=AlphaVantageSettings,
    create=AlphaVantageAdapter,
    is_simulated=_is_simulated,
    polled=True,
)
