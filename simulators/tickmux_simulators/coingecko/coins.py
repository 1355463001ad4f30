"""What the simulated CoinGecko lists: coins that follow an asset, many under a ticker that others have too."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tickmux_simulators.fair_value import uniform

WORLD_SHARE: Final = 24.0
"""How much more trades everywhere than at one venue."""


@dataclass(frozen=True, slots=True)
class Coin:
    """One entry of /coins/list."""

    id: str
    symbol: str
    name: str
    asset: str
    """The asset that its price follows."""
    ratio: float
    """Its price in units of that asset."""
    supply: float
    """In circulation."""
    activity: float
    """What trades of it, as a multiple of its asset's turnover at one venue."""
    platform: str = ""
    """The chain it is a token of; empty for a chain's own coin."""
    is_priced: bool = True
    """Whether anybody knows a price: that of a dead coin is null."""

    @property
    def address(self) -> str:
        """The contract on its platform."""
        return f"0x{int((uniform(self.id, 'address') + 1) * 2**62):040x}"


ORIGINALS: Final = (
    Coin("bitcoin", "btc", "Bitcoin", "BTC", 1.0, 19_951_000.0, WORLD_SHARE),
    Coin("ethereum", "eth", "Ethereum", "ETH", 1.0, 120_690_000.0, WORLD_SHARE),
    Coin("tether", "usdt", "Tether", "USDT", 1.0, 184_400_000_000.0, 700.0, "ethereum"),
    Coin("ripple", "xrp", "XRP", "XRP", 1.0, 60_250_000_000.0, WORLD_SHARE),
    Coin("solana", "sol", "Solana", "SOL", 1.0, 559_300_000.0, WORLD_SHARE),
    Coin("usd-coin", "usdc", "USDC", "USDC", 1.0, 74_900_000_000.0, 240.0, "ethereum"),
    Coin("tron", "trx", "TRON", "TRX", 1.0, 94_680_000_000.0, WORLD_SHARE),
    Coin("dogecoin", "doge", "Dogecoin", "DOGE", 1.0, 151_700_000_000.0, WORLD_SHARE),
    Coin("cardano", "ada", "Cardano", "ADA", 1.0, 36_600_000_000.0, WORLD_SHARE),
    Coin("bitcoin-cash", "bch", "Bitcoin Cash", "BCH", 1.0, 19_950_000.0, WORLD_SHARE),
    Coin("chainlink", "link", "Chainlink", "LINK", 1.0, 696_800_000.0, WORLD_SHARE, "ethereum"),
    Coin("stellar", "xlm", "Stellar", "XLM", 1.0, 32_200_000_000.0, WORLD_SHARE),
    Coin("litecoin", "ltc", "Litecoin", "LTC", 1.0, 76_600_000.0, WORLD_SHARE),
    Coin("avalanche-2", "avax", "Avalanche", "AVAX", 1.0, 427_000_000.0, WORLD_SHARE),
    Coin("shiba-inu", "shib", "Shiba Inu", "SHIB", 1.0, 589_500_000_000_000.0, WORLD_SHARE, "ethereum"),
    Coin("polkadot", "dot", "Polkadot", "DOT", 1.0, 1_633_000_000.0, WORLD_SHARE),
    Coin("uniswap", "uni", "Uniswap", "UNI", 1.0, 630_300_000.0, WORLD_SHARE, "ethereum"),
    Coin("near", "near", "NEAR Protocol", "NEAR", 1.0, 1_280_000_000.0, WORLD_SHARE),
    Coin("pepe", "pepe", "Pepe", "PEPE", 1.0, 420_690_000_000_000.0, WORLD_SHARE, "ethereum"),
    Coin("cosmos", "atom", "Cosmos Hub", "ATOM", 1.0, 478_000_000.0, WORLD_SHARE),
)
"""The coins that people mean by their tickers."""

