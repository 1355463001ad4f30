"""What Alpha Vantage knows by name: stocks, currencies, markets."""

from dataclasses import dataclass
from typing import Any, Final

from tickmux_simulators.listings import ASSETS


@dataclass(frozen=True, slots=True)
class Stock:
    """One stock or fund of the US."""

    symbol: str
    name: str
    kind: str = "Equity"


STOCKS: Final = {
    one.symbol: one
    for one in (
        Stock("AAPL", "Apple Inc"),
        Stock("MSFT", "Microsoft Corporation"),
        Stock("NVDA", "NVIDIA Corp"),
        Stock("AMZN", "Amazon.com Inc"),
        Stock("GOOGL", "Alphabet Inc - Class A"),
        Stock("META", "Meta Platforms Inc - Class A"),
        Stock("TSLA", "Tesla Inc"),
        Stock("JPM", "JPMorgan Chase & Company"),
        Stock("IBM", "International Business Machines Corp"),
        Stock("BRK.B", "Berkshire Hathaway Inc - Class B"),
        Stock("SPY", "SPDR S&P 500 ETF Trust", "ETF"),
    )
}

FIAT: Final = {
    "USD": "United States Dollar",
    "EUR": "Euro",
    "GBP": "British Pound Sterling",
    "CHF": "Swiss Franc",
    "JPY": "Japanese Yen",
}
COINS: Final = {
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
    "SOL": "Solana",
    "XRP": "Ripple",
    "ADA": "Cardano",
    "DOGE": "DogeCoin",
    "LTC": "Litecoin",
    "DOT": "Polkadot",
    "LINK": "ChainLink",
    "AVAX": "Avalanche",
    "BCH": "Bitcoin-Cash",
    "XLM": "Stellar",
    "TRX": "Tronix",
    "ATOM": "Cosmos",
    "UNI": "Uniswap",
    "NEAR": "NEAR Protocol",
    "PEPE": "Pepe",
    "SHIB": "Shiba Inu",
    "USDT": "Tether",
    "USDC": "USD Coin",
}
CURRENCIES: Final = {**FIAT, **COINS}


def stock(text: str) -> Stock | None:
    """The stock of a symbol in any case; a share class may follow a point or a hyphen."""
    return STOCKS.get(text.upper().replace("-", "."))


def currency(text: str) -> str:
    """The code of a currency that is known; empty for any other."""
    code = text.upper()
    return code if code in CURRENCIES and code in ASSETS else ""


def _market(region: str, exchanges: str, hours: str, notes: str = "", kind: str = "Equity") -> dict[str, Any]:
    opens, _, closes = hours.partition(" ")
    return {
        "market_type": kind,
        "region": region,
        "primary_exchanges": exchanges,
        "local_open": opens,
        "local_close": closes,
        "current_status": "open" if region in {"United States", "Global"} else "closed",
        "notes": notes,
    }


MARKETS: Final = (
    _market("United States", "NASDAQ, NYSE, AMEX, BATS", "09:30 16:15"),
    _market("Canada", "Toronto, Toronto Ventures", "09:30 16:00"),
    _market("United Kingdom", "London", "08:00 16:30"),
    _market("Germany", "XETRA, Berlin, Frankfurt, Munich, Stuttgart", "08:00 20:00"),
    _market("Japan", "Tokyo", "09:00 15:00", "Noon trading break from 11:30 to 12:30 local time"),
    _market("Global", "Global", "00:00 23:59", "The forex market is open 24 hours a day", "Forex"),
    _market("Global", "Global", "00:00 23:59", "The cryptocurrency market is open 24 hours a day", "Cryptocurrency"),
)
"""The simulated market of US stocks never closes, so that there is always something to see."""
