"""From a frame's bytes to a framed quote, on one core: our path, and the same work with the parsers of others."""

import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.arithmetic import Cost
from benchmarks.tables import table, verdict
from benchmarks.workers import PEERS_PYTHON, ROOT, Worker, WorkerFailed, worker
from benchmarks.workloads import RECORDINGS, Workload, all_workloads

ROUNDS: Final = 24
UPDATES_PER_REPEAT: Final = 2_500
BUDGET_US: Final = 4.0
PEER_GOALS: Final = {"cryptofeed": 1.5, "ccxt": 5.0}
PARTS: Final = ("whole", "decode", "publish")
ENCODINGS: Final = ("pieces", "kept")
ENCODED_UPDATES: Final = 10_000

Quotes = dict[str, list[float | int | None]]


@dataclass(slots=True)
class Repeats:
    """CPU microseconds an update of one workload, by part of our path or by parser."""

    workload: Workload
    costs: dict[str, list[float]] = field(default_factory=dict)

    @property
    def passes(self) -> int:
        """How often the frames are taken in one repeat."""
        return max(1, UPDATES_PER_REPEAT // len(self.workload.frames))

    @property
    def updates(self) -> int:
        """In one repeat."""
        return self.passes * len(self.workload.frames)

    def add(self, name: str, cpu_ns: int) -> None:
        """Take a repeat."""
        self.costs.setdefault(name, []).append(cpu_ns / self.updates / 1000)

    def cost(self, name: str) -> Cost:
        """Of all repeats."""
        return Cost(tuple(self.costs[name]))


async def report(rounds: int = ROUNDS, workloads: Sequence[Workload] | None = None) -> str:
    """Measure and return the tables.

    Raises:
        WorkerFailed: A parser failed, or made other quotes than ours of the same frames.
    """
    measured = [Repeats(workload) for workload in (all_workloads() if workloads is None else workloads)]
    encodings: dict[str, list[float]] = {name: [] for name in ENCODINGS}
    with tempfile.TemporaryDirectory() as folder:
        async with _parsers() as (own, peers):
            for each in measured:
                await _load(each.workload, Path(folder), own, peers)
            await own.ask(do="settle", updates=ENCODED_UPDATES)
            if peers is not None:
                await peers.ask(do="settle")
            for _ in range(rounds):
                for each in measured:
                    await _repeat(each, own, peers)
                for name in ENCODINGS:
                    cpu_ns: int = (await own.ask(do=name))["cpu_ns"]
                    encodings[name].append(cpu_ns / ENCODED_UPDATES / 1000)
    return "\n\n".join(
        [
            parsers_table(measured, peers_measured=peers is not None),
            _parts_table(measured),
            _encodings_table({name: Cost(tuple(repeats)) for name, repeats in encodings.items()}),
        ]
    )


def parsers_of(workload: Workload) -> tuple[str, ...]:
    """The peers that a workload is compared to; cryptofeed speaks Kraken's retired protocol only."""
    return ("cryptofeed", "ccxt") if workload.venue == "binance" else ("ccxt",)


@asynccontextmanager
async def _parsers() -> AsyncIterator[tuple[Worker, Worker | None]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "generated" / "python")))}
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(worker("benchmarks.own_parser"))
        peers = None
        if PEERS_PYTHON.exists():
            peers = await stack.enter_async_context(
                worker("benchmarks.peer_parsers", python=str(PEERS_PYTHON), environment=environment)
            )
        yield own, peers


async def _load(workload: Workload, folder: Path, own: Worker, peers: Worker | None) -> None:
    path = str(workload.save(folder))
    ours: Quotes = (await own.ask(do="load", name=workload.name, path=path))["quotes"]
    if peers is None:
        return
    for parser in parsers_of(workload):
        theirs: Quotes = (await peers.ask(do="load", parser=parser, name=workload.name, path=path))["quotes"]
        # ccxt drops the venue time of Kraken's tickers.
        compared = slice(None) if workload.venue == "binance" else slice(-1)
        for symbol in ours.keys() | theirs.keys():
            if ours.get(symbol, [])[compared] != theirs.get(symbol, [])[compared]:
                raise WorkerFailed(
                    parser, f"{workload.name}: {symbol} is {theirs.get(symbol)}, ours is {ours.get(symbol)}"
                )


