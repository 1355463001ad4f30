"""N clients x rate over real gRPC on loopback: server and clients are processes that share this machine's cores."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from typing import Final

from benchmarks.arithmetic import percentile
from benchmarks.fan_out_plan import BURST_S, INSTRUMENTS, Load, expected, selections
from benchmarks.tables import table, verdict
from benchmarks.workers import worker

ROUNDS: Final = 3
SECONDS: Final = 3.0
LATE_S_MAX: Final = 5.0
"""How long after the last update clients go on reading what they are owed."""
CLIENT_PROCESSES_MAX: Final = 2
DELIVERED_SHARE_MIN: Final = 0.98
"""Of the rate: what is missing to it is the time that the last burst takes to arrive."""

LOADS: Final = (
    Load(clients=1, rate=1_000, selecting=False, sample_every=1),
    Load(clients=10, rate=1_000, selecting=True, sample_every=1),
    Load(clients=50, rate=1_000, selecting=True, sample_every=5),
    Load(clients=50, rate=10_000, selecting=True, sample_every=20),
    Load(clients=50, rate=10_000, selecting=False, sample_every=40),
    Load(clients=200, rate=10_000, selecting=False, sample_every=100),
)


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
    server_us_per_response: float

    @property
    def rate(self) -> float:
        """Quotes delivered a second."""
        return self.delivered / self.seconds


async def report(rounds: int = ROUNDS, seconds: float = SECONDS, loads: Sequence[Load] = LOADS) -> str:
    """Measure and return the table.

    Raises:
        WorkerFailed: A process failed.
    """
    runs: dict[Load, list[Run]] = {load: [] for load in loads}
    for _ in range(rounds):
        for load in loads:
            runs[load].append(await measure(load, seconds))
    return fan_out_table(runs, seconds)


async def measure(load: Load, seconds: float) -> Run:
    """Run one load once, with processes of its own."""
    updates = load.updates(seconds)
    chosen = selections(load)
    owed = expected(chosen, updates)
    processes = min(load.clients, CLIENT_PROCESSES_MAX)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(worker("benchmarks.server"))
        clients = [await stack.enter_async_context(worker("benchmarks.fan_out_client")) for _ in range(processes)]
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
        server_us_per_response=server_cpu_s / sum(answer["responses"] for answer in answers) * 1e6,
    )


def fan_out_table(runs: dict[Load, list[Run]], seconds: float) -> str:
    """The table: medians over the repeats."""
    rows = []
    for load, repeats in runs.items():
        p50, p99, p999 = zip(*(run.latencies_ms for run in repeats), strict=True)
        owed_rate = repeats[0].owed / seconds
        rows.append(
            (
                load.name,
                f"{owed_rate:,.0f}",
                f"{median(run.rate for run in repeats):,.0f}",
                f"{100 * median(run.delivered / run.owed for run in repeats):.2f}",
                f"{median(run.conflated for run in repeats):,.0f}",
                f"{sum(run.owed - run.delivered - run.conflated for run in repeats):,}",
                f"{median(p50):.2f} ({min(p50):.2f})",
                f"{median(p99):.1f} ({min(p99):.1f})",
                f"{median(p999):.1f} ({min(p999):.1f})",
                f"{100 * median(run.server_cores for run in repeats):.0f}",
                f"{100 * median(run.client_cores for run in repeats):.0f}",
                f"{median(run.server_us_per_response for run in repeats):.0f}",
            )
        )
    columns = (
        "clients x updates: selection",
        "owed/s",
        "delivered/s",
        "%",
        "conflated",
        "missing",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "server %",
        "clients %",
        "us/write",
    )
    cores = len(os.sched_getaffinity(0))
    notes = [
        f"medians of {len(next(iter(runs.values())))} repeats of {seconds:g} s, in brackets the best one.",
        f"{INSTRUMENTS} instruments change in random order, in a burst each {BURST_S * 1000:g} ms.",
        "all: a wildcard. all and 100 symbols: half of the clients, and the others with 100 symbols of their own each.",
        "latency: from received_at to decoded by the client, one clock, after half a second of warming up.",
        "missing: neither delivered nor reported as conflated within the limit, all repeats together.",
        "server %, clients %: of one core. us/write: the server's whole CPU time by the responses that it wrote.",
        f"the server and up to {CLIENT_PROCESSES_MAX} Python client processes share {cores} cores. Each client has a",
        "connection of its own. The clients' work bounds these figures as much as the server's.",
        *_goals(runs, seconds),
    ]
    return table("FAN-OUT: quotes over gRPC on loopback", columns, rows, notes)


def _goals(runs: dict[Load, list[Run]], seconds: float) -> list[str]:
    lines = []
    for load, repeats in runs.items():
        if (load.clients, load.rate) == (1, 1_000):
            p50_ms = median(run.latencies_ms[0] for run in repeats)
            lines.append(f"goal: {load.name}: p50 under 0.5 ms: {p50_ms:.2f} ms, {verdict(met=p50_ms < 0.5)}")
        if (load.clients, load.rate, load.selecting) == (50, 10_000, False):
            share = median(run.rate * seconds / run.owed for run in repeats)
            whole = all(run.delivered == run.owed for run in repeats)
            lines.append(
                f"goal: {load.name}: all 500 000/s delivered: {100 * share:.1f} % of the rate, "
                f"{'nothing' if whole else 'some'} left out, {verdict(met=whole and share >= DELIVERED_SHARE_MIN)}"
            )
    return lines
