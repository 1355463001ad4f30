"""What our clients cost their user: quotes a second on one core, and latency, beside the generated code alone."""

import os
from collections.abc import Mapping
from contextlib import AsyncExitStack

from benchmarks.arithmetic import percentile
from benchmarks.clients_plan import WAYS, Consumed, Latency, Plan, Results
from benchmarks.clients_tables import consumption_table, latency_table
from benchmarks.fan_out_plan import INSTRUMENTS
from benchmarks.go_programs import go_programs
from benchmarks.readers import Missing, Reader, all_readers
from benchmarks.workers import Worker, program, worker

Started = Mapping[str, Worker]
"""The clients that run, by name."""


async def report(plan: Plan | None = None) -> str:
    """Measure and return the tables; they name what is missing on this machine.

    Raises:
        WorkerFailed: A process failed.
    """
    plan = plan or Plan()
    results = await measure(plan)
    return f"{consumption_table(plan, results)}\n\n{latency_table(plan, results)}"


async def measure(plan: Plan) -> Results:
    """Run every client in turn, each in a process of its own that lives for all of its runs.

    Raises:
        WorkerFailed: A process failed.
    """
    results = Results()
    cores = sorted(os.sched_getaffinity(0))
    async with AsyncExitStack() as stack:
        go = await stack.enter_async_context(go_programs("replay", "reader"))
        readers = await stack.enter_async_context(all_readers(go))
        results.missing.extend(reader for reader in readers if isinstance(reader, Missing))
        started = {
            reader.name: await stack.enter_async_context(reader.start(cores[0]))
            for reader in readers
            if isinstance(reader, Reader)
        }
        if go is not None:
            async with program("replay", go["replay"], core=cores[-1]) as server:
                await _consume(plan, started, server, results)
        async with worker("benchmarks.server", core=cores[-1]) as server:
            await _wait(plan, started, server, results)
    return results


async def _consume(plan: Plan, started: Started, server: Worker, results: Results) -> None:
    address = (await server.ask(do="address"))["address"]
    for repeat in range(plan.rounds):
        for quotes in plan.quotes_each:
            await server.ask(do="prepare", instruments=INSTRUMENTS, quotes=quotes)
            for name, reader in started.items():
                # The other way round each time: the first of two has the colder caches.
                for way in WAYS[:: 1 if repeat % 2 == 0 else -1]:
                    runs = results.consumed.setdefault((name, quotes, way), [])
                    is_first = not runs and quotes == plan.quotes_each[0]
                    warm_up_s = plan.first_warm_up_s if is_first else plan.warm_up_s
                    before = await server.ask(do="usage")
                    read = await reader.ask(
                        do="consume", address=address, seconds=plan.seconds, warm_up_s=warm_up_s, way=way
                    )
                    after = await server.ask(do="usage")
                    runs.append(
                        Consumed(
                            us_per_quote=read["cpu_s"] / read["quotes"] * 1e6,
                            cores=read["cpu_s"] / read["seconds"],
                            server_cores=(after["cpu_s"] - before["cpu_s"]) / (warm_up_s + read["seconds"]),
                        )
                    )


async def _wait(plan: Plan, started: Started, server: Worker, results: Results) -> None:
    address = (await server.ask(do="address"))["address"]
    await server.ask(do="feed", rate=plan.rate)
    for _ in range(plan.rounds):
        for name, reader in started.items():
            for way in WAYS:
                answer = await reader.ask(
                    do="latency",
                    address=address,
                    seconds=plan.latency_s,
                    warm_up_s=plan.latency_warm_up_s,
                    way=way,
                )
                ordered = sorted(latency_ns / 1e6 for latency_ns in answer["latencies_ns"])
                results.latencies.setdefault((name, way), []).append(
                    Latency(percentile(ordered, 0.5), percentile(ordered, 0.99), len(ordered))
                )
    await server.ask(do="end-feed")
