"""Kraken spot: WebSocket v2 and the public REST endpoints."""
