"""A CoinGecko source: one slot, polled within what the key allows."""

from typing import Final

import aiohttp

from tickmux_adapters.budget import Budget
from tickmux_adapters.budget_file import BudgetFile
from tickmux_adapters.budget_place import open_budget_file
from tickmux_adapters.coingecko.decoder import PriceDecoder
from tickmux_adapters.coingecko.feed import CoinGeckoFeed
from tickmux_adapters.coingecko.settings import CoinGeckoSettings, points_elsewhere, resolved
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import ChannelStatus, Clock, Sink
from tickmux_adapters.poller import PolledChain, Poller
from tickmux_adapters.polling import allowances
from tickmux_adapters.registry import AdapterType


class CoinGeckoAdapter:
    """One source; see `model.Adapter`."""

    def __init__(self, source: str, settings: CoinGeckoSettings, sink: Sink, clock: Clock) -> None:
        """Prepare; no I/O.

        Raises:
            SettingsError: something cannot work.
        """
        self._source = source
        self._settings = resolved(source, settings)
        self._clock = clock
        self._health = ChannelHealth(source=source, channel="0", sink=sink, clock=clock)
        self._chain = PolledChain(sink, self._health)
        plan = self._settings.allowed
        self._budget = Budget(allowances(self._settings, minute=plan.per_minute, day=plan.per_day), clock)
        decoder = PriceDecoder(chain=self._chain, sink=sink, health=self._health)
        self._feed = CoinGeckoFeed(source, self._settings, decoder=decoder, health=self._health)

    def statuses(self) -> list[ChannelStatus]:
        """Health of the only slot."""
        return [self._health.status()]

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._health.announce()
        async with aiohttp.ClientSession() as http:
            poller = Poller(
                http=http,
                settings=self._settings,
                refresh_s=self._settings.refresh_s or self._settings.allowed.renewal_s,
                feed=self._feed,
                chain=self._chain,
                health=self._health,
                clock=self._clock,
                budget=self._budget,
                open_file=self._open_file,
            )
            await poller.run()

    def _open_file(self) -> BudgetFile | None:
        return open_budget_file(
            self._source,
            self._settings,
            self._budget,
            self._feed.key,
            points_elsewhere=points_elsewhere(self._settings),
        )


ADAPTER: Final = AdapterType(
    name="coingecko",
    settings=CoinGeckoSettings,
    create=CoinGeckoAdapter,
    is_simulated=points_elsewhere,
    polled=True,
)
