"""What the simulated venues list: assets with plausible prices, and pairs with each venue's own increments."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Asset:
    """One currency or coin."""

    name: str
    price_usd: float
    """Price that its fair value wanders around."""
    volatility_day: float
    """Typical relative move in a day; 0.03 is 3 %."""
    turnover_usd: float
    """Traded in a day at one venue, in US dollars; sets volumes and how often its pairs update."""
    group: str = "crypto"
    """What it moves with: `crypto` and `stock` have a market each, `fiat` moves by itself."""


ASSETS: Final = {
    asset.name: asset
    for asset in (
        Asset("USD", 1.0, 0.0, 0.0, "fiat"),
        Asset("USDT", 1.0, 0.0002, 9e7, "fiat"),
        Asset("USDC", 1.0, 0.0001, 6e7, "fiat"),
        Asset("EUR", 1.1625, 0.004, 4e7, "fiat"),
        Asset("BTC", 84_100.0, 0.025, 1.2e9),
        Asset("ETH", 2_780.0, 0.035, 8e8),
        Asset("SOL", 131.0, 0.045, 3e8),
        Asset("XRP", 2.05, 0.045, 3e8),
        Asset("ADA", 0.412, 0.05, 6e7),
        Asset("DOGE", 0.1422, 0.05, 1.2e8),
        Asset("LTC", 83.4, 0.04, 4e7),
        Asset("DOT", 2.31, 0.05, 2e7),
        Asset("LINK", 12.35, 0.045, 5e7),
        Asset("AVAX", 13.2, 0.05, 4e7),
        Asset("BCH", 541.0, 0.04, 3e7),
        Asset("XLM", 0.2431, 0.045, 3e7),
        Asset("TRX", 0.2752, 0.02, 3e7),
        Asset("ATOM", 2.47, 0.05, 1e7),
        Asset("UNI", 6.12, 0.05, 2e7),
        Asset("NEAR", 1.93, 0.055, 2e7),
        Asset("PEPE", 0.00000447, 0.07, 8e7),
        Asset("SHIB", 0.00000812, 0.055, 4e7),
        Asset("GBP", 1.3125, 0.004, 2e7, "fiat"),
        Asset("CHF", 1.2410, 0.004, 1e7, "fiat"),
        Asset("JPY", 0.006412, 0.005, 2e7, "fiat"),
        Asset("AAPL", 271.4, 0.014, 1.2e10, "stock"),
        Asset("MSFT", 478.2, 0.012, 1.0e10, "stock"),
        Asset("NVDA", 182.6, 0.025, 3.2e10, "stock"),
        Asset("AMZN", 226.3, 0.017, 8e9, "stock"),
        Asset("GOOGL", 299.7, 0.016, 8e9, "stock"),
        Asset("META", 594.3, 0.018, 7e9, "stock"),
        Asset("TSLA", 391.1, 0.032, 2.4e10, "stock"),
        Asset("JPM", 298.0, 0.013, 3e9, "stock"),
        Asset("IBM", 304.1, 0.013, 1.2e9, "stock"),
        Asset("BRK.B", 504.0, 0.009, 2e9, "stock"),
        Asset("SPY", 659.0, 0.008, 4e10, "stock"),
        Asset("FAKEPACA", 134.2, 0.03, 1e9, "stock"),
    )
}


@dataclass(frozen=True, slots=True)
class Listing:
    """One pair at one venue. Prices and sizes are integers of its last decimal place everywhere inside."""

    symbol: str
    """The venue's own name: `BTCUSDT` at Binance, `BTC/USD` at Kraken."""
    base: str
    quote: str
    price_decimals: int
    size_decimals: int
    price_step: int = 1
    """Smallest price step, in units of 10^-price_decimals."""
    size_step: int = 1
    """Smallest size step, in units of 10^-size_decimals."""
    order_scale: float = 1.0
    """How many times as large as a coin's its orders are: stocks are quoted in lots of 100 shares."""

    @property
    def turnover_usd(self) -> float:
        """Traded in a day, in US dollars: crosses trade less than the pair against the dollar."""
        share = 1.0 if self.quote in {"USD", "USDT"} else 0.15
        return ASSETS[self.base].turnover_usd * share


