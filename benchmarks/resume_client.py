"""Worker: clients that are cut and resume, each with a connection of its own. Run by `resume`.

Quotes are counted by their source's bytes. A few clients keep all that they received, to be checked revision by
revision once nothing is measured any more.
"""

import asyncio
import time
from collections.abc import Sequence

import grpc
import uvloop

from benchmarks.count import Count
from benchmarks.raw_stream import RawStream, connection
from benchmarks.responses import head
from benchmarks.workers import Message, raise_file_limit, serve_async, settle_garbage_collector, within
from tickmux.v1 import market_data_service_pb2 as contract


class Client:
    """One subscription, over its interruptions."""

    def __init__(self, address: str, symbols: Sequence[str], *, pace_s: float, keeps: bool) -> None:
        self._channel = connection(address)
        self._request = contract.SubscribeRequest(selection=contract.Selection(symbols=symbols))
        self._request.min_interval.FromNanoseconds(round(pace_s * 1e9))
        self._stream: RawStream | None = None
        self._reading: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._kept: list[bytes] | None = [] if keeps else None
        self.count = Count()
        self.resumed = 0
        """Calls that went on where the one before was cut."""
        self.waited_s: float | None = None
        """From the latest call to its `caught_up`; None until that came."""

    async def open(self) -> None:
        """Take the state and its token, and be cut."""
        self._stream = RawStream(self._channel, self._request)
        async for response in self._stream.responses:
            first = head(response)
            self._request.resume_token = first.resume_token
            if first.caught_up:
                break
        self._stream.cancel()

    async def resume(self, delay_s: float) -> None:
        """Call again, and return once caught up; the call is read on after that."""
        await asyncio.sleep(delay_s)
        self._up.clear()
        self.waited_s = None
        self._reading = asyncio.create_task(self._read())
        up = asyncio.create_task(self._up.wait())
        await asyncio.wait((self._reading, up), return_when=asyncio.FIRST_COMPLETED)
        up.cancel()

    async def cut(self) -> None:
        """End the call in the middle of whatever it does."""
        if self._stream is not None:
            self._stream.cancel()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def close(self) -> None:
        """End the call and the connection."""
        await self.cut()
        await self._channel.close()

    def broken_chains(self) -> int | None:
        """Instruments of which a revision is missing, repeated or out of order; None if nothing was kept."""
        if self._kept is None:
            return None
        latest: dict[str, int] = {}
        broken: set[str] = set()
        for response in self._kept:
            for quote in contract.SubscribeResponse.FromString(response).quotes:
                if quote.revision != latest.get(quote.symbol, 0) + 1:
                    broken.add(quote.symbol)
                latest[quote.symbol] = quote.revision
        return len(broken)

    async def _read(self) -> None:
        started_ns = time.monotonic_ns()
        self._stream = RawStream(self._channel, self._request)
        try:
            async for response in self._stream.responses:
                self._take(response, started_ns)
        except grpc.aio.AioRpcError:
            # It stands where it was then, which the counts tell.
            return

    def _take(self, response: bytes, started_ns: int) -> None:
        first = self.count.take(response)
        self.resumed += first.continuity == contract.CONTINUITY_RESUMED
        self._request.resume_token = first.resume_token
        if self._kept is not None:
            self._kept.append(response)
        if first.caught_up:
            self.waited_s = (time.monotonic_ns() - started_ns) / 1e9
            self._up.set()


class Answers:
    """What `resume` asks for."""

    def __init__(self) -> None:
        self._clients: list[Client] = []

    async def __call__(self, request: Message) -> Message:
        """Answer one request."""
        match request["do"]:
            case "open":
                self._clients = [
                    Client(request["address"], symbols, pace_s=request["pace_s"], keeps=n % request["keep_every"] == 0)
                    for n, symbols in enumerate(request["selections"])
                ]
                await asyncio.gather(*(client.open() for client in self._clients))
                settle_garbage_collector()
                return {}
            case "resume":
                return await self._resume(request["delays_s"], request["limit_s"])
            case "cut":
                await asyncio.gather(*(client.cut() for client in self._clients))
                return {}
            case "collect":
                return await self._collect(request["owed"], request["limit_s"])
            case unknown:
                raise ValueError(f"no answer to {unknown!r}")

    async def _resume(self, delays_s: Sequence[float], limit_s: float) -> Message:
        waiting = [client.resume(delay_s) for client, delay_s in zip(self._clients, delays_s, strict=True)]
        started_ns = time.monotonic_ns()
        await within(limit_s, waiting)
        return {
            "waited_s": [client.waited_s for client in self._clients],
            "seconds": (time.monotonic_ns() - started_ns) / 1e9,
        }

    async def _collect(self, owed: Sequence[int], limit_s: float) -> Message:
        for client, count in zip(self._clients, owed, strict=True):
            client.count.expect(count)
        await within(limit_s, [client.count.paid.wait() for client in self._clients])
        await asyncio.gather(*(client.close() for client in self._clients))
        broken = [chains for client in self._clients if (chains := client.broken_chains()) is not None]
        return {
            "quotes": [client.count.quotes for client in self._clients],
            "conflated": sum(client.count.conflated for client in self._clients),
            "resumed": [client.resumed for client in self._clients],
            "checked": len(broken),
            "broken": sum(broken),
        }


if __name__ == "__main__":
    raise_file_limit()
    uvloop.run(serve_async(Answers()))
