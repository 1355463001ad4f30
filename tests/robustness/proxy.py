"""A TCP proxy on loopback that can cut, swallow and delay what passes through it."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator
from typing import Final

CHUNK_BYTES_MAX: Final = 64 * 1024
CHUNKS_HELD_MAX: Final = 64
CONNECT_S_MAX: Final = 2.0


class Proxy:
    """Listens on a port of its own and passes every connection on to one target.

    What is swallowed is lost for good, so that a connection that lived through it is reset at its end: a stream with a
    hole in its middle is nothing that TCP can bring about.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter | None]] = set()
        self.port = 0
        self.delay_s = 0.0
        """How much later everything arrives, in both directions."""
        self.swallows = False
        """Whether everything is read and nothing passed on, new connections included."""

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Proxy"]:
        """Listen while entered."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self._server.close()
            for task in self._passing:
                task.cancel()
            await asyncio.gather(*self._passing, return_exceptions=True)

    def cut(self) -> int:
        """Reset every connection; returns how many there were."""
        pairs = list(self._pairs)
        for near, far in pairs:
            _reset(near)
            if far is not None:
                _reset(far)
        return len(pairs)

    def inject(self, garbage: bytes) -> int:
        """Put bytes that nobody sent before what comes next from the target; returns to how many connections."""
        pairs = list(self._pairs)
        for near, _ in pairs:
            if not near.is_closing():
                near.write(garbage)
        return len(pairs)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter | None] = (writer, None)
        self._pairs.add(pair)
        far_writer: asyncio.StreamWriter | None = None
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
            self._pairs.discard(pair)
            pair = (writer, far_writer)
            self._pairs.add(pair)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, far_writer))
                group.create_task(self._pass(far_reader, writer))
        except* (OSError, TimeoutError):
            # Whoever is at the other end sees it: the connection is reset.
            pass
        finally:
            self._pairs.discard(pair)
            _reset(writer)
            if far_writer is not None:
                _reset(far_writer)
            self._passing.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(CHUNKS_HELD_MAX)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(reader, held))
            group.create_task(self._write(held, writer))

    async def _read(self, reader: asyncio.StreamReader, held: "asyncio.Queue[tuple[float, bytes]]") -> None:
        while chunk := await reader.read(CHUNK_BYTES_MAX):
            if not self.swallows:
                await held.put((time.monotonic() + self.delay_s, chunk))
        await held.put((time.monotonic() + self.delay_s, b""))

    async def _write(self, held: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        while True:
            due_s, chunk = await held.get()
            if (wait_s := due_s - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            if not chunk:
                raise ConnectionResetError("one side has ended the connection")
            if not self.swallows:
                writer.write(chunk)
                await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket | None = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        with contextlib.suppress(OSError):
            # Closed with a linger of nothing, TCP resets instead of saying goodbye.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
