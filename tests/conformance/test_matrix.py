"""Every client library sees in every scenario what its user must see."""

import asyncio
from collections.abc import Callable

import pytest
from tests.clients_go.toolchain import BUILD_S
from tests.conformance.matrix import Verdicts, paragraph, play
from tests.conformance.programs import CLIENTS, Client
from tests.conformance.scenario import Scenario
from tests.conformance.scenarios import SCENARIOS
from tests.conformance.selected import parameters

pytestmark = pytest.mark.timeout(BUILD_S)


@pytest.fixture(scope="session")
def verdicts_of(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Client], Verdicts]:
    """The verdicts of a client over all scenarios that this session asks for, which are played at once."""
    done: dict[str, Verdicts] = {}
    wanted = parameters(request.session, "test_a_client_passes_a_scenario")

    def verdicts(client: Client) -> Verdicts:
        if client.name not in done:
            program = client.build(tmp_path_factory.mktemp("program"))
            scenarios = [pair["scenario"] for pair in wanted if pair["client"] is client]
            done[client.name] = asyncio.run(play(program, scenarios))
        return done[client.name]

    return verdicts


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.number))
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_client_passes_a_scenario(
    client: Client, scenario: Scenario, verdicts_of: Callable[[Client], Verdicts]
) -> None:
    if client.missing:
        pytest.skip(f"the conformance of {client.name} is not run: {client.missing}")
    if failures := verdicts_of(client)[scenario.number]:
        pytest.fail(paragraph(scenario.title, scenario.number, client.name, failures), pytrace=False)


def test_scenarios_are_numbered_in_order() -> None:
    assert [scenario.number for scenario in SCENARIOS] == list(range(1, len(SCENARIOS) + 1))
