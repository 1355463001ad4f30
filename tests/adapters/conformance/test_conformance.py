"""The conformance suite: every case on every registered adapter, or on the one that `--rig` names."""

import importlib.metadata

import pytest
from tests.adapters.conformance.cases import CASES, Case
from tests.adapters.conformance.rig import FIELDS, VenueRig
from tests.adapters.conformance.rigs.ours import OURS

from tickmux_adapters.registry import ENTRY_POINT_GROUP

MAY_NOT_APPLY = frozenset({"wrong_key"})
"""All else can be asked of any venue."""


@pytest.mark.asyncio(loop_scope="module")
async def test_conformance(rig: VenueRig, case: Case) -> None:
    await rig.calm()
    await case(rig)


def test_every_adapter_of_this_distribution_has_a_rig() -> None:
    points = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    ours = {point.name for point in points if point.dist is not None and point.dist.name == "tickmux"}
    assert ours == {rig.adapter for rig in OURS}


def test_rigs_say_what_the_suite_needs(rigs: tuple[type[VenueRig], ...]) -> None:
    for rig in rigs:
        assert len(rig.symbols) >= 2
        assert rig.garbage
        assert rig.hurried
        assert rig.never < set(FIELDS)
        assert rig.not_applicable.keys() <= MAY_NOT_APPLY, "these cases apply to every venue"
        assert all(rig.not_applicable.values()), "a reason, please"
        assert bool(rig.wrong_key) != ("wrong_key" in rig.not_applicable)


def test_every_case_says_what_it_asks_for() -> None:
    assert len({case.__name__ for case in CASES}) == len(CASES) == 14
    assert all(case.__doc__ for case in CASES)
