from typing import Any

import pytest
from tests.adapters.alpaca_messages import (
    at,
    cancel,
    correction,
    trade,
)
from tests.adapters.alpaca_slot import Encode, Slot, both, nanoseconds

from tickmux_adapters.alpaca.conditions import NOT_THE_PRESENT_MARKET
from tickmux_adapters.alpaca.trades import REMEMBERED_MAX
from tickmux_adapters.conversation import Heard


@pytest.mark.parametrize("code", sorted(NOT_THE_PRESENT_MARKET))
def test_trades_that_are_not_of_the_present_market_change_no_last_price(stocks: Slot, code: str) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=1))
    heard = stocks.hear(
        trade("AAPL", 99, at(1), number=2, c=["@", code]),
        trade("AAPL", 99, at(2), number=3, c=code),
        trade("IBM", 99, at(2), number=4, c=[" ", code], z="A"),
    )
    assert heard is Heard.DATA
    assert stocks.values("last_price") == [10.0]
    assert (stocks.health.malformed, stocks.health.duplicates) == (0, 0)
    # Nor do they set the order: one that was made before is the last all the same.
    stocks.hear(trade("AAPL", 11, at(0.5), number=5))
    assert stocks.values("last_price") == [10.0, 11.0]


@pytest.mark.parametrize(
    ("conditions", "tape", "taken"),
    [
        (["@"], "C", [10.0]),
        (["@", "I"], "C", [10.0]),
        (["@", "F", "T", "I"], "C", [10.0]),
        ("R", "C", []),
        ("@", "C", [10.0]),
        ("@I", "C", [10.0]),
        ([], "C", [10.0]),
        (None, "C", [10.0]),
        ([" "], "A", [10.0]),
        (["L"], "C", [10.0]),
        (["O"], "A", [10.0]),
        (["5"], "C", [10.0]),
        (["6", "X"], "C", [10.0]),
        (["B"], "C", [10.0]),
        (["B"], "A", []),
        (["B"], "B", []),
        (["?"], "C", [10.0]),
    ],
)
def test_which_conditions_are_of_the_present_market(
    stocks: Slot, conditions: Any, tape: str, taken: list[float]
) -> None:
    stocks.hear(trade("AAPL", 10, c=conditions, z=tape))
    assert stocks.values("last_price") == taken


def test_a_condition_that_is_not_known_keeps_no_trade_back(stocks: Slot) -> None:
    stocks.hear({key: value for key, value in trade("AAPL", 10).items() if key not in {"c", "z", "x", "i"}})
    assert stocks.values("last_price") == [10.0]


@both
def test_a_correction_of_the_last_trade_changes_the_last_price(stocks: Slot, encode: Encode) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=1), trade("AAPL", 11, at(1), number=2), encode=encode)
    stocks.hear(correction("AAPL", 2, 3, 11.5, at(9)), encode=encode)
    stocks.hear(correction("AAPL", 3, 3, 11.75, at(10)), encode=encode)
    stocks.hear(correction("AAPL", 3, 3, 11.75, at(10)), encode=encode)
    assert stocks.values("last_price") == [10.0, 11.0, 11.5, 11.75]
    assert stocks.sink.quotes[2].venue_time_ns == nanoseconds(at(9))
    assert stocks.health.duplicates == 1
    # It keeps its place: a trade that was made before the correction is the last.
    stocks.hear(trade("AAPL", 12, at(2), number=4), encode=encode)
    assert stocks.values("last_price")[-1] == 12.0


def test_a_correction_of_an_earlier_trade_shows_when_that_becomes_the_last(stocks: Slot) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=1), trade("AAPL", 11, at(1), number=2))
    assert stocks.hear(correction("AAPL", 1, 5, 10.25, at(2))) is Heard.DATA
    assert stocks.values("last_price") == [10.0, 11.0]
    stocks.hear(cancel("AAPL", 2, at(3)))
    assert stocks.values("last_price") == [10.0, 11.0, 10.25]


def test_a_trade_that_is_corrected_to_none_of_the_market_is_taken_back(stocks: Slot) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=1), trade("AAPL", 11, at(1), number=2))
    stocks.hear(correction("AAPL", 2, 3, 11.5, at(9), cc=["@", "W"]))
    assert stocks.values("last_price") == [10.0, 11.0, 10.0]


@both
def test_a_cancel_gives_the_price_of_the_trade_before_or_none(stocks: Slot, encode: Encode) -> None:
    stocks.hear(*(trade("AAPL", 10 + number, at(number), number=number) for number in range(3)), encode=encode)
    stocks.hear(cancel("AAPL", 1, at(9)), encode=encode)
    assert stocks.values("last_price") == [10.0, 11.0, 12.0]
    stocks.hear(cancel("AAPL", 2, at(9)), encode=encode)
    stocks.hear(cancel("AAPL", 0, at(9, 5)), encode=encode)
    assert stocks.values("last_price") == [10.0, 11.0, 12.0, 10.0, None]
    assert stocks.sink.quotes[-1].venue_time_ns == nanoseconds(at(9, 5))


def test_a_price_that_stands_again_is_as_old_as_its_trade(stocks: Slot) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=0))
    first_ns = stocks.sink.quotes[-1].received_monotonic_ns
    stocks.hear(trade("AAPL", 11, at(1), number=1))
    second_ns = stocks.sink.quotes[-1].received_monotonic_ns
    stocks.hear(correction("AAPL", 1, 1, 12, at(9)))
    assert (stocks.sink.quotes[-1].last_price, stocks.sink.quotes[-1].last_seen_monotonic_ns) == (12.0, second_ns)
    stocks.hear(cancel("AAPL", 1, at(9)))
    assert (stocks.sink.quotes[-1].last_price, stocks.sink.quotes[-1].last_seen_monotonic_ns) == (10.0, first_ns)
    stocks.hear(cancel("AAPL", 0, at(9)))
    assert (stocks.sink.quotes[-1].last_price, stocks.sink.quotes[-1].last_seen_monotonic_ns) == (None, None)


def test_ids_are_those_of_an_exchange_and_strangers_change_nothing(stocks: Slot) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=1))
    assert stocks.hear(cancel("AAPL", 1, exchange="K"), cancel("AAPL", 7), cancel("IBM", 1)) is Heard.DATA
    assert stocks.hear(correction("AAPL", 7, 8, 99)) is Heard.DATA
    assert stocks.values("last_price") == [10.0]
    assert stocks.health.malformed == 0


def test_so_many_trades_are_remembered_and_no_more(stocks: Slot) -> None:
    stocks.hear(*(trade("AAPL", number + 1, at(number), number=number) for number in range(REMEMBERED_MAX + 1)))
    for number in range(REMEMBERED_MAX, 0, -1):
        stocks.hear(cancel("AAPL", number, at(99)))
    stocks.hear(cancel("AAPL", 0, at(99)))
    assert stocks.values("last_price")[-2:] == [2.0, None]
