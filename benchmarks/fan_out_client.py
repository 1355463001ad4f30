"""Worker: clients of the fan-out, each with a connection of its own. Run by `fan_out`.

Python would be the bottleneck if it decoded everything for hundreds of clients: quotes are counted by their source's
bytes, and one response of so many is decoded whole, for latency and to check the count.
"""

import asyncio
import resource
import time
from collections.abc import Sequence
from typing import Final

import uvloop

from benchmarks.raw_stream import RawStream, connection
from benchmarks.responses import head, quotes_in
from benchmarks.workers import Message, serve_async, settle_garbage_collector
from tickmux.v1 import market_data_service_pb2 as contract

WARM_UP_NS: Final = 500_000_000
"""Latency counts from here on: the first responses also pay for what is made once."""


class Tally:
    """What all clients of this process received."""

    def __init__(self, sample_every: int) -> None:
        self._sample_every = sample_every
        self._warm_ns = 0
        self.responses = 0
        self.latencies_ns: list[int] = []

    def take(self, response: bytes) -> tuple[int, int]:
        """Count one response: its quotes, and how many it says were conflated."""
        quotes = quotes_in(response)
        self.responses += 1
        if quotes and self.responses % self._sample_every == 0:
            self._sample(response, quotes)
        return quotes, head(response).conflated

    def _sample(self, response: bytes, counted: int) -> None:
        quotes = contract.SubscribeResponse.FromString(response).quotes
        now_ns = time.time_ns()
        if len(quotes) != counted:
            raise ValueError(f"counted {counted} quotes in a response of {len(quotes)}")
        stamps = [quote.received_at.seconds * 1_000_000_000 + quote.received_at.nanos for quote in quotes]
        if not self._warm_ns:
            self._warm_ns = stamps[0] + WARM_UP_NS
        self.latencies_ns += [now_ns - stamp for stamp in stamps if stamp >= self._warm_ns]


class Client:
    """One subscription over its own connection."""

    def __init__(self, address: str, symbols: Sequence[str], tally: Tally) -> None:
        self._tally = tally
        self._channel = connection(address)
        request = contract.SubscribeRequest(selection=contract.Selection(symbols=symbols))
        self._stream = RawStream(self._channel, request)
        self.quotes = 0
        self.conflated = 0
        self.last_ns = 0
        """When the latest quote was received."""

    async def open(self) -> None:
        """Wait for the first response, before which nothing is streamed."""
        await anext(self._stream.responses)

    async def collect(self, owed: int) -> None:
        """Read until all quotes that are owed have come or were reported as conflated."""
        while self.quotes + self.conflated < owed:
            quotes, left_out = self._tally.take(await anext(self._stream.responses))
            self.conflated += left_out
            if quotes:
                self.quotes += quotes
                self.last_ns = time.time_ns()

    async def close(self) -> None:
        """End the call and its connection."""
        self._stream.cancel()
        await self._channel.close()


class Answers:
    """What `fan_out` asks for."""

    def __init__(self) -> None:
        self._clients: list[Client] = []
        self._tally = Tally(1)

    async def __call__(self, request: Message) -> Message:
        """Open the clients, or let them read what they are owed."""
        if request["do"] == "open":
            self._tally = Tally(request["sample_every"])
            self._clients = [Client(request["address"], symbols, self._tally) for symbols in request["selections"]]
            await asyncio.gather(*(client.open() for client in self._clients))
            settle_garbage_collector()
            return {}
        before_s = _cpu_s()
        try:
            async with asyncio.timeout(request["limit_s"]):
                await asyncio.gather(
                    *(client.collect(owed) for client, owed in zip(self._clients, request["owed"], strict=True))
                )
        except TimeoutError:
            pass  # what has come by then is the answer
        spent_s = _cpu_s() - before_s
        await asyncio.gather(*(client.close() for client in self._clients))
        return {
            "cpu_s": spent_s,
            "quotes": sum(client.quotes for client in self._clients),
            "conflated": sum(client.conflated for client in self._clients),
            "last_ns": max(client.last_ns for client in self._clients),
            "responses": self._tally.responses,
            "latencies_ns": self._tally.latencies_ns,
        }


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    uvloop.run(serve_async(Answers()))
