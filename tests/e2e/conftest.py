"""The whole way of the data in processes of its own: simulated venues and `tickmux serve`."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.e2e.processes import ServerProcess, VenueProcess, free_port


@pytest.fixture
async def venues() -> AsyncIterator[dict[str, VenueProcess]]:
    """Both simulated venues, each on a port of its own that survives its restarts."""
    running = {name: VenueProcess(name, free_port()) for name in ("binance", "kraken")}
    try:
        for venue in running.values():
            await venue.start()
        yield running
    finally:
        for venue in running.values():
            await venue.stop()


@pytest.fixture
async def server(venues: dict[str, VenueProcess], tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """`tickmux serve` against them."""
    process = ServerProcess(tmp_path, venues)
    try:
        await process.start()
        yield process
    finally:
        await process.stop()