NAMESAKES: Final = (
    Coin("batcat", "btc", "batcat", "SOL", 3.1e-7, 999_900_000.0, 1e-6, "solana"),
    Coin("blackrocktradingcurrency", "btc", "BlackrockTradingCurrency", "ETH", 2.2e-10, 1e12, 1e-6, "ethereum"),
    Coin(
        "harrypotterobamasonic10in", "bitcoin", "HarryPotterObamaSonic10Inu (ETH)", "ETH", 1.9e-5, 1e9, 1e-3, "ethereum"
    ),
    Coin("the-infinite-garden", "eth", "The Infinite Garden", "ETH", 1.4e-9, 1e9, 1e-6, "ethereum"),
    Coin("ethereum-wormhole", "eth", "Ethereum (Wormhole)", "ETH", 0.9991, 41_000.0, 1e-3, "solana"),
    Coin("solana-swap", "sol", "Solana Swap", "BTC", 2.4e-9, 1e9, 1e-6, "ethereum"),
    Coin("ripple-wave", "xrp", "Ripple Wave", "XRP", 4.1e-5, 1e11, 1e-6, "base"),
    Coin("linkchain", "link", "Linkchain", "LINK", 0.0021, 5e8, 1e-5, "ethereum"),
    Coin("dogecoin-20", "doge", "Dogecoin 2.0", "DOGE", 0.0044, 1e9, 1e-5, "ethereum"),
    Coin("ada-the-dog", "ada", "ADA the Dog", "SOL", 5.6e-7, 1e9, 1e-5, "cardano"),
    Coin("dot-finance", "dot", "Dot Finance", "DOT", 1.7e-4, 5e7, 1e-6, "base"),
    Coin("near-the-edge", "near", "near the edge", "NEAR", 2.2e-6, 1e9, 1e-6, "solana"),
    Coin("unicorn-token", "uni", "UNICORN Token", "UNI", 4.4e-6, 1e10, 1e-5, "ethereum"),
    Coin("pepe-2", "pepe", "Pepe 2.0", "PEPE", 0.0031, 4.2e14, 1e-4, "ethereum"),
    Coin("banana-for-scale", "$banana", "Banana For Scale", "SOL", 8.8e-6, 1e9, 1e-5, "solana"),
    Coin("abandoned-coin", "gone", "Abandoned Coin", "BTC", 1e-12, 0.0, 0.0, is_priced=False),
)
"""Others: most under a ticker that is not theirs alone, and one that has no price."""

BRIDGES: Final = (
    *("arbitrum", "avalanche", "base", "binance", "celo", "fantom", "gnosis", "linea", "mantle"),
    *("optimism", "polygon", "scroll", "starknet", "sui", "zksync"),
)
BRIDGED: Final = ("bitcoin", "ethereum", "tether", "usd-coin", "solana", "chainlink", "uniswap", "dogecoin")
IMITATIONS: Final = ("baby", "wrapped", "staked", "mini", "classic", "ai", "meta", "super", "dark")


def _bridged(bridge: str, coin: Coin) -> Coin:
    """The same coin on another chain, under the same ticker."""
    name = f"{bridge.title()} Bridged {coin.name}"
    share = 1e-4 + abs(uniform(bridge, coin.id)) * 1e-3
    ratio = 1.0 + 2e-3 * uniform(coin.id, bridge)
    return Coin(
        f"{bridge}-bridged-{coin.symbol}-{bridge}",
        coin.symbol,
        f"{name} ({bridge.title()})",
        coin.asset,
        ratio,
        round(coin.supply * share, 2),
        coin.activity * share,
        bridge,
    )


def _imitation(prefix: str, coin: Coin) -> Coin:
    """A coin that is named after another."""
    is_wrapped = prefix in {"wrapped", "staked"}
    size = abs(uniform(prefix, coin.id))
    ratio = 1.0 + 0.1 * size if is_wrapped else 10 ** (-2.0 - 4.0 * size)
    return Coin(
        f"{prefix}-{coin.id}",
        f"{'w' if prefix == 'wrapped' else prefix}{coin.symbol}",
        f"{prefix.title()} {coin.name}",
        coin.asset,
        ratio,
        round(coin.supply * (0.01 if is_wrapped else 0.1), 2),
        coin.activity * 1e-4,
        coin.platform or "ethereum",
    )


