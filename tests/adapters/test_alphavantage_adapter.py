"""The Alpha Vantage adapter against a scripted server on a real socket."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.adapters.alphavantage_bodies import (
    ARTIFICIAL,
    BAD_KEY,
    BURST,
    DELAYED_SUFFIX,
    DEMO,
    INVALID,
    NOTE,
    PREMIUM,
    QUOTE_KEY,
    bulk,
    day_spent,
    good,
    quote,
    rate,
    say,
    subject,
)
from tests.adapters.http_server import HttpServer, Reply
from tests.adapters.recorder import Recorder, Running, eventually

from tickmux_adapters.alphavantage.settings import AlphaVantageSettings, allowed_requests
from tickmux_adapters.budget import Allowance, Spending
from tickmux_adapters.budget_file import BudgetFile
from tickmux_adapters.errors import SettingsError
from tickmux_adapters.model import UNCHANGED, Adapter, SourceState, SystemClock
from tickmux_adapters.registry import registered

KEY = "SECRET0KEY0123AB"
VARIABLE = "ALPHAVANTAGE_API_KEY"
NS_PER_S = 1_000_000_000
HOUR_S = 3600.0

LIVE, STALE, DOWN = SourceState.LIVE, SourceState.STALE, SourceState.DOWN
THROTTLED, REJECTED = SourceState.THROTTLED, SourceState.REJECTED

QUICK: dict[str, Any] = {
    "requests_per_minute": 60_000,
    "refresh_s": 0.02,
    "retry_cap_s": 0.02,
    "request_timeout_s": 1.0,
}
FREE: dict[str, Any] = {"requests_per_second": 1_000, "retry_cap_s": 0.02}
"""A free key that need not wait for a second between two requests."""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(VARIABLE, KEY)
    return KEY


def settings_of(url: str, *symbols: str, **settings: Any) -> AlphaVantageSettings:
    return AlphaVantageSettings(
        adapter="alphavantage", rest_url=url, **{"symbols": list(symbols) or ["IBM"], **settings}
    )


def make(server: HttpServer, sink: Recorder, *symbols: str, **settings: Any) -> Adapter:
    kind = registered()["alphavantage"]
    configured = settings_of(server.url, *symbols, **(settings or QUICK))
    assert kind.is_simulated(configured)
    return kind.create("alphavantage", configured, sink, SystemClock())


def replying(**bodies: Any) -> Callable[[web.Request], Reply]:
    """A body for each symbol named, data for all others."""

    def reply(request: web.Request) -> Reply:
        body = bodies.get(subject(request).replace("/", ""))
        return good(request) if body is None else body if isinstance(body, Reply) else say(body)

    return reply


# Good weather.


async def test_everything_configured_is_asked_for_in_turn_and_quoted() -> None:
    sink = Recorder()
    async with HttpServer(good) as server, Running(make(server, sink, "IBM", "EUR/USD", "BTC/USD")) as adapter:
        await sink.until_live()
        await sink.until(lambda: len(sink.of("IBM")) >= 3)
        (status,) = adapter.statuses()
        assert [subject(request) for request in server.asked[:6]] == ["IBM", "EUR/USD", "BTC/USD"] * 2
        assert {request.path for request in server.asked} == {"/query"}
        assert {request.query["apikey"] for request in server.asked} == {KEY}
    assert (status.malformed, status.inexact, status.last_error) == (0, 0, "")
    # The same rate of the same time again is no news, a stock without a time is.
    assert status.duplicates > 0
    assert (len(sink.of("EURUSD")), len(sink.of("BTCUSD"))) == (1, 1)
    assert [(each.symbol, each.type) for each in sink.instruments] == [
        ("IBM", "stock"),
        ("EURUSD", "fx"),
        ("BTCUSD", "crypto"),
    ]
    assert len(sink.chains) == 1
    (pair,) = sink.of("EURUSD")
    assert (pair.bid_price, pair.ask_price, pair.last_price) == (1.082, 1.0822, 1.0821)


async def test_delayed_data_and_prices_that_are_not_given() -> None:
    bodies = {"IBM": quote("IBM", key=QUOTE_KEY + DELAYED_SUFFIX), "EURUSD": rate("EUR/USD", bid="-", ask="-")}
    sink = Recorder()
    async with HttpServer(replying(**bodies)) as server:
        async with Running(make(server, sink, "IBM", "EUR/USD", entitlement="delayed", **QUICK)):
            await sink.until(lambda: sink.of("IBM") and sink.of("EURUSD"))
        assert server.asked[0].query["entitlement"] == "delayed"
        assert "entitlement" not in server.asked[1].query
    assert sink.of("IBM")[0].delayed is True
    assert (sink.of("EURUSD")[0].bid_price, sink.of("EURUSD")[0].ask_price) == (None, None)


@pytest.mark.parametrize(("entitlement", "is_late"), [(None, True), ("delayed", True), ("realtime", False)])
async def test_stocks_are_late_unless_the_key_has_a_right_to_the_present(
    entitlement: str | None,
    is_late: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    sink = Recorder()
    async with (
        HttpServer(good) as server,
        Running(make(server, sink, "IBM", "EUR/USD", entitlement=entitlement, **QUICK)),
    ):
        await sink.until(lambda: sink.of("IBM") and sink.of("EURUSD"))
    assert (sink.of("IBM")[0].delayed is True) is is_late
    assert sink.of("EURUSD")[0].delayed is UNCHANGED


async def test_bulk_quotes_take_one_request_for_all_stocks() -> None:
    def reply(request: web.Request) -> Reply:
        symbols = subject(request).split(",")
        return good(request) if "/" in symbols[0] else say(bulk(*((each, "1.5", "7") for each in symbols)))

    sink = Recorder()
    async with HttpServer(reply) as server:
        async with Running(make(server, sink, "IBM", "EUR/USD", "MSFT", bulk=True, **QUICK)):
            await sink.until(lambda: len({each.instrument for each in sink.quotes}) == 3)
        assert [subject(request) for request in server.asked[:2]] == ["IBM,MSFT", "EUR/USD"]
        assert server.asked[0].query["function"] == "REALTIME_BULK_QUOTES"


# The budget.


def test_a_key_is_free_unless_a_limit_by_the_minute_says_that_it_is_paid_for() -> None:
    def allowed(**settings: Any) -> list[Allowance]:
        return allowed_requests(settings_of("http://x", **settings))

    # A second is kept with a margin: two requests may draw nearer on their way.
    assert allowed() == [Allowance(1, 1.25), Allowance(25, 86_400.0)]
    assert allowed(requests_per_day=500) == [Allowance(1, 1.25), Allowance(500, 86_400.0)]
    assert allowed(requests_per_minute=75) == [Allowance(75, 60.0)]
    assert allowed(requests_per_minute=75, requests_per_day=1000) == [Allowance(75, 60.0), Allowance(1000, 86_400.0)]
    assert allowed(requests_per_minute=75, requests_per_second=5) == [Allowance(5, 1.25), Allowance(75, 60.0)]


@pytest.mark.parametrize("spread_over_s", [60.0, 86_000.0])
async def test_a_day_that_is_spent_at_the_start_is_throttled_at_once_and_nothing_is_asked(
    spread_over_s: float, tmp_path: Path
) -> None:
    path, now_ns = tmp_path / "budget.json", SystemClock().wall_ns()
    ages_s = [spread_over_s * number / 24 for number in range(25)]
    BudgetFile(path, KEY).save([Spending(now_ns - int(age_s * NS_PER_S), 1) for age_s in reversed(ages_s)])
    sink = Recorder()
    async with HttpServer(good) as server, Running(make(server, sink, **FREE, budget_file=str(path))) as adapter:
        await sink.until(lambda: sink.state is THROTTLED)
        (budget,) = adapter.statuses()[0].budgets
        assert server.asked == []
    assert (budget.limit, budget.left, budget.reason) == (25, 0, "all 25 requests of a day are made")
    assert budget.next_request_at_ns is not None
    # Not before the oldest of them is a day old, and not sooner after the latest than an even spending has it.
    assert budget.next_request_at_ns - now_ns >= max(86_400 - spread_over_s, 86_400 / 25) * NS_PER_S
    assert sink.states == [SourceState.CONNECTING, THROTTLED]


async def test_a_restart_does_not_spend_again_what_is_spent(tmp_path: Path) -> None:
    settings = {**FREE, "requests_per_day": 8, "budget_file": str(tmp_path / "budget.json")}
    symbols = ("IBM", "MSFT", "EUR/USD")
    async with HttpServer(good) as server:
        sink = Recorder()
        async with Running(make(server, sink, *symbols, **settings)):
            await sink.until(lambda: len(sink.quotes) == 3)
        sink = Recorder()
        async with Running(make(server, sink, *symbols, **settings)) as adapter:
            await sink.until(lambda: sink.state is THROTTLED)
            (budget,) = adapter.statuses()[0].budgets
        assert len(server.asked) == 3
    assert (budget.limit, budget.left) == (8, 5)


async def test_another_keys_budget_is_none_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "budget.json"
    BudgetFile(path, "ANOTHER0KEY01234").save([Spending(SystemClock().wall_ns(), 25)])
    sink = Recorder()
    async with HttpServer(good) as server, Running(make(server, sink, **FREE, budget_file=str(path))):
        await sink.until_live()


async def test_a_budget_file_that_cannot_be_written_is_said_beside_what_else_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way of a folder")
    settings = {**FREE, "budget_file": str(tmp_path / "file" / "budget.json")}
    sink = Recorder()
    nope = replying(NOPE={QUOTE_KEY: {}})
    async with HttpServer(nope) as server, Running(make(server, sink, "IBM", "NOPE", **settings)):
        await sink.until(lambda: "a restart would forget" in sink.last_error and "NOPE: not" in sink.last_error)


@pytest.mark.parametrize(
    ("body", "wait_s"), [(day_spent(KEY), HOUR_S), (NOTE, 60.0), (BURST, 2.0)], ids=["day", "minute", "burst"]
)
async def test_told_to_wait_we_wait_and_say_until_when(body: dict[str, str], wait_s: float) -> None:
    sink = Recorder()
    began_ns = SystemClock().wall_ns()
    async with HttpServer(lambda _: say(body)) as server, Running(make(server, sink, "IBM", "MSFT")) as adapter:
        await sink.until(lambda: sink.state is THROTTLED and sink.statuses[-1].budgets[-1].left == 0)
        (budget,) = adapter.statuses()[0].budgets
        assert len(server.asked) == 1
    assert "the venue says" in budget.reason
    assert budget.next_request_at_ns is not None
    assert budget.next_request_at_ns - began_ns >= wait_s * NS_PER_S
    assert budget.resets_at_ns is None
    assert not sink.quotes


# Keys.


async def test_without_a_key_nothing_is_asked_and_it_is_said_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    sink = Recorder()
    async with HttpServer(good) as server, Running(make(server, sink)):
        await sink.until(lambda: sink.state is REJECTED)
        assert server.asked == []
    assert sink.last_error == f"no key: set {VARIABLE}, or {VARIABLE}_FILE to a file that holds it"


async def test_a_key_from_a_file_under_another_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE)
    (tmp_path / "key").write_text(f"{KEY}\n")
    monkeypatch.setenv("OTHER_KEY_FILE", str(tmp_path / "key"))
    sink = Recorder()
    async with HttpServer(good) as server, Running(make(server, sink, key_variable="OTHER_KEY", **QUICK)):
        await sink.until_live()
        assert server.asked[0].query["apikey"] == KEY


def test_a_key_in_place_of_its_variable_is_refused_and_not_shown() -> None:
    with pytest.raises(SettingsError, match="key_variable") as raised:
        registered()["alphavantage"].create(
            "av", settings_of("http://x", key_variable="0KEY0123-ABC"), Recorder(), SystemClock()
        )
    assert "0KEY0123" not in str(raised.value)


@pytest.mark.parametrize(("body", "said"), [(BAD_KEY, "to a valid one"), (DEMO, "of your own")])
async def test_a_wrong_key_is_rejected_with_what_to_set_and_seldom_tried_again(body: dict[str, str], said: str) -> None:
    sink = Recorder()
    async with HttpServer(lambda _: say(body)) as server, Running(make(server, sink)):
        await sink.until(lambda: sink.state is REJECTED)
        assert len(server.asked) == 1
    assert f"set {VARIABLE} to a" in sink.last_error
    assert said in sink.last_error
    assert not sink.quotes


async def test_a_key_that_is_refused_later_is_rejected_though_others_were_good() -> None:
    sink = Recorder()
    async with HttpServer(good) as server, Running(make(server, sink, "IBM", "MSFT")):
        await sink.until_live()
        server.replier = lambda _: say(BAD_KEY)
        await sink.until(lambda: sink.state is REJECTED)


def leaking(request: web.Request) -> str:
    return f"Your key {request.query['apikey']} cannot be used for {request.url}, {request.query['apikey'].lower()}"


LEAKS: dict[str, Callable[[web.Request], Reply]] = {
    "notice": lambda request: say({"Information": leaking(request)}),
    "day": lambda request: say(day_spent(request.query["apikey"])),
    "error": lambda request: say({"Error Message": leaking(request)}),
    "html": lambda request: Reply(f"<html>{leaking(request)}</html>"),
    "price": lambda request: say(quote("IBM", request.query["apikey"])),
    "symbol": lambda request: say(quote(request.query["apikey"])),
    "500": lambda request: Reply(leaking(request), status=500),
    "403": lambda request: Reply(leaking(request), status=403),
    "429": lambda request: Reply(leaking(request), status=429),
    "redirect": lambda request: Reply(
        "", status=302, headers={"Location": f"http://elsewhere.invalid{request.rel_url}"}
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
async def test_a_key_that_the_venue_echoes_appears_nowhere(leak: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sink = Recorder()
    async with HttpServer(LEAKS[leak]) as server, Running(make(server, sink)) as adapter:
        await server.until_asked(1)
        await sink.until(lambda: sink.last_error)
        said = [*map(repr, sink.statuses), *map(repr, adapter.statuses())]
    logged = [record.getMessage() for record in caplog.records if record.name.startswith("tickmux")]
    assert logged
    for text in (*said, *logged):
        assert KEY not in text.upper()
        # The venue may say where we were; of ourselves no URL is told.
        assert "/query" not in text or "Your key [key] cannot be used" in text


async def test_no_url_is_told_of_an_answer_that_is_no_http() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH_9.7\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        sink = Recorder()
        settings = settings_of(f"http://127.0.0.1:{port}", **QUICK)
        kind = registered()["alphavantage"]
        async with Running(kind.create("av", settings, sink, SystemClock())):
            await sink.until(lambda: sink.state is DOWN)
    assert f"connection to 127.0.0.1:{port} failed" in sink.last_error
    assert "query" not in sink.last_error


# Symbols that fail alone.


async def test_an_unknown_symbol_is_named_and_leaves_the_others_alone() -> None:
    sink = Recorder()
    async with HttpServer(replying(NOPE={QUOTE_KEY: {}})) as server, Running(make(server, sink, "NOPE", "IBM")):
        await sink.until(lambda: len(sink.of("IBM")) >= 10)
        asked = [subject(request) for request in server.asked]
    assert sink.state is LIVE
    assert "NOPE: not known to the venue" in sink.last_error
    # Once before anything was good, once more, and then not for ten minutes.
    assert asked.count("NOPE") <= 2
    assert [each.symbol for each in sink.instruments] == ["IBM"]


async def test_a_symbol_that_the_venue_knows_no_more_is_withdrawn() -> None:
    sink = Recorder()
    async with HttpServer(good) as server, Running(make(server, sink, "MSFT", "IBM", "EUR/USD")):
        await sink.until(lambda: sink.of("EURUSD") and sink.of("MSFT"))
        server.replier = replying(MSFT={QUOTE_KEY: {}}, EURUSD=INVALID)
        await sink.until(lambda: sink.of("MSFT")[-1].last_price is None and sink.of("EURUSD")[-1].last_price is None)
        await sink.until(lambda: "not known" in sink.last_error and "the request is refused" in sink.last_error)
        before = len(sink.of("IBM"))
        await sink.until(lambda: len(sink.of("IBM")) > before + 3)
    assert sink.state is LIVE
    assert sink.of("MSFT")[-1].volume is None
    assert sink.of("EURUSD")[-1].volume is UNCHANGED
    assert len(sink.chains) == 1


async def test_a_stock_among_many_that_comes_is_named_no_more_and_one_that_goes_is_withdrawn() -> None:
    sink = Recorder()
    one, both = bulk(("IBM", "1", "1")), bulk(("IBM", "1", "1"), ("MSFT", "2", "2"))
    settings = {**QUICK, "bulk": True}
    async with HttpServer(lambda _: say(one)) as server, Running(make(server, sink, "IBM", "MSFT", **settings)):
        await sink.until(lambda: "MSFT: not known" in sink.last_error)
        server.replier = lambda _: say(both)
        await sink.until(lambda: sink.of("MSFT") and "MSFT" not in sink.last_error)
        server.replier = lambda _: say(one)
        await sink.until(lambda: sink.of("MSFT")[-1].last_price is None and "MSFT: not known" in sink.last_error)
    assert sink.state is LIVE


async def test_where_no_symbol_is_known_the_source_is_down_and_asks_seldom() -> None:
    sink = Recorder()
    empty = say({QUOTE_KEY: {}})
    async with HttpServer(lambda _: empty) as server, Running(make(server, sink, "NOPE", "NADA")) as adapter:
        await sink.until(lambda: sink.state is DOWN and "NOPE, NADA: not known" in sink.last_error)
        await eventually(lambda: (_next_ns(adapter) - SystemClock().wall_ns()) > 500 * NS_PER_S)
        assert len(server.asked) == 2
    assert not sink.instruments


def _next_ns(adapter: Adapter) -> int:
    """When the next request is planned; 0 before any was."""
    budgets = adapter.statuses()[0].budgets
    return (budgets[0].next_request_at_ns or 0) if budgets else 0


async def test_stocks_that_the_key_does_not_pay_for_leave_pairs_alone() -> None:
    sink = Recorder()
    settings = {**QUICK, "entitlement": "realtime"}
    async with HttpServer(replying(IBM=PREMIUM)) as server, Running(make(server, sink, "IBM", "EUR/USD", **settings)):
        await sink.until(lambda: sink.of("EURUSD") and sink.state is LIVE)
    assert REJECTED in sink.states
    assert "IBM: the key does not pay for it" in sink.last_error


async def test_sample_data_is_refused_though_it_looks_real() -> None:
    sink = Recorder()
    sample = bulk(("IBM", "232.22", "4715482"), ("MSFT", "418.16", "17145307"), message=ARTIFICIAL)
    async with (
        HttpServer(lambda _: say(sample)) as server,
        Running(make(server, sink, "IBM", "MSFT", bulk=True, **QUICK)),
    ):
        await sink.until(lambda: sink.state is REJECTED)
        assert len(server.asked) == 1
    assert not sink.quotes
    assert "set entitlement and bulk as its plan allows" in sink.last_error


async def test_what_was_quoted_is_withdrawn_once_the_key_does_not_pay_for_it_any_more() -> None:
    sink = Recorder()
    async with HttpServer(good) as server, Running(make(server, sink, "IBM", "EUR/USD")):
        await sink.until(lambda: sink.of("EURUSD"))
        server.replier = replying(IBM=PREMIUM)
        await sink.until(lambda: sink.of("IBM")[-1].last_price is None)
        await sink.until(lambda: "IBM: the key does not pay for it" in sink.last_error)
        assert sink.state is LIVE


# Bad days.


@pytest.mark.parametrize(
    ("reply", "said", "malformed"),
    [
        (Reply("<!DOCTYPE html><html>Just a moment</html>", content_type="text/html"), "the body is HTML", True),
        (Reply(""), "the body is empty", True),
        (Reply("symbol,open\r\nIBM,1\r\n", content_type="text/csv"), "no JSON object", True),
        (Reply('{"Information": "We are moving house"}'), "We are moving house", False),
        (Reply("<html>oops</html>", status=500), "HTTP 500", False),
        (Reply("", status=503, headers={"Retry-After": "0"}), "HTTP 503", False),
        (Reply("", status=408), "HTTP 408", False),
        (Reply("", status=302, headers={"Location": "http://elsewhere.invalid/"}), "to elsewhere.invalid", False),
    ],
)
async def test_a_bad_answer_is_said_and_what_follows_a_silence_is_a_new_chain(
    reply: Reply, said: str, *, malformed: bool
) -> None:
    sink = Recorder()
    async with HttpServer(good) as server, Running(make(server, sink, "IBM", "EUR/USD", **QUICK)) as adapter:
        await sink.until_live()
        await sink.until(lambda: sink.of("IBM") and sink.of("EURUSD"))
        server.replier = lambda _: reply
        await sink.until(lambda: sink.state is DOWN and said in sink.last_error)
        assert (adapter.statuses()[0].malformed > 0) is malformed
        server.replier = good
        await sink.until_live(2)
        # The venue only repeats the rate, but the new chain has not heard it.
        await sink.until(lambda: len(sink.of("EURUSD")) == 2)
    assert len(sink.chains) == 2


async def test_a_redirect_is_not_followed_as_the_key_would_go_with_it() -> None:
    sink = Recorder()
    async with HttpServer(good) as elsewhere, HttpServer(good) as server:
        server.replier = lambda request: Reply(
            "", status=307, headers={"Location": elsewhere.url + str(request.rel_url)}
        )
        async with Running(make(server, sink)):
            await sink.until(lambda: sink.state is DOWN)
        assert elsewhere.asked == []
    assert "check the source's URL" in sink.last_error


async def test_the_firewall_of_the_venue_is_left_in_peace() -> None:
    sink = Recorder()
    async with HttpServer(lambda _: Reply("blocked", status=403)) as server, Running(make(server, sink)):
        await sink.until(lambda: sink.state is REJECTED)
        assert len(server.asked) == 1


async def test_a_venue_that_does_not_answer_in_time_is_stale_until_it_does() -> None:
    async def never(_: web.Request) -> Reply:
        await asyncio.Event().wait()
        return Reply()

    sink = Recorder()
    settings = {**QUICK, "request_timeout_s": 0.1}
    async with HttpServer(good) as server, Running(make(server, sink, **settings)):
        await sink.until_live()
        server.replier = never
        await sink.until(lambda: sink.state is STALE and "within 0.1 s" in sink.last_error)
        server.replier = good
        await sink.until_live(2)
    assert len(sink.chains) == 2


async def test_cancelled_in_flight_it_hangs_up_and_leaves_nothing_behind() -> None:
    async def never(_: web.Request) -> Reply:
        await asyncio.Event().wait()
        return Reply()

    async with HttpServer(never) as server:
        before = asyncio.all_tasks()
        async with Running(make(server, Recorder())) as adapter:
            await server.until_asked(1)
        await eventually(lambda: server.cancelled == 1)
        assert adapter.statuses()[0].state is SourceState.CONNECTING
        await eventually(lambda: asyncio.all_tasks() <= before | {asyncio.current_task()})


def test_only_the_venues_own_host_is_real() -> None:
    kind = registered()["alphavantage"]
    assert not kind.is_simulated(AlphaVantageSettings(adapter="alphavantage"))
    assert kind.is_simulated(settings_of("http://www.alphavantage.co.example"))
    with pytest.raises(SettingsError, match="rest_url"):
        kind.create("av", settings_of("ftp://www.alphavantage.co"), Recorder(), SystemClock())
