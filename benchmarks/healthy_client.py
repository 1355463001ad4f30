"""Worker: clients that read as fast as they can, to tell how others bear on them. Run by `stalled`."""

import asyncio
import time
from collections.abc import Sequence

import uvloop

from benchmarks.count import Count
from benchmarks.raw_stream import RawStream, connection
from benchmarks.workers import Message, serve_async, settle_garbage_collector, within
from tickmux.v1 import market_data_service_pb2 as contract


class Client:
    """One subscription that is read all the time."""

    def __init__(self, address: str, symbols: Sequence[str], latencies_ns: list[int]) -> None:
        self._channel = connection(address)
        self._stream = RawStream(
            self._channel, contract.SubscribeRequest(selection=contract.Selection(symbols=symbols))
        )
        self._latencies_ns = latencies_ns
        self._reading: asyncio.Task[None] | None = None
        self.count = Count()

    async def open(self) -> None:
        """Wait for the first response, and read on from there."""
        self.count.take(await anext(self._stream.responses))
        self._reading = asyncio.create_task(self._read())

    async def close(self) -> None:
        """End the call and its connection."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        self._stream.cancel()
        await self._channel.close()

    async def _read(self) -> None:
        async for response in self._stream.responses:
            self.count.take(response)
            quotes = contract.SubscribeResponse.FromString(response).quotes
            now_ns = time.time_ns()
            self._latencies_ns += [
                now_ns - quote.received_at.seconds * 1_000_000_000 - quote.received_at.nanos for quote in quotes
            ]


class Answers:
    """What `stalled` asks for."""

    def __init__(self) -> None:
        self._clients: list[Client] = []
        self._latencies_ns: list[int] = []

    async def __call__(self, request: Message) -> Message:
        """Answer one request."""
        match request["do"]:
            case "open":
                self._clients = [
                    Client(request["address"], symbols, self._latencies_ns) for symbols in request["selections"]
                ]
                await asyncio.gather(*(client.open() for client in self._clients))
                settle_garbage_collector()
                return {}
            case "window":
                self._latencies_ns.clear()
                await asyncio.sleep(request["seconds"])
                return {"latencies_ns": self._latencies_ns}
            case "collect":
                for client, owed in zip(self._clients, request["owed"], strict=True):
                    client.count.expect(owed)
                await within(request["limit_s"], [client.count.paid.wait() for client in self._clients])
                await asyncio.gather(*(client.close() for client in self._clients))
                return {"quotes": [client.count.quotes for client in self._clients]}
            case unknown:
                raise ValueError(f"no answer to {unknown!r}")


if __name__ == "__main__":
    uvloop.run(serve_async(Answers()))
