"""The Alpha Vantage adapter against the simulated venue, which shares no code with it."""

import json
import logging
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from tests.adapters.recorder import Recorder, Running, eventually
from tests.simulators.process import Simulator, simulator

from tickmux_adapters.model import Adapter, QuoteUpdate, SourceState, SystemClock
from tickmux_adapters.registry import registered

VARIABLE = "ALPHAVANTAGE_API_KEY"
HOUR_NS = 3_600_000_000_000
LIVE, STALE, DOWN = SourceState.LIVE, SourceState.STALE, SourceState.DOWN
THROTTLED, REJECTED = SourceState.THROTTLED, SourceState.REJECTED
PAID: dict[str, Any] = {
    "requests_per_minute": 60_000,
    "refresh_s": 0.02,
    "retry_cap_s": 0.05,
    "request_timeout_s": 1.0,
}


@pytest.fixture
async def venue(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulator]:
    """One that a paid key may ask as often as it likes."""
    async with simulator("alphavantage", "--premium-per-minute", "60000") as running:
        monkeypatch.setenv(VARIABLE, running.announced["premium_key"])
        yield running


def make(venue: Simulator, sink: Recorder, *symbols: str, **settings: Any) -> Adapter:
    kind = registered()["alphavantage"]
    values = {"adapter": kind.name, "rest_url": venue.rest_url, "symbols": list(symbols), **(settings or PAID)}
    return kind.create(kind.name, kind.settings(**values), sink, SystemClock())


async def bodies_of(venue: Simulator, symbol: str) -> list[Any]:
    return [json.loads(text) for text in await venue.sent(symbol)]


def numbers(quote: QuoteUpdate) -> tuple[Any, ...]:
    return (quote.last_price, quote.bid_price, quote.ask_price, quote.volume)


async def test_a_free_key_is_asked_no_faster_than_it_may_and_quotes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = Recorder()
    async with simulator("alphavantage") as venue:
        monkeypatch.setenv(VARIABLE, venue.announced["key"])
        settings = {"request_timeout_s": 5.0}
        async with Running(make(venue, sink, **settings)) as adapter:
            await sink.until(lambda: len({quote.instrument for quote in sink.quotes}) == 5)
            await sink.until(lambda: sink.statuses[-1].budgets[-1].left == 20)
            (status,) = adapter.statuses()
        assert (await venue.state())["counters"]["rest_requests"] == 5
    assert (status.state, status.last_error, status.malformed, status.inexact) == (LIVE, "", 0, 0)
    assert {(each.symbol, each.type) for each in sink.instruments} == {
        ("IBM", "stock"),
        ("AAPL", "stock"),
        ("MSFT", "stock"),
        ("EURUSD", "fx"),
        ("BTCUSD", "crypto"),
    }


async def test_a_day_that_is_spent_is_throttled_by_the_venues_word(monkeypatch: pytest.MonkeyPatch) -> None:
    sink = Recorder()
    async with simulator("alphavantage", "--free-per-day", "3", "--free-per-s", "1000") as venue:
        key = venue.announced["key"]
        monkeypatch.setenv(VARIABLE, key)
        settings = {"requests_per_second": 1000, "requests_per_day": 1000}
        async with Running(make(venue, sink, **settings)):
            await sink.until(lambda: sink.state is THROTTLED)
            await sink.until(lambda: sink.statuses[-1].budgets[-1].left == 0)
        assert (await venue.state())["counters"]["rest_requests"] == 4
    (budget,) = sink.statuses[-1].budgets
    assert budget.next_request_at_ns is not None
    assert budget.next_request_at_ns - SystemClock().wall_ns() > HOUR_NS - 60_000_000_000
    assert len(sink.quotes) == 3
    assert all(key not in repr(status) for status in sink.statuses)


async def test_what_is_received_is_what_was_sent(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, "BRK.B", "EUR/USD", "BTC/USD")):
        await sink.until(lambda: len(sink.of("BRK.B")) >= 3 and len(sink.of("EURUSD")) >= 2 and sink.of("BTCUSD"))
        stocks = [next(iter(body.values())) for body in await bodies_of(venue, "BRK.B")]
        rates = [next(iter(body.values())) for body in await bodies_of(venue, "EURUSD")]
    for quote in sink.of("BRK.B")[:3]:
        assert (quote.last_price, quote.volume) in {
            (float(each["05. price"]), float(each["06. volume"])) for each in stocks
        }
    written = {
        tuple(Decimal(each[name]) for name in ("5. Exchange Rate", "8. Bid Price", "9. Ask Price")) for each in rates
    }
    for quote in sink.of("EURUSD")[:2]:
        assert tuple(Decimal(repr(value)) for value in numbers(quote)[:3]) in written
        assert quote.venue_time_ns is not None
        assert abs(quote.venue_time_ns - quote.received_at_ns) < 10_000_000_000


async def test_bulk_quotes_of_an_entitled_key(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, "IBM", "NOPE", "EUR/USD", "BRK-B", bulk=True, **PAID)):
        await sink.until(lambda: len({quote.instrument for quote in sink.quotes}) == 3)
        await sink.until(lambda: "NOPE: not known to the venue" in sink.last_error)
        counted = (await venue.state())["counters"]["requests"]
    assert set(counted) == {"REALTIME_BULK_QUOTES", "CURRENCY_EXCHANGE_RATE"}
    assert {each.symbol for each in sink.instruments} == {"IBM", "BRK.B", "EURUSD"}


