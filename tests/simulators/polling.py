"""What the tests of both polled venues ask for."""

import asyncio
import http.client
import json
import urllib.parse
from typing import Any

from tests.simulators.process import PATIENCE_S, Simulator


def raw_get(url: str, headers: dict[str, str] | None = None) -> tuple[int, str, dict[str, str]]:
    """(status, body, headers) of one request; redirects are not followed."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}", headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read().decode(), {key.lower(): value for key, value in response.getheaders()}
    finally:
        connection.close()


async def polls(venue: Simulator) -> dict[str, int]:
    """How often each endpoint was asked."""
    counts: dict[str, int] = (await venue.state())["counters"]["requests"]
    return counts


async def sent_bodies(venue: Simulator, symbol: str) -> list[Any]:
    """The bodies with prices of an instrument, in order."""
    return [json.loads(text) for text in await venue.sent(symbol)]


async def struck(venue: Simulator, fault: str) -> int:
    """How often a fault was applied, once it was."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            applied: int = (await venue.state())["faults"][fault]["applied"]
            if applied:
                return applied
