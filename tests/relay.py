"""A TCP relay in front of a server, for what happens on the way there."""

import asyncio
import contextlib
from typing import Self


class Relay:
    """Passes bytes on, each new connection after a wait and each way after another; `cut` ends those that are open."""

    def __init__(self, target: str, *, accept_delay_s: float = 0.0, travel_s: float = 0.0) -> None:
        self._host, _, port = target.rpartition(":")
        self._port = int(port)
        self._accept_delay_s = accept_delay_s
        self._travel_s = travel_s
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._relaying: set[asyncio.Task[None]] = set()
        self._opened = asyncio.Event()
        self._bytes_left: int | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._relaying)
        await self._server.wait_closed()

    @property
    def target(self) -> str:
        """Where to connect instead."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def opened_anew(self) -> asyncio.Event:
        """Set when a connection has reached the server after this call."""
        self._opened = asyncio.Event()
        return self._opened

    def cut(self) -> None:
        """Reset every open connection, on both sides."""
        for writer in self._writers:
            writer.transport.abort()

    def cut_after(self, count: int) -> None:
        """Pass so many more bytes on to the client, and end that connection then: what was under way is torn."""
        self._bytes_left = count

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._relaying.add(task)
        writers = [writer]
        self._writers.add(writer)
        try:
            await asyncio.sleep(self._accept_delay_s)
            server_reader, server_writer = await asyncio.open_connection(self._host, self._port)
            writers.append(server_writer)
            self._writers.add(server_writer)
            self._opened.set()
            await asyncio.gather(self._pump(reader, server_writer), self._pump_back(server_reader, writer))
        except OSError:
            # The server is away: to the client the connection just ends.
            pass
        finally:
            self._relaying.discard(task)
            self._writers -= {*writers}
            for open_writer in writers:
                open_writer.close()

    async def _pump_back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                await asyncio.sleep(self._travel_s)
                passed = data if self._bytes_left is None else data[: self._bytes_left]
                writer.write(passed)
                await writer.drain()
                if self._bytes_left is not None:
                    self._bytes_left -= len(passed)
                    if self._bytes_left == 0:
                        self._bytes_left = None
                        break
        writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                await asyncio.sleep(self._travel_s)
                writer.write(data)
                await writer.drain()
        writer.close()
