"""The objects of CoinGecko's answers: a price, a market, a coin."""

import math
from collections.abc import Mapping
from typing import Any, Final

from tickmux_simulators.coingecko.coins import COINS, ORIGINALS, UNITS, Coin
from tickmux_simulators.coingecko.encoding import Number, iso_milliseconds, precise, price
from tickmux_simulators.coingecko.prices import SECOND_NS, Prices
from tickmux_simulators.fair_value import uniform

IMAGES: Final = "https://coin-images.coingecko.com/coins/images"
CHANGES_DAYS: Final = {"24h": 1, "7d": 7, "14d": 14, "30d": 30, "200d": 200, "1y": 365}
RANKS: Final = {coin.id: rank for rank, coin in enumerate(ORIGINALS, 1)}


def wants(query: Mapping[str, str], name: str) -> bool:
    """Whether an option is on."""
    return query.get(name, "").lower() == "true"


class Rows:
    """Makes the objects, at an instant."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    def simple(self, coin: Coin, query: Mapping[str, str], now_ns: int, skew_ns: int) -> dict[str, Number | None]:
        """An entry of /simple/price; units that do not exist are left out of it."""
        updated_ns = self._prices.updated_ns(coin, now_ns)
        time_s = updated_ns / SECOND_NS
        result: dict[str, Number | None] = {}
        for name in dict.fromkeys(query["vs_currencies"].lower().replace(" ", "").split(",")):
            unit = UNITS.get(name)
            if unit is None:
                continue
            quote = self._prices.quote(coin, unit, time_s)
            result[name] = precise(quote.price, query.get("precision", ""), is_crypto=unit.is_crypto)
            if wants(query, "include_market_cap"):
                result[f"{name}_market_cap"] = quote.market_cap
            if wants(query, "include_24hr_vol"):
                result[f"{name}_24h_vol"] = quote.volume
            if wants(query, "include_24hr_change"):
                result[f"{name}_24h_change"] = quote.change_percent
        if not coin.is_priced:
            result = dict.fromkeys(result)
        if wants(query, "include_last_updated_at"):
            result["last_updated_at"] = (updated_ns + skew_ns) // SECOND_NS
        return result

    def market(self, coin: Coin, query: Mapping[str, str], now_ns: int, skew_ns: int) -> dict[str, Any]:
        """An entry of /coins/markets."""
        name = query["vs_currency"].lower()
        unit = UNITS[name]
        updated_ns = self._prices.updated_ns(coin, now_ns)
        time_s = updated_ns / SECOND_NS
        quote = self._prices.quote(coin, unit, time_s)
        high, low = self._prices.range(coin, unit, time_s)
        before_cap = coin.supply * quote.day_ago
        peak, trough = quote.day_ago * 1.62, quote.day_ago * 0.0009
        digits = query.get("precision", "")
        row: dict[str, Any] = {
            "id": coin.id,
            "symbol": coin.symbol,
            "name": coin.name,
            "image": f"{IMAGES}/{_number(coin)}/large/{coin.id}.png?1696501400",
            "current_price": precise(quote.price, digits, is_crypto=unit.is_crypto),
            "market_cap": round(quote.market_cap),
            "market_cap_rank": RANKS.get(coin.id),
            "fully_diluted_valuation": round(quote.market_cap * 1.02),
            "total_volume": round(quote.volume),
            "high_24h": precise(high, digits, is_crypto=unit.is_crypto),
            "low_24h": precise(low, digits, is_crypto=unit.is_crypto),
            "price_change_24h": quote.price - quote.day_ago,
            "price_change_percentage_24h": round(quote.change_percent, 5),
            "market_cap_change_24h": quote.market_cap - before_cap,
            "market_cap_change_percentage_24h": round(quote.change_percent, 5),
            "circulating_supply": float(coin.supply),
            "total_supply": float(coin.supply),
            "max_supply": 21_000_000.0 if coin.id == "bitcoin" else None,
            "ath": price(peak, is_crypto=unit.is_crypto),
            "ath_change_percentage": round((quote.price / peak - 1) * 100, 5),
            "ath_date": "2025-10-06T18:57:42.558Z",
            "atl": price(trough, is_crypto=unit.is_crypto),
            "atl_change_percentage": round((quote.price / trough - 1) * 100, 5),
            "atl_date": "2013-07-06T00:00:00.000Z",
            "roi": None,
            "last_updated": iso_milliseconds(updated_ns + skew_ns),
            "market_cap_rank_with_rehypothecated": RANKS.get(coin.id),
        }
        if wants(query, "sparkline"):
            steps = [self._prices.day_ago(coin, unit, time_s + hour * 3_600, 7) for hour in range(0, 168, 24)]
            row["sparkline_in_7d"] = {"price": steps}
        for period in filter(None, query.get("price_change_percentage", "").split(",")):
            before = self._before(coin, period, query, time_s)
            if before is not None:
                row[f"price_change_percentage_{period}_in_currency"] = (quote.price / before - 1) * 100
        if not coin.is_priced:
            row |= {key: None for key, value in row.items() if isinstance(value, int | float)}
        return row

    def _before(self, coin: Coin, period: str, query: Mapping[str, str], time_s: float) -> float | None:
        unit = UNITS[query["vs_currency"].lower()]
        if period == "1h":
            return self._prices.price(coin, unit, math.floor(time_s / 900 - 4) * 900.0)
        days = CHANGES_DAYS.get(period)
        return None if days is None else self._prices.day_ago(coin, unit, time_s, days)

    def coin(self, coin: Coin, query: Mapping[str, str], now_ns: int, skew_ns: int) -> dict[str, Any]:
        """The answer of /coins/{id}, without its tickers."""
        platforms = {coin.platform: coin.address if coin.platform else ""}
        images = f"{IMAGES}/{_number(coin)}"
        row: dict[str, Any] = {
            "id": coin.id,
            "symbol": coin.symbol,
            "name": coin.name,
            "web_slug": coin.id,
            "asset_platform_id": coin.platform or None,
            "platforms": platforms,
            "detail_platforms": {
                coin.platform: {
                    "decimal_place": 18 if coin.platform else None,
                    "contract_address": platforms[coin.platform],
                }
            },
            "block_time_in_minutes": 10 if coin.id == "bitcoin" else 0,
            "hashing_algorithm": "SHA-256" if coin.id == "bitcoin" else None,
            "categories": ["Cryptocurrency"],
            "preview_listing": False,
            "public_notice": None,
            "additional_notices": [],
            "description": {"en": f"{coin.name} is a simulated coin."},
            "links": {"homepage": ["", "", ""], "whitepaper": ""},
            "image": {size: f"{images}/{size}/{coin.id}.png?1696501400" for size in ("thumb", "small", "large")},
            "country_origin": "",
            "genesis_date": "2009-01-03" if coin.id == "bitcoin" else None,
            "sentiment_votes_up_percentage": 82.65,
            "sentiment_votes_down_percentage": 17.35,
            "watchlist_portfolio_users": 1_588_545,
            "market_cap_rank": RANKS.get(coin.id),
            "status_updates": [],
        }
        if query.get("market_data", "true").lower() != "false":
            row["market_data"] = self._market_data(coin, now_ns, skew_ns)
        row["last_updated"] = iso_milliseconds(self._prices.updated_ns(coin, now_ns) + skew_ns)
        return row

    def _market_data(self, coin: Coin, now_ns: int, skew_ns: int) -> dict[str, Any]:
        updated_ns = self._prices.updated_ns(coin, now_ns)
        quotes = {name: self._prices.quote(coin, unit, updated_ns / SECOND_NS) for name, unit in UNITS.items()}
        prices = {name: price(quote.price, is_crypto=UNITS[name].is_crypto) for name, quote in quotes.items()}
        high, low = self._prices.range(coin, UNITS["usd"], updated_ns / SECOND_NS)
        is_priced = coin.is_priced
        return {
            "current_price": prices if is_priced else {},
            "market_cap": {name: round(quote.market_cap) for name, quote in quotes.items()} if is_priced else {},
            "total_volume": {name: round(quote.volume) for name, quote in quotes.items()} if is_priced else {},
            "high_24h": {"usd": price(high)} if is_priced else {},
            "low_24h": {"usd": price(low)} if is_priced else {},
            "price_change_percentage_24h": round(quotes["usd"].change_percent, 5) if is_priced else None,
            "circulating_supply": float(coin.supply),
            "last_updated": iso_milliseconds(updated_ns + skew_ns),
        }

    def totals(self, now_ns: int, skew_ns: int) -> dict[str, Any]:
        """The answer of /global, from the coins that matter."""
        time_s = now_ns / SECOND_NS
        names = ("btc", "eth", "usd", "eur")
        sums = {name: [self._prices.quote(coin, UNITS[name], time_s) for coin in ORIGINALS] for name in names}
        caps = {name: sum(quote.market_cap for quote in quotes) for name, quotes in sums.items()}
        before = sum(coin.supply * quote.day_ago for coin, quote in zip(ORIGINALS, sums["usd"], strict=True))
        shares = {
            coin.symbol: quote.market_cap / caps["usd"] * 100.0
            for coin, quote in zip(ORIGINALS[:10], sums["usd"], strict=False)
        }
        return {
            "data": {
                "active_cryptocurrencies": len(COINS),
                "upcoming_icos": 0,
                "ongoing_icos": 49,
                "ended_icos": 3376,
                "markets": 2,
                "total_market_cap": caps,
                "total_volume": {name: sum(quote.volume for quote in quotes) for name, quotes in sums.items()},
                "market_cap_percentage": shares,
                "market_cap_change_percentage_24h_usd": (caps["usd"] / before - 1.0) * 100.0,
                "volume_change_percentage_24h_usd": 20.0 * uniform("volume", int(time_s // 3_600)),
                "updated_at": (now_ns + skew_ns) // SECOND_NS,
            }
        }


def _number(coin: Coin) -> int:
    """The number of a coin's picture."""
    return int((uniform(coin.id, "picture") + 1) * 20_000) + 1
