"""Binance spot: market streams and the public REST endpoints."""
