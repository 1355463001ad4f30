"""An Alpaca source: one connection that brings everything, and the list that says where stocks are listed."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final

import aiohttp

from tickmux_adapters.alpaca.feed import AlpacaFeed
from tickmux_adapters.alpaca.market import TEST, Market, crypto_market, stock_market
from tickmux_adapters.alpaca.rest import AlpacaRest, ListRefused
from tickmux_adapters.alpaca.settings import (
    DEFAULT_PAIRS,
    DEFAULT_STOCKS,
    DOCUMENTED_HOSTS,
    TEST_SYMBOLS,
    AlpacaSettings,
    CryptoSettings,
    StockSettings,
)
from tickmux_adapters.backoff import Backoff
from tickmux_adapters.connection import Dialect
from tickmux_adapters.errors import SettingsError, VenueError
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import ChannelStatus, Clock, Sink, SourceState
from tickmux_adapters.pacing import SlidingWindow
from tickmux_adapters.registry import AdapterType
from tickmux_adapters.secrets import check_variable
from tickmux_adapters.slot import Slot
from tickmux_adapters.supervision import check_settings, check_url, points_elsewhere, wanted_symbols
from tickmux_adapters.symbols import normalise_symbol

logger = logging.getLogger(__name__)

CHANNEL: Final = "0"
"""The venue allows one connection, so that there is one slot."""
REFUSALS_MAX: Final = 8
"""So often in a row the list of assets must be refused before it counts, if the venue itself does not say so: over half
a minute or so, as an exchange that is not known then is never known."""
CONNECTS: Final = (20, 60.0)
"""Connection attempts. The venue publishes no limit, but answers 429 to too many."""
CONTROL_MESSAGES: Final = (20, 1.0)
"""The venue publishes no limit. Pings of ours count among them, and must not starve the rest."""
MSGPACK_HEADERS: Final = {"Content-Type": "application/msgpack"}


class AlpacaAdapter:
    """One source; see `model.Adapter`."""

    def __init__(
        self,
        source: str,
        settings: AlpacaSettings,
        sink: Sink,
        clock: Clock,
        *,
        market: Market,
        symbols: Sequence[str],
        exchanges: Mapping[str, str],
    ) -> None:
        """Prepare; no I/O.

        Raises:
            SettingsError: a URL, a time or a variable cannot work.
        """
        check_settings(source, settings)
        check_url(source, "trading_url", settings.trading_url, ("http", "https"))
        check_variable(source, "key_variable", settings.key_variable)
        check_variable(source, "secret_variable", settings.secret_variable)
        if settings.ping_interval_s > settings.stale_after_s / 2:
            raise SettingsError(
                source,
                "ping_interval_s",
                f"{settings.ping_interval_s:g} s would make a quiet market look like a dead connection: "
                f"at most {settings.stale_after_s / 2:g} s, half of stale_after_s",
            )
        self._settings = settings
        self._sink = sink
        self._clock = clock
        self._market = market
        self._symbols = symbols
        self._exchanges = exchanges
        self._health = ChannelHealth(source=source, channel=CHANNEL, sink=sink, clock=clock)

    def statuses(self) -> list[ChannelStatus]:
        """Health of the slot now."""
        return [self._health.status()]

    async def run(self) -> None:
        """Deliver until cancelled."""
        self._health.announce()
        async with aiohttp.ClientSession() as http:
            rest = AlpacaRest(http, self._settings, self._market, self._clock)
            feed = AlpacaFeed(
                self._symbols,
                self._exchanges,
                market=self._market,
                settings=self._settings,
                rest=rest,
                sink=self._sink,
                health=self._health,
                clock=self._clock,
            )
            feed.begin()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._slot(http, feed).run())
                tasks.create_task(self._list(feed, rest))

    def _slot(self, http: aiohttp.ClientSession, feed: AlpacaFeed) -> Slot:
        settings = self._settings
        return Slot(
            http=http,
            url=settings.websocket_url.rstrip("/") + self._market.stream_path,
            settings=settings,
            feed=feed,
            health=self._health,
            sink=self._sink,
            clock=self._clock,
            connects=SlidingWindow(limit=CONNECTS[0], window_s=CONNECTS[1]),
            control_limit=CONTROL_MESSAGES,
            exclusive=True,
            dialect=Dialect(
                headers=MSGPACK_HEADERS if settings.encoding == "msgpack" else {},
                ping_interval_s=settings.ping_interval_s,
            ),
        )

    async def _list(self, feed: AlpacaFeed, rest: AlpacaRest) -> None:
        """Ask for the list of assets, if it is needed, until it comes or is refused.

        Asked for with keys that the stream has taken, so that a refusal is one of the list and not of wrong keys.
        """
        asset_class = self._market.asset_class
        refusals = 0
        backoff = Backoff(cap_s=self._settings.retry_cap_s, base_s=min(0.5, self._settings.retry_cap_s))
        while asset_class is not None and feed.waits_for_list:
            await feed.authenticated.wait()
            try:
                feed.take_assets(await rest.assets(asset_class, self._health.count_malformed))
            except VenueError as error:
                refusals = refusals + 1 if isinstance(error, ListRefused) else 0
                if isinstance(error, ListRefused) and (error.is_sure or refusals == REFUSALS_MAX):
                    logger.warning("%s: the list of assets is refused: %s", self._health.source, error)
                    feed.take_list_refused(str(error))
                    return
                delay_s = backoff.after_failure(error)
                logger.warning("%s: no list of assets: %s; again in %.1f s", self._health.source, error, delay_s)
                feed.take_list_failure(str(error))
                if not feed.wanted:
                    self._health.enter(SourceState.DOWN, str(error))
                await asyncio.sleep(delay_s)


def _stocks(source: str, settings: StockSettings, sink: Sink, clock: Clock) -> AlpacaAdapter:
    default = TEST_SYMBOLS if settings.feed == TEST else DEFAULT_STOCKS
    return AlpacaAdapter(
        source,
        settings,
        sink,
        clock,
        market=stock_market(settings.feed),
        # Not `wanted_symbols`: a ticker that begins as a currency's other name is a ticker all the same.
        symbols=list(dict.fromkeys(map(normalise_symbol, settings.symbols))) or list(default),
        exchanges={normalise_symbol(symbol): exchange for symbol, exchange in settings.exchanges.items()},
    )


def _crypto(source: str, settings: CryptoSettings, sink: Sink, clock: Clock) -> AlpacaAdapter:
    return AlpacaAdapter(
        source,
        settings,
        sink,
        clock,
        market=crypto_market(settings.feed),
        symbols=wanted_symbols(settings.symbols, DEFAULT_PAIRS),
        exchanges={},
    )


STOCKS: Final = AdapterType(
    name="alpaca",
    settings=StockSettings,
    create=_stocks,
    # What the test feed sends is made up, wherever it comes from.
    is_simulated=lambda settings: settings.feed == TEST or points_elsewhere(settings, DOCUMENTED_HOSTS),
    exclusive=True,
)
CRYPTO: Final = AdapterType(
    name="alpaca-crypto",
    settings=CryptoSettings,
    create=_crypto,
    is_simulated=lambda settings: points_elsewhere(settings, DOCUMENTED_HOSTS),
    exclusive=True,
)
