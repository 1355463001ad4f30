"""A server with its feed, clients that read, and clients that come, stall and leave. Run by `stalled`."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.arithmetic import percentile
from benchmarks.fan_out_plan import expected, picks
from benchmarks.workers import Worker, ask_all, dealt, worker

CLIENT_PROCESSES: Final = 2
"""Of those that read, and as many of those that stall."""
SAMPLE_S: Final = 0.25
LIMIT_S: Final = 20.0
"""How long clients may take to read the rest."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    healthy: int = 50
    instruments: int = 10
    """Of each healthy client, of INSTRUMENTS. Those that stall have asked for all."""
    rate: int = 10_000
    """Updates a second, all instruments together."""
    many: int = 1_000
    """Clients that stall while memory is looked at."""
    some: int = 100
    """Clients that stall while latency is looked at."""
    rounds: int = 5
    window_s: float = 3.0
    """How long latency is looked at, in each round once without and once with stalled clients."""
    settle_s: float = 7.0
    """How long the feed runs before memory is looked at."""
    stall_s: float = 2.0
    """How long memory is looked at, twice: the write deadline ends clients that stall for longer."""
    sip_bytes: int = 80 * 1024
    """More than a live response has: each client then reads on until it gets one of so many, which is of those that
    gathered behind the stall, and stalls again before the next, which is as large."""
    end_limit_s: float = 20.0
    """How long the server may take to end them."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether the healthy clients lost anything."""

    owed: int
    quotes: int
    whole: int
    """Clients that received exactly what they were owed."""


class Scene:
    """A server with its feed, healthy clients that read it, and others that come, stall and leave."""

    def __init__(self, plan: Plan, settings: str) -> None:
        self._plan = plan
        self._settings = settings
        self._stack = AsyncExitStack()
        self._chosen = picks(plan.healthy, plan.instruments)

    async def __aenter__(self) -> "Scene":
        enter, plan = self._stack.enter_async_context, self._plan
        async with AsyncExitStack() as starting:
            starting.push_async_exit(self._stack)
            self.server: Worker = await enter(worker("benchmarks.server", self._settings))
            self._healthy = [await enter(worker("benchmarks.healthy_client")) for _ in range(CLIENT_PROCESSES)]
            self._stalling = [await enter(worker("benchmarks.stalled_client")) for _ in range(CLIENT_PROCESSES)]
            self._address = (await self.server.ask(do="address"))["address"]
            parts = dealt(self._chosen, CLIENT_PROCESSES)
            await ask_all(
                self._healthy, [{"do": "open", "address": self._address, "selections": part} for part in parts]
            )
            await self.server.ask(do="feed", rate=plan.rate)
            starting.pop_all()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._stack.aclose()

    async def stall(self, clients: int) -> None:
        """Have so many more clients subscribe, and read no further than the state."""
        shares = [len(part) for part in dealt(range(clients), CLIENT_PROCESSES)]
        await ask_all(self._stalling, [{"do": "open", "address": self._address, "clients": share} for share in shares])

    async def sip(self) -> None:
        """Have each stalled client read up to a large response, and stall again."""
        await ask_all(self._stalling, [{"do": "sip", "bytes_min": self._plan.sip_bytes}] * CLIENT_PROCESSES)

    async def leave(self) -> None:
        """Have the stalled clients close their connections."""
        await ask_all(self._stalling, [{"do": "close"}] * CLIENT_PROCESSES)

    async def most(self, seconds: float) -> tuple[int, int]:
        """The most memory that the server takes for a while, and then the streams of stalled clients."""
        until_s = asyncio.get_running_loop().time() + seconds
        most_bytes = 0
        while True:
            usage = await self.server.ask(do="usage")
            most_bytes = max(most_bytes, usage["resident_bytes"])
            if asyncio.get_running_loop().time() >= until_s:
                return most_bytes, usage["streams"] - self._plan.healthy
            await asyncio.sleep(SAMPLE_S)

    async def ended(self) -> tuple[int, int]:
        """As `most`, once the server has ended the streams that stall, or has had the time for it."""
        until_s = asyncio.get_running_loop().time() + self._plan.end_limit_s
        while True:
            resident_bytes, streams = await self.most(SAMPLE_S)
            if not streams or asyncio.get_running_loop().time() >= until_s:
                return resident_bytes, streams

    async def window(self) -> tuple[float, float]:
        """The healthy clients' p50 and p99 in ms, over a while."""
        answers = await ask_all(self._healthy, [{"do": "window", "seconds": self._plan.window_s}] * CLIENT_PROCESSES)
        latencies_ms = sorted(latency / 1e6 for answer in answers for latency in answer["latencies_ns"])
        return percentile(latencies_ms, 0.5), percentile(latencies_ms, 0.99)

    async def collect(self) -> Kept:
        """End the feed, and have the healthy clients read the rest."""
        published = (await self.server.ask(do="end-feed"))["published"]
        parts = dealt(expected(self._chosen, published), CLIENT_PROCESSES)
        answers = await ask_all(self._healthy, [{"do": "collect", "owed": part, "limit_s": LIMIT_S} for part in parts])
        owed = [count for part in parts for count in part]
        quotes = [count for answer in answers for count in answer["quotes"]]
        return Kept(
            owed=sum(owed),
            quotes=sum(quotes),
            whole=sum(got == due for got, due in zip(quotes, owed, strict=True)),
        )
