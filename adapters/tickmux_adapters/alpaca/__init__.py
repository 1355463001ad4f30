"""Alpaca: stocks and crypto, from its streams of trades, quotes, daily bars and trading statuses."""

from tickmux_adapters.alpaca.adapter import CRYPTO, STOCKS

__all__ = ["CRYPTO", "STOCKS"]
