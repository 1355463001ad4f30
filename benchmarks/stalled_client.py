"""Worker: clients that stop reading once they have the state. Run by `stalled`.

Their connections live on: what a client's program does not read is not a matter of its transport.
"""

import asyncio

import uvloop

from benchmarks.raw_stream import RawStream, connection
from benchmarks.responses import head
from benchmarks.workers import Message, raise_file_limit, serve_async, settle_garbage_collector
from tickmux.v1 import market_data_service_pb2 as contract

SMALL_WINDOW = (("grpc.http2.bdp_probe", 0),)
"""With BDP probing a window grows to megabytes, and a stall shows only after those."""


class Client:
    """One subscription to everything."""

    def __init__(self, address: str) -> None:
        self._channel = connection(address, SMALL_WINDOW)
        self._stream = RawStream(self._channel, contract.SubscribeRequest())

    async def open(self) -> None:
        """Read up to the end of the state, and no further."""
        while not head(await anext(self._stream.responses)).caught_up:
            pass

    async def sip(self, bytes_min: int) -> None:
        """Read what was written before the stall, and the first of the large responses that gathered behind it."""
        while len(await anext(self._stream.responses)) < bytes_min:
            pass

    async def close(self) -> None:
        """End the call and its connection."""
        self._stream.cancel()
        await self._channel.close()


class Answers:
    """What `stalled` asks for."""

    def __init__(self) -> None:
        self._clients: list[Client] = []

    async def __call__(self, request: Message) -> Message:
        """Answer one request."""
        match request["do"]:
            case "open":
                self._clients = [Client(request["address"]) for _ in range(request["clients"])]
                await asyncio.gather(*(client.open() for client in self._clients))
                settle_garbage_collector()
            case "sip":
                await asyncio.gather(*(client.sip(request["bytes_min"]) for client in self._clients))
            case "close":
                await asyncio.gather(*(client.close() for client in self._clients))
            case unknown:
                raise ValueError(f"no answer to {unknown!r}")
        return {}


if __name__ == "__main__":
    raise_file_limit()
    uvloop.run(serve_async(Answers()))
