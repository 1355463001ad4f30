"""What the recordings of CoinGecko say: last prices, never a bid or an ask, and no volume in base units."""

import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.golden.payloads.entries import Entry, Quoted, Reader, Reason, Silent
from tests.golden.payloads.reading import NS_PER_S, exact, json_lines, pair

BASES: Mapping[str, str] = {
    "1inch": "1INCH",
    "aave": "AAVE",
    "aerodrome-finance": "AERO",
    "avalanche-2": "AVAX",
    "binance-bridged-usdt-bnb-smart-chain": "BSCUSD",
    "binance-usd": "BUSD",
    "binancecoin": "BNB",
    "bitcoin": "BTC",
    "chainlink": "LINK",
    "crvusd": "CRVUSD",
    "dai": "DAI",
    "ethereum": "ETH",
    "ethereum-classic": "ETC",
    "ethereum-name-service": "ENS",
    "fetch-ai": "FET",
    "giveth": "GIV",
    "gmx": "GMX",
    "hyperliquid": "HYPE",
    "lido-dao": "LDO",
    "optimism": "OP",
    "origin-ether": "OETH",
    "rarible": "RARI",
    "tether": "USDT",
    "trustline-network": "TLN",
    "usd-coin": "USDC",
    "velodrome-finance": "VELO",
    "virtual-protocol": "VIRTUAL",
    "weth": "WETH",
    "wrapped-steth": "WSTETH",
}
"""The currency that each recorded coin is; prices come by the coin's id alone."""
EXTRAS = ("_market_cap", "_24h_vol", "_24h_change")


def simple_price(path: Path) -> Iterator[Entry]:
    """One body of `/simple/price`."""
    return _prices(1, exact(path.read_text(encoding="utf-8")))


def exchanges(path: Path) -> Iterator[Entry]:
    """Exchanges over HTTP, one a line; each is a poll, and a chain, of its own."""
    for number, exchange in json_lines(path):
        route = urllib.parse.urlsplit(exchange["uri"]).path.rstrip("/")
        if route.endswith("/simple/price"):
            yield from _prices(number, exact(exchange["body"]))
        else:
            yield Silent(message=number, reason=Reason.NOT_ASKED)


def errors(path: Path) -> Iterator[Entry]:
    """Bodies of refusals."""
    for number, _ in json_lines(path):
        yield Silent(message=number, reason=Reason.CONTROL)


def _prices(number: int, body: dict[str, dict[str, Any]]) -> Iterator[Entry]:
    if not body:
        yield Silent(message=number, reason=Reason.NOTHING_GIVEN)
    for coin, prices in body.items():
        updated_s = prices.get("last_updated_at")
        for currency, price in prices.items():
            if currency == "last_updated_at" or currency.endswith(EXTRAS):
                continue
            yield Quoted(
                message=number,
                symbol=pair(BASES[coin], currency),
                numbers={"last_price": price or None},
                marks={"indicative": True},
                time_ns=None if updated_s is None else int(updated_s) * NS_PER_S,
            )


READERS: Mapping[str, Reader] = {
    "coingecko-api-oas__simple_price.json": simple_price,
    "errors__bodies.jsonl": errors,
    "rotki__coingecko_vcr_dev.jsonl": exchanges,
}
