"""Clients that stop reading: what each costs in memory, and what they do to the latency of those that read."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.arithmetic import Cost
from benchmarks.fan_out_plan import INSTRUMENTS
from benchmarks.stalled_scene import SAMPLE_S, Kept, Plan, Scene
from benchmarks.tables import table, verdict
from tickmux_server.streams import WRITE_DEADLINE_S

HISTORY_AGE_S: Final = 5.0
"""Short, so that the history has its full size before memory is first looked at."""
STALL_S: Final = 1.5
"""How long it takes, with much to spare, until clients that have stopped reading stall the server's writes."""
GOAL_RATIO: Final = 2.0


@dataclass(frozen=True, slots=True)
class Memory:
    """What many stalled clients cost."""

    before_bytes: int
    stalled_bytes: int
    """At most, when they have stopped reading."""
    full_bytes: int
    """At most, when each has then read a little, so that the next response is as large as one may be."""
    streams: int
    """Of theirs, while that was looked at."""
    after_bytes: int
    """Once the server has ended them."""
    after_streams: int
    kept: Kept


@dataclass(slots=True)
class Latency:
    """Percentiles in ms, by round: (p50, p99)."""

    alone: list[tuple[float, float]] = field(default_factory=list)
    beside: list[tuple[float, float]] = field(default_factory=list)
    streams: int = 0
    """The fewest of those that stall, at the end of a window."""
    kept: Kept | None = None

    @property
    def ratio(self) -> float:
        """Of the p99 beside stalled clients to the p99 without, as the median over rounds."""
        return Cost(tuple(p99 for _, p99 in self.beside)).times(Cost(tuple(p99 for _, p99 in self.alone)))


async def report(plan: Plan | None = None) -> str:
    """Measure and return the tables.

    Raises:
        WorkerFailed: A process failed.
    """
    chosen = plan or Plan()
    memory = await measure_memory(chosen)
    latency = await measure_latency(chosen)
    return memory_table(chosen, memory) + "\n\n" + latency_table(chosen, latency)


async def measure_memory(plan: Plan) -> Memory:
    """Let many clients stall until the server ends them."""
    async with Scene(plan, f'{{"history_age_s": {HISTORY_AGE_S}}}') as scene:
        await asyncio.sleep(plan.settle_s)
        before_bytes, _ = await scene.most(SAMPLE_S)
        await scene.stall(plan.many)
        stalled_bytes, _ = await scene.most(plan.stall_s)
        await scene.sip()
        full_bytes, streams = await scene.most(plan.stall_s)
        after_bytes, after_streams = await scene.ended()
        await scene.leave()
        kept = await scene.collect()
    return Memory(
        before_bytes=before_bytes,
        stalled_bytes=stalled_bytes,
        full_bytes=full_bytes,
        streams=streams,
        after_bytes=after_bytes,
        after_streams=after_streams,
        kept=kept,
    )


async def measure_latency(plan: Plan) -> Latency:
    """Take turns between windows without and with some clients that stall."""
    latency = Latency(streams=plan.some)
    async with Scene(plan, "{}") as scene:
        await asyncio.sleep(STALL_S)
        for _ in range(plan.rounds):
            latency.alone.append(await scene.window())
            await scene.stall(plan.some)
            await asyncio.sleep(STALL_S)
            latency.beside.append(await scene.window())
            usage = await scene.server.ask(do="usage")
            latency.streams = min(latency.streams, usage["streams"] - plan.healthy)
            await scene.leave()
            await asyncio.sleep(STALL_S)
        latency.kept = await scene.collect()
    return latency


def memory_table(plan: Plan, memory: Memory) -> str:
    """The table of the first half."""
    before = memory.before_bytes

    def row(name: str, resident_bytes: int, streams: int) -> Sequence[str]:
        more_bytes = resident_bytes - before
        each = f"{more_bytes / plan.many / 1024:.0f}" if resident_bytes != before else ""
        return (name, f"{streams:,}", f"{resident_bytes / 2**20:.0f}", f"{more_bytes / 2**20:.0f}", each)

    rows = [
        row("before", before, 0),
        row("they have the state and read no more", memory.stalled_bytes, memory.streams),
        row("each has read a little, and stalls again", memory.full_bytes, memory.streams),
        row("the server has ended them", memory.after_bytes, memory.after_streams),
    ]
    notes = [
        f"each asks for all {INSTRUMENTS:,} instruments, {plan.rate:,} updates/s, over a connection of its own.",
        f"resident: of the server process, the most in {plan.stall_s:g} s.",
        f"a little: up to a response of {plan.sip_bytes / 1024:.0f} KiB or more, behind which the next one stalls.",
        f"the history keeps {HISTORY_AGE_S:g} s, for it to have its full size before.",
        f"a write that takes longer than {WRITE_DEADLINE_S:g} s ends its stream.",
        _kept(plan, memory.kept),
    ]
    columns = ("", "streams that stall", "resident MiB", "more MiB", "KiB each")
    return table(f"STALLED: memory of {plan.many:,} clients that stop reading", columns, rows, notes)


def latency_table(plan: Plan, latency: Latency) -> str:
    """The table of the second half."""
    rows = []
    for name, windows in (("none", latency.alone), (f"{plan.some:,}", latency.beside)):
        p50, p99 = (Cost(repeats) for repeats in zip(*windows, strict=True))
        rows.append((name, f"{p50.median:.2f} ({p50.least:.2f})", f"{p99.median:.2f} ({p99.least:.2f})"))
    met = verdict(met=latency.ratio < GOAL_RATIO)
    assert latency.kept is not None
    notes = [
        f"{plan.healthy} healthy clients, each of {plan.instruments} of {INSTRUMENTS:,} instruments, which change",
        f"{plan.rate:,} times a second; those that stall have asked for all. Each has a connection of its own.",
        f"latency: from received_at to decoded, one clock; medians of {plan.rounds} windows of {plan.window_s:g} s, in",
        "brackets the best; windows with and without stalled clients take turns in one run.",
        f"{len(os.sched_getaffinity(0))} cores hold the server and all clients.",
        f"streams that stalled throughout each window: at least {latency.streams:,}.",
        _kept(plan, latency.kept),
        f"goal: p99 at most {GOAL_RATIO:g} times as much: {latency.ratio:.2f} times (median over pairs), {met}",
    ]
    title = f"STALLED: latency of {plan.healthy} healthy clients beside {plan.some:,} that stop reading"
    return table(title, ("stalled clients", "p50 ms", "p99 ms"), rows, notes)


def _kept(plan: Plan, kept: Kept) -> str:
    return (
        f"healthy clients that received exactly what they were owed: {kept.whole} of {plan.healthy} "
        f"({kept.quotes:,} of {kept.owed:,} quotes)."
    )
