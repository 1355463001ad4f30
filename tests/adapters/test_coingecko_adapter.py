"""The CoinGecko source against a scripted venue on a real socket."""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.adapters.http_server import HttpServer, Reply
from tests.adapters.recorder import Recorder, Running

from tickmux_adapters.budget import Spending
from tickmux_adapters.budget_file import BudgetFile, default_path
from tickmux_adapters.coingecko import ADAPTER
from tickmux_adapters.coingecko.adapter import CoinGeckoAdapter
from tickmux_adapters.coingecko.feed import READ_TRIES
from tickmux_adapters.coingecko.settings import CoinGeckoSettings
from tickmux_adapters.errors import SettingsError
from tickmux_adapters.model import UNCHANGED, Adapter, ChannelStatus, SourceState, SystemClock

CONNECTING, LIVE, STALE, DOWN = SourceState.CONNECTING, SourceState.LIVE, SourceState.STALE, SourceState.DOWN
THROTTLED, REJECTED = SourceState.THROTTLED, SourceState.REJECTED
KEY = "CG-scripted-key-0001"
S = 1_000_000_000
CURRENCIES = ["usd", "eur", "btc", "xyz"]
COINS = [
    {"id": "uniswap", "symbol": "uni", "name": "Uniswap"},
    {"id": "unicorn-token", "symbol": "uni", "name": "UNICORN"},
    {"id": "ondo-finance", "symbol": "ondo", "name": "Ondo"},
]


class Venue:
    """Answers like the venue from a table of prices, unless it is told to answer otherwise."""

    def __init__(self) -> None:
        self.prices: dict[str, dict[str, Any]] = {"bitcoin": {"usd": 100}, "ethereum": {"usd": 5.5}}
        self.updated_s = int(time.time()) - 20
        self.headers: dict[str, str] = {}
        self.instead: Callable[[web.Request], Any] | None = None
        """Answers every request in the venue's place."""
        self.paths: dict[str, str] = {
            "/coins/list": json.dumps(COINS),
            "/simple/supported_vs_currencies": json.dumps(CURRENCIES),
        }

    def tick(self, **usd: Any) -> None:
        """New prices in dollars, at a later time."""
        self.updated_s += 1
        for coin, price in usd.items():
            self.prices[coin] = {"usd": price}

    def answer(self, request: web.Request) -> Any:
        if self.instead is not None:
            return self.instead(request)
        path = request.path.removeprefix("/api/v3")
        if path in self.paths:
            return Reply(self.paths[path])
        assert path == "/simple/price"
        currencies = request.query["vs_currencies"].split(",")
        body = {
            coin: {
                **{currency: self.prices[coin][currency] for currency in currencies if currency in self.prices[coin]},
                "usd_24h_vol": 29096603418.89408,
                "last_updated_at": self.updated_s,
            }
            for coin in request.query["ids"].split(",")
            if coin in self.prices
        }
        return Reply(json.dumps(body), headers=self.headers)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("COINGECKO_API_KEY", "COINGECKO_API_KEY_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", KEY)


@pytest.fixture
def venue() -> Venue:
    return Venue()


@pytest.fixture
async def server(venue: Venue) -> AsyncIterator[HttpServer]:
    async with HttpServer(venue.answer) as server:
        yield server


def make(server: HttpServer, sink: Recorder, name: str = "coingecko", **settings: Any) -> Adapter:
    values: dict[str, Any] = {
        "adapter": "coingecko",
        "symbols": ["BTCUSD", "ETHUSD"],
        "rest_url": server.url + "/api/v3",
        "refresh_s": 0.05,
        "retry_cap_s": 0.05,
        "request_timeout_s": 0.5,
        "requests_per_minute": 1_000_000,
        **settings,
    }
    return ADAPTER.create(name, CoinGeckoSettings(**values), sink, SystemClock())


async def in_state(sink: Recorder, state: SourceState) -> ChannelStatus:
    await sink.until(lambda: sink.state is state)
    return sink.statuses[-1]


# Good weather.


