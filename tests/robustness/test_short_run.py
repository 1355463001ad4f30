"""Some 20 seconds of the robustness runs: three seeds in which every fault fires."""

from tests.robustness.campaign import campaign

FAULTS_A_RUN = 5
"""Three consecutive seeds have all of them."""


def test_every_promise_is_kept_under_every_fault() -> None:
    said: list[str] = []
    assert campaign(1, 3, faults=FAULTS_A_RUN, say=said.append), "\n".join(said)