def _all() -> Iterator[Coin]:
    yield from ORIGINALS
    yield from NAMESAKES
    by_id = {coin.id: coin for coin in ORIGINALS}
    for bridge in BRIDGES:
        for name in BRIDGED:
            yield _bridged(bridge, by_id[name])
    for prefix in IMITATIONS:
        for coin in ORIGINALS:
            yield _imitation(prefix, coin)


COINS: Final = {coin.id: coin for coin in sorted(_all(), key=lambda one: one.id)}
"""By id, in the order of /coins/list."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a price can be given in."""

    asset: str
    """The asset that it follows."""
    per_asset: float
    """Units for one of that asset."""
    is_crypto: bool = False


_FOLLOWING: Final = {
    **{name.lower(): Unit(name, 1.0) for name in ("USD", "EUR", "GBP", "CHF", "JPY")},
    **{
        name.lower(): Unit(name, 1.0, is_crypto=True)
        for name in ("BTC", "ETH", "LTC", "BCH", "XRP", "XLM", "LINK", "DOT", "SOL")
    },
    "bits": Unit("BTC", 1e6, is_crypto=True),
    "sats": Unit("BTC", 1e8, is_crypto=True),
    "bnb": Unit("BTC", 102.0, is_crypto=True),
    "eos": Unit("BTC", 260_000.0, is_crypto=True),
    "yfi": Unit("BTC", 21.0, is_crypto=True),
}
_PER_DOLLAR: Final = {
    "aed": 3.6725,
    "ars": 1443.0,
    "aud": 1.54,
    "bdt": 122.2,
    "bhd": 0.377,
    "bmd": 1.0,
    "brl": 5.38,
    "cad": 1.41,
    "clp": 938.0,
    "cny": 7.11,
    "czk": 20.9,
    "dkk": 6.42,
    "gel": 2.7,
    "hkd": 7.78,
    "huf": 331.0,
    "idr": 16_690.0,
    "ils": 3.26,
    "inr": 88.7,
    "krw": 1466.0,
    "kwd": 0.307,
    "lkr": 307.0,
    "mmk": 2_099.0,
    "mxn": 18.5,
    "myr": 4.14,
    "ngn": 1_446.0,
    "nok": 10.2,
    "nzd": 1.78,
    "php": 58.9,
    "pkr": 281.0,
    "pln": 3.65,
    "rub": 79.0,
    "sar": 3.75,
    "sek": 9.52,
    "sgd": 1.305,
    "thb": 32.4,
    "try": 42.4,
    "twd": 31.3,
    "uah": 42.2,
    "vef": 0.1,
    "vnd": 26_370.0,
    "zar": 17.3,
    "xdr": 0.74,
    "xag": 0.0198,
    "xau": 0.000246,
}
ORDER: Final = (
    *("btc", "eth", "ltc", "bch", "bnb", "eos", "xrp", "xlm", "link", "dot", "yfi", "sol", "usd", "aed", "ars", "aud"),
    *("bdt", "bhd", "bmd", "brl", "cad", "chf", "clp", "cny", "czk", "dkk", "eur", "gbp", "gel", "hkd", "huf", "idr"),
    *("ils", "inr", "jpy", "krw", "kwd", "lkr", "mmk", "mxn", "myr", "ngn", "nok", "nzd", "php", "pkr", "pln", "rub"),
    *("sar", "sek", "sgd", "thb", "try", "twd", "uah", "vef", "vnd", "zar", "xdr", "xag", "xau", "bits", "sats"),
)
UNITS: Final = {name: _FOLLOWING.get(name) or Unit("USD", _PER_DOLLAR[name]) for name in ORDER}
"""What /simple/supported_vs_currencies lists."""
