"""`tickmux serve` is ended by SIGTERM and started anew under many clients: when does each come back?"""

import asyncio
import json
import sys
import tempfile
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.arithmetic import histogram, most_within, percentile
from benchmarks.tables import table
from benchmarks.workers import ROOT, WorkerFailed, ask_all, dealt, worker
from tickmux_server.children import end

CLIENTS: Final = 200
CLIENT_PROCESSES: Final = 2
SYMBOLS: Final = ("BTCUSDT",)
START_S: Final = 20.0
STOP_S: Final = 10.0
LIMIT_S: Final = 30.0
"""How long clients may take to come back."""
BIN_S: Final = 0.1
BAR_MAX: Final = 60
SERVER: Final = "tickmux_server.cli"
VENUE: Final = "tickmux_simulators"
CONFIG: Final = """\
[sources.binance]
adapter = "binance"
symbols = ["BTCUSDT"]
websocket_url = "{websocket_url}"
rest_url = "{rest_url}"
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement."""

    clients: int
    down_s: float
    """From the old server's SIGTERM to where the new one listens."""
    sent_away: int
    """Clients that the old server told to go."""
    back_s: tuple[float, ...]
    """When the clients were back, since the new server listens, ascending."""
    attempts: tuple[int, ...]
    """How many tries that took, ascending."""


async def report(clients: int = CLIENTS) -> str:
    """Measure and return the histogram.

    Raises:
        WorkerFailed: A process failed.
    """
    return restart_table(await measure(clients))


async def measure(clients: int) -> Run:
    """Restart the server once, with a simulated venue behind it that lives on."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tickmux-restart-")))
        _, ready = await stack.enter_async_context(_started(VENUE, "binance", "--port", "0", "--until-stdin-closes"))
        config = folder / "tickmux.toml"
        config.write_text(_config(json.loads(ready)), encoding="utf-8")
        serve = ("serve", "--no-table", "--log-level", "error", "--config", str(config), "--listen")
        old, ready = await stack.enter_async_context(_started(SERVER, *serve, "127.0.0.1:0"))
        address = ready.partition(" on ")[2].partition(";")[0]
        workers = [
            await stack.enter_async_context(worker("benchmarks.restart_client")) for _ in range(CLIENT_PROCESSES)
        ]
        shares = [len(part) for part in dealt(range(clients), CLIENT_PROCESSES)]
        opened = {"do": "open", "address": address, "symbols": SYMBOLS}
        await ask_all(workers, [{**opened, "clients": share} for share in shares])
        ended_ns = time.monotonic_ns()
        old.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await old.wait()
        except TimeoutError:
            raise WorkerFailed(SERVER, f"it did not end within {STOP_S:.0f} s") from None
        await stack.enter_async_context(_started(SERVER, *serve, address))
        listens_ns = time.monotonic_ns()
        answers = await ask_all(workers, [{"do": "collect", "limit_s": LIMIT_S}] * CLIENT_PROCESSES)
    return Run(
        clients=clients,
        down_s=(listens_ns - ended_ns) / 1e9,
        sent_away=sum(answer["sent_away"] for answer in answers),
        back_s=tuple(sorted((back_ns - listens_ns) / 1e9 for answer in answers for back_ns in answer["back_ns"])),
        attempts=tuple(sorted(count for answer in answers for count in answer["attempts"])),
    )


@asynccontextmanager
async def _started(module: str, *arguments: str) -> AsyncIterator[tuple[Process, str]]:
    """A process, and the line by which it says that it is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=PIPE, stdout=PIPE, cwd=ROOT
    )
    try:
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                line = await process.stdout.readline()
        except TimeoutError:
            raise WorkerFailed(module, f"it was not ready within {START_S:.0f} s") from None
        if not line:
            raise WorkerFailed(module, "it ended before it was ready")
        yield process, line.decode()
    finally:
        await end(process)


def _config(venue: Mapping[str, str]) -> str:
    return CONFIG.format(websocket_url=venue["websocket_url"], rest_url=venue["rest_url"])


def restart_table(run: Run) -> str:
    """The histogram."""
    counts = histogram(run.back_s, BIN_S)
    widest = max(counts, default=1)
    rows = [
        (
            f"{number * BIN_S:.1f} to {(number + 1) * BIN_S:.1f} s",
            f"{count}",
            ("#" * -(-count * BAR_MAX // widest)).ljust(BAR_MAX),
        )
        for number, count in enumerate(counts)
    ]
    most = most_within(run.back_s, BIN_S)
    p50_s, p99_s, last_s = (percentile(run.back_s, share) for share in (0.5, 0.99, 1.0))
    notes = [
        f"the new server listens {run.down_s:.2f} s after the SIGTERM of the old one, which told {run.sent_away} of",
        f"{run.clients} clients that it is going away. A client is back with its first response.",
        f"back: {len(run.back_s)} of {run.clients}; p50 {p50_s:.2f} s, p99 {p99_s:.2f} s, the last {last_s:.2f} s.",
        f"tries: {percentile(run.attempts, 0.5):.0f} each (median), at most {percentile(run.attempts, 1.0):.0f}.",
        f"the most in any {1000 * BIN_S:.0f} ms: {most} of {run.clients} ({100 * most / run.clients:.1f} %).",
        "our Python client as it is, each on a connection of its own; the venue is simulated and lives on.",
    ]
    title = f"RESTART: {run.clients} clients over a restart of `tickmux serve`"
    return table(title, ("since it listens", "clients", "".ljust(BAR_MAX)), rows, notes)
