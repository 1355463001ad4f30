"""Connections on which nothing happens: what each costs the server."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

from benchmarks.fan_out_plan import INSTRUMENTS, picks
from benchmarks.tables import table
from benchmarks.workers import Message, ask_all, dealt, raise_file_limit, worker

CONNECTIONS: Final = 10_000
INSTRUMENTS_EACH: Final = 10
CLIENT_PROCESSES: Final = 4
WATCH_S: Final = 10.0
"""How long each row is looked at: two heartbeats of every stream, and one keepalive of every connection."""
FILES_BESIDE: Final = 500
"""What a process may need to have open beside its connections."""


@dataclass(frozen=True, slots=True)
class Row:
    """The server, with some number of connections."""

    name: str
    resident_bytes: int
    streams: int
    cores: float
    """CPU time by time while nothing happens."""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement."""

    connections: int
    files_max: int
    watch_s: float
    rows: tuple[Row, ...]


async def report(connections: int = CONNECTIONS, watch_s: float = WATCH_S) -> str:
    """Measure and return the table.

    Raises:
        WorkerFailed: A process failed.
    """
    run = await measure(connections, watch_s)
    return idle_table(run, connections)


async def measure(connections: int, watch_s: float) -> Run:
    """Connect, then subscribe on each connection, or on as many as this machine lets one process have open."""
    files_max = raise_file_limit()
    connections = min(connections, files_max - FILES_BESIDE)
    selections = picks(connections, INSTRUMENTS_EACH)
    async with worker("benchmarks.server") as server:
        address = (await server.ask(do="address"))["address"]
        # Each instrument has a quote, so that the streams have a state.
        await server.ask(do="run", rate=INSTRUMENTS * 10, updates=INSTRUMENTS * 10)

        async def look(name: str) -> Row:
            before = await server.ask(do="usage")
            await asyncio.sleep(watch_s)
            after: Message = await server.ask(do="usage")
            cores = (after["cpu_s"] - before["cpu_s"]) / watch_s
            return Row(name, after["resident_bytes"], after["streams"], cores)

        rows = [await look("nobody")]
        parts = dealt(selections, CLIENT_PROCESSES)
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(worker("benchmarks.idle_client")) for _ in parts]
            await ask_all(clients, [{"do": "connect", "address": address, "connections": len(part)} for part in parts])
            rows.append(await look("connected, no call"))
            await ask_all(clients, [{"do": "subscribe", "selections": part} for part in parts])
            rows.append(await look("one stream on each"))
        rows.append(await look("all gone"))
    return Run(connections, files_max, watch_s, tuple(rows))


def idle_table(run: Run, wanted: int) -> str:
    """The table."""
    first_bytes = run.rows[0].resident_bytes
    rows = [
        (
            row.name,
            f"{row.streams:,}",
            f"{row.resident_bytes / 2**20:.0f}",
            f"{(row.resident_bytes - first_bytes) / run.connections / 1024:.1f}" if number else "",
            f"{100 * row.cores:.1f}",
        )
        for number, row in enumerate(run.rows)
    ]
    notes = [
        f"each stream selects {INSTRUMENTS_EACH} of {INSTRUMENTS:,} instruments, of which none changes.",
        f"resident: of the server process. CPU: of one core, over {run.watch_s:g} s in which nothing but heartbeats of",
        "the streams and pings of the connections happens; once all are gone, also what their ends leave to do.",
        f"{CLIENT_PROCESSES} client processes hold the connections.",
    ]
    if run.connections < wanted:
        notes.append(
            f"{wanted:,} connections do not fit the {run.files_max:,} files that this machine lets a process have open."
        )
    columns = ("", "streams", "resident MiB", "KiB each", "CPU %")
    return table(f"IDLE: {run.connections:,} connections", columns, rows, notes)
