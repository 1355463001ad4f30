from typing import Any

import pytest
from tests.adapters.alpaca_messages import (
    at,
    cancel,
    correction,
    daily_bar,
    quote,
    status,
    trade,
)
from tests.adapters.alpaca_slot import SEED, Encode, Slot, both

from tickmux_adapters.conversation import Heard
from tickmux_adapters.errors import VenueError
from tickmux_adapters.model import InstrumentState


@both
@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (["2", "3"], [True, False]),
        (["H", "Q", "T"], [True, False]),
        (["P", "T"], [True, False]),
        (["P", "H", "T"], [True, True, False]),
        (["1", "3"], [True, False]),
        (["4"], [True]),
        (["H", "X"], [True, False]),
        (["H", "?", "5", "A", "C", "D", "E", "F", "", "HT"], [True]),
        (["3"], [False]),
        (["5", "Q", "?"], []),
    ],
)
def test_halts_and_resumptions(stocks: Slot, encode: Encode, codes: list[str], told: list[bool]) -> None:
    for second, code in enumerate(codes):
        assert stocks.hear(status("AAPL", code, at(second)), encode=encode) is Heard.DATA
    assert stocks.values("halted") == told
    assert stocks.health.malformed == 0


def test_a_status_that_is_late_or_repeated_is_skipped(stocks: Slot) -> None:
    stocks.hear(status("AAPL", "H", at(5)), status("AAPL", "H", at(5)), status("AAPL", "T", at(4)))
    assert stocks.values("halted") == [True]
    assert stocks.health.duplicates == 2


def test_a_halt_outlives_the_chain_until_something_ends_it(stocks: Slot) -> None:
    stocks.hear(status("AAPL", "H", at(5)), trade("AAPL", 10, at(6)))
    assert stocks.values("halted") == [True]
    stocks.begin_chain()
    assert stocks.values("halted") == [True, True]
    stocks.hear(trade("AAPL", 10, at(4), number=2), trade("IBM", 10, at(9)))
    assert stocks.values("halted") == [True, True]
    # The resumption came while no connection could tell.
    stocks.hear(trade("AAPL", 10.5, at(7), number=3))
    assert stocks.values("halted") == [True, True, False]
    stocks.begin_chain()
    assert stocks.values("halted") == [True, True, False]


def test_a_seeded_trade_ends_a_halt_of_an_earlier_chain_if_it_was_made_after_it(stocks: Slot) -> None:
    stocks.hear(status("AAPL", "H", "2026-01-26T13:00:00Z"), status("IBM", "H", "2026-01-26T14:00:00Z"))
    stocks.seed("AAPL", SEED)
    assert stocks.values("halted") == [True, True]
    stocks.begin_chain()
    stocks.seed("AAPL", SEED)
    stocks.seed("IBM", SEED)
    assert [(update.instrument[1], update.halted) for update in stocks.sink.quotes if update.halted is False] == [
        ("AAPL", False)
    ]
    # The stream's own copy of the trade is a repeat.
    stocks.hear(trade("AAPL", 1.5, "2026-01-26T14:00:00Z", number=7))
    assert stocks.health.duplicates == 1


NEVER = "0001-01-01T00:00:00Z"


