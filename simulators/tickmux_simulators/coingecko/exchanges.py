"""Exchanges and their tickers: the pairs that the simulated Binance and Kraken list, at their prices."""

from dataclasses import dataclass
from typing import Any, Final

from tickmux_simulators.coingecko.coins import ORIGINALS, Coin
from tickmux_simulators.coingecko.encoding import iso_seconds, price
from tickmux_simulators.coingecko.prices import SECOND_NS
from tickmux_simulators.fair_value import uniform
from tickmux_simulators.listings import BINANCE_LISTINGS, KRAKEN_LISTINGS, Listing
from tickmux_simulators.spans import DAY_S, Spans

BY_ASSET: Final = {coin.asset: coin for coin in ORIGINALS}
IMAGES: Final = "https://coin-images.coingecko.com/markets/images"
FETCHED_LATER_S: Final = 54


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange, as CoinGecko describes it."""

    id: str
    name: str
    year: int
    country: str
    url: str
    listings: tuple[Listing, ...]
    trust_score: int = 10

    @property
    def logo(self) -> str:
        """Its picture."""
        return f"{IMAGES}/52/small/{self.id}.jpg?1706864274"


EXCHANGES: Final = {
    one.id: one
    for one in (
        Exchange("binance", "Binance", 2017, "Cayman Islands", "https://www.binance.com/", BINANCE_LISTINGS),
        Exchange("kraken", "Kraken", 2011, "United States", "https://www.kraken.com/", KRAKEN_LISTINGS),
    )
}


@dataclass(frozen=True, slots=True)
class Ticker:
    """One pair at one exchange."""

    exchange: Exchange
    listing: Listing

    @property
    def coin(self) -> Coin:
        """What is traded."""
        return BY_ASSET[self.listing.base]


class Tickers:
    """Makes the objects of tickers."""

    def __init__(self, seed: int) -> None:
        self._spans = {name: Spans(seed, name) for name in EXCHANGES}

    def of_exchange(self, exchange: Exchange, coin_ids: set[str]) -> list[Ticker]:
        """An exchange's tickers, of some coins or of all."""
        rows = [Ticker(exchange, listing) for listing in exchange.listings]
        return [row for row in rows if not coin_ids or row.coin.id in coin_ids]

    def of_coin(self, coin: Coin, exchange_ids: set[str]) -> list[Ticker]:
        """A coin's tickers, at some exchanges or at all."""
        rows = [row for exchange in EXCHANGES.values() for row in self.of_exchange(exchange, {coin.id})]
        return [row for row in rows if not exchange_ids or row.exchange.id in exchange_ids]

    def volume_btc(self, exchange: Exchange, time_s: float) -> float:
        """What an exchange trades in 24 hours."""
        dollars = sum(listing.turnover_usd for listing in exchange.listings)
        return dollars / self._spans[exchange.id].price("BTC", "USD", time_s)

    def row(self, ticker: Ticker, now_ns: int, skew_ns: int, *, has_depth: bool, has_logo: bool) -> dict[str, Any]:
        """One ticker."""
        listing, exchange = ticker.listing, ticker.exchange
        spans = self._spans[exchange.id]
        lag_s = 1 + int(abs(uniform(exchange.id, listing.symbol)) * 30)
        traded_ns = now_ns - lag_s * SECOND_NS
        time_s = traded_ns / SECOND_NS
        last = round(spans.price(listing.base, listing.quote, time_s), listing.price_decimals)
        share = listing.turnover_usd / DAY_S * (1.0 + 0.2 * uniform(listing.symbol, int(time_s // 3_600)))
        dollar = spans.price(listing.base, "USD", time_s)
        volume = round(share * DAY_S / dollar, listing.size_decimals)
        per = {
            "btc": spans.price(listing.base, "BTC", time_s) if listing.base != "BTC" else 1.0,
            "eth": spans.price(listing.base, "ETH", time_s) if listing.base != "ETH" else 1.0,
        }
        target = BY_ASSET.get(listing.quote)
        market: dict[str, Any] = {"name": exchange.name, "identifier": exchange.id, "has_trading_incentive": False}
        if has_logo:
            market["logo"] = exchange.logo
        depth = {"cost_to_move_up_usd": share * 1_512.7, "cost_to_move_down_usd": share * 1_355.3} if has_depth else {}
        stamp = iso_seconds(traded_ns + skew_ns)
        coin = ticker.coin
        return {
            "base": listing.base,
            "target": listing.quote,
            "market": market,
            "last": last,
            "volume": volume,
            **depth,
            "converted_last": {**{name: float(f"{value:.8g}") for name, value in per.items()}, "usd": price(dollar)},
            "converted_volume": {
                **{name: round(volume * value) for name, value in per.items()},
                "usd": round(volume * dollar),
            },
            "trust_score": None,
            "bid_ask_spread_percentage": 0.010013,
            "timestamp": stamp,
            "last_traded_at": stamp,
            "last_fetch_at": iso_seconds(min(traded_ns + FETCHED_LATER_S * SECOND_NS, now_ns) + skew_ns),
            "is_anomaly": False,
            "is_stale": False,
            "trade_url": f"{exchange.url}trade/{listing.base}_{listing.quote}",
            "token_info_url": None,
            "coin_id": coin.id,
            **({"target_coin_id": target.id} if target else {}),
            "coin_mcap_usd": coin.supply * dollar,
        }