async def test_prices_are_polled_and_told(server: HttpServer, venue: Venue) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        venue.tick(bitcoin=101.25)
        await sink.until(lambda: len(sink.of("BTCUSD")) == 2)
        await sink.until(lambda: len(sink.of("ETHUSD")) == 2)
        asked = len(server.asked)
        await server.until_asked(asked + 3)
        (status,) = adapter.statuses()
    assert [type(event).__name__ for event in sink.events if not isinstance(event, ChannelStatus)][:4] == [
        *("Instrument", "Instrument"),
        *("Chain", "QuoteUpdate"),
    ]
    first = sink.instruments[0]
    assert (first.symbol, first.base, first.quote, first.venue_symbol) == ("BTCUSD", "BTC", "USD", "bitcoin")
    assert (first.type, first.exchange, first.channel, first.is_indicative) == ("crypto", "", "0", True)
    quotes = sink.of("BTCUSD")
    assert [quote.last_price for quote in quotes] == [100.0, 101.25]
    assert [quote.venue_time_ns for quote in quotes] == [(venue.updated_s - 1) * S, venue.updated_s * S]
    assert {(quote.bid_price, quote.ask_price, quote.volume) for quote in sink.quotes} == {(UNCHANGED,) * 3}
    assert sink.states == [CONNECTING, LIVE]
    assert len(sink.chains) == 1
    # Answers that only repeat what was told are counted, and no reason to tell anything.
    assert len(sink.quotes) == 4
    assert status.duplicates >= 4
    assert (status.malformed, status.inexact, status.reconnects, status.last_error) == (0, 0, 0, "")
    request = server.asked[0]
    assert request.path == "/api/v3/simple/price"
    assert dict(request.query) == {
        "ids": "bitcoin,ethereum",
        "vs_currencies": "usd",
        "include_last_updated_at": "true",
        "precision": "full",
    }
    assert not [name for name in request.headers if name.lower().startswith("x-cg")]
    assert {each.path for each in server.asked} == {"/api/v3/simple/price"}


async def test_many_coins_are_asked_for_in_portions(server: HttpServer, venue: Venue) -> None:
    names = {f"C{number}": f"coin-{number}" for number in range(150)}
    for number in range(150):
        venue.prices[f"coin-{number}"] = {"usd": number + 1, "eur": number + 2}
    sink = Recorder()
    symbols = [*(f"{name}USD" for name in names), "C7EUR"]
    async with Running(make(server, sink, symbols=symbols, coins=names)):
        await sink.until(lambda: len({quote.instrument for quote in sink.quotes}) == 151)
        await server.until_asked(4)
    assert [len(request.query["ids"].split(",")) for request in server.asked[:4]] == [100, 50, 100, 50]
    assert [request.query["vs_currencies"] for request in server.asked[:2]] == ["usd,eur", "usd"]
    assert [quote.last_price for name in ("C7USD", "C7EUR", "C149USD") for quote in sink.of(name)[:1]] == [8, 9, 150]


async def test_the_venue_is_not_asked_before_its_cache_is_renewed(server: HttpServer, venue: Venue) -> None:
    cached = {"Cache-Control": "max-age=30, public, must-revalidate, s-maxage=60"}
    venue.headers = {**cached, "Age": "20"}
    sink = Recorder()
    async with Running(make(server, sink, requests_per_minute=100)):
        status = await in_state(sink, LIVE)
    (budget,) = status.budgets
    assert budget.next_request_at_ns is not None
    wait_s = (budget.next_request_at_ns - status.since_ns) / S
    assert 38 < wait_s <= 40
    assert len(server.asked) == 1


async def test_a_cache_that_is_not_renewed_any_more_is_a_failure(server: HttpServer, venue: Venue) -> None:
    venue.headers = {"Cache-Control": "s-maxage=1", "Age": "601"}
    sink = Recorder()
    async with Running(make(server, sink, requests_per_minute=100)):
        status = await in_state(sink, DOWN)
        assert "the venue's cache has not renewed its copy for 601 s" in status.last_error
        assert not sink.quotes
        venue.headers = {"Cache-Control": "s-maxage=1", "Age": "250"}
        await in_state(sink, LIVE)


