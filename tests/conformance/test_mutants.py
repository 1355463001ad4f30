"""The kit is proved: each way to break a client is noticed by the scenario, and for the reason, that it should."""

import asyncio
from collections.abc import Callable

import pytest
from tests.conformance.matrix import together
from tests.conformance.mutants import MUTANTS
from tests.conformance.programs import python
from tests.conformance.record import Failure
from tests.conformance.run import run
from tests.conformance.scenario import Scenario
from tests.conformance.scenarios import SCENARIOS
from tests.conformance.selected import parameters

NUMBERED = {scenario.number: scenario for scenario in SCENARIOS}


@pytest.fixture(scope="session")
def failures_of(request: pytest.FixtureRequest) -> Callable[[str], list[Failure]]:
    """What the kit says of each mutant that this session asks for; they run at once."""
    done: dict[str, list[Failure]] = {}
    wanted = [case["name"] for case in parameters(request.session, "test_a_mutant_is_noticed")]

    async def one(name: str) -> list[Failure]:
        mutant = MUTANTS[name]
        program = python("tests.conformance.python.mutant_program", name)
        return await run(NUMBERED[mutant.scenario], program, limit_s=mutant.limit_s)

    def failures(name: str) -> list[Failure]:
        if name not in done:
            done.update(zip(wanted, asyncio.run(together(one, wanted)), strict=True))
        return done[name]

    return failures


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_mutant_is_noticed(name: str, failures_of: Callable[[str], list[Failure]]) -> None:
    mutant = MUTANTS[name]
    failures = failures_of(name)
    assert any(failure.rule == mutant.rule and mutant.says in failure.text for failure in failures), failures


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.number))
def test_each_scenario_notices_a_mutant(scenario: Scenario) -> None:
    assert [name for name, mutant in MUTANTS.items() if mutant.scenario == scenario.number]