def _binance(*rows: tuple[str, str, int, int]) -> tuple[Listing, ...]:
    return tuple(Listing(base + quote, base, quote, price, size) for base, quote, price, size in rows)


def _slashed(*rows: tuple[str, str, int, int]) -> tuple[Listing, ...]:
    return tuple(Listing(f"{base}/{quote}", base, quote, price, size) for base, quote, price, size in rows)


BINANCE_LISTINGS: Final = _binance(
    ("BTC", "USDT", 2, 5),
    ("ETH", "USDT", 2, 4),
    ("SOL", "USDT", 2, 3),
    ("XRP", "USDT", 4, 1),
    ("ADA", "USDT", 4, 1),
    ("DOGE", "USDT", 5, 0),
    ("LTC", "USDT", 2, 3),
    ("DOT", "USDT", 3, 2),
    ("LINK", "USDT", 2, 2),
    ("AVAX", "USDT", 2, 2),
    ("BCH", "USDT", 1, 3),
    ("XLM", "USDT", 4, 0),
    ("TRX", "USDT", 4, 1),
    ("ATOM", "USDT", 3, 2),
    ("UNI", "USDT", 3, 2),
    ("NEAR", "USDT", 3, 1),
    ("PEPE", "USDT", 8, 0),
    ("SHIB", "USDT", 8, 0),
    ("USDC", "USDT", 5, 0),
    ("BTC", "USDC", 2, 5),
    ("BTC", "EUR", 2, 5),
    ("ETH", "EUR", 2, 4),
    ("ETH", "BTC", 5, 4),
    ("SOL", "BTC", 7, 3),
)
"""Increments as Binance's exchangeInfo gives them."""

KRAKEN_LISTINGS: Final = _slashed(
    ("BTC", "USD", 1, 8),
    ("ETH", "USD", 2, 8),
    ("SOL", "USD", 2, 8),
    ("XRP", "USD", 5, 8),
    ("ADA", "USD", 6, 8),
    ("DOGE", "USD", 7, 8),
    ("LTC", "USD", 2, 8),
    ("DOT", "USD", 4, 8),
    ("LINK", "USD", 5, 8),
    ("AVAX", "USD", 2, 8),
    ("BCH", "USD", 2, 8),
    ("XLM", "USD", 6, 8),
    ("TRX", "USD", 6, 8),
    ("ATOM", "USD", 4, 8),
    ("UNI", "USD", 3, 8),
    ("NEAR", "USD", 3, 8),
    ("PEPE", "USD", 9, 5),
    ("SHIB", "USD", 8, 5),
    ("USDT", "USD", 5, 8),
    ("BTC", "USDT", 1, 8),
    ("BTC", "EUR", 1, 8),
    ("ETH", "EUR", 2, 8),
    ("ETH", "BTC", 5, 8),
    ("SOL", "BTC", 7, 8),
)
"""Precisions as Kraken's instrument channel gives them."""

ALPACA_STOCK_LISTINGS: Final = tuple(
    Listing(stock, stock, "USD", price_decimals=2, size_decimals=0, order_scale=30.0)
    for stock in ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "JPM", "IBM", "BRK.B", "SPY")
)
"""US stocks, in cents and whole shares."""

ALPACA_TEST_LISTINGS: Final = (Listing("FAKEPACA", "FAKEPACA", "USD", 2, 0, order_scale=30.0),)
"""The one symbol of Alpaca's test feed."""

ALPACA_CRYPTO_LISTINGS: Final = _slashed(
    ("BTC", "USD", 3, 9),
    ("ETH", "USD", 3, 9),
    ("SOL", "USD", 3, 9),
    ("XRP", "USD", 4, 9),
    ("DOGE", "USD", 6, 9),
    ("LTC", "USD", 3, 9),
    ("DOT", "USD", 4, 9),
    ("LINK", "USD", 4, 9),
    ("AVAX", "USD", 3, 9),
    ("BCH", "USD", 2, 9),
    ("UNI", "USD", 4, 9),
    ("SHIB", "USD", 8, 4),
    ("PEPE", "USD", 9, 4),
    ("USDT", "USD", 4, 9),
    ("BTC", "USDT", 2, 9),
    ("ETH", "USDT", 2, 9),
    ("BTC", "USDC", 2, 9),
    ("ETH", "BTC", 6, 9),
)
"""Increments of the size that Alpaca's assets list gives."""
