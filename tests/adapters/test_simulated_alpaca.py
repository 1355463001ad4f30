"""The Alpaca adapters against the simulated venue, which shares no code with them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.adapters.recorder import Recorder, Running, eventually
from tests.simulators.process import Simulator, simulator

from tickmux_adapters.model import UNCHANGED, Adapter, SourceState, SystemClock
from tickmux_adapters.registry import registered

LIVE, STALE, DOWN, REJECTED = SourceState.LIVE, SourceState.STALE, SourceState.DOWN, SourceState.REJECTED
ROUND_LOT = 100

both = pytest.mark.parametrize("encoding", ["msgpack", "json"])


@pytest.fixture
async def venue(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    async with simulator("alpaca", "--rate", "400") as running:
        monkeypatch.setenv("APCA_API_KEY_ID", running.announced["key"])
        monkeypatch.setenv("APCA_API_SECRET_KEY", running.announced["secret"])
        yield running


def make(venue: Simulator, sink: Recorder, name: str = "alpaca", **settings: Any) -> Adapter:
    kind = registered()[name]
    values = {
        "adapter": name,
        "websocket_url": venue.websocket_url,
        "rest_url": venue.rest_url,
        "trading_url": venue.rest_url,
        "retry_cap_s": 0.2,
        "contended_retry_s": 0.1,
        **settings,
    }
    return kind.create(name, kind.settings(**values), sink, SystemClock())


def hasty() -> dict[str, Any]:
    return {"stale_after_s": 0.5, "reconnect_after_s": 1.0, "ping_interval_s": 0.2, "overlap_s": 0.1}


def carried(sink: Recorder, field: str) -> set[str]:
    """The instruments of which a value of a field has come."""
    return {update.instrument[1] for update in sink.quotes if isinstance(getattr(update, field), float)}


@both
async def test_every_default_stock_is_listed_and_quoted(venue: Simulator, encoding: str) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, encoding=encoding)) as adapter:
        await sink.until_live()
        for field in ("bid_price", "ask_price", "last_price", "volume"):
            await sink.until(lambda: len(carried(sink, field)) == 10)  # noqa: B023
        (state,) = adapter.statuses()
    assert (state.state, state.malformed, state.duplicates, state.inexact, state.last_error) == (LIVE, 0, 0, 0, "")
    exchanges = {one.symbol: one.exchange for one in sink.instruments}
    assert (len(exchanges), exchanges["AAPL"], exchanges["BRK.B"]) == (10, "NASDAQ", "NYSE")


@pytest.mark.parametrize(("encoding", "feed"), [("msgpack", "us"), ("json", "us-1"), ("json", "eu-1")])
async def test_every_default_pair_is_listed_and_quoted_without_a_volume(
    venue: Simulator, encoding: str, feed: str
) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, "alpaca-crypto", encoding=encoding, feed=feed)) as adapter:
        await sink.until_live()
        for field in ("bid_price", "last_price"):
            await sink.until(lambda: len(carried(sink, field)) == 10)  # noqa: B023
        (state,) = adapter.statuses()
    assert (state.state, state.malformed, state.duplicates, state.last_error) == (LIVE, 0, 0, "")
    assert {update.volume for update in sink.quotes} == {UNCHANGED}
    assert all(one.price_increment and one.size_increment for one in sink.instruments)


@both
async def test_what_is_received_is_what_was_sent(venue: Simulator, encoding: str) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["AAPL"], encoding=encoding)):
        await sink.until_live()
        await sink.until(lambda: len(books(sink)) > 30 and len(trades(sink)) > 5)
        await venue.switch("quiet_market", on=True)
        messages = [json.loads(text) for text in await venue.sent("AAPL")]
        sent_books = [message for message in messages if message["T"] == "q"]
        sent_trades = [message for message in messages if message["T"] == "t"]
        await sink.until(lambda: len(books(sink)) >= len(sent_books) and len(trades(sink)) >= len(sent_trades))
    assert books(sink)[-len(sent_books) :] == [
        (one["bp"], one["bs"] * ROUND_LOT, one["ap"], one["as"] * ROUND_LOT) for one in sent_books
    ]
    assert trades(sink)[-len(sent_trades) :] == [one["p"] for one in sent_trades]


def books(sink: Recorder) -> list[tuple[Any, ...]]:
    return [
        (update.bid_price, update.bid_size, update.ask_price, update.ask_size)
        for update in sink.of("AAPL")
        if update.bid_price is not UNCHANGED
    ]


def trades(sink: Recorder) -> list[Any]:
    return [update.last_price for update in sink.of("AAPL") if update.last_price is not UNCHANGED]


async def test_the_test_feed_and_the_delayed_one(venue: Simulator) -> None:
    made_up, delayed = Recorder(), Recorder()
    async with Running(make(venue, made_up, feed="test")), Running(make(venue, delayed, feed="delayed_sip")):
        await made_up.until(lambda: carried(made_up, "bid_price") == {"FAKEPACA"})
        await delayed.until(lambda: carried(delayed, "volume") and carried(delayed, "bid_price"))
    assert {update.delayed for update in made_up.quotes} == {UNCHANGED}
    assert {update.delayed for update in delayed.quotes} == {True}


async def test_a_feed_that_the_plan_does_not_include(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, feed="sip")):
        await sink.until(lambda: sink.state is REJECTED)
    assert "409: insufficient subscription" in sink.last_error
    assert "extend the plan" in sink.last_error


async def test_a_wrong_key(venue: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_SECRET_KEY", "not-the-secret")
    sink = Recorder()
    async with Running(make(venue, sink)):
        await sink.until(lambda: sink.state is REJECTED)
    assert "402: auth failed" in sink.last_error


async def test_one_connection_a_key(venue: Simulator) -> None:
    first, second = Recorder(), Recorder()
    async with Running(make(venue, first)):
        await first.until_live()
        async with Running(make(venue, second)):
            await second.until(lambda: second.state is DOWN)
            assert "another connection uses this key" in second.last_error
            assert first.state is LIVE


async def test_halts_resumptions_corrections_and_cancels(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["AAPL", "IBM"])) as adapter:
        await sink.until_live()
        await sink.until(lambda: len(trades(sink)) > 3)
        for symbol, code in (("AAPL", "H"), ("AAPL", "P"), ("IBM", "2")):
            told = len(halts(sink, symbol))
            await venue.switch("halt", on=True, symbol=symbol, status=code)
            await sink.until(lambda: halts(sink, symbol)[told:] == [True])  # noqa: B023
            await venue.switch("halt", on=False)
            await sink.until(lambda: halts(sink, symbol)[told:] == [True, False])  # noqa: B023
        await venue.switch("quiet_market", on=True)
        last = trades(sink)[-1]
        await venue.switch("correction", on=True, symbol="AAPL")
        await sink.until(lambda: trades(sink)[-1] == pytest.approx(last + 0.01))
        count = len(trades(sink))
        await venue.switch("cancel", on=True, symbol="AAPL")
        await sink.until(lambda: len(trades(sink)) > count)
        (state,) = adapter.statuses()
    assert state.malformed == 0


def halts(sink: Recorder, symbol: str) -> list[Any]:
    return [update.halted for update in sink.of(symbol) if update.halted is not UNCHANGED]


async def test_one_sided_quotes_leave_the_side_absent(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink)):
        await sink.until_live()
        await venue.switch("one_sided_quotes", on=True, side="ask")
        await sink.until(lambda: any(update.ask_price is None for update in sink.quotes))
        assert all(update.ask_size is None for update in sink.quotes if update.ask_price is None)


async def test_a_quiet_market_is_live_and_a_frozen_socket_is_not(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, **hasty())) as adapter:
        await sink.until_live()
        await venue.switch("quiet_market", on=True)
        messages = adapter.statuses()[0].messages
        pinged = len(sink.statuses)
        # Silence for several deadlines, as far as messages go.
        clock = SystemClock()
        begun_ns = clock.monotonic_ns()
        await eventually(lambda: clock.monotonic_ns() - begun_ns > 2_000_000_000)
        assert (sink.state, len(sink.statuses), adapter.statuses()[0].reconnects) == (LIVE, pinged, 0)
        assert adapter.statuses()[0].messages - messages < 20
        await venue.switch("frozen_socket", on=True)
        await sink.until(lambda: sink.state is STALE)
        await venue.switch("frozen_socket", on=False)
        await venue.switch("quiet_market", on=False)
        await sink.until_live(2)


@pytest.mark.parametrize("fault", ["slow_client_407", "drop_connections", "close_connections"])
async def test_connections_that_end(venue: Simulator, fault: str) -> None:
    sink = Recorder()
    async with Running(make(venue, sink)):
        await sink.until_live()
        await venue.switch(fault, on=True)
        await sink.until(lambda: sink.state is DOWN)
        if fault == "slow_client_407":
            assert "we read too slowly" in sink.last_error
        await sink.until_live(2)
    assert len(sink.chains) == 2


@both
async def test_garbage_is_counted_and_the_chain_goes_on(venue: Simulator, encoding: str) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, encoding=encoding)) as adapter:
        await sink.until_live()
        for fault in ("malformed", "truncated", "non_json", "oversized"):
            before = adapter.statuses()[0].malformed
            await venue.switch(fault, on=True, every=5)
            await eventually(lambda: adapter.statuses()[0].malformed >= before + 3)  # noqa: B023
            await venue.switch(fault, on=False)
        quotes = len(sink.quotes)
        await sink.until(lambda: len(sink.quotes) > quotes + 20)
        (state,) = adapter.statuses()
    assert (state.state, state.reconnects) == (LIVE, 0)


async def test_repeats_and_late_messages_are_skipped(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["AAPL"])) as adapter:
        await sink.until_live()
        await venue.switch("duplicate", on=True, every=3)
        await venue.switch("out_of_order", on=True, every=3)
        await eventually(lambda: adapter.statuses()[0].duplicates > 20)
        (state,) = adapter.statuses()
    assert state.malformed == 0
    times = [update.venue_time_ns for update in sink.of("AAPL") if isinstance(update.bid_price, float)]
    # The first is the seed, which sets no order.
    assert times[1:] == sorted(times[1:], key=lambda time: time or 0)


@pytest.mark.parametrize("fault", ["rest_500", "rest_403", "rest_429"])
async def test_without_requests_stocks_with_a_known_exchange_go_on(venue: Simulator, fault: str) -> None:
    await venue.switch(fault, on=True)
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["AAPL"], exchanges={"AAPL": "NASDAQ"})):
        await sink.until_live()
        await sink.until(lambda: carried(sink, "bid_price") == {"AAPL"})
        await sink.until(lambda: "cannot fetch the present state" in sink.last_error)
        assert sink.state is LIVE