async def _repeat(each: Repeats, own: Worker, peers: Worker | None) -> None:
    parsers = parsers_of(each.workload) if peers is not None else ()
    # Our whole path stands between the peers, next in time to each of them.
    for name in ("decode", "publish", *parsers[:-1], "whole", *parsers[-1:]):
        if name in PARTS:
            answer = await own.ask(do=name, name=each.workload.name, passes=each.passes)
        else:
            assert peers is not None
            answer = await peers.ask(do="whole", parser=name, name=each.workload.name, passes=each.passes)
            if answer["quotes"] != each.updates:
                raise WorkerFailed(name, f"{each.workload.name}: {answer['quotes']} quotes of {each.updates} frames")
        each.add(name, answer["cpu_ns"])


def parsers_table(measured: Sequence[Repeats], *, peers_measured: bool) -> str:
    """Cost and ratio of each parser, beside the goals."""
    rows: list[Sequence[str]] = []
    for each in measured:
        ours = each.cost("whole")
        parsers = ("tickmux", *(parsers_of(each.workload) if peers_measured else ()))
        for parser in parsers:
            cost = ours if parser == "tickmux" else each.cost(parser)
            ratio, least_ratio = cost.times(ours), cost.least / ours.least
            if parser == "tickmux":
                goal = f"<= {BUDGET_US:.1f} us"
                met = verdict(met=cost.median <= BUDGET_US, met_undisturbed=cost.least <= BUDGET_US)
            else:
                goal = f">= {PEER_GOALS[parser]:.1f} x"
                met = verdict(met=ratio >= PEER_GOALS[parser], met_undisturbed=least_ratio >= PEER_GOALS[parser])
            rows.append(
                (
                    f"{each.workload.name}" if parser == "tickmux" else "",
                    parser,
                    f"{cost.median:.2f}",
                    f"{cost.least:.2f}",
                    f"{ratio:.2f}",
                    f"{least_ratio:.2f}",
                    goal,
                    met,
                )
            )
    notes = [
        "us/update: CPU time of one core from a frame's bytes to a framed Quote; ours includes the log's batches.",
        "x ours: median over rounds of neighbours in time; x least: of the least costs, which nothing disturbed.",
        "peers: their object built, then written as the same Quote (a kept protobuf message, serialised and framed).",
        "The quotes of all parsers were compared before and are equal.",
    ]
    if not peers_measured:
        notes.append("the peers are not installed: `make peers`, then again.")
    if not RECORDINGS.is_dir():
        notes.append("no recordings at hand: generated frames only.")
    columns = ("ingest", "parser", "us/update", "least", "x ours", "x least", "goal", "")
    return table("INGEST: bytes to framed quote, one core", columns, rows, notes)


def _parts_table(measured: Sequence[Repeats]) -> str:
    rows = [
        (each.workload.name, *(f"{each.cost(part).median:.2f} ({each.cost(part).least:.2f})" for part in PARTS[1:]))
        for each in measured
    ]
    return table("where our time goes, us/update: median (least)", ("", "decode", "merge, encode, log"), rows)


def _encodings_table(costs: Mapping[str, Cost]) -> str:
    pieces, kept = costs["pieces"], costs["kept"]
    rows = [
        ("pieces of the message (ours)", f"{pieces.median:.2f}", f"{pieces.least:.2f}", "1.00"),
        (
            "a protobuf message kept per instrument",
            f"{kept.median:.2f}",
            f"{kept.least:.2f}",
            f"{kept.times(pieces):.2f}",
        ),
    ]
    return table(
        "merging and encoding a top of book, 1 000 instruments in random order",
        ("", "us/update", "least", "x ours"),
        rows,
    )
