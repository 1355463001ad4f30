"""CoinGecko over REST: reference prices of coins, polled no faster than the venue renews them."""

from tickmux_adapters.coingecko.adapter import ADAPTER

__all__ = ["ADAPTER"]