async def test_without_a_cache_age_the_venue_is_asked_as_often_as_it_renews_its_answers(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", KEY)
    for plan, renewal_s in (("keyless", 60), ("pro", 20)):
        sink = Recorder()
        async with Running(make(server, sink, plan=plan, refresh_s=None, requests_per_minute=None)):
            status = await in_state(sink, LIVE)
        next_ns = status.budgets[0].next_request_at_ns
        assert next_ns is not None
        assert renewal_s - 2 < (next_ns - status.since_ns) / S <= renewal_s


async def test_a_demo_key_lasts_the_month(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", KEY)
    sink = Recorder()
    async with Running(make(server, sink, plan="demo", refresh_s=None, requests_per_minute=None)):
        status = await in_state(sink, LIVE)
    minute, day = status.budgets
    assert (minute.limit, day.limit, day.window_s) == (100, 333, 86_400.0)
    assert day.left == 332
    assert day.next_request_at_ns is not None
    assert 255 < (day.next_request_at_ns - status.since_ns) / S < 265


# Coins and symbols.


async def test_a_ticker_is_looked_up_and_a_shared_one_refused_by_name(server: HttpServer, venue: Venue) -> None:
    venue.prices["ondo-finance"] = {"usd": 0.9}
    sink = Recorder()
    symbols = ["BTCUSD", "ONDOUSD", "UNIUSD", "ODNOUSD", "BTCUSDT", "BTC/XYZ"]
    venue.prices["bitcoin"]["xyz"] = 7
    async with Running(make(server, sink, symbols=symbols)):
        await sink.until(lambda: sink.of("ONDOUSD") and sink.of("BTCXYZ"))
        error = (await in_state(sink, LIVE)).last_error
        await server.until_asked(5)
    assert "UNIUSD is refused: 2 coins go by UNI (uniswap, unicorn-token)" in error
    assert 'coins.UNI = "uniswap"' in error
    assert "ODNOUSD is not listed, no coin goes by ODNO (nearest: ONDO)" in error
    assert "BTCUSDT ends with no currency that the venue gives prices in (nearest: BTCUSD)" in error
    assert [request.path.removeprefix("/api/v3") for request in server.asked[:3]] == [
        "/simple/supported_vs_currencies",
        "/coins/list",
        "/simple/price",
    ]
    assert {request.path.removeprefix("/api/v3") for request in server.asked[3:]} == {"/simple/price"}


async def test_an_id_that_the_venue_does_not_know_is_named_and_the_others_go_on(server: HttpServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, symbols=["BTCUSD", "FOOUSD"], coins={"FOO": "nofoo"})):
        status = await in_state(sink, LIVE)
        assert status.last_error == "FOOUSD: the venue knows no coin with the id nofoo"
    assert [instrument.symbol for instrument in sink.instruments] == ["BTCUSD"]
    assert len(sink.of("BTCUSD")) == 1


async def test_nothing_that_can_be_served_is_down(server: HttpServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, symbols=["UNIUSD"])):
        status = await in_state(sink, DOWN)
        assert "none of the configured symbols can be served" in status.last_error
        assert "UNIUSD is refused" in status.last_error
    sink = Recorder()
    async with Running(make(server, sink, symbols=["FOOUSD"], coins={"FOO": "nofoo"})):
        status = await in_state(sink, DOWN)
        assert "the venue knows none of the coins nofoo" in status.last_error
    assert sink.chains == []


async def test_a_listing_that_cannot_be_read_costs_only_what_needs_it(server: HttpServer, venue: Venue) -> None:
    venue.paths["/coins/list"] = "<html><title>busy</title></html>"
    sink = Recorder()
    async with Running(make(server, sink, symbols=["BTCUSD", "UNIUSD"])) as adapter:
        status = await in_state(sink, LIVE)
        assert "UNIUSD cannot be looked up: set coins.UNI to the coin's id" in status.last_error
        assert adapter.statuses()[0].malformed == READ_TRIES


async def test_one_bad_page_in_place_of_the_listing_costs_nothing(server: HttpServer, venue: Venue) -> None:
    listing = venue.paths["/coins/list"]
    venue.paths["/coins/list"] = "<html><title>busy</title></html>"
    venue.prices["ondo-finance"] = {"usd": 0.9}
    sink = Recorder()
    async with Running(make(server, sink, symbols=["BTCUSD", "ONDOUSD"])):
        status = await in_state(sink, DOWN)
        assert "/coins/list could not be understood" in status.last_error
        venue.paths["/coins/list"] = listing
        await sink.until(lambda: sink.of("ONDOUSD") and sink.of("BTCUSD"))