async def test_a_sample_is_refused_though_it_looks_like_data(venue: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, venue.announced["delayed_key"])
    sink = Recorder()
    async with Running(make(venue, sink, "IBM", "MSFT", bulk=True, **PAID)):
        await sink.until(lambda: sink.state is REJECTED)
    assert not sink.quotes


async def test_delayed_data_is_a_flag(venue: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, venue.announced["delayed_key"])
    sink = Recorder()
    async with Running(make(venue, sink, "IBM", "EUR/USD", entitlement="delayed", **PAID)):
        await sink.until(lambda: sink.of("IBM") and sink.of("EURUSD"))
    assert sink.of("IBM")[0].delayed is True


async def test_what_a_key_does_not_pay_for_leaves_the_rest_alone(
    venue: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, venue.announced["delayed_key"])
    sink = Recorder()
    async with Running(make(venue, sink, "IBM", "EUR/USD", entitlement="realtime", **PAID)):
        await sink.until(lambda: sink.of("EURUSD") and sink.state is LIVE)
    assert "IBM: the key does not pay for it" in sink.last_error
    assert not sink.of("IBM")


@pytest.mark.parametrize(
    ("fault", "parameters", "state", "said"),
    [
        ("burst_limit", {}, THROTTLED, "more often than once a second"),
        ("legacy_note", {}, THROTTLED, "asked too often"),
        ("day_spent", {"echo": True}, THROTTLED, "as [key] and our"),
        ("day_spent", {"echo": False}, THROTTLED, "requests of the day are spent"),
        ("rest_429", {"retry_after_s": 7}, THROTTLED, "HTTP 429"),
        ("key_rejected", {}, REJECTED, f"set {VARIABLE} to a valid one"),
        ("premium_endpoint", {}, REJECTED, "the key does not pay for"),
        ("not_entitled", {}, REJECTED, "the key does not pay for"),
        ("rest_403", {}, REJECTED, "HTTP 403"),
        ("rest_451", {}, REJECTED, "HTTP 451"),
        ("rest_408", {}, DOWN, "HTTP 408"),
        ("rest_500", {}, DOWN, "HTTP 500"),
        ("rest_503", {"retry_after_s": 0}, DOWN, "HTTP 503"),
        ("html_page", {}, DOWN, "the body is HTML"),
        ("empty_body", {}, DOWN, "the body is empty"),
        ("redirect", {}, DOWN, "a redirect to localhost"),
        ("key_leaked", {}, DOWN, "Your key [key] cannot be used"),
        ("key_leaked", {"html": True}, DOWN, "the body is HTML"),
        ("key_leaked", {"status": 500}, DOWN, "Your key [key] cannot be used"),
        ("malformed", {}, DOWN, "could not be understood"),
        ("truncated", {}, DOWN, "could not be understood"),
        ("non_json", {}, DOWN, "could not be understood"),
        ("oversized", {}, DOWN, "could not be understood"),
        ("empty_quote", {}, DOWN, "not known to the venue"),
        ("data_mute", {}, STALE, "within 1 s"),
        ("slow_rest", {"delay_s": 5}, STALE, "within 1 s"),
    ],
)
async def test_bad_days(
    venue: Simulator,
    *,
    fault: str,
    parameters: dict[str, Any],
    state: SourceState,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    key = venue.announced["premium_key"]
    sink = Recorder()
    async with Running(make(venue, sink, "IBM", "EUR/USD")) as adapter:
        await sink.until(lambda: sink.of("IBM") and sink.of("EURUSD"))
        await venue.switch(fault, **parameters)
        await sink.until(lambda: sink.state is state and said in sink.last_error)
        said_everywhere = [*map(repr, sink.statuses), *map(repr, adapter.statuses())]
        if state is DOWN and fault != "empty_quote":
            await venue.switch(fault, on=False)
            await sink.until_live(2)
            assert len(sink.chains) == 2
    said_everywhere += [each.getMessage() for each in caplog.records if each.name.startswith("tickmux")]
    assert not [text for text in said_everywhere if key in text.upper()]


async def test_prices_that_are_not_given_and_keys_that_say_more(venue: Simulator) -> None:
    await venue.switch("dash_prices")
    await venue.switch("decorated_keys")
    sink = Recorder()
    async with Running(make(venue, sink, "IBM", "EUR/USD")):
        await sink.until(lambda: sink.of("IBM") and sink.of("EURUSD"))
    (pair, *_), (stock, *_) = sink.of("EURUSD"), sink.of("IBM")
    assert (pair.bid_price, pair.ask_price) == (None, None)
    assert pair.last_price is not None
    assert (pair.delayed, stock.delayed) == (True, True)


async def test_a_venue_whose_clock_is_hours_ahead_and_is_set_back(venue: Simulator) -> None:
    await venue.switch("clock_skew", hours=3.0)
    sink = Recorder()
    async with Running(make(venue, sink, "EUR/USD")) as adapter:
        await sink.until(lambda: len(sink.of("EURUSD")) >= 2)
        assert adapter.statuses()[0].lag_ns is not None
        assert abs((adapter.statuses()[0].lag_ns or 0) + 3 * HOUR_NS) < 10_000_000_000
        await venue.switch("clock_skew", on=False)
        await eventually(lambda: abs(adapter.statuses()[0].lag_ns or HOUR_NS) < 10_000_000_000)
    assert sink.state is LIVE
    assert len(sink.chains) == 1
