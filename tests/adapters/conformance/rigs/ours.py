"""The rigs of the venues that this distribution has adapters for."""

from typing import Final

from tests.adapters.conformance.rig import VenueRig
from tests.adapters.conformance.rigs.alpaca import AlpacaCryptoRig, AlpacaJsonRig, AlpacaRig
from tests.adapters.conformance.rigs.alphavantage import AlphaVantageRig
from tests.adapters.conformance.rigs.binance import BinanceRig
from tests.adapters.conformance.rigs.coingecko import CoinGeckoRig
from tests.adapters.conformance.rigs.kraken import KrakenRig

OURS: Final[tuple[type[VenueRig], ...]] = (
    BinanceRig,
    KrakenRig,
    AlpacaRig,
    AlpacaJsonRig,
    AlpacaCryptoRig,
    CoinGeckoRig,
    AlphaVantageRig,
)