async def test_a_listing_that_is_not_to_be_had_is_asked_for_again(server: HttpServer, venue: Venue) -> None:
    venue.instead = lambda _: Reply("", status=500)
    sink = Recorder()
    async with Running(make(server, sink, symbols=["ONDOUSD"])):
        await in_state(sink, DOWN)
        venue.prices["ondo-finance"] = {"usd": 0.9}
        venue.instead = None
        await in_state(sink, LIVE)
    assert sink.of("ONDOUSD")


async def test_a_price_that_is_gone_is_withdrawn_and_comes_back(server: HttpServer, venue: Venue) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        venue.tick(bitcoin=None)
        await sink.until(lambda: "BTCUSD: the venue has no price in USD of bitcoin" in sink.last_error)
        del venue.prices["bitcoin"]
        await sink.until(lambda: "BTCUSD: the venue knows no coin with the id bitcoin" in sink.last_error)
        venue.tick(bitcoin=102)
        await sink.until(lambda: sink.last_error == "")
    assert [quote.last_price for quote in sink.of("BTCUSD")] == [100.0, None, 102.0]
    assert (len(sink.chains), sink.states) == (1, [CONNECTING, LIVE])


# Keys.


async def test_a_key_goes_into_a_header_and_nowhere_else(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    monkeypatch.setenv("MY_KEY_FILE", str(tmp_path / "key"))
    for plan, header in (("demo", "x-cg-demo-api-key"), ("pro", "x-cg-pro-api-key")):
        sink = Recorder()
        async with Running(make(server, sink, plan=plan, key_variable="MY_KEY")):
            await in_state(sink, LIVE)
        request = server.asked[-1]
        assert {name: value for name, value in request.headers.items() if name.startswith("x-cg")} == {header: KEY}
        assert KEY not in request.path_qs


@pytest.mark.parametrize("plan", ["demo", "pro"])
async def test_a_key_that_is_missing_is_said_and_nothing_asked(server: HttpServer, plan: str) -> None:
    for symbols in (["BTCUSD"], ["ONDOUSD"]):
        sink = Recorder()
        async with Running(make(server, sink, plan=plan, symbols=symbols)):
            status = await in_state(sink, REJECTED)
            assert status.last_error == (
                "no key: set COINGECKO_API_KEY, or COINGECKO_API_KEY_FILE to a file that holds it"
            )
    assert server.asked == []


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply('{"status":{"error_code":10002,"error_message":"API Key Missing"}}', 401), "set COINGECKO_API_KEY"),
        (Reply('{"error":{"status":{"error_code":10010,"error_message":"root URL"}}}', 400), 'set plan = "pro"'),
        (Reply('{"error_code":10011,"status":{"error_message":"root URL"}}', 400), "(root URL): unset rest_url"),
        (Reply(f'{{"error":"{KEY} is no key"}}', 401), "([key] is no key): check COINGECKO_API_KEY"),
        (Reply(f"<html><title>{KEY}</title>", 403, content_type="text/html"), "firewall refuses us: [key]"),
    ],
)
async def test_a_key_that_is_refused_says_what_to_set_and_is_not_shown(
    venue: Venue, server: HttpServer, caplog: pytest.LogCaptureFixture, reply: Reply, said: str
) -> None:
    venue.instead = lambda _: reply
    sink = Recorder()
    async with Running(make(server, sink, plan="demo")):
        status = await in_state(sink, REJECTED)
        assert said in status.last_error
    # Once refused, we do not come back at once.
    assert len(server.asked) == 1
    assert KEY not in str(sink.events) + caplog.text


