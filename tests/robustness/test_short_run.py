"""Some 20 seconds of the robustness runs: two seeds in which every fault fires."""

from tests.robustness.campaign import campaign

FAULTS_A_RUN = 7
"""Two consecutive seeds have all of them."""


def test_every_promise_is_kept_under_every_fault() -> None:
    said: list[str] = []
    assert campaign(1, 2, faults=FAULTS_A_RUN, say=said.append), "\n".join(said)
