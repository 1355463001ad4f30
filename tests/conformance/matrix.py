"""Runs scenarios with clients, several at a time, and makes the table of what came of it."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

from tests.conformance.programs import Program
from tests.conformance.record import Failure
from tests.conformance.run import run
from tests.conformance.scenario import Scenario

RUNS_AT_ONCE: Final = 6
"""Most of a run is waiting, and starting a program is not."""

Of = TypeVar("Of")
Found = TypeVar("Found")

Verdicts = Mapping[int, Sequence[Failure]]
"""What was broken, by number of the scenario."""


async def together(one: Callable[[Of], Coroutine[Any, Any, Found]], all_of_them: Sequence[Of]) -> list[Found]:
    """Do one thing of each, a few at a time; the results in their order."""
    free = asyncio.Semaphore(RUNS_AT_ONCE)

    async def in_turn(of: Of) -> Found:
        async with free:
            return await one(of)

    return await asyncio.gather(*map(in_turn, all_of_them))


async def play(program: Program, scenarios: Sequence[Scenario]) -> Verdicts:
    """Run a program through scenarios."""
    verdicts = await together(lambda scenario: run(scenario, program), scenarios)
    return {scenario.number: failures for scenario, failures in zip(scenarios, verdicts, strict=True)}


def table(scenarios: Sequence[Scenario], verdicts: Mapping[str, Verdicts | None]) -> str:
    """The matrix, by name of the client; one without verdicts was not run."""
    heads = ["", "scenario", *verdicts]
    rows = [
        [str(scenario.number), scenario.title, *(_cell(of_client, scenario) for of_client in verdicts.values())]
        for scenario in scenarios
    ]
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    ruler = ["-" * (width - 1) + ":" if at == 0 else "-" * width for at, width in enumerate(widths)]
    aligned = [
        [row[0].rjust(widths[0]), *(cell.ljust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in (heads, ruler, *rows)
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in aligned)


def reasons(scenarios: Sequence[Scenario], verdicts: Mapping[str, Verdicts | None]) -> str:
    """A paragraph for each failed run."""
    titles = {scenario.number: scenario.title for scenario in scenarios}
    return "\n".join(
        paragraph(titles[number], number, name, failures)
        for name, of_client in verdicts.items()
        for number, failures in (of_client or {}).items()
        if failures
    )


def paragraph(title: str, number: int, client: str, failures: Sequence[Failure]) -> str:
    """Which scenario failed with which client, what was expected, and what came."""
    said = "\n".join(f"  {failure.rule}: {failure.text}" for failure in failures)
    return f'{client} fails scenario {number}, "{title}":\n{said}\n'


def _cell(verdicts: Verdicts | None, scenario: Scenario) -> str:
    if verdicts is None:
        return "not run"
    return "FAIL" if verdicts[scenario.number] else "pass"
