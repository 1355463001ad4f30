"""The CoinGecko source against the simulated venue, which shares no code with it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.adapters.recorder import Recorder, Running
from tests.adapters.recordings import exact, same
from tests.simulators.process import Simulator, simulator

from tickmux_adapters.coingecko import ADAPTER
from tickmux_adapters.coingecko.settings import DEFAULT_COINS, DEFAULT_SYMBOLS, CoinGeckoSettings
from tickmux_adapters.model import UNCHANGED, Adapter, ChannelStatus, QuoteUpdate, SourceState, SystemClock

LIVE, STALE, DOWN = SourceState.LIVE, SourceState.STALE, SourceState.DOWN
THROTTLED, REJECTED = SourceState.THROTTLED, SourceState.REJECTED
LIMITS = ("--cache-s", "1", "--keyless-per-minute", "100000", "--demo-per-minute", "100000")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("COINGECKO_API_KEY", "COINGECKO_API_KEY_FILE"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
async def venue() -> AsyncIterator[Simulator]:
    async with simulator("coingecko", *LIMITS) as running:
        yield running


def make(venue: Simulator, sink: Recorder, **settings: Any) -> Adapter:
    values: dict[str, Any] = {
        "adapter": "coingecko",
        "rest_url": venue.rest_url,
        "retry_cap_s": 0.05,
        "request_timeout_s": 1.0,
        "requests_per_minute": 100_000,
        "requests_per_day": 1_000_000,
        **settings,
    }
    return ADAPTER.create("coingecko", CoinGeckoSettings(**values), sink, SystemClock())


async def in_state(sink: Recorder, state: SourceState) -> ChannelStatus:
    await sink.until(lambda: sink.state is state)
    return sink.statuses[-1]


def written(body: str, quote: QuoteUpdate) -> bool:
    """Whether a body says what a quote says."""
    said = exact(body).get(DEFAULT_COINS[quote.instrument[1].removesuffix("USD")])
    if said is None or quote.venue_time_ns is None:
        return False
    return said["last_updated_at"] * 1_000_000_000 == quote.venue_time_ns and same(quote.last_price, said["usd"])


async def test_every_default_symbol_is_quoted_exactly_as_it_was_sent(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink)) as adapter:
        await sink.until_live()
        await sink.until(lambda: all(len(sink.of(symbol)) >= 2 for symbol in DEFAULT_SYMBOLS))
        (status,) = adapter.statuses()
        sent = await venue.sent("bitcoin")
    assert sorted(instrument.symbol for instrument in sink.instruments) == sorted(DEFAULT_SYMBOLS)
    assert all(instrument.is_indicative and instrument.type == "crypto" for instrument in sink.instruments)
    for quote in sink.quotes:
        assert any(written(body, quote) for body in sent)
        assert (quote.bid_price, quote.ask_price, quote.volume) == (UNCHANGED,) * 3
    assert (status.state, status.malformed, status.last_error) == (LIVE, 0, "")
    assert len(sink.chains) == 1


@pytest.mark.parametrize(("plan", "arguments"), [("demo", ()), ("pro", ("--pro", "--pro-per-minute", "100000"))])
async def test_keys_fit_their_roots(monkeypatch: pytest.MonkeyPatch, plan: str, arguments: tuple[str, ...]) -> None:
    other = {"demo": "pro", "pro": "demo"}[plan]
    async with simulator("coingecko", *LIMITS, *arguments) as venue:
        monkeypatch.setenv("COINGECKO_API_KEY", venue.announced["key"])
        async with Running(make(venue, sink := Recorder(), plan=plan)):
            await in_state(sink, LIVE)
        async with Running(make(venue, sink := Recorder(), plan=other)):
            assert (
                f'set plan to the kind of the key, which is "{other}" now'
                in (await in_state(sink, REJECTED)).last_error
            )
        monkeypatch.setenv("COINGECKO_API_KEY", "CG-nobodys-key-000000000000")
        async with Running(make(venue, sink := Recorder(), plan=plan)):
            assert "set COINGECKO_API_KEY" in (await in_state(sink, REJECTED)).last_error
        state = await venue.state()
        assert state["counters"]["requests"]["/simple/price"] >= 3


async def test_tickers_are_looked_up_and_shared_ones_refused(venue: Simulator) -> None:
    sink = Recorder()
    symbols = ["BTCUSD", "USDC/EUR", "UNIUSD", "BTCUSDT", "NOSUCHUSD"]
    listed = await venue.get_json("/coins/list")
    alone = next(
        coin
        for coin in listed
        if [one["symbol"] for one in listed].count(coin["symbol"]) == 1 and coin["id"].startswith("staked-")
    )
    symbols.append(f"{alone['symbol']}/eur")
    async with Running(make(venue, sink, symbols=symbols, coins={"USDC": "usd-coin"})):
        await sink.until(lambda: sink.of("USDCEUR") and sink.of("BTCUSD") and sink.of(f"{alone['symbol'].upper()}EUR"))
        error = (await in_state(sink, LIVE)).last_error
    assert "coins go by UNI" in error
    assert 'coins.UNI = "uniswap"' in error
    assert "BTCUSDT ends with no currency that the venue gives prices in" in error
    assert "NOSUCHUSD is not listed" in error


async def test_what_the_venue_leaves_out_or_nulls_is_withdrawn_and_comes_back(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["BTCUSD", "ETHUSD"])):
        for fault, said in (("missing_ids", "knows no coin"), ("null_fields", "has no price in USD")):
            await sink.until(lambda: sink.of("ETHUSD") and sink.of("ETHUSD")[-1].last_price)
            await venue.switch(fault, on=True, symbol="ethereum")
            await sink.until(lambda: sink.of("ETHUSD")[-1].last_price is None)
            await sink.until(lambda: f"ETHUSD: the venue {said}" in sink.last_error)  # noqa: B023 - awaited here
            await venue.switch(fault, on=False)
            await sink.until(lambda: sink.last_error == "")
        await sink.until(lambda: sink.of("ETHUSD")[-1].last_price)
    assert len(sink.chains) == 1
    assert all(quote.last_price for quote in sink.of("BTCUSD"))


@pytest.mark.parametrize(
    ("fault", "parameters", "said", "state"),
    [
        ("html_page", {}, "a web page (Just a moment)", DOWN),
        ("empty_body", {}, "an empty body", DOWN),
        ("malformed", {}, "bitcoin: neither a price nor a time", DOWN),
        ("truncated", {}, "could not be understood", DOWN),
        ("non_json", {}, "could not be understood", DOWN),
        ("rest_408", {}, "HTTP 408: Request Timeout", DOWN),
        ("rest_500", {}, "HTTP 500: Internal Server Error", DOWN),
        ("redirect", {}, "a redirect to localhost", DOWN),
        ("data_mute", {}, "no answer from 127.0.0.1", STALE),
        ("slow_rest", {"delay_s": 30.0}, "no answer from 127.0.0.1", STALE),
    ],
)
async def test_a_bad_day_and_the_day_after(
    venue: Simulator, fault: str, parameters: dict[str, Any], said: str, state: SourceState
) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["BTCUSD"])):
        await sink.until_live()
        await venue.switch(fault, on=True, **parameters)
        await in_state(sink, state)
        await sink.until(lambda: any(said in status.last_error for status in sink.statuses))
        await venue.switch(fault, on=False)
        await in_state(sink, LIVE)
        await sink.until(lambda: len(sink.chains) == 2)


@pytest.mark.parametrize("shape", ["flat", "status", "nested", "split", "page"])
async def test_a_limit_in_every_shape(venue: Simulator, shape: str) -> None:
    if shape == "page":
        await venue.switch("html_429", on=True)
    else:
        await venue.switch("error_shape", on=True, shape=shape)
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["BTCUSD"])):
        await in_state(sink, LIVE)
        await venue.switch("rest_429", on=True, retry_after_s=600.0)
        status = await in_state(sink, THROTTLED)
        assert "HTTP 429, too many requests" in status.last_error
        asked = (await venue.state())["counters"]["requests"]["/simple/price"]
        await sink.until(lambda: sink.statuses[-1].budgets[-1].left == 0)
        assert (await venue.state())["counters"]["requests"]["/simple/price"] == asked
    assert len(sink.chains) == 1


async def test_a_wall_in_front_of_the_venue_refuses(venue: Simulator) -> None:
    await venue.switch("rest_403", on=True)
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["BTCUSD"])):
        assert "the venue's firewall refuses us: Error 1020" in (await in_state(sink, REJECTED)).last_error


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("status", [0, 401, 200])
async def test_a_key_that_an_error_repeats_is_shown_nowhere(
    venue: Simulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, status: int, *, html: bool
) -> None:
    key = venue.announced["key"]
    monkeypatch.setenv("COINGECKO_API_KEY", key)
    await venue.switch("key_leaked", on=True, status=status, html=html)
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["BTCUSD"], plan="demo")):
        await sink.until(lambda: sink.state in {DOWN, REJECTED})
    assert key not in str(sink.events) + caplog.text


@pytest.mark.parametrize("hours", [-3.0, 3.0])
async def test_a_clock_that_is_hours_off_costs_nothing(venue: Simulator, hours: float) -> None:
    await venue.switch("clock_skew", on=True, hours=hours)
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["BTCUSD"])):
        await sink.until(lambda: len(sink.of("BTCUSD")) >= 2)
    first = sink.of("BTCUSD")[0]
    assert first.venue_time_ns is not None
    assert abs(first.received_at_ns - first.venue_time_ns + hours * 3600e9) < 600e9
    assert len(sink.chains) == 1


async def test_a_cache_that_is_not_renewed_brings_repeats_and_is_not_hammered(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, symbols=["BTCUSD"])) as adapter:
        await sink.until_live()
        before = (await venue.state())["counters"]["requests"]["/simple/price"]
        await venue.switch("cache_frozen", on=True)
        repeats = adapter.statuses()[0].duplicates
        await sink.until(lambda: adapter.statuses()[0].duplicates >= repeats + 2)
        asked = (await venue.state())["counters"]["requests"]["/simple/price"] - before
        assert sink.state is LIVE
    assert asked <= 4


async def test_what_was_asked_and_sent_is_json_of_the_venues(venue: Simulator) -> None:
    async with Running(make(venue, sink := Recorder(), symbols=["BTC/EUR"])):
        await sink.until(lambda: sink.of("BTCEUR"))
    (body, *_) = await venue.sent("bitcoin")
    assert set(json.loads(body)["bitcoin"]) == {"eur", "last_updated_at"}
