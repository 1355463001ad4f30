"""All scenarios, by number."""

from typing import Final

from tests.conformance.scenario import Scenario
from tests.conformance.scenarios import cuts, opening

SCENARIOS: Final[tuple[Scenario, ...]] = (*opening.SCENARIOS, *cuts.SCENARIOS)
