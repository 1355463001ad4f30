"""What the simulated Alpha Vantage says instead of data, all of it with HTTP 200, and its other faults."""

import asyncio
import json
import urllib.parse
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.adapters.recordings import path_of
from tests.simulators.polling import raw_get, struck
from tests.simulators.process import Simulator, simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELAYED = " - DATA DELAYED BY 15 MINUTES"
BTCEUR = {"from_currency": "BTC", "to_currency": "EUR"}


def path(function: str, key: str, **parameters: str) -> str:
    return "/query?" + urllib.parse.urlencode({"function": function, **parameters, "apikey": key})


def bodies() -> dict[str, dict[str, Any]]:
    lines = path_of("alphavantage", "errors__http200_bodies.jsonl").read_text().splitlines()
    return {line["case"]: line["body"] for line in map(json.loads, lines)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Simulator]:
    async with simulator("alphavantage", "--premium-per-minute", "100000") as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def venue(running: Simulator) -> AsyncIterator[Simulator]:
    yield running
    await running.all_faults_off()


async def quote(venue: Simulator, key: str = "", symbol: str = "IBM", **parameters: str) -> Any:
    return await venue.get_json(
        path("GLOBAL_QUOTE", key or venue.announced["premium_key"], symbol=symbol, **parameters)
    )


async def rate(venue: Simulator, **parameters: str) -> Any:
    pair = BTCEUR | parameters
    return await venue.get_json(path("CURRENCY_EXCHANGE_RATE", venue.announced["premium_key"], **pair))


@pytest.mark.parametrize(
    ("fault", "parameters", "case"),
    [
        ("day_spent", {"echo": False}, "daily_limit_v1"),
        ("day_spent", {}, "daily_limit_v2_key_echo"),
        ("burst_limit", {}, "burst_1rps"),
        ("legacy_note", {}, "legacy_note"),
        ("premium_endpoint", {}, "premium_endpoint"),
        ("key_rejected", {}, "bad_key"),
        ("empty_quote", {}, "unknown_symbol_quote"),
    ],
)
async def test_switches_say_the_recorded_words(
    venue: Simulator, fault: str, parameters: dict[str, Any], case: str
) -> None:
    await venue.switch(fault, count=1, **parameters)
    key = "ABC123XYZABC123X"
    said = json.dumps(await quote(venue, key)).replace(key, "ABC123XYZ")
    assert json.loads(said) == bodies()[case]
    assert "Global Quote" in await quote(venue)


async def test_other_failures_say_the_recorded_words_by_themselves(venue: Simulator) -> None:
    key = venue.announced["premium_key"]
    assert await quote(venue, "demo", "AAPL") == bodies()["demo_key"]
    assert "Global Quote" in await quote(venue, "demo", "IBM")
    for bad in ("", "short", "lowercaseletters", "ABC123XYZ"):
        url = path("GLOBAL_QUOTE", bad, symbol="IBM")
        assert await venue.get_json(url) == bodies()["bad_key"]
    assert await venue.get_json("/query?function=GLOBAL_QUOTE&symbol=IBM") == bodies()["bad_key"]
    assert await venue.get_json(path("TIME_SERIES_INTRADAY", key, symbol="IBM")) == bodies()["invalid_call"]
    assert await quote(venue, symbol="NOPE") == bodies()["unknown_symbol_quote"]
    free = path("CRYPTO_INTRADAY", venue.announced["key"], symbol="ETH", market="USD", interval="5min")
    assert await venue.get_json(free) == bodies()["premium_endpoint"]


async def test_a_free_key_has_one_request_a_second_and_so_many_a_day() -> None:
    async with simulator("alphavantage", "--free-per-s", "0.001") as venue:
        assert "Global Quote" in await quote(venue, venue.announced["key"])
        assert await quote(venue, venue.announced["key"]) == bodies()["burst_1rps"]
        assert "Global Quote" in await quote(venue, "ANOTHERFREEKEY01"), "each key has its own second"
    async with simulator("alphavantage", "--free-per-day", "3", "--free-per-s", "1000000") as venue:
        key = venue.announced["key"]
        for _ in range(3):
            assert "Global Quote" in await quote(venue, key)
        spent = await quote(venue, key)
        assert spent["Information"].startswith(
            f"We have detected your API key as {key} and our standard API rate limit"
        )
        assert "3 requests per day" in spent["Information"]
        assert "Global Quote" in await quote(venue, "ANOTHERFREEKEY01"), "each key has its own day"
        assert "Global Quote" in await quote(venue)


async def test_a_premium_key_has_a_limit_a_minute() -> None:
    async with simulator("alphavantage", "--premium-per-minute", "2") as venue:
        for _ in range(2):
            assert "Global Quote" in await quote(venue)
        assert "2 calls per minute" in (await quote(venue))["Note"]


async def test_entitlements_follow_the_key(venue: Simulator) -> None:
    keys = {name: venue.announced[name] for name in ("premium_key", "delayed_key")}
    assert list(await quote(venue, keys["delayed_key"], entitlement="delayed")) == ["Global Quote" + DELAYED]
    assert list(await quote(venue, keys["premium_key"], entitlement="realtime")) == ["Global Quote"]
    for key, entitlement in ((keys["delayed_key"], "realtime"), ("FREEONEFORDELAYS", "delayed")):
        body = await quote(venue, key, entitlement=entitlement)
        assert f"{entitlement} entitlement" in body["Information"]
    await venue.switch("not_entitled")
    assert "entitlement" in (await quote(venue))["Information"]


async def test_a_refusal_concerns_the_function_that_it_names(venue: Simulator) -> None:
    await venue.switch("burst_limit", path="GLOBAL_QUOTE")
    assert "Information" in await quote(venue)
    assert "Realtime Currency Exchange Rate" in await rate(venue)


