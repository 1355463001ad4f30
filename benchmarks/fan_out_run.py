"""One load on one server: processes of its own for the server and for the clients."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.arithmetic import percentile
from benchmarks.fan_out_plan import Load, expected, selections
from benchmarks.workers import Worker, program, worker

LATE_S_MAX: Final = 5.0
"""How long after the last update clients go on reading what they are owed."""

Server = Callable[[int], AbstractAsyncContextManager[Worker]]
"""Starts a server that is to make so many updates."""


def our_server(_updates: int) -> AbstractAsyncContextManager[Worker]:
    """Tickmux."""
    return worker("benchmarks.server")


@dataclass(frozen=True, slots=True)
class Clients:
    """The program that the clients of a load are."""

    language: str
    start: Callable[[], AbstractAsyncContextManager[Worker]]
    processes_max: int
    """Over so many processes the clients are dealt out."""


PYTHON_CLIENTS: Final = Clients("Python", lambda: worker("benchmarks.fan_out_client"), processes_max=2)


def fastest_clients(programs: Mapping[str, Path] | None) -> Clients:
    """Those of Go, which take the least from the server that they share cores with, or those of Python without Go."""
    if programs is None:
        return PYTHON_CLIENTS
    return Clients("Go", lambda: program("load", programs["load"]), processes_max=1)


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement of one load."""

    seconds: float
    """From the first update to the last quote that a client received."""
    owed: int
    delivered: int
    conflated: int
    latencies_ms: tuple[float, float, float]
    """p50, p99, p99.9, from received_at to decoded."""
    server_cores: float
    client_cores: float
    responses: int
    """Of the server, each of which is a write."""
    server_cpu_s: float

    @property
    def rate(self) -> float:
        """Quotes delivered a second."""
        return self.delivered / self.seconds

    @property
    def quotes_per_response(self) -> float:
        """How many quotes share one write."""
        return self.delivered / self.responses

    @property
    def server_us_per_response(self) -> float:
        """The server's whole CPU time by the responses that it wrote, in microseconds."""
        return self.server_cpu_s / self.responses * 1e6

    @property
    def server_us_per_quote(self) -> float:
        """The server's whole CPU time by the quotes that were delivered, in microseconds."""
        return self.server_cpu_s / self.delivered * 1e6


async def measure(load: Load, seconds: float, clients_of: Clients, server_of: Server = our_server) -> Run:
    """Run one load once, with processes of its own.

    Raises:
        WorkerFailed: A process failed.
    """
    updates = load.updates(seconds)
    chosen = selections(load)
    owed = expected(chosen, updates)
    processes = min(load.clients, clients_of.processes_max)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(server_of(updates))
        clients = [await stack.enter_async_context(clients_of.start()) for _ in range(processes)]
        address = (await server.ask(do="address"))["address"]
        await asyncio.gather(
            *(
                client.ask(do="open", address=address, selections=chosen[n::processes], sample_every=load.sample_every)
                for n, client in enumerate(clients)
            )
        )
        before = await server.ask(do="usage")
        if before["streams"] != load.clients:
            raise RuntimeError(f"{before['streams']} of {load.clients} streams are open")
        collecting = asyncio.gather(
            *(
                client.ask(do="collect", owed=owed[n::processes], limit_s=seconds + LATE_S_MAX)
                for n, client in enumerate(clients)
            )
        )
        fed = await server.ask(do="run", rate=load.rate, updates=updates)
        answers = await collecting
        after = await server.ask(do="usage")
    elapsed_s = (max(answer["last_ns"] for answer in answers) - fed["started_ns"]) / 1e9
    server_cpu_s = after["cpu_s"] - before["cpu_s"]
    latencies_ms = sorted(stamp / 1e6 for answer in answers for stamp in answer["latencies_ns"])
    return Run(
        seconds=elapsed_s,
        owed=sum(owed),
        delivered=sum(answer["quotes"] for answer in answers),
        conflated=sum(answer["conflated"] for answer in answers),
        latencies_ms=(
            percentile(latencies_ms, 0.5),
            percentile(latencies_ms, 0.99),
            percentile(latencies_ms, 0.999),
        ),
        server_cores=server_cpu_s / elapsed_s,
        client_cores=sum(answer["cpu_s"] for answer in answers) / elapsed_s,
        responses=sum(answer["responses"] for answer in answers),
        server_cpu_s=server_cpu_s,
    )
