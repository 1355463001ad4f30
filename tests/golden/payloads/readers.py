"""The reader of every recording that holds something for an adapter."""

from collections.abc import Mapping

from tests.golden.payloads import alpaca, alphavantage, binance, coingecko, kraken
from tests.golden.payloads.entries import Reader

READERS: Mapping[str, Mapping[str, Reader]] = {
    "alpaca": alpaca.READERS,
    "alphavantage": alphavantage.READERS,
    "binance": binance.READERS,
    "coingecko": coingecko.READERS,
    "kraken": kraken.READERS,
}
"""By venue and name of the recording."""