async def test_bid_and_ask_can_be_dashes_as_recorded(venue: Simulator) -> None:
    recorded = json.loads(
        path_of("alphavantage", "alphavantage-java__exchangerate_data-with-no-bid-or-ask-price.json").read_text()
    )["Realtime Currency Exchange Rate"]
    await venue.switch("dash_prices", symbol="BTCEUR")
    body = (await rate(venue))["Realtime Currency Exchange Rate"]
    assert {key for key, value in body.items() if value == "-"} == {
        key for key, value in recorded.items() if value == "-"
    }
    other = (await rate(venue, to_currency="USD"))["Realtime Currency Exchange Rate"]
    assert "-" not in other.values()
    await venue.switch("dash_prices", price=True)
    assert (await rate(venue))["Realtime Currency Exchange Rate"]["5. Exchange Rate"] == "-"
    assert (await quote(venue))["Global Quote"]["05. price"] == "-"


async def test_quotes_can_be_empty(venue: Simulator) -> None:
    await venue.switch("empty_quote")
    assert await quote(venue) == {"Global Quote": {}}
    assert await rate(venue) == {"Realtime Currency Exchange Rate": {}}
    key = venue.announced["premium_key"]
    assert (await venue.get_json(path("REALTIME_BULK_QUOTES", key, symbol="IBM")))["data"] == []


async def test_a_sample_can_come_for_data_and_keys_can_be_decorated(venue: Simulator) -> None:
    key = venue.announced["premium_key"]
    await venue.switch("artificial_sample")
    body = await venue.get_json(path("REALTIME_BULK_QUOTES", key, symbol="SPY"))
    assert "ARTIFICIAL" in body["message"]
    assert [one["symbol"] for one in body["data"]] == ["MSFT", "AAPL", "IBM"]
    await venue.switch("decorated_keys")
    assert list(await quote(venue)) == ["Global Quote" + DELAYED]


@pytest.mark.parametrize(
    ("fault", "status", "part"),
    [
        ("rest_429", 429, "<html>"),
        ("rest_403", 403, "<html>"),
        ("rest_451", 451, "<html>"),
        ("rest_408", 408, "<html>"),
        ("rest_500", 500, "<html>"),
        ("rest_503", 503, "<html>"),
        ("html_page", 200, "<html>"),
        ("empty_body", 200, ""),
    ],
)
async def test_something_else_answers(venue: Simulator, fault: str, status: int, part: str) -> None:
    await venue.switch(fault, path="GLOBAL_QUOTE")
    url = path("GLOBAL_QUOTE", venue.announced["premium_key"], symbol="IBM")
    answered, text, headers = await venue.get(url)
    assert (answered, part in text) == (status, True)
    assert ("Retry-After" in headers) is (fault in {"rest_429", "rest_503"})
    assert "Realtime Currency Exchange Rate" in await rate(venue)


async def test_bodies_are_spoiled(venue: Simulator) -> None:
    key = venue.announced["premium_key"]
    await venue.switch("malformed", symbol="IBM")
    assert await quote(venue) == {"Global Quote": {"unexpected": True}}
    text = (await venue.get(path("GLOBAL_QUOTE", key, symbol="IBM", datatype="csv")))[1]
    assert "," not in text
    await venue.switch("malformed", on=False)
    await venue.switch("truncated")
    with pytest.raises(json.JSONDecodeError):
        await quote(venue)
    text = (await venue.get(path("GLOBAL_QUOTE", key, symbol="IBM")))[1]
    assert (await venue.sent("IBM"))[-1] == text


async def test_a_mute_venue_and_a_slow_one(venue: Simulator) -> None:
    url = path("GLOBAL_QUOTE", venue.announced["premium_key"], symbol="IBM")
    await venue.switch("data_mute", symbol="IBM")
    waiting = asyncio.create_task(venue.get(url))
    assert "Global Quote" in await quote(venue, symbol="AAPL")
    assert "markets" in await venue.get_json(path("MARKET_STATUS", venue.announced["premium_key"]))
    await struck(venue, "data_mute")
    assert not waiting.done()
    await venue.switch("data_mute", on=False)
    assert (await waiting)[0] == 200
    await venue.switch("slow_rest", path="GLOBAL_QUOTE", delay_s=30)
    with pytest.raises(TimeoutError):
        await venue.get(url, timeout_s=0.3)
    assert "Realtime Currency Exchange Rate" in await rate(venue)


async def test_a_redirect_and_a_leaked_key(venue: Simulator) -> None:
    key = venue.announced["premium_key"]
    url = path("GLOBAL_QUOTE", key, symbol="IBM")
    await venue.switch("redirect")
    status, _, headers = raw_get(venue.rest_url + url)
    assert (status, headers["location"]) == (302, f"http://localhost:{venue.announced['port']}{url}")
    assert "Global Quote" in json.loads(raw_get(headers["location"])[1])
    await venue.switch("key_leaked")
    body = await venue.get_json(url)
    assert body["Information"].count(key) == 2
    await venue.switch("key_leaked", html=True, status=502)
    status, text, _ = await venue.get(url)
    assert (status, text.count(key), "<html>" in text) == (502, 2, True)


async def test_the_clock_of_the_venue_can_be_hours_off(venue: Simulator) -> None:
    before = (await rate(venue))["Realtime Currency Exchange Rate"]["6. Last Refreshed"]
    await venue.switch("clock_skew", hours=-30)
    after = (await rate(venue))["Realtime Currency Exchange Rate"]["6. Last Refreshed"]
    assert after < before
    assert after[:10] != before[:10]
