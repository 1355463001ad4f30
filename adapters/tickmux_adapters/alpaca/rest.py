"""The requests that we make to Alpaca: the list of assets, and the state that a chain begins with."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import aiohttp
import msgspec

from tickmux_adapters.alpaca.catalogue import parse_assets
from tickmux_adapters.alpaca.market import Market
from tickmux_adapters.alpaca.messages import Asset, CryptoSnapshots, Snapshot
from tickmux_adapters.alpaca.settings import AlpacaSettings
from tickmux_adapters.conversation import BAD_FRAME
from tickmux_adapters.errors import VenueError
from tickmux_adapters.failures import host_of, refusal
from tickmux_adapters.model import Clock
from tickmux_adapters.pacing import SlidingWindow
from tickmux_adapters.rest import RestClient, fetch
from tickmux_adapters.secrets import read_key

SYMBOLS_PER_REQUEST: Final = 100
REQUESTS_PER_MINUTE: Final = 100
"""Half of what the plan Basic allows, as other programs may use the key."""
LIST_PATIENCE: Final = 3
"""The list of all stocks is some megabytes: it may take so many times as long as another answer."""
REFUSING: Final = frozenset({401, 403, 404})


class ListRefused(VenueError):
    """The venue does not show its assets to these keys: keys of another account, or for market data alone."""


class AlpacaRest:
    """Typed requests. All raise VenueError; KeyUnusable among them, as keys are read for each request."""

    def __init__(self, http: aiohttp.ClientSession, settings: AlpacaSettings, market: Market, clock: Clock) -> None:
        self._http = http
        self._settings = settings
        self._market = market
        self._clock = clock
        self._data = RestClient(
            http=http,
            base_url=settings.rest_url,
            clock=clock,
            timeout_s=settings.answer_timeout_s,
            weights=SlidingWindow(limit=REQUESTS_PER_MINUTE, window_s=60.0),
        )

    def _key_headers(self) -> Mapping[str, str]:
        return {
            "APCA-API-KEY-ID": read_key(self._settings.key_variable),
            "APCA-API-SECRET-KEY": read_key(self._settings.secret_variable),
        }

    async def assets(self, asset_class: str) -> list[Asset]:
        """The whole list of a class, with what is not active any more.

        Raises:
            ListRefused: the endpoint refuses these keys for good.
        """
        url = self._settings.trading_url.rstrip("/")
        answer = await fetch(
            self._http,
            url + "/v2/assets",
            query={"asset_class": asset_class},
            headers=self._key_headers(),
            timeout_s=LIST_PATIENCE * self._settings.answer_timeout_s,
            clock=self._clock,
        )
        if answer.status == 200:
            return parse_assets(answer.body)
        if answer.status in REFUSING:
            raise ListRefused(f"{host_of(url)} answered HTTP {answer.status}")
        raise refusal(answer.status, answer.headers, host_of(url), answer.text())

    async def snapshots(self, venue_symbols: Sequence[str]) -> Mapping[str, Snapshot | None]:
        """The state of up to SYMBOLS_PER_REQUEST symbols; those that the venue knows nothing of are left out."""
        if self._market.snapshots_path is None:
            return {}
        body = await self._data.get(
            self._market.snapshots_path,
            {"symbols": ",".join(venue_symbols), **self._market.snapshots_query},
            weight=1,
            headers=self._key_headers(),
        )
        return parse_snapshots(body, self._market)


_decode_stocks = msgspec.json.Decoder(dict[str, Snapshot | None], float_hook=str).decode
_decode_crypto = msgspec.json.Decoder(CryptoSnapshots, float_hook=str).decode


def batches(symbols: Sequence[str]) -> Iterator[Sequence[str]]:
    """Symbols in portions that one request may name."""
    for start in range(0, len(symbols), SYMBOLS_PER_REQUEST):
        yield symbols[start : start + SYMBOLS_PER_REQUEST]


def parse_snapshots(body: bytes, market: Market) -> Mapping[str, Snapshot | None]:
    """Decode snapshots, by the venue's symbols.

    Raises:
        VenueError: they are not what the venue documents.
    """
    try:
        return _decode_crypto(body).snapshots if market.type == "crypto" else _decode_stocks(body)
    except BAD_FRAME as error:
        raise VenueError(f"the venue's snapshots could not be understood: {error}") from error
