"""The requests that we make to Alpaca: the list of assets, and the state that a chain begins with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import aiohttp
import msgspec

from tickmux_adapters.alpaca.catalogue import parse_assets
from tickmux_adapters.alpaca.market import Market
from tickmux_adapters.alpaca.messages import Asset, CryptoSnapshots, Snapshot
from tickmux_adapters.alpaca.settings import AlpacaSettings
from tickmux_adapters.conversation import BAD_FRAME
from tickmux_adapters.entries import Skip
from tickmux_adapters.errors import VenueError
from tickmux_adapters.failures import host_of, refusal, retry_after
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

    def __init__(self, problem: str, *, is_sure: bool, retry_after_s: float | None = None) -> None:
        super().__init__(problem, retry_after_s=retry_after_s)
        self.is_sure = is_sure
        """Whether the venue itself says so; else it may be a network between, which lets the next request pass."""


class VenueProblem(msgspec.Struct):
    """What the venue writes when it refuses: `{"code":40410000,"message":"endpoint not found."}`; `code` may lack."""

    message: str


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

    async def assets(self, asset_class: str, skip: Skip) -> list[Asset]:
        """The whole list of a class, with what is not active any more; `skip` takes note of what is left out.

        Raises:
            ListRefused: the endpoint refuses these keys, surely or maybe.
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
            return parse_assets(answer.body, skip)
        if answer.status in REFUSING:
            raise ListRefused(
                f"{host_of(url)} answered HTTP {answer.status}",
                is_sure=_is_the_venues(answer.body),
                retry_after_s=retry_after(answer.headers.get("Retry-After")),
            )
        raise refusal(answer.status, answer.headers, host_of(url), answer.text())

    async def snapshots(self, venue_symbols: Sequence[str]) -> Mapping[str, msgspec.Raw]:
        """The state of up to SYMBOLS_PER_REQUEST symbols, each for `parse_snapshot`; what the venue knows is there."""
        if self._market.snapshots_path is None:
            return {}
        body = await self._data.get(
            self._market.snapshots_path,
            {"symbols": ",".join(venue_symbols), **self._market.snapshots_query},
            weight=1,
            headers=self._key_headers(),
        )
        snapshots = split_snapshots(body, self._market)
        if snapshots and snapshots.keys().isdisjoint(venue_symbols):
            # Such as what it writes beside an error.
            raise VenueError("the venue's snapshots could not be understood: they are of nothing that was asked for")
        return snapshots


_split_stocks = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_split_crypto = msgspec.json.Decoder(CryptoSnapshots).decode
_decode_snapshot: Callable[[msgspec.Raw], Snapshot | None] = msgspec.json.Decoder(
    Snapshot | None, float_hook=str
).decode
_decode_problem = msgspec.json.Decoder(VenueProblem).decode


def batches(symbols: Sequence[str]) -> Iterator[Sequence[str]]:
    """Symbols in portions that one request may name."""
    for start in range(0, len(symbols), SYMBOLS_PER_REQUEST):
        yield symbols[start : start + SYMBOLS_PER_REQUEST]


def split_snapshots(body: bytes, market: Market) -> Mapping[str, msgspec.Raw]:
    """Snapshots by the venue's symbols, still encoded: one that is bad must not take the others with it.

    Raises:
        VenueError: they are not what the venue documents.
    """
    try:
        return _split_crypto(body).snapshots if market.type == "crypto" else _split_stocks(body)
    except BAD_FRAME as error:
        raise VenueError(f"the venue's snapshots could not be understood: {error}") from error


def parse_snapshot(symbol: str, entry: msgspec.Raw) -> Snapshot | None:
    """Decode one of them; None if the venue knows nothing.

    Raises:
        VenueError: it is not what the venue documents.
    """
    try:
        return _decode_snapshot(entry)
    except BAD_FRAME as error:
        raise VenueError(f"the venue's snapshot of {symbol} could not be understood: {error}") from error


def _is_the_venues(body: bytes) -> bool:
    try:
        return bool(_decode_problem(body).message)
    except BAD_FRAME:
        return False
