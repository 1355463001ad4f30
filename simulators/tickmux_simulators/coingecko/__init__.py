"""The simulated CoinGecko."""
