"""What tests of other people's tools share."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.processes import ServerProcess, VenueProcess
from tests.e2e.watcher import Watcher

SERVICE = "tickmux.v1.MarketDataService"
LIMIT_S = 30.0


async def live(server: ServerProcess, venues: dict[str, VenueProcess]) -> None:
    watcher = Watcher(server.target)
    try:
        await watcher.until(lambda: all(watcher.updates.get(name, 0) > 0 for name in venues), LIMIT_S)
    finally:
        await watcher.close()


def objects(text: str) -> list[dict[str, object]]:
    """The JSON objects that follow each other in a text."""
    decoder = json.JSONDecoder()
    found = []
    rest = text.lstrip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].lstrip()
    return found


async def read_until(enough: Callable[[str], bool], *command: str | Path) -> list[Any]:
    """The whole responses that a command prints of a stream; it is ended once its output is enough."""
    streaming = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert streaming.stdout is not None
    text = ""
    async with asyncio.timeout(LIMIT_S):
        while not enough(text):
            text += (await streaming.stdout.readline()).decode()
    streaming.terminate()
    rest, _ = await asyncio.wait_for(streaming.communicate(), LIMIT_S)
    return objects((text + rest.decode()).rpartition("\n}")[0] + "\n}")


def quotes(responses: list[Any]) -> list[Any]:
    return [quote for response in responses for quote in response.get("quotes", [])]
