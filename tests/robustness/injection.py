"""Makes the faults of a plan happen to a stage."""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import aiohttp
from tests.e2e.processes import ChildProcess
from tests.robustness.plan import CLIENTS, Fault, Plan, Step
from tests.robustness.proxy import Proxy
from tests.robustness.records import FaultFired
from tests.robustness.stage import Stage

DELAY_S_MAX: Final = 0.4
GARBAGE_EVERY_MAX: Final = 5
"""Of so many frames one is spoiled, in each way, at least."""
GARBAGE: Final = ("malformed", "truncated", "non_json")


class Injector:
    """Fires faults, and writes down from when to when each lasted."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._rng = random.Random(f"garbage {stage.plan.seed}")
        self._server = asyncio.Lock()
        """One fault of the server process at a time: what is dead can be neither frozen nor killed."""
        self._venues = {name: asyncio.Lock() for name in stage.venues}
        self._actions: dict[Fault, Callable[[Step], Awaitable[None]]] = {
            Fault.CLIENT_CUT: self._cut,
            Fault.CLIENT_BLACKHOLE: self._blackhole,
            Fault.CLIENT_DELAY: self._delay,
            Fault.CLIENT_FREEZE: self._freeze_clients,
            Fault.SERVER_FREEZE: self._freeze_server,
            Fault.SERVER_TERM: lambda step: self._restart_server(step, signal.SIGTERM),
            Fault.SERVER_KILL: lambda step: self._restart_server(step, signal.SIGKILL),
            Fault.VENUE_CUT: self._cut,
            Fault.VENUE_BLACKHOLE: self._blackhole,
            Fault.VENUE_DELAY: self._delay,
            Fault.VENUE_FREEZE: self._freeze_venue,
            Fault.VENUE_RESTART: self._restart_venue,
            Fault.GARBAGE_BURST: self._garbage_burst,
            Fault.GARBAGE_BYTES: self._garbage_bytes,
        }

    async def carry_out(self, plan: Plan) -> None:
        """Fire every fault of a plan at its time; returns when all are over."""
        async with asyncio.TaskGroup() as group:
            for step in plan.steps:
                group.create_task(self._fire(step))

    async def _fire(self, step: Step) -> None:
        await asyncio.sleep(step.at_s)
        await self._actions[step.fault](step)

    def _note(self, step: Step, began_ns: int) -> None:
        self._stage.writer.write(FaultFired(began_ns, time.monotonic_ns(), step.fault.value, step.target))

    def _proxy(self, step: Step) -> Proxy:
        return self._stage.venue_proxies.get(step.target, self._stage.client_proxy)

    async def _cut(self, step: Step) -> None:
        began_ns = time.monotonic_ns()
        self._proxy(step).cut()
        self._note(step, began_ns)

    async def _blackhole(self, step: Step) -> None:
        proxy = self._proxy(step)
        began_ns = time.monotonic_ns()
        proxy.swallows = True
        await asyncio.sleep(step.lasts_s)
        proxy.cut()
        proxy.swallows = False
        self._note(step, began_ns)

    async def _delay(self, step: Step) -> None:
        proxy = self._proxy(step)
        began_ns = time.monotonic_ns()
        proxy.delay_s = 0.02 + step.share * DELAY_S_MAX
        await asyncio.sleep(step.lasts_s)
        proxy.delay_s = 0.0
        self._note(step, began_ns)

    async def _freeze_clients(self, step: Step) -> None:
        await self._freeze(step, self._stage.freezable)

    async def _freeze_server(self, step: Step) -> None:
        async with self._server:
            await self._freeze(step, self._stage.server)

    async def _freeze_venue(self, step: Step) -> None:
        async with self._venues[step.target]:
            await self._freeze(step, self._stage.venues[step.target])

    async def _freeze(self, step: Step, process: ChildProcess) -> None:
        began_ns = time.monotonic_ns()
        process.send(signal.SIGSTOP)
        await asyncio.sleep(step.lasts_s)
        process.send(signal.SIGCONT)
        self._note(step, began_ns)

    async def _restart_server(self, step: Step, number: signal.Signals) -> None:
        async with self._server:
            began_ns = time.monotonic_ns()
            await self._stage.end_server(number)
            await asyncio.sleep(step.lasts_s)
            await self._stage.server.start()
            self._note(step, began_ns)

    async def _restart_venue(self, step: Step) -> None:
        async with self._venues[step.target]:
            venue = self._stage.venues[step.target]
            began_ns = time.monotonic_ns()
            venue.send(signal.SIGKILL)
            await venue.exit_code()
            await asyncio.sleep(step.lasts_s)
            await self._stage.start_venue(step.target)
            self._note(step, began_ns)

    async def _garbage_burst(self, step: Step) -> None:
        async with self._venues[step.target]:
            url = f"{self._stage.venues[step.target].rest_url}/_control"
            every = 1 + int(step.share * GARBAGE_EVERY_MAX)
            began_ns = time.monotonic_ns()
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
                for fault in GARBAGE:
                    await _switch(session, url, {"fault": fault, "every": every})
                await asyncio.sleep(step.lasts_s)
                for fault in GARBAGE:
                    await _switch(session, url, {"fault": fault, "on": False})
            self._note(step, began_ns)

    async def _garbage_bytes(self, step: Step) -> None:
        proxy = self._stage.client_proxy if step.target == CLIENTS else self._proxy(step)
        began_ns = time.monotonic_ns()
        proxy.inject(self._rng.randbytes(1 + int(step.share * 2_000)))
        self._note(step, began_ns)


async def _switch(session: aiohttp.ClientSession, url: str, wanted: Mapping[str, object]) -> None:
    async with session.post(url, json=wanted) as answer:
        answer.raise_for_status()
