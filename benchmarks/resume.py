"""N clients are cut, miss updates, and resume at once: how long that takes, and how long the server's loop blocks."""

import asyncio
import os
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.arithmetic import percentile
from benchmarks.fan_out_plan import INSTRUMENTS, SEED, expected, picks
from benchmarks.tables import table, verdict
from benchmarks.workers import Worker, ask_all, dealt, worker

CLIENT_PROCESSES: Final = 2
KEEP_EVERY: Final = 10
"""One client of so many keeps what it receives, to check every revision."""
LIMIT_S: Final = 50.0
"""How long clients may take to catch up, and to read the rest."""
GOAL_MS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    clients: int = 1_000
    instruments: int = 10
    """Of each client, of INSTRUMENTS."""
    rate: int = 10_000
    """Updates a second, all instruments together."""
    outage_s: float = 30.0
    spreads_s: tuple[float, ...] = (0.0, 2.0)
    """The clients resume once for each, at times drawn evenly from so many seconds."""
    base_s: float = 5.0
    """How long the server is watched before and after, for what it does without any resume."""
    pace_s: float = 1.0
    """Shortest time between two live responses to a client; what was missed comes without a pace."""


@dataclass(frozen=True, slots=True)
class Window:
    """What the event loop of the server did for a while."""

    name: str
    loop: dict[str, float]
    """As LoopProbe tells it."""
    waited_s: tuple[float, ...] = ()
    """From the call to `caught_up`, of the clients that got there, ascending."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement of a plan."""

    windows: tuple[Window, ...]
    owed: tuple[int, ...]
    """Quotes, by client."""
    quotes: tuple[int, ...]
    resumed: tuple[int, ...]
    """How many of its calls were RESUMED, by client."""
    conflated: int
    checked: int
    """Clients of which every revision was checked."""
    broken: int
    """Chains of theirs with a revision missing, repeated or out of order."""


async def report(plan: Plan | None = None) -> str:
    """Measure and return the table.

    Raises:
        WorkerFailed: A process failed.
    """
    chosen = plan or Plan()
    return resume_table(chosen, await measure(chosen))


async def measure(plan: Plan) -> Run:
    """Cut and resume once for each spread, in one life of the server."""
    chosen = picks(plan.clients, plan.instruments)
    windows: list[Window] = []
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(worker("benchmarks.server"))
        clients = [await stack.enter_async_context(worker("benchmarks.resume_client")) for _ in range(CLIENT_PROCESSES)]
        address = (await server.ask(do="address"))["address"]
        selections = dealt(chosen, CLIENT_PROCESSES)
        await ask_all(
            clients,
            [
                {"do": "open", "address": address, "selections": part, "pace_s": plan.pace_s, "keep_every": KEEP_EVERY}
                for part in selections
            ],
        )
        await server.ask(do="feed", rate=plan.rate)
        for number, spread_s in enumerate(plan.spreads_s):
            if number:
                await ask_all(clients, [{"do": "cut"}] * CLIENT_PROCESSES)
            await asyncio.sleep(plan.outage_s - plan.base_s)
            windows.append(Window("nobody", await _watched(server, plan.base_s)))
            windows.append(await _resumed(server, clients, plan, spread_s))
            windows.append(Window(f"{plan.clients:,} live", await _watched(server, plan.base_s)))
        published = (await server.ask(do="end-feed"))["published"]
        owed = expected(chosen, published)
        answers = await ask_all(
            clients, [{"do": "collect", "owed": part, "limit_s": LIMIT_S} for part in dealt(owed, CLIENT_PROCESSES)]
        )
    return Run(
        windows=tuple(windows),
        owed=tuple(count for part in dealt(owed, CLIENT_PROCESSES) for count in part),
        quotes=tuple(count for answer in answers for count in answer["quotes"]),
        resumed=tuple(count for answer in answers for count in answer["resumed"]),
        conflated=sum(answer["conflated"] for answer in answers),
        checked=sum(answer["checked"] for answer in answers),
        broken=sum(answer["broken"] for answer in answers),
    )


