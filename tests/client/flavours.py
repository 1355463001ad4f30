"""Runs the same scenario with the asyncio client and with the synchronous one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal, TypeVar

import grpc.aio
from tests.client.scripted_server import Script

from tickmux.v1.market_data_service_pb2_grpc import add_MarketDataServiceServicer_to_server
from tickmux_client import Quote, connect, sync

Flavour = Literal["asyncio", "sync"]
FLAVOURS: tuple[Flavour, ...] = ("asyncio", "sync")
OPTIONS: dict[str, Any] = {"backoff_cap_s": 0.02, "own_connection": True}
LIMIT_S = 20.0

T = TypeVar("T")


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[str]:
    """The script on a port of its own; leaving asserts that the client left no call open."""
    server = grpc.aio.server()
    add_MarketDataServiceServicer_to_server(script, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
        async with asyncio.timeout(LIMIT_S):
            await script.all_closed.wait()
    finally:
        await server.stop(None)


def is_revision(revision: int) -> Callable[[object], bool]:
    return lambda item: isinstance(item, Quote) and item.revision == revision


def kinds(events: list[Any]) -> list[type]:
    return [type(event) for event in events]


async def collect(
    flavour: Flavour,
    target: str,
    method: str,
    until: Callable[[Any], bool],
    *,
    reconnects_max: int | None = None,
    **options: Any,
) -> list[Any]:
    """Iterate `method` of a client up to and including the first item that satisfies `until`, then break out."""
    items: list[Any] = []
    connecting = {**OPTIONS, "reconnects_max": reconnects_max}

    async def with_asyncio() -> None:
        async with connect(target, **connecting) as client:
            async for item in getattr(client, method)(**options):
                items.append(item)
                if until(item):
                    break

    def with_sync() -> None:
        with sync.connect(target, **connecting) as client:
            for item in getattr(client, method)(**options):
                items.append(item)
                if until(item):
                    break

    async with asyncio.timeout(LIMIT_S):
        await (with_asyncio() if flavour == "asyncio" else asyncio.to_thread(with_sync))
    return items


async def given(flavour: Flavour, target: str, method: str, count: int, **options: Any) -> tuple[list[Any], str]:
    """A program that dies between two events: what it was given, and where it stood."""

    async def with_asyncio() -> tuple[list[Any], str]:
        items: list[Any] = []
        async with connect(target, **OPTIONS) as client, getattr(client, method)(**options) as subscription:
            while len(items) < count:
                items.append(await anext(subscription))
            return items, subscription.resume_token

    def with_sync() -> tuple[list[Any], str]:
        items: list[Any] = []
        with sync.connect(target, **OPTIONS) as client, getattr(client, method)(**options) as subscription:
            while len(items) < count:
                items.append(next(subscription))
            return items, subscription.resume_token

    async with asyncio.timeout(LIMIT_S):
        return await (with_asyncio() if flavour == "asyncio" else asyncio.to_thread(with_sync))


async def ask(flavour: Flavour, target: str, method: str, *args: Any, **options: Any) -> Any:
    """Call a method of a client that has one answer."""

    async def with_asyncio() -> Any:
        async with connect(target, **OPTIONS) as client:
            return await getattr(client, method)(*args, **options)

    def with_sync() -> Any:
        with sync.connect(target, **OPTIONS) as client:
            return getattr(client, method)(*args, **options)

    async with asyncio.timeout(LIMIT_S):
        return await (with_asyncio() if flavour == "asyncio" else asyncio.to_thread(with_sync))
