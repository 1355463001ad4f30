"""Worker: connections on which nothing happens. Run by `idle`."""

import asyncio
from collections.abc import Sequence

import grpc
import uvloop

from benchmarks.raw_stream import RawStream, connection
from benchmarks.responses import head
from benchmarks.workers import Message, raise_file_limit, serve_async, settle_garbage_collector
from tickmux.v1 import market_data_service_pb2 as contract

AT_A_TIME = 50
"""Handshakes under way at once in this process."""


class Answers:
    """What `idle` asks for."""

    def __init__(self) -> None:
        self._channels: list[grpc.aio.Channel] = []
        self._streams: list[RawStream] = []

    async def __call__(self, request: Message) -> Message:
        """Answer one request. All end with this process: closing them one by one takes a minute in Python."""
        match request["do"]:
            case "connect":
                turns = asyncio.Semaphore(AT_A_TIME)
                self._channels = [connection(request["address"]) for _ in range(request["connections"])]
                await asyncio.gather(*(_connect(channel, turns) for channel in self._channels))
                settle_garbage_collector()
            case "subscribe":
                turns = asyncio.Semaphore(AT_A_TIME)
                self._streams = await asyncio.gather(
                    *(
                        _subscribe(channel, symbols, turns)
                        for channel, symbols in zip(self._channels, request["selections"], strict=True)
                    )
                )
            case unknown:
                raise ValueError(f"no answer to {unknown!r}")
        return {}


async def _connect(channel: grpc.aio.Channel, turns: asyncio.Semaphore) -> None:
    async with turns:
        await channel.channel_ready()


async def _subscribe(channel: grpc.aio.Channel, symbols: Sequence[str], turns: asyncio.Semaphore) -> RawStream:
    """A stream that has its state; the heartbeats that follow fit the connection's window for many minutes."""
    async with turns:
        stream = RawStream(channel, contract.SubscribeRequest(selection=contract.Selection(symbols=symbols)))
        while not head(await anext(stream.responses)).caught_up:
            pass
        return stream


if __name__ == "__main__":
    raise_file_limit()
    uvloop.run(serve_async(Answers()))
