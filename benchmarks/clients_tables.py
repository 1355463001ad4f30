"""The tables of what our clients cost their user."""

from collections.abc import Iterable
from statistics import median
from typing import Final

from benchmarks.clients_plan import Latency, Plan, Results
from benchmarks.go_programs import MISSING as GO_MISSING
from benchmarks.tables import table, verdict

RATIO_MIN: Final = 0.8
"""Of the quotes that the generated code alone reads with the same CPU."""


def consumption_table(plan: Plan, results: Results) -> str:
    """Quotes a second from one stream: medians over the repeats."""
    rows = []
    for name in _names(results.consumed):
        rows += [_consumption_row(name, quotes, results) for quotes in plan.quotes_each]
    rows += [(missing.name, "missing", *[""] * 5) for missing in results.missing]
    columns = (
        "client",
        "quotes/response",
        "stubs quotes/s",
        "us/quote",
        "client quotes/s",
        "us/quote",
        "ratio",
    )
    return table("CLIENTS: quotes from one stream, on one core", columns, rows, _consumption_notes(plan, results))


def _consumption_notes(plan: Plan, results: Results) -> list[str]:
    runs = [run for repeats in results.consumed.values() for run in repeats]
    if not runs:
        return [
            f"{GO_MISSING}: the server that replays prepared bytes cannot be built, and without it none is measured."
        ]
    return [
        f"medians of {plan.rounds} repeats of {plan.seconds:g} s in turn. stubs: the generated code alone, as programs",
        "without a client use it, with gRPC's own options. Symbol and bid of each quote are read.",
        "each program has one core for all of its threads. quotes/s and us/quote are of its CPU, as others use that",
        f"core, too: it got {_shares(run.cores for run in runs)} of it. ratio: client to stubs.",
        "the server replays prepared bytes, on another core if there is one, of which it took",
        f"{_shares(run.server_cores for run in runs)}.",
        *_goals(plan, results),
        *(f"{missing.name} is missing: {missing.why}." for missing in results.missing),
    ]


def _consumption_row(name: str, quotes: int, results: Results) -> tuple[str, ...]:
    cells = [name, f"{quotes}"]
    for way in ("stubs", "client"):
        runs = results.consumed[name, quotes, way]
        cells += [
            f"{median(1e6 / run.us_per_quote for run in runs):,.0f}",
            f"{median(run.us_per_quote for run in runs):.2f}",
        ]
    return (*cells, f"{_ratio(name, quotes, results):.2f}")


def _ratio(name: str, quotes: int, results: Results) -> float:
    stubs, client = (results.consumed[name, quotes, way] for way in ("stubs", "client"))
    return median(one.us_per_quote / other.us_per_quote for one, other in zip(stubs, client, strict=True))


def _shares(cores: Iterable[float]) -> str:
    ordered = sorted(cores)
    return f"{100 * ordered[0]:.0f} to {100 * ordered[-1]:.0f} %"


def _goals(plan: Plan, results: Results) -> Iterable[str]:
    for name in _names(results.consumed):
        ratios = {quotes: _ratio(name, quotes, results) for quotes in plan.quotes_each}
        worst = min(ratios, key=lambda quotes: ratios[quotes])
        yield (
            f"goal: {name}: at least {RATIO_MIN:g} of the stubs: {ratios[worst]:.2f} with {worst} quotes a response, "
            f"{verdict(met=ratios[worst] >= RATIO_MIN)}"
        )


def latency_table(plan: Plan, results: Results) -> str:
    """From received_at to user code: medians over the repeats."""
    rows = [
        (
            name,
            *(cell for way in ("stubs", "client") for cell in _latency_cells(results.latencies[name, way])),
        )
        for name in _names(results.latencies)
    ]
    rows += [(missing.name, "missing", "", "", "") for missing in results.missing]
    columns = ("client", "stubs p50 ms", "p99 ms", "client p50 ms", "p99 ms")
    notes = [
        f"medians of {plan.rounds} repeats of {plan.latency_s:g} s in turn, in brackets the best one; from received_at",
        f"to user code that has the quote, one clock. Our server makes {plan.rate:,} quotes a second, on a core of its",
        "own if there is one; each client, alone on the other, takes all of them.",
        *(f"{missing.name} is missing: {missing.why}." for missing in results.missing),
    ]
    return table(f"CLIENTS: latency at {plan.rate:,} quotes a second", columns, rows, notes)


def _latency_cells(runs: list[Latency]) -> tuple[str, str]:
    p50_ms, p99_ms = [run.p50_ms for run in runs], [run.p99_ms for run in runs]
    return f"{median(p50_ms):.2f} ({min(p50_ms):.2f})", f"{median(p99_ms):.1f} ({min(p99_ms):.1f})"


def _names(measured: Iterable[tuple[str, ...]] | Iterable[tuple[str, int, str]]) -> list[str]:
    return list(dict.fromkeys(key[0] for key in measured))
