"""N clients x rate over real gRPC on loopback: server and clients are processes that share this machine's cores."""

import os
from collections.abc import Sequence
from statistics import median
from typing import Final

from benchmarks.fan_out_plan import BURST_S, INSTRUMENTS, Load
from benchmarks.fan_out_run import Clients, Run, fastest_clients, measure
from benchmarks.go_programs import MISSING, go_programs
from benchmarks.tables import table, verdict

ROUNDS: Final = 3
SECONDS: Final = 3.0
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


async def report(rounds: int = ROUNDS, seconds: float = SECONDS, loads: Sequence[Load] = LOADS) -> str:
    """Measure and return the table.

    Raises:
        WorkerFailed: A process failed.
    """
    runs: dict[Load, list[Run]] = {load: [] for load in loads}
    async with go_programs("load") as programs:
        clients = fastest_clients(programs)
        for _ in range(rounds):
            for load in loads:
                runs[load].append(await measure(load, seconds, clients))
    return fan_out_table(runs, seconds, clients)


def fan_out_table(runs: dict[Load, list[Run]], seconds: float, clients: Clients) -> str:
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
        *_clients_notes(clients, cores),
        *_goals(runs, seconds),
    ]
    return table("FAN-OUT: quotes over gRPC on loopback", columns, rows, notes)


def _clients_notes(clients: Clients, cores: int) -> list[str]:
    if clients.processes_max == 1:
        return [
            f"the server and one process of {clients.language} with all clients share {cores} cores. Each client has a",
            "connection of its own.",
        ]
    return [
        f"the server and up to {clients.processes_max} processes of {clients.language} with the clients share {cores}",
        "cores. Each client has a connection of its own.",
        f"{MISSING}: clients in Python stand in for those in Go, and bound these figures as much as the server does.",
    ]


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
