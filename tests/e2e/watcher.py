"""A client on raw stubs that writes down all that one stream says, and holds it to the promises as it goes."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import grpc

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux.v1 import source_pb2


class Watcher:
    """One stream of everything, read until it ends."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.aio.insecure_channel(target, options=(("grpc.use_local_subchannel_pool", 1),))
        stub: Any = stubs.MarketDataServiceStub(self._channel)
        self._call = stub.Subscribe(contract.SubscribeRequest())
        self._reader = asyncio.create_task(self._read())
        self._changed = asyncio.Condition()
        self.statuses: list[source_pb2.SourceStatus] = []
        """Every status that was told, in order."""
        self.revisions: dict[tuple[str, str], tuple[int, int]] = {}
        """(epoch, revision) last seen of each instrument."""
        self.holes: list[str] = []
        self.updates: dict[str, int] = {}
        self.going_away = False
        self.error: grpc.StatusCode | None = None

    async def close(self) -> None:
        self._call.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        await self._channel.close()

    async def until(self, condition: Callable[[], bool], timeout_s: float) -> float:
        """Wait for something that a response may bring; seconds that it took."""
        started = time.monotonic()
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(condition)
        return time.monotonic() - started

    def state(self, source: str) -> str:
        """The state that a source was last told to be in."""
        for status in reversed(self.statuses):
            if status.source == source:
                return source_pb2.SourceState.Name(status.state).removeprefix("SOURCE_STATE_")
        return ""

    def epoch(self, source: str) -> int:
        return max((epoch for (name, _), (epoch, _) in self.revisions.items() if name == source), default=0)

    async def _read(self) -> None:
        try:
            while (response := await self._call.read()) is not grpc.aio.EOF:
                async with self._changed:
                    self._take(response)
                    self._changed.notify_all()
            self.error = await self._call.code()
        except grpc.aio.AioRpcError as error:
            self.error = error.code()
        async with self._changed:
            self._changed.notify_all()

    def _take(self, response: contract.SubscribeResponse) -> None:
        self.going_away = self.going_away or response.going_away
        self.statuses += response.source_statuses
        if response.conflated:
            self.holes.append(f"{response.conflated} conflated")
        for quote in response.quotes:
            key = (quote.source, quote.symbol)
            epoch, revision = self.revisions.get(key, (0, 0))
            if quote.epoch == epoch and quote.revision != revision + 1:
                self.holes.append(f"{key}: {quote.revision} after {revision} in epoch {epoch}")
            elif quote.epoch < epoch:
                self.holes.append(f"{key}: epoch {quote.epoch} after {epoch}")
            elif epoch and quote.epoch > epoch and quote.revision != 1:
                self.holes.append(f"{key}: epoch {quote.epoch} begins with {quote.revision}")
            self.revisions[key] = (quote.epoch, quote.revision)
            self.updates[quote.source] = self.updates.get(quote.source, 0) + 1