async def _resumed(server: Worker, clients: Sequence[Worker], plan: Plan, spread_s: float) -> Window:
    source = random.Random(SEED)
    delays_s = [source.uniform(0, spread_s) for _ in range(plan.clients)]
    await server.ask(do="probe")
    answers = await ask_all(
        clients, [{"do": "resume", "delays_s": part, "limit_s": LIMIT_S} for part in dealt(delays_s, CLIENT_PROCESSES)]
    )
    loop = await server.ask(do="end-probe")
    waited_s = sorted(waited for answer in answers for waited in answer["waited_s"] if waited is not None)
    how = f"over {spread_s:g} s" if spread_s else "at once"
    return Window(f"{plan.clients:,} resume {how}", loop, tuple(waited_s))


async def _watched(server: Worker, seconds: float) -> dict[str, float]:
    await server.ask(do="probe")
    await asyncio.sleep(seconds)
    return await server.ask(do="end-probe")


def resume_table(plan: Plan, run: Run) -> str:
    """The table, and how much of what was owed came."""
    columns = (
        *("", "s", "caught up", "p50 s", "p99 s", "max s"),
        *("loop: busy %", "CPU p99.9 ms", "CPU max ms", "late p99.9 ms", "late max ms"),
    )
    whole = sum(got == due for got, due in zip(run.quotes, run.owed, strict=True))
    resumed = sum(count == len(plan.spreads_s) for count in run.resumed)
    goal_ms = max(window.loop["spent_max_ms"] for window in run.windows if window.waited_s)
    met = verdict(met=goal_ms < GOAL_MS)
    cores = len(os.sched_getaffinity(0))
    exact = (
        f"received exactly what they were owed: {whole:,} of {plan.clients:,} clients "
        f"({sum(run.quotes):,} of {sum(run.owed):,} quotes, {run.conflated:,} conflated)."
    )
    revisions = (
        f"RESUMED each of {len(plan.spreads_s)} times: {resumed:,}. "
        f"Every revision of {run.checked:,} clients was checked: {run.broken:,} chains are broken."
    )
    notes = [
        f"each client selects {plan.instruments} of {INSTRUMENTS:,} instruments and has a connection of its own, which",
        f"outlives its calls; {plan.outage_s:g} s without a call at {plan.rate:,} updates/s, and on at that rate.",
        "p50, p99, max: from the call to caught_up, seen by the client.",
        "at once: each client process makes all its calls in one step.",
        f"live: at most one response in {plan.pace_s:g} s to each client, else the clients' Python is what is seen.",
        "CPU: what the server's loop thread spent between two ticks of a 1 ms timer, which come once in each iteration",
        "of a busy loop: what the loop blocked for, and up to 1 ms of short iterations.",
        f"late: how late those ticks were; includes waiting for a core, of {cores} that the clients use as well.",
        exact,
        revisions,
        f"goal: longest block of the loop while they resume under {GOAL_MS:g} ms: {goal_ms:.1f} ms of CPU, {met}",
    ]
    rows = [_row(window) for window in run.windows]
    return table(f"RESUME: {plan.clients:,} clients after {plan.outage_s:g} s", columns, rows, notes)


def _row(window: Window) -> tuple[str, ...]:
    loop, waited_s = window.loop, window.waited_s
    caught_up = ("",) * 4
    if waited_s:
        p50, p99, longest = (f"{percentile(waited_s, share):.2f}" for share in (0.5, 0.99, 1.0))
        caught_up = (f"{len(waited_s):,}", p50, p99, longest)
    return (
        window.name,
        f"{loop['seconds']:.1f}",
        *caught_up,
        f"{100 * loop['cores']:.0f}",
        *(f"{loop[key]:.1f}" for key in ("spent_p999_ms", "spent_max_ms", "late_p999_ms", "late_max_ms")),
    )
