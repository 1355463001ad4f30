"""Worker: one consumer of quotes in Python, with our client or with the generated code alone. Run by `clients`.

`python -m benchmarks.reader asyncio`, or `sync`.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Callable
from contextlib import aclosing, closing
from typing import Final

import grpc

from benchmarks.workers import Message, serve
from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1.market_data_service_pb2_grpc import MarketDataServiceStub
from tickmux_client import connect, connect_sync

LOOK_EVERY: Final = 1024
"""The clock is looked at once in so many quotes, so that it costs next to nothing."""
_LOOK_MASK: Final = LOOK_EVERY - 1
_NS_PER_S: Final = 1_000_000_000


class Meter:
    """Counts the quotes of a span of time that begins once a reader is warm."""

    def __init__(self, request: Message) -> None:
        self._warm_at_s = time.monotonic() + request["warm_up_s"]
        self._end_at_s = self._warm_at_s + request["seconds"]
        self._begun: tuple[int, float, float] | None = None
        self.answer: Message = {}

    def look(self, seen: int) -> bool:
        """Look at the clock, after so many quotes in all; whether the span has ended."""
        now_s = time.monotonic()
        if self._begun is None:
            if now_s >= self._warm_at_s:
                self._begun = seen, now_s, _cpu_s()
            return False
        if now_s < self._end_at_s:
            return False
        quotes, begun_s, cpu_s = self._begun
        self.answer = {"quotes": seen - quotes, "seconds": now_s - begun_s, "cpu_s": _cpu_s() - cpu_s}
        return True


class Stopwatch:
    """Keeps how old quotes are as they reach user code, once the reader is warm and until the time is over."""

    def __init__(self, request: Message) -> None:
        self._warm_at_ns: int = time.time_ns() + round(request["warm_up_s"] * _NS_PER_S)
        self._end_at_ns: int = self._warm_at_ns + round(request["seconds"] * _NS_PER_S)
        self._latencies_ns: list[int] = []

    @property
    def answer(self) -> Message:
        """What was kept."""
        return {"latencies_ns": self._latencies_ns}

    def is_over(self, received_at_ns: int | None) -> bool:
        """Take one quote; whether the time is over."""
        assert received_at_ns is not None
        now_ns = time.time_ns()
        if now_ns > self._warm_at_ns:
            self._latencies_ns.append(now_ns - received_at_ns)
        return now_ns > self._end_at_ns


# What follows is user code as users write it, eight times: a function for what they have in common would cost more than
# what is measured.


async def consume_with_client(request: Message) -> Message:
    """Read symbol and bid of each quote."""
    meter, seen, bids = Meter(request), 0, 0.0
    async with connect(request["address"]) as client, aclosing(client.quotes()) as quotes:
        async for quote in quotes:
            if quote.symbol:
                bids += quote.bid_price or 0.0
            seen += 1
            if not seen & _LOOK_MASK and meter.look(seen):
                break
    return _checked(bids, meter)


async def consume_with_stubs(request: Message) -> Message:
    """The same, of the messages as they are."""
    meter, seen, bids = Meter(request), 0, 0.0
    async with grpc.aio.insecure_channel(request["address"]) as channel:
        call = MarketDataServiceStub(channel).Subscribe(contract.SubscribeRequest())
        async for response in call:
            for quote in response.quotes:
                if quote.symbol:
                    bids += quote.bid_price
                seen += 1
                if not seen & _LOOK_MASK and meter.look(seen):
                    call.cancel()
                    return _checked(bids, meter)
    raise EOFError("the stream has ended")


def consume_with_sync_client(request: Message) -> Message:
    """Read symbol and bid of each quote."""
    meter, seen, bids = Meter(request), 0, 0.0
    with connect_sync(request["address"]) as client, closing(client.quotes()) as quotes:
        for quote in quotes:
            if quote.symbol:
                bids += quote.bid_price or 0.0
            seen += 1
            if not seen & _LOOK_MASK and meter.look(seen):
                break
    return _checked(bids, meter)


def consume_with_sync_stubs(request: Message) -> Message:
    """The same, of the messages as they are."""
    meter, seen, bids = Meter(request), 0, 0.0
    with grpc.insecure_channel(request["address"]) as channel:
        for response in MarketDataServiceStub(channel).Subscribe(contract.SubscribeRequest()):
            for quote in response.quotes:
                if quote.symbol:
                    bids += quote.bid_price
                seen += 1
                if not seen & _LOOK_MASK and meter.look(seen):
                    return _checked(bids, meter)
    raise EOFError("the stream has ended")


async def latency_with_client(request: Message) -> Message:
    """How old each quote is."""
    watch = Stopwatch(request)
    async with connect(request["address"]) as client, aclosing(client.quotes()) as quotes:
        async for quote in quotes:
            if watch.is_over(quote.received_at_ns):
                break
    return watch.answer


async def latency_with_stubs(request: Message) -> Message:
    """The same, of the messages as they are."""
    watch = Stopwatch(request)
    async with grpc.aio.insecure_channel(request["address"]) as channel:
        call = MarketDataServiceStub(channel).Subscribe(contract.SubscribeRequest())
        async for response in call:
            for quote in response.quotes:
                if watch.is_over(quote.received_at.ToNanoseconds()):
                    call.cancel()
                    return watch.answer
    raise EOFError("the stream has ended")


def latency_with_sync_client(request: Message) -> Message:
    """How old each quote is."""
    watch = Stopwatch(request)
    with connect_sync(request["address"]) as client, closing(client.quotes()) as quotes:
        for quote in quotes:
            if watch.is_over(quote.received_at_ns):
                break
    return watch.answer


def latency_with_sync_stubs(request: Message) -> Message:
    """The same, of the messages as they are."""
    watch = Stopwatch(request)
    with grpc.insecure_channel(request["address"]) as channel:
        for response in MarketDataServiceStub(channel).Subscribe(contract.SubscribeRequest()):
            for quote in response.quotes:
                if watch.is_over(quote.received_at.ToNanoseconds()):
                    return watch.answer
    raise EOFError("the stream has ended")


def _checked(bids: float, meter: Meter) -> Message:
    if not bids:
        raise ValueError("nothing was read")
    return meter.answer


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


READERS: Final[dict[tuple[str, str, str], Callable[[Message], Message]]] = {
    ("asyncio", "consume", "client"): lambda request: asyncio.run(consume_with_client(request)),
    ("asyncio", "consume", "stubs"): lambda request: asyncio.run(consume_with_stubs(request)),
    ("asyncio", "latency", "client"): lambda request: asyncio.run(latency_with_client(request)),
    ("asyncio", "latency", "stubs"): lambda request: asyncio.run(latency_with_stubs(request)),
    ("sync", "consume", "client"): consume_with_sync_client,
    ("sync", "consume", "stubs"): consume_with_sync_stubs,
    ("sync", "latency", "client"): latency_with_sync_client,
    ("sync", "latency", "stubs"): latency_with_sync_stubs,
}


if __name__ == "__main__":
    flavour = sys.argv[1]
    serve(lambda request: READERS[flavour, request["do"], request["way"]](request))
