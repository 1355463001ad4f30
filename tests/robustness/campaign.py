"""Runs, one seed after the other, and what they come to."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.robustness import history
from tests.robustness.plan import Fault, Plan
from tests.robustness.report import Table, failure, reproduce, run_line
from tests.robustness.run import perform
from tests.robustness.validators import validate

RUNS_TO_CHECK_ALL: Final = 10
"""A promise that so many runs have never checked is one that none would."""


def campaign(
    seed: int,
    runs: int,
    *,
    faults: int = 2,
    only: Sequence[Fault] = (),
    mutant: str | None = None,
    keep: bool = False,
    say: Callable[[str], None] = print,
) -> bool:
    """Carry out the runs of consecutive seeds until one breaks a promise, and print what they come to.

    Args:
        seed: of the first run.
        runs: how many.
        faults: how many faults a run has at least.
        only: choose among these faults; all if empty.
        mutant: what is to be wrong with the server, if anything.
        keep: keep the records of clean runs too.
        say: prints a line.

    Returns:
        Whether every run was clean and, if they were enough for that, every fault fired and every promise was checked.
    """
    table = Table(tuple(only or Fault))
    is_clean = True
    for each in range(seed, seed + runs):
        plan = Plan.of(each, faults=faults, only=only)
        folder = Path(tempfile.mkdtemp(prefix=f"tickmux-robustness-{each}-"))
        again = f"the records are in {folder}\nagain: {reproduce(plan, faults, only, mutant)}"
        began_s = time.monotonic()
        try:
            asyncio.run(perform(plan, folder, mutant=mutant))
            lived = history.load(plan, folder)
        except BaseException:
            say(f"seed {each}: the run itself failed\n{again}")
            raise
        tallies = validate(lived)
        table.add((fault.fault for fault in lived.faults), tallies)
        say(run_line(plan, time.monotonic() - began_s, tallies))
        if any(tally.violations for tally in tallies.values()):
            say(failure(lived, tallies))
            say(again)
            is_clean = False
            break
        if keep:
            say(f"the records are in {folder}")
        else:
            shutil.rmtree(folder)
    say(f"\n{table}")
    lacks: list[str] = []
    if is_clean and runs * faults >= len(table.faults):
        lacks += [f"{name} never fired" for name in table.never_fired()]
    if is_clean and runs >= RUNS_TO_CHECK_ALL:
        lacks += [f"{name} was never checked" for name in table.never_checked()]
    for lack in lacks:
        say(lack)
    return is_clean and not lacks
