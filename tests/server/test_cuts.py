"""Connections that break: no defect of the server, and nothing in its log that looks like one."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from tests.server.feed import NodeFeed
from tests.server.test_service import AWAIT_S, until

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux_server.node import Node

CLIENTS = 20
SYMBOLS = [f"S{number:03}" for number in range(200)]


class Cable:
    """A TCP relay in front of a server, which can be torn out."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._writers: list[asyncio.StreamWriter] = []
        self._relays: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.address = ""
        self.flowing = asyncio.Event()
        """Clear it to hold back all that comes."""
        self.flowing.set()

    async def __aenter__(self) -> "Cable":
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.tear()
        assert self._server is not None
        self._server.close()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def tear(self) -> None:
        """End every connection at once, by a reset and without a word."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self.flowing.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self._target.rpartition(":")
        upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
        self._writers += [writer, upstream_writer]
        for source, sink in ((reader, upstream_writer), (upstream_reader, writer)):
            relay = asyncio.create_task(self._relay(source, sink))
            self._relays.add(relay)
            relay.add_done_callback(self._relays.discard)

    async def _relay(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                await self.flowing.wait()
                if sink.is_closing():
                    return
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            return


@pytest.fixture
async def cable(node: Node) -> AsyncIterator[Cable]:
    async with Cable(node.address) as cable:
        yield cable


async def test_a_torn_cable_is_no_error_of_the_server(
    node: Node, feeding: NodeFeed, cable: Cable, caplog: pytest.LogCaptureFixture
) -> None:
    feeding.bids("binance", dict.fromkeys(SYMBOLS, 1.0))
    channels = [
        grpc.aio.insecure_channel(cable.address, options=(("grpc.use_local_subchannel_pool", 1),))
        for _ in range(CLIENTS)
    ]
    calls: list[Any] = [
        stubs.MarketDataServiceStub(channel).Subscribe(contract.SubscribeRequest()) for channel in channels
    ]  # type: ignore[no-untyped-call, unused-ignore]
    async with asyncio.timeout(AWAIT_S):
        await asyncio.gather(*(call.read() for call in calls))
    assert len(node.streams) == CLIENTS
    caplog.set_level(logging.INFO)
    cable.flowing.clear()

    def feed_until_all_write() -> bool:
        feeding.bids("binance", dict.fromkeys(SYMBOLS, 2.0))
        return all(stream.writing_since_ns is not None for stream in node.streams._streams)

    await until(feed_until_all_write)
    cable.tear()

    def feed_until_all_are_gone() -> bool:
        feeding.bids("binance", dict.fromkeys(SYMBOLS, 3.0))
        return len(node.streams) == 0

    await until(feed_until_all_are_gone)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []
    for call, channel in zip(calls, channels, strict=True):
        call.cancel()
        await channel.close()
