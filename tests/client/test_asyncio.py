"""What only the asyncio client does."""

import asyncio
import gc

import grpc
import grpc.aio
import pytest
from tests.client.flavours import LIMIT_S, OPTIONS, serving
from tests.client.scripted_server import Hang, Script, opening, quote

from tickmux_client import CaughtUp, Disconnected, connect


async def test_cancelling_the_consumer_ends_the_call() -> None:
    script = Script([[opening(quote("A", 1)), Hang()]])
    async with serving(script) as target, connect(target, **OPTIONS) as client, asyncio.timeout(LIMIT_S):
        caught_up = asyncio.Event()

        async def consume() -> None:
            async for event in client.subscribe():
                if isinstance(event, CaughtUp):
                    caught_up.set()

        task = asyncio.create_task(consume())
        await caught_up.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await script.all_closed.wait()
    gc.collect()
    assert len(asyncio.all_tasks()) == 1


async def test_bytes_that_are_no_message_are_told_and_not_skipped() -> None:
    async def subscribe(_: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        await context.write(b"\xff\xff\xff")

    handler = grpc.method_handlers_generic_handler(
        "tickmux.v1.MarketDataService", {"Subscribe": grpc.unary_stream_rpc_method_handler(subscribe)}
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with connect(f"127.0.0.1:{port}", **OPTIONS) as client, asyncio.timeout(LIMIT_S):
            event = await anext(client.subscribe())
    finally:
        await server.stop(None)
    assert isinstance(event, Disconnected)
    assert event.reason == "MALFORMED_RESPONSE"


async def test_two_subscriptions_of_one_client_are_apart() -> None:
    script = Script([[opening(quote("A", 1)), Hang()], [opening(quote("B", 1)), Hang()]])
    async with serving(script) as target, connect(target, **OPTIONS) as client, asyncio.timeout(LIMIT_S):
        first, second = client.quotes(["A"]), client.quotes(["B"])
        one, two = await anext(first), await anext(second)
        await first.aclose()
        await second.aclose()
    assert (one.symbol, two.symbol) == ("A", "B")
