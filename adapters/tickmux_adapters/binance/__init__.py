"""Binance spot: top of book, trades and 24 h volume from the combined stream."""

from tickmux_adapters.binance.adapter import ADAPTER

__all__ = ["ADAPTER"]
