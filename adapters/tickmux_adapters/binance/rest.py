"""The requests that we make to Binance, and what each costs of the venue's request weight."""

import json
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from tickmux_adapters.binance.catalogue import parse_exchange_info
from tickmux_adapters.binance.messages import ExchangeInfo, RestBookTicker, RestDayTicker
from tickmux_adapters.errors import VenueError
from tickmux_adapters.pacing import SlidingWindow
from tickmux_adapters.rest import RestClient

SYMBOLS_PER_REQUEST: Final = 100
"""Keeps the URL short and the weight of ticker/24hr at 40."""
WEIGHT_PER_MINUTE: Final = 3_000
"""Half of what the venue allows an address, as others may share it."""

UNKNOWN_SYMBOL: Final = '"code":-1121'
"""How the venue refuses a request that names a symbol which is not listed, whatever else it names."""

Answer = TypeVar("Answer")


def weight_window() -> SlidingWindow:
    """The request weight that one source may use."""
    return SlidingWindow(limit=WEIGHT_PER_MINUTE, window_s=60.0)


class BinanceRest:
    """Typed requests. All raise VenueError."""

    def __init__(self, client: RestClient) -> None:
        self._client = client

    async def exchange_info(self) -> ExchangeInfo:
        """The whole listing: the venue refuses a request that names one unknown symbol."""
        body = await self._client.get("/api/v3/exchangeInfo", {"showPermissionSets": "false"}, weight=20)
        return parse_exchange_info(body)

    async def exchange_info_of(self, symbols: Sequence[str]) -> ExchangeInfo:
        """The listing of some symbols, by the venue's names."""
        listed = ExchangeInfo([])
        for batch in batches(symbols):
            query = {"symbols": _json_list(batch), "showPermissionSets": "false"}
            listed.symbols += parse_exchange_info(
                await self._client.get("/api/v3/exchangeInfo", query, weight=20)
            ).symbols
        return listed

    async def book_tickers(self, symbols: Sequence[str]) -> list[RestBookTicker]:
        """The best bid and ask of up to SYMBOLS_PER_REQUEST symbols."""
        body = await self._client.get("/api/v3/ticker/bookTicker", {"symbols": _json_list(symbols)}, weight=4)
        return _decode(body, list[RestBookTicker])

    async def day_tickers(self, symbols: Sequence[str]) -> list[RestDayTicker]:
        """Last price and 24 h volume of up to SYMBOLS_PER_REQUEST symbols."""
        query = {"symbols": _json_list(symbols), "type": "MINI"}
        weight = 2 if len(symbols) <= 20 else 40
        return _decode(await self._client.get("/api/v3/ticker/24hr", query, weight=weight), list[RestDayTicker])


def names_unknown_symbol(error: VenueError) -> bool:
    """Whether a request was refused because one of its symbols is not listed (any more)."""
    return UNKNOWN_SYMBOL in error.problem.replace(" ", "")


def batches(symbols: Sequence[str]) -> Iterator[Sequence[str]]:
    """Symbols in portions that one request may name."""
    for start in range(0, len(symbols), SYMBOLS_PER_REQUEST):
        yield symbols[start : start + SYMBOLS_PER_REQUEST]


def _json_list(symbols: Sequence[str]) -> str:
    return json.dumps(list(symbols), separators=(",", ":"), ensure_ascii=False)


def _decode(body: bytes, shape: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise VenueError(f"the venue's answer could not be understood: {error}") from error
