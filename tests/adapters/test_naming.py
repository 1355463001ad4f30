"""Lists of names are bounded, and say how much they leave out."""

import pytest

from tickmux_adapters.naming import first_of


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["AAPL"], "AAPL"),
        (["AAPL", "MSFT"], "AAPL, MSFT"),
        (["AAPL", "MSFT", "SPY"], "AAPL, MSFT and 1 more"),
        (["AAPL", "MSFT", "SPY", "TSLA", "QQQ"], "AAPL, MSFT and 3 more"),
    ],
)
def test_names_beyond_the_most_are_counted(names: list[str], said: str) -> None:
    assert first_of(names, 2) == said


def test_one_name_and_the_number_of_the_others() -> None:
    assert first_of(["AAPL", "MSFT"], 1) == "AAPL and 1 more"