async def test_a_key_that_a_good_looking_body_repeats_is_not_shown(
    server: HttpServer, venue: Venue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", KEY)
    sink = Recorder()
    bodies = [
        f'{{"error":"{KEY}"}}',
        f"<title>{KEY}</title>",
        f"<title>{'x' * 70} {KEY}</title>",
        f'["{KEY}"]',
        f'{{"bitcoin":"{KEY}"}}',
        f'{{"bitcoin":"{"x" * 30}{KEY}"}}',
        f'{{"bitcoin":{{"usd":"{KEY}"}}}}',
        f'{{"bitcoin":{{"usd":["{"x" * 30}{KEY}"]}}}}',
        f'{{"bitcoin":{{"usd":1,"last_updated_at":"{"x" * 30}{KEY}"}}}}',
        KEY,
    ]
    async with Running(make(server, sink, plan="demo", symbols=["BTCUSD"], requests_per_day=1_000_000)):
        for body in bodies:
            before = len(server.asked)
            venue.instead = lambda _, body=body: Reply(body)
            await server.until_asked(before + 2)
        await in_state(sink, DOWN)
    shown = str(sink.events) + caplog.text
    assert "[key]" in shown
    assert KEY not in shown
    assert KEY[:10] not in shown


# Bad days.


async def test_too_many_requests_is_throttled_and_nothing_asked_meanwhile(server: HttpServer, venue: Venue) -> None:
    sink = Recorder()
    async with Running(make(server, sink, requests_per_minute=1000)):
        await sink.until_live()
        body = '{"status":{"error_code":429,"error_message":"You have exceeded the Rate Limit."}}'
        venue.instead = lambda _: Reply(body, status=429, headers={"Retry-After": "3600"})
        status = await in_state(sink, THROTTLED)
        asked = len(server.asked)
        assert "HTTP 429, too many requests: You have exceeded the Rate Limit." in status.last_error
        await sink.until(lambda: sink.statuses[-1].budgets[0].left == 0)
        (budget,) = sink.statuses[-1].budgets
        assert budget.resets_at_ns is not None
        assert budget.next_request_at_ns is not None
        assert 3590 < (budget.next_request_at_ns - status.since_ns) / S < 3610
        assert len(server.asked) == asked
    # What was told stands: the chain goes on.
    assert len(sink.chains) == 1


async def test_a_budget_that_is_spent_at_the_start_is_throttled(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", KEY)
    path = tmp_path / "budget.json"
    BudgetFile(path, KEY).save([Spending(time.time_ns(), 333)])
    sink = Recorder()
    async with Running(make(server, sink, plan="demo", budget_file=str(path))):
        status = await in_state(sink, THROTTLED)
        assert [budget.left for budget in status.budgets if budget.window_s == 86_400.0] == [0]
    assert server.asked == []
    assert KEY not in path.read_text()


async def test_a_simulated_venue_leaves_no_budget_behind(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", KEY)
    async with Running(make(server, sink := Recorder(), plan="demo")):
        await in_state(sink, LIVE)
    path = default_path("coingecko")
    assert path is not None
    assert not path.exists()


def test_what_a_real_key_has_spent_is_remembered_where_a_restart_must_not_forget_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", KEY)
    for plan, is_remembered in (("keyless", False), ("demo", True), ("pro", False)):
        settings = CoinGeckoSettings(adapter="coingecko", plan=plan)  # type: ignore[arg-type]
        adapter = CoinGeckoAdapter("coingecko", settings, Recorder(), SystemClock())
        assert (adapter._open_file() is not None) is is_remembered


@pytest.mark.parametrize(
    ("reply", "said", "malformed"),
    [
        (
            Reply("<html><title>Just a moment</title>", content_type="text/html"),
            "a web page (Just a moment)",
            "malformed",
        ),
        (Reply(""), "an empty body", "malformed"),
        (Reply("[]"), "Expected `object`, got `array`", "malformed"),
        (Reply('{"bitcoin":{"usd":10'), "Input data was truncated", "malformed"),
        (Reply('{"bitcoin":{"usd":"a lot"},"ethereum":[]}'), "could not be understood: bitcoin:", "malformed"),
        (Reply('{"error":"Request Timeout"}', 408), "HTTP 408: Request Timeout", ""),
        (Reply("oh", 500), "HTTP 500: oh", ""),
        (Reply('{"status":{"error_code":503,"error_message":"later"}}', 503), "HTTP 503: later", ""),
        (Reply('{"error":"invalid vs_currency"}', 422), "HTTP 422: invalid vs_currency", ""),
        (Reply("", 304), "HTTP 304, not modified", ""),
    ],
)
async def test_bad_answers_are_said_and_a_good_one_begins_a_new_chain(
    server: HttpServer, venue: Venue, reply: Reply, said: str, malformed: str
) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        venue.instead = lambda _: reply
        await in_state(sink, DOWN)
        (error,) = [each.last_error for each in sink.statuses if "no good answer for" in each.last_error]
        assert said in error
        assert (adapter.statuses()[0].malformed > 0) is bool(malformed)
        venue.instead = None
        await sink.until(lambda: len(sink.quotes) == 4)
        await in_state(sink, LIVE)
    # The same prices as before are told anew: nothing from before the hole is taken for the present.
    assert [quote.last_price for quote in sink.quotes] == [100.0, 5.5, 100.0, 5.5]
    assert len(sink.chains) == 2


async def test_a_redirect_is_not_followed(server: HttpServer, venue: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COINGECKO_API_KEY", KEY)
    async with HttpServer(lambda _: Reply("{}")) as other:
        venue.instead = lambda request: Reply("", 302, {"Location": f"{other.url}{request.path_qs}"})
        sink = Recorder()
        async with Running(make(server, sink, plan="demo")):
            status = await in_state(sink, DOWN)
            assert f"a redirect to 127.0.0.1:{other.port}, which is not followed" in status.last_error
            await server.until_asked(3)
        assert other.asked == []


async def never(_: web.Request) -> Reply:
    await asyncio.Event().wait()
    return Reply()


async def test_an_answer_that_does_not_come_in_time_is_stale(server: HttpServer, venue: Venue) -> None:
    sink = Recorder()
    async with Running(make(server, sink, request_timeout_s=0.2)):
        await sink.until_live()
        venue.instead = never
        await in_state(sink, STALE)
        await sink.until(lambda: f"no answer from 127.0.0.1:{server.port} within 0.2 s" in sink.last_error)
        venue.instead = None
        await in_state(sink, LIVE)
    assert len(sink.chains) == 2


async def test_a_venue_that_is_gone_comes_back(server: HttpServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        await server.stop()
        status = await in_state(sink, DOWN)
        assert "connection refused" in status.last_error
        await server.start()
        await in_state(sink, LIVE)
    assert len(sink.chains) == 2


@pytest.mark.parametrize("hours", [-5, 5])
async def test_clocks_that_differ_by_hours_change_nothing(server: HttpServer, venue: Venue, hours: int) -> None:
    venue.updated_s += hours * 3600
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        venue.tick(bitcoin=101)
        await sink.until(lambda: len(sink.of("BTCUSD")) == 2)
        (status,) = adapter.statuses()
    assert sink.of("BTCUSD")[1].venue_time_ns == venue.updated_s * S
    assert status.lag_ns is not None
    assert abs(status.lag_ns + hours * 3600 * S) < 60 * S
    assert (sink.states, len(sink.chains)) == ([CONNECTING, LIVE], 1)


async def test_cancelled_in_flight_leaves_nothing_behind(server: HttpServer, venue: Venue) -> None:
    venue.instead = never
    tasks = asyncio.all_tasks()
    async with Running(make(server, Recorder(), request_timeout_s=60.0)):
        await server.until_asked(1)
    left = [task for task in asyncio.all_tasks() - tasks if "aiohttp" not in str(task) and "web_" not in str(task)]
    assert left == []
    # A session or a connection that was not closed would warn, and warnings are errors here.
    gc.collect()


async def test_a_slow_source_does_not_delay_another(server: HttpServer, venue: Venue) -> None:
    async with HttpServer(never) as slow:
        slow_sink, sink = Recorder(), Recorder()
        async with (
            Running(make(slow, slow_sink, "slow", request_timeout_s=60.0)),
            Running(make(server, sink)),
        ):
            await slow.until_asked(1)
            await sink.until_live()
            for price in range(101, 106):
                venue.tick(bitcoin=price)
                await sink.until(lambda: sink.of("BTCUSD")[-1].last_price == price)  # noqa: B023 - awaited here
            assert (slow_sink.state, sink.state) == (CONNECTING, LIVE)
            assert len(slow.asked) == 1


def test_what_cannot_work_is_refused_before_it_runs() -> None:
    with pytest.raises(SettingsError, match=r"sources\.gecko\.rest_url: 'nowhere' is no URL"):
        ADAPTER.create("gecko", CoinGeckoSettings(adapter="coingecko", rest_url="nowhere"), Recorder(), SystemClock())


def test_only_the_documented_hosts_are_the_venue() -> None:
    def is_simulated(**settings: Any) -> bool:
        return ADAPTER.is_simulated(CoinGeckoSettings(adapter="coingecko", **settings))

    assert not is_simulated()
    assert not is_simulated(plan="pro")
    assert not is_simulated(rest_url="https://pro-api.coingecko.com/api/v3")
    assert is_simulated(rest_url="http://127.0.0.1:8080/api/v3")
    assert is_simulated(rest_url="https://api.coingecko.com.example/api/v3")
