"""A hub fed by hand under a clock that the test sets, and the real gRPC server over it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator

import grpc
import pytest
import uvloop
from tests.server.feed import Feed, ManualClock, NodeFeed

from tickmux_adapters.model import SystemClock
from tickmux_server.config import Config
from tickmux_server.node import Node


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The server's own loop: its timers, for one, are as coarse as milliseconds."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def feed(clock: ManualClock) -> Feed:
    return Feed(clock)


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    config = Config(listen="127.0.0.1:0", sources={"binance": None, "kraken": None})  # type: ignore[dict-item] # only the names are asked for
    node = Node(config, SystemClock(), flags={})
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
def feeding(node: Node) -> NodeFeed:
    return NodeFeed(node)


@pytest.fixture
async def channel(node: Node) -> AsyncIterator[grpc.aio.Channel]:
    options = (("grpc.use_local_subchannel_pool", 1),)
    async with grpc.aio.insecure_channel(node.address, options=options) as channel:
        yield channel


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage collection: a server runs it so rarely that nothing may wait for it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()
