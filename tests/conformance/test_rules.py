"""The rules that hold in every run, on lines that no client has printed."""

from collections.abc import Sequence
from typing import Any

import pytest
from tests.conformance.lines import FORMS, fault_of_form, fields_of
from tests.conformance.messages import quote
from tests.conformance.order import order
from tests.conformance.record import Record
from tests.conformance.scenario import Scenario
from tests.conformance.scenarios import SCENARIOS
from tests.conformance.staleness import staleness


def line(name: str, **keys: Any) -> dict[str, Any]:
    return {"line": name, "stale": [], **keys}


def seen(revision: int, *, epoch: int = 1, gap_before: bool = False, is_stale: bool = False) -> dict[str, Any]:
    return {**line("Quote"), **fields_of(quote(revision, epoch=epoch)), "gap_before": gap_before, "is_stale": is_stale}


def hole(expected: int, seen: int, epoch: int = 1) -> dict[str, Any]:
    return line("Hole", source="binance", symbol="BTCUSDT", epoch=epoch, expected_revision=expected, seen_revision=seen)


CAUGHT_UP = line("CaughtUp")


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([seen(7), CAUGHT_UP, seen(8)], ""),
        ([seen(7), CAUGHT_UP, seen(8), seen(8)], "is not newer than revision 8"),
        ([seen(7), CAUGHT_UP, seen(9, gap_before=True)], "1 revisions are missing"),
        ([seen(7), CAUGHT_UP, hole(8, 9), seen(9, gap_before=True)], ""),
        ([seen(7), CAUGHT_UP, hole(8, 9), seen(9)], "`gap_before` is false"),
        ([seen(7), CAUGHT_UP, hole(8, 9), CAUGHT_UP], "no quote of it follows"),
        ([seen(7), CAUGHT_UP, hole(8, 8), seen(8)], "a Hole was told that is none"),
        ([seen(7), CAUGHT_UP, hole(8, 10), seen(9)], "a Hole was told that is none"),
        ([seen(7), CAUGHT_UP, line("Conflated", count=1), seen(9, gap_before=True)], ""),
        ([seen(7), CAUGHT_UP, line("Conflated", count=1), seen(10, gap_before=True)], "2 revisions are missing"),
        ([seen(7), CAUGHT_UP, seen(1, epoch=2, gap_before=True)], ""),
        ([seen(7), CAUGHT_UP, seen(1, epoch=2)], "`gap_before` is false"),
        ([seen(7), CAUGHT_UP, seen(3, epoch=2, gap_before=True)], "2 revisions are missing"),
        ([seen(7), CAUGHT_UP, line("Reset"), seen(2, gap_before=True)], ""),
        ([CAUGHT_UP, seen(2, gap_before=True)], "1 revisions are missing"),
    ],
)
def test_order(lines: Sequence[dict[str, Any]], says: str) -> None:
    (problem,) = list(order(Record(Scenario(0, "", []), list(lines)))) or [""]
    assert says in problem
    assert bool(says) == bool(problem)


def told(state: str = "LIVE", epoch: int = 1, **keys: Any) -> dict[str, Any]:
    return line("SourceChanged", source="binance", channel="0", state=state, epoch=epoch, is_healthy=True, **keys)


BITCOIN = ["binance/BTCUSDT"]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([told(), seen(1), CAUGHT_UP], ""),
        ([seen(1, is_stale=True), line("CaughtUp", stale=BITCOIN)], ""),
        ([seen(1)], "`is_stale` had to be True"),
        ([told(), seen(1), told("STALE")], "at SourceChanged"),
        ([told(), seen(1), told("STALE", stale=BITCOIN), told()], ""),
        ([told(), seen(1), told(epoch=2, stale=BITCOIN), told(epoch=2)], "had to be ['binance/BTCUSDT']"),
        ([told(), seen(1), line("Disconnected", stale=[])], "had to be ['binance/BTCUSDT']"),
        ([told(), seen(1), line("Error", stale=[])], "had to be ['binance/BTCUSDT']"),
        ([told(), seen(1), line("Disconnected", stale=BITCOIN), line("Reconnected", resumed=False), told()], ""),
        ([told(), seen(1), line("Reset", stale=BITCOIN), told(stale=BITCOIN), CAUGHT_UP], "at CaughtUp"),
        ([told(), seen(1), line("Reset", stale=BITCOIN), told(stale=BITCOIN), seen(9), CAUGHT_UP], ""),
        ([told("STALE"), seen(1, is_stale=True), line("GoingAway", stale=["x"])], "at GoingAway"),
    ],
)
def test_staleness(lines: Sequence[dict[str, Any]], says: str) -> None:
    (problem,) = list(staleness(Record(Scenario(0, "", []), list(lines)))) or [""]
    assert says in problem
    assert bool(says) == bool(problem)


def test_forms() -> None:
    assert fault_of_form(seen(1)) == ""
    assert "`bid_price` is '1.0'" in fault_of_form({**seen(1), "bid_price": "1.0"})
    assert "`revision` is True" in fault_of_form({**seen(1), "revision": True})
    assert fault_of_form({**seen(1), "volume": None, "another": 1}) == ""
    assert "whose `line` is one of" in fault_of_form({"line": "Closed"})
    assert "a source status is {}" in fault_of_form(
        line("Snapshot", resume_token="", unmatched=[], source_statuses=[{}])
    )
    assert {name for name in FORMS if name not in {pattern.line for one in SCENARIOS for pattern in one.sees}} == set()
