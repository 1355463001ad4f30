"""The matrix in the README is that of the scenarios, all of them passed by all clients, as test_matrix holds."""

from tests.conformance.matrix import Verdicts, table
from tests.conformance.programs import CLIENTS, ROOT
from tests.conformance.scenarios import SCENARIOS


def test_the_readme_has_the_matrix() -> None:
    passed: Verdicts = {scenario.number: () for scenario in SCENARIOS}
    assert table(SCENARIOS, {client.name: passed for client in CLIENTS}) in (ROOT / "README.md").read_text()
