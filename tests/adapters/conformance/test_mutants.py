"""Each case catches what no other does: the Acme adapter with one defect at a time, put to all cases."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio
from tests.adapters.conformance.acme.adapter import ADAPTER
from tests.adapters.conformance.acme.rig import AcmeRig
from tests.adapters.conformance.cases import CASES, Case
from tests.adapters.conformance.mutants import MUTANTS, Mutant

from tickmux_adapters.registry import AdapterType

MATRIX: Final[dict[str, dict[str, str]]] = {}
"""What each case found, by mutant and case; empty text: nothing."""


class MutantRig(AcmeRig):
    """The Acme exchange, with an adapter that is not registered anywhere."""

    patience_s = 3.0

    def __init__(self) -> None:
        super().__init__()
        self.mutant: type[Mutant] = Mutant

    def adapter_type(self) -> AdapterType:
        return dataclasses.replace(ADAPTER, create=self.mutant)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig() -> AsyncIterator[MutantRig]:
    running = MutantRig()
    await running.start()
    try:
        yield running
    finally:
        await running.stop()


def test_every_case_has_a_mutant() -> None:
    assert {mutant.caught_by.__name__ for mutant in MUTANTS} == {case.__name__ for case in CASES}


# What they leave behind may be collected during any test.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("mutant", [Mutant, *MUTANTS], ids=lambda mutant: mutant.__name__)
async def test_one_case_alone_catches_it(rig: MutantRig, mutant: type[Mutant]) -> None:
    rig.mutant = mutant
    row = MATRIX[mutant.__name__] = {}
    try:
        for case in CASES:
            await rig.calm()
            row[case.__name__] = await found_by(case, rig)
    finally:
        await clear_away(mutant)
    expected = {mutant.caught_by.__name__} if mutant is not Mutant else set()
    assert {name for name, finding in row.items() if finding} == expected, f"{mutant.__doc__}\n{described()}"


async def found_by(case: Case, rig: MutantRig) -> str:
    """What a case has to say against an adapter; an empty text if nothing."""
    try:
        await case(rig)
    except AssertionError as error:
        return str(error) or "failed"
    return ""


async def clear_away(mutant: type[Mutant]) -> None:
    for left in mutant.left:
        if isinstance(left, asyncio.Task):
            left.cancel()
            await asyncio.wait({left})
        else:
            left.close()
    mutant.left.clear()


def described() -> str:
    """The matrix so far, and what was found."""
    width = max(map(len, MATRIX))
    lines = ["", " " * width + "  " + " ".join(f"{number:2}" for number in range(1, len(CASES) + 1))]
    for name, row in MATRIX.items():
        marks = " ".join(" X" if row.get(case.__name__) else " ." for case in CASES)
        lines.append(f"{name:{width}}  {marks}")
    lines += [f"{number:2} {case.__name__}" for number, case in enumerate(CASES, 1)]
    lines += [
        f"{name} by {case}: {finding[:300]}" for name, row in MATRIX.items() for case, finding in row.items() if finding
    ]
    return "\n".join(lines)
