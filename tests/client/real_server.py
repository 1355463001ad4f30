"""The real hub and gRPC server in the test's own process, and a client that watches it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.client.flavours import LIMIT_S, Flavour, collect

from tickmux_adapters.model import SystemClock
from tickmux_client import CaughtUp, Quote
from tickmux_server.config import Config
from tickmux_server.node import Node

FEW_BYTES = 1 << 20


@asynccontextmanager
async def running(listen: str = "127.0.0.1:0", *, stream_age_s: float = 1800.0) -> AsyncIterator[Node]:
    config = Config(
        listen=listen,
        stream_age_s=stream_age_s,
        history_bytes_max=FEW_BYTES,
        drain_s=1.0,
        sources={"binance": None, "kraken": None},  # type: ignore[dict-item] # only the names are asked for
    )
    node = Node(config, SystemClock(), flags={})
    await node.start()
    # Heartbeats and stream ages, which the program runs beside the node.
    watching = asyncio.create_task(node.streams.watch())
    try:
        yield node
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await node.stop()


class Watching:
    """Collects what a client yields while the test goes on feeding the server."""

    def __init__(self, flavour: Flavour, target: str, until: Callable[[Any], bool], **options: Any) -> None:
        self._loop = asyncio.get_running_loop()
        self._until = until
        self.caught_up = asyncio.Event()
        self.task = asyncio.create_task(collect(flavour, target, "subscribe", self._see, **options))

    def _see(self, event: Any) -> bool:
        if isinstance(event, CaughtUp):
            self._loop.call_soon_threadsafe(self.caught_up.set)
        return self._until(event)

    async def started(self) -> None:
        async with asyncio.timeout(LIMIT_S):
            await self.caught_up.wait()

    async def result(self) -> list[Any]:
        async with asyncio.timeout(LIMIT_S):
            return await self.task


def bid(price: float) -> Callable[[Any], bool]:
    return lambda event: isinstance(event, Quote) and event.bid_price == price