@pytest.mark.parametrize("seeded", [False, True])
def test_an_undated_halt_ends_with_a_trade_after_the_first_of_a_later_chain(
    stocks: Slot,
    seeded: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    stocks.hear(status("AAPL", "H", NEVER), trade("AAPL", 10, "2026-01-26T13:00:00Z", number=1))
    stocks.begin_chain()
    assert stocks.values("halted") == [True, True]
    if seeded:
        stocks.seed("AAPL", SEED)
    first = trade("AAPL", 1.5, "2026-01-26T14:00:00Z", number=7)
    stocks.hear(trade("AAPL", 2, NEVER, number=3), first, trade("AAPL", 2, "2026-01-26T14:00:00Z", number=8))
    assert stocks.values("halted") == [True, True]
    stocks.hear(trade("AAPL", 2, "2026-01-26T14:00:00.000000001Z", number=9))
    assert stocks.values("halted") == [True, True, False]


def test_a_stock_that_is_not_active_is_halted_whatever_the_stream_says(stocks: Slot) -> None:
    stocks.add("AAPL", InstrumentState.DELISTED)
    stocks.begin_chain()
    stocks.hear(status("AAPL", "T"))
    assert stocks.values("halted") == [True, True]


def test_the_volume_of_a_session_goes_when_another_day_begins(stocks: Slot) -> None:
    stocks.hear(daily_bar("AAPL", 100, "2026-01-26T05:00:00Z"), quote("AAPL", 1, 2, "2026-01-27T04:59:59.999999999Z"))
    assert stocks.values("volume") == [100.0]
    stocks.hear(quote("AAPL", 1, 2, "2026-01-27T05:00:00Z"), trade("AAPL", 1, "2026-01-27T05:00:01Z"))
    assert stocks.values("volume") == [100.0, None]
    stocks.hear(daily_bar("AAPL", 3, "2026-01-27T05:00:00Z"))
    assert stocks.values("volume") == [100.0, None, 3.0]


def test_a_late_bar_of_a_session_that_has_ended_does_not_bring_its_volume_back(stocks: Slot) -> None:
    stocks.hear(daily_bar("AAPL", 100, "2026-01-26T05:00:00Z"), quote("AAPL", 1, 2, "2026-01-27T12:00:00Z"))
    late = [daily_bar("AAPL", 101, "2026-01-26T05:00:00Z"), daily_bar("AAPL", 90, "2026-01-23T05:00:00Z")]
    assert stocks.hear(*late) is Heard.NOTHING
    assert stocks.values("volume") == [100.0, None]
    assert stocks.health.duplicates == 2
    stocks.hear(daily_bar("AAPL", 3, "2026-01-27T05:00:00Z"))
    assert stocks.values("volume") == [100.0, None, 3.0]
    # A new chain knows nothing of it: what it brings first is taken.
    stocks.begin_chain()
    stocks.hear(daily_bar("AAPL", 101, "2026-01-26T05:00:00Z"))
    assert stocks.values("volume") == [100.0, None, 3.0, 101.0]


def test_a_seed_fills_only_what_the_stream_has_not_said(stocks: Slot) -> None:
    stocks.hear(trade("AAPL", 10))
    stocks.seed("AAPL", SEED)
    assert (stocks.values("bid_price"), stocks.values("last_price"), stocks.values("volume")) == (
        [1.0],
        [10.0],
        [100.0],
    )
    stocks.hear(quote("IBM", 5, 6), daily_bar("IBM", 7))
    stocks.seed("IBM", SEED)
    assert (stocks.values("bid_price"), stocks.values("last_price"), stocks.values("volume")) == (
        [1.0, 5.0],
        [10.0, 1.5],
        [100.0, 7.0],
    )


def test_a_seed_sets_no_order_and_its_trade_can_be_cancelled(stocks: Slot) -> None:
    stocks.seed("AAPL", SEED)
    stocks.hear(quote("AAPL", 0.5, 2, "2026-01-26T15:00:00.4Z"))
    stocks.hear(cancel("AAPL", 7))
    assert stocks.values("bid_price") == [1.0, 0.5]
    assert stocks.values("last_price") == [1.5, None]
    assert stocks.health.duplicates == 0


def test_a_trade_that_the_stream_took_back_does_not_come_back_with_the_seed(stocks: Slot) -> None:
    seeded = trade("AAPL", 1.5, "2026-01-26T14:00:00Z", number=7)
    stocks.hear(seeded, cancel("AAPL", 7))
    stocks.seed("AAPL", SEED)
    # Nor one that was made before the stream began to tell.
    stocks.hear(cancel("IBM", 7))
    stocks.seed("IBM", SEED)
    assert stocks.values("last_price") == [1.5, None]
    stocks.begin_chain()
    stocks.hear(correction("AAPL", 7, 8, 1.25))
    stocks.seed("AAPL", SEED)
    stocks.hear(cancel("IBM", 6), cancel("IBM", 7, exchange="K"))
    stocks.seed("IBM", SEED)
    assert stocks.values("last_price") == [1.5, None, 1.5]
    # Seeded once, cancelled, and asked for again.
    stocks.hear(cancel("IBM", 7))
    stocks.seed("IBM", SEED)
    assert stocks.values("last_price") == [1.5, None, 1.5, None]


@pytest.mark.parametrize(
    ("start", "volumes"),
    [("2026-01-26T05:00:00Z", [100.0]), ("2026-01-23T05:00:00Z", []), ("2026-01-25T15:00:00Z", [])],
)
def test_a_seeded_volume_is_that_of_the_present_session(stocks: Slot, start: str, volumes: list[float]) -> None:
    stocks.seed("AAPL", {**SEED, "dailyBar": {"v": 100, "t": start}})
    assert stocks.values("volume") == volumes
    assert stocks.values("bid_price") == [1.0]


def test_a_seed_may_lack_anything(stocks: Slot) -> None:
    stocks.seed("AAPL", {})
    stocks.seed("AAPL", {"latestQuote": None, "dailyBar": SEED["dailyBar"]})
    stocks.seed("NOPE", SEED)
    assert stocks.sink.quotes == []


@pytest.mark.parametrize(
    "part", [{"latestQuote": {**SEED["latestQuote"], "bp": -1}}, {"dailyBar": {"v": 1, "t": "today"}}]
)
def test_a_seed_that_cannot_be_read_is_an_error_of_the_venue(stocks: Slot, part: dict[str, Any]) -> None:
    with pytest.raises(VenueError, match="snapshot of AAPL"):
        stocks.seed("AAPL", {**SEED, **part})
