import math

import pytest
from benchmarks.arithmetic import Cost, histogram, most_within, percentile
from benchmarks.fan_out_plan import SELECTED, SYMBOLS, Load, expected, order, selections
from benchmarks.hub import flush_size
from benchmarks.tables import table, verdict


def test_a_cost_is_its_median_and_its_least() -> None:
    cost = Cost((3.0, 1.0, 2.0, 9.0))

    assert cost.median == 2.5
    assert cost.least == 1.0


def test_a_ratio_is_of_repeats_that_were_taken_in_turn() -> None:
    # The machine was slow in the last round, for both: medians of their own would say 1.5.
    ours, theirs = Cost((1.0, 2.0, 8.0)), Cost((2.0, 3.0, 24.0))

    assert theirs.times(ours) == 2.0
    with pytest.raises(ValueError, match="zip"):
        theirs.times(Cost((1.0,)))


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (0.999, 100), (1.0, 100), (0.0, 1)])
def test_percentiles_are_values_that_were_measured(share: float, value: int) -> None:
    assert percentile(range(1, 101), share) == value


def test_there_is_no_percentile_of_nothing() -> None:
    assert math.isnan(percentile([], 0.5))


def test_values_are_counted_by_interval() -> None:
    assert histogram([-0.5, 0.0, 0.99, 1.0, 3.2], width=1.0) == [3, 1, 0, 1]
    assert histogram([], width=1.0) == []


def test_a_crowd_is_found_wherever_its_interval_begins() -> None:
    assert most_within([0.0, 0.9, 1.0, 1.1, 1.8, 3.0], width=1.0) == 4
    assert most_within([0.0, 1.0, 2.0], width=1.0) == 1
    assert most_within([], width=1.0) == 0


def test_columns_line_up() -> None:
    assert table("title", ("name", "us"), [("a", "10.25"), ("longer", "1.5")], ["note"]).splitlines() == [
        "title",
        "-------------",
        "name       us",
        "-------------",
        "a       10.25",
        "longer    1.5",
        "-------------",
        "note",
    ]
    with pytest.raises(ValueError, match="2 cells"):
        table("title", ("name", "us"), [("a",)])


def test_a_goal_is_judged_by_the_median() -> None:
    assert verdict(met=True) == "met"
    assert verdict(met=False) == "MISSED"
    assert verdict(met=False, met_undisturbed=True) == "only undisturbed"


def test_every_client_is_owed_the_changes_of_what_it_selects() -> None:
    load = Load(clients=4, rate=1_000, selecting=True, sample_every=1)
    chosen = selections(load)
    changes = [SYMBOLS[number] for number in order(2_000)]

    owed = expected(chosen, 2_000)

    assert [len(symbols) for symbols in chosen] == [0, SELECTED, 0, SELECTED]
    assert chosen[1] != chosen[3]
    assert owed == [2_000, sum(s in chosen[1] for s in changes), 2_000, sum(s in chosen[3] for s in changes)]


def test_a_wildcard_load_owes_everyone_everything() -> None:
    load = Load(clients=3, rate=1_000, selecting=False, sample_every=1)

    assert expected(selections(load), load.updates(0.5)) == [500, 500, 500]


def test_more_writers_gather_more_updates_in_a_flush() -> None:
    assert flush_size(1, rate=1_000) == 1
    assert flush_size(1_000, rate=10_000) > flush_size(100, rate=10_000) > 1
