"""All scenarios, by number."""

from typing import Final

from tests.conformance.scenario import Scenario
from tests.conformance.scenarios import chain, cuts, endings, health, identity, opening, snapshots, versions

SCENARIOS: Final[tuple[Scenario, ...]] = (
    *opening.SCENARIOS,
    *cuts.SCENARIOS,
    *chain.SCENARIOS,
    *health.SCENARIOS,
    *endings.SCENARIOS,
    *versions.SCENARIOS,
    *snapshots.SCENARIOS,
    *identity.SCENARIOS,
)
