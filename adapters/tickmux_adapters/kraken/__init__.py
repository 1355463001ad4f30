"""Kraken spot over WebSocket v2: top of book, last price and 24 h volume from the ticker channel."""

from tickmux_adapters.kraken.adapter import ADAPTER

__all__ = ["ADAPTER"]
