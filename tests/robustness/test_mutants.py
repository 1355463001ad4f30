"""The validators are proved: each way to break the server's delivery is noticed by the validator that should."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.robustness.mutants import MUTANTS, Mutant
from tests.robustness.scenario import play
from tests.robustness.validators import validate

CHECKED = ("snapshot", "order", "loss", "resume", "freshness", "conflated", "caught-up", "tokens", "content")
"""What there is to check without faults."""


@pytest.fixture(params=sorted(MUTANTS))
def mutant(request: pytest.FixtureRequest) -> Iterator[Mutant]:
    mutant = MUTANTS[request.param]
    mend = mutant.break_server()
    yield mutant
    mend()


async def test_a_broken_server_is_noticed_by_the_validator_of_what_is_broken(mutant: Mutant, tmp_path: Path) -> None:
    tallies = validate(await play(tmp_path))
    assert tallies[mutant.caught_by].violations


async def test_the_server_as_it_is_breaks_nothing(tmp_path: Path) -> None:
    tallies = validate(await play(tmp_path))
    assert [str(violation) for tally in tallies.values() for violation in tally.violations] == []
    assert [name for name in CHECKED if not tallies[name].checks] == []
