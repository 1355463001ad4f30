"""Fan-out beside a server in Go as most people write one: a goroutine a client, and a message a quote."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.fan_out_plan import BURST_S, INSTRUMENTS, SOURCE, SYMBOLS, Load, order
from benchmarks.fan_out_run import Run, fastest_clients, our_server
from benchmarks.fan_out_run import measure as run
from benchmarks.go_programs import MISSING, go_programs
from benchmarks.tables import table
from benchmarks.workers import Worker, program

ROUNDS: Final = 3
SECONDS: Final = 2.0
OURS: Final = "tickmux"
PLAIN: Final = "plain Go"

LOADS: Final = (
    Load(clients=1, rate=1_000, selecting=False, sample_every=1),
    Load(clients=50, rate=1_000, selecting=False, sample_every=5),
    Load(clients=50, rate=10_000, selecting=False, sample_every=20),
    Load(clients=200, rate=2_000, selecting=False, sample_every=20),
    Load(clients=200, rate=10_000, selecting=False, sample_every=50),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Both servers under one load, one after the other."""

    ours: Run
    plain: Run


async def report(rounds: int = ROUNDS, seconds: float = SECONDS, loads: Sequence[Load] = LOADS) -> str:
    """Measure and return the table; without Go it says what is missing.

    Raises:
        WorkerFailed: A process failed.
    """
    pairs: dict[Load, list[Pair]] = {load: [] for load in loads}
    async with go_programs("load", "peer") as programs:
        if programs is not None:
            for number in range(rounds):
                for load in loads:
                    pairs[load].append(await measure(load, seconds, programs, ours_first=number % 2 == 0))
    return peer_table(pairs, seconds)


async def measure(load: Load, seconds: float, programs: Mapping[str, Path], *, ours_first: bool) -> Pair:
    """Run one load on both servers, one after the other.

    Raises:
        WorkerFailed: A process failed.
    """
    clients = fastest_clients(programs)

    def peer(updates: int) -> AbstractAsyncContextManager[Worker]:
        return _peer_server(programs["peer"], updates)

    if ours_first:
        ours = await run(load, seconds, clients, our_server)
        return Pair(ours, await run(load, seconds, clients, peer))
    plain = await run(load, seconds, clients, peer)
    return Pair(await run(load, seconds, clients, our_server), plain)


@asynccontextmanager
async def _peer_server(path: Path, updates: int) -> AsyncIterator[Worker]:
    async with program("peer", path) as server:
        await server.ask(do="plan", source=SOURCE, symbols=SYMBOLS, order=order(updates), burst_s=BURST_S)
        yield server


def peer_table(pairs: dict[Load, list[Pair]], seconds: float) -> str:
    """The table: medians over the repeats."""
    rows = []
    for load, repeats in pairs.items():
        name = f"{load.clients} x {load.rate:,}/s"
        if not repeats:
            rows.append((name, PLAIN, "missing", *[""] * 8))
            continue
        rows.append(_row(name, OURS, [pair.ours for pair in repeats], seconds))
        rows.append(_row("", PLAIN, [pair.plain for pair in repeats], seconds))
    columns = (
        "clients x updates",
        "server",
        "owed/s",
        "delivered/s",
        "left out %",
        "p50 ms",
        "p99 ms",
        "server %",
        "clients %",
        "quotes/write",
        "server us/quote",
    )
    return table("PEER: fan-out beside a plain server in Go", columns, rows, _notes(pairs, seconds))


def _row(load: str, server: str, runs: Sequence[Run], seconds: float) -> tuple[str, ...]:
    p50, p99, _ = zip(*(run.latencies_ms for run in runs), strict=True)
    return (
        load,
        server,
        f"{runs[0].owed / seconds:,.0f}",
        f"{median(run.rate for run in runs):,.0f}",
        f"{100 * median(1 - run.delivered / run.owed for run in runs):.1f}",
        f"{median(p50):.2f} ({min(p50):.2f})",
        f"{median(p99):.1f} ({min(p99):.1f})",
        f"{100 * median(run.server_cores for run in runs):.0f}",
        f"{100 * median(run.client_cores for run in runs):.0f}",
        f"{median(run.quotes_per_response for run in runs):.1f}",
        f"{median(run.server_us_per_quote for run in runs):.2f}",
    )


def _notes(pairs: dict[Load, list[Pair]], seconds: float) -> list[str]:
    if not all(pairs.values()):
        return [f"{MISSING}: neither the plain server nor the clients that both are measured with can be built."]
    return [
        f"medians of {len(next(iter(pairs.values())))} repeats of {seconds:g} s in turn, in brackets the best one. The",
        f"server, and one process of Go with all clients, share {len(os.sched_getaffinity(0))} cores.",
        f"every client takes all of {INSTRUMENTS:,} instruments, over a connection of its own. Both servers make the",
        f"same quotes, in a burst each {BURST_S * 1000:g} ms. latency: from received_at to decoded, one clock.",
        "plain Go: grpc-go and its generated code, a goroutine and a channel of 4,096 quotes for each client, and a",
        "message for each quote; it merges nothing, and keeps no history to resume from.",
        "left out: dropped by the plain server as a channel is full, conflated by ours, or not there within the limit.",
        *(_ratio(load, repeats) for load, repeats in pairs.items()),
    ]


def _ratio(load: Load, repeats: Sequence[Pair]) -> str:
    def of(value: str, ratios: Sequence[float]) -> str:
        return f"{value} {median(ratios):.2g} times"

    return (
        f"{load.clients} x {load.rate:,}/s, tickmux to plain Go: "
        + ", ".join(
            (
                of("delivered/s", [pair.ours.rate / pair.plain.rate for pair in repeats]),
                of("p50", [pair.ours.latencies_ms[0] / pair.plain.latencies_ms[0] for pair in repeats]),
                of("p99", [pair.ours.latencies_ms[1] / pair.plain.latencies_ms[1] for pair in repeats]),
                of("CPU a quote", [pair.ours.server_us_per_quote / pair.plain.server_us_per_quote for pair in repeats]),
            )
        )
        + "."
    )
