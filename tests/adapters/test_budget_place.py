"""Where what a key has spent is remembered, and when it is not."""

from pathlib import Path

import pytest
from tests.adapters.clock import ManualClock

from tickmux_adapters.budget import Allowance, Budget, Spending
from tickmux_adapters.budget_place import open_budget_file
from tickmux_adapters.errors import VenueError
from tickmux_adapters.polling import PollingSettings

DAY, MINUTE = Allowance(25, 86_400.0), Allowance(100, 60.0)


def place(
    settings: PollingSettings, folder: Path, *, allowance: Allowance = DAY, points_elsewhere: bool = False
) -> str | None:
    """The file that is written when something was spent, within the folder; None where nothing is remembered."""
    budget = Budget([allowance], ManualClock())
    file = open_budget_file("av", settings, budget, lambda: "THE-KEY-1", points_elsewhere=points_elsewhere)
    if file is None:
        return None
    file.save([Spending(1, 1)])
    assert file.load() == [Spending(1, 1)]
    (written,) = (path for path in folder.rglob("*") if path.is_file())
    return str(written.relative_to(folder))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("simulated", "points_elsewhere", "is_remembered"),
    [
        (None, False, True),
        (None, True, False),
        (True, False, False),
        # A real venue behind an address of one's own.
        (False, True, True),
    ],
)
def test_by_itself_only_what_is_really_spent_is_remembered(
    folder: Path,
    simulated: bool | None,  # noqa: FBT001 - a parameter of the test
    points_elsewhere: bool,  # noqa: FBT001 - a parameter of the test
    is_remembered: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    settings = PollingSettings(adapter="x", rest_url="http://x", simulated=simulated)
    found = place(settings, folder, points_elsewhere=points_elsewhere)
    assert found == ("tickmux/av.budget.json" if is_remembered else None)


def test_a_place_that_is_set_is_used_whatever_the_source(folder: Path) -> None:
    settings = PollingSettings(adapter="x", rest_url="http://x", budget_file="~/mine/spent.json")
    assert place(settings, folder, points_elsewhere=True) == "mine/spent.json"


def test_what_a_restart_may_forget_is_not_remembered(folder: Path) -> None:
    settings = PollingSettings(adapter="x", rest_url="http://x", budget_file=str(folder / "spent.json"))
    assert place(settings, folder, allowance=MINUTE) is None


def test_a_home_that_nobody_has_is_said(folder: Path) -> None:
    settings = PollingSettings(adapter="x", rest_url="http://x", budget_file="~nobody-of-this-name/spent.json")
    with pytest.raises(VenueError, match=r"av\.budget_file: '~nobody-of-this-name/spent\.json' begins with no home"):
        place(settings, folder)
