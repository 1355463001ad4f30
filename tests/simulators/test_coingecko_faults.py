"""Each fault switch of the simulated CoinGecko, at run time, over real sockets."""

import asyncio
import email.utils
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.simulators.polling import polls, raw_get, struck
from tests.simulators.process import PATIENCE_S, Simulator, simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRICE = "/simple/price?ids=bitcoin,ethereum&vs_currencies=usd&include_last_updated_at=true"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Simulator]:
    async with simulator("coingecko", "--cache-s", "0", "--keyless-per-minute", "1000000") as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def venue(running: Simulator) -> AsyncIterator[Simulator]:
    yield running
    await running.all_faults_off()


@pytest.mark.parametrize(
    ("fault", "status", "content", "part"),
    [
        ("rest_429", 429, "application/json", "exceeded the Rate Limit"),
        ("rest_403", 403, "text/html", "1020"),
        ("rest_451", 451, "text/html", "451"),
        ("rest_408", 408, "application/json", "Timeout"),
        ("rest_500", 500, "application/json", "Internal Server Error"),
        ("rest_503", 503, "application/json", "Service Unavailable"),
        ("html_page", 200, "text/html", "<html>"),
        ("empty_body", 200, "application/json", ""),
        ("key_rejected", 401, "application/json", "10002"),
    ],
)
async def test_something_else_answers(venue: Simulator, fault: str, status: int, content: str, part: str) -> None:
    await venue.switch(fault)
    answered, text, headers = await venue.get(PRICE)
    assert (answered, part in text) == (status, True)
    assert headers["Content-Type"].startswith(content)
    if fault == "empty_body":
        assert text == ""
    await venue.switch(fault, on=False)
    assert (await venue.get(PRICE))[0] == 200


async def test_a_fault_concerns_the_path_that_it_names(venue: Simulator) -> None:
    await venue.switch("rest_503", path="simple/price", retry_after_s=9)
    status, _, headers = await venue.get(PRICE)
    assert (status, headers["retry-after"]) == (503, "9")
    assert (await venue.get("/coins/list"))[0] == 200


@pytest.mark.parametrize("shape", ["flat", "status", "nested", "split"])
async def test_errors_come_in_the_shape_that_is_asked_for(venue: Simulator, shape: str) -> None:
    await venue.switch("error_shape", shape=shape)
    await venue.switch("rest_500")
    body = json.loads((await venue.get(PRICE))[1])
    message = "Internal Server Error"
    match shape:
        case "flat":
            assert body == {"error": message}
        case "status":
            assert (body["status"]["error_code"], body["status"]["error_message"]) == (500, message)
        case "nested":
            assert (body["error"]["status"]["error_code"], body["error"]["status"]["error_message"]) == (500, message)
        case "split":
            assert (body["error_code"], body["status"]) == (500, {"error_message": message})


async def test_bodies_are_spoiled_and_kept_as_they_went_out(venue: Simulator) -> None:
    before = (await venue.get(PRICE))[1]
    await venue.switch("malformed", count=1)
    body = json.loads((await venue.get(PRICE))[1])
    assert list(body) == ["bitcoin", "ethereum"]
    assert body["bitcoin"] == {"unexpected": True}
    await venue.switch("truncated", count=1)
    half = (await venue.get(PRICE))[1]
    with pytest.raises(json.JSONDecodeError):
        json.loads(half)
    await venue.switch("non_json", count=1, symbol="ethereum")
    assert "error code: 1015" in (await venue.get(PRICE))[1]
    await venue.switch("oversized", count=1)
    assert len((await venue.get(PRICE))[1]) > 1_000_000
    assert list(json.loads((await venue.get(PRICE))[1])) == list(json.loads(before))
    kept = await venue.sent("bitcoin", 4)
    assert half in kept
    assert "error code: 1015" in kept


async def test_a_mute_venue_answers_nothing_until_it_is_switched_off(venue: Simulator) -> None:
    await venue.switch("data_mute")
    waiting = asyncio.create_task(venue.get(PRICE))
    assert (await venue.get("/coins/list"))[0] == 200
    assert await struck(venue, "data_mute") == 1
    assert not waiting.done()
    await venue.switch("data_mute", on=False)
    assert (await waiting)[0] == 200


async def test_one_coin_can_be_mute_and_one_request(venue: Simulator) -> None:
    await venue.switch("data_mute", symbol="solana")
    assert (await venue.get(PRICE))[0] == 200
    assert (await venue.get("/simple/price?ids=nope&vs_currencies=usd"))[0] == 200
    with pytest.raises(TimeoutError):
        await venue.get("/simple/price?symbols=sol&vs_currencies=usd", timeout_s=0.3)
    with pytest.raises(TimeoutError):
        await venue.get("/simple/price?ids=bitcoin,solana&vs_currencies=usd", timeout_s=0.3)
    await venue.switch("data_mute", count=1)
    with pytest.raises(TimeoutError):
        await venue.get(PRICE, timeout_s=0.3)
    assert (await venue.get(PRICE))[0] == 200


async def test_a_client_that_leaves_is_waited_for_no_longer() -> None:
    async with simulator("coingecko") as venue:
        await venue.switch("data_mute")
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await venue.get(PRICE, timeout_s=0.2)
        await venue.switch("data_mute", on=False)
        assert (await venue.get(PRICE))[0] == 200
        assert len(await venue.sent("bitcoin")) == 1, "who left was answered all the same"
        assert (await polls(venue))["/simple/price"] == 4


async def test_a_slow_answer_and_a_timeout_of_the_venue(venue: Simulator) -> None:
    await venue.switch("slow_rest", path="simple/price", delay_s=30)
    with pytest.raises(TimeoutError):
        await venue.get(PRICE, timeout_s=0.3)
    assert (await venue.get("/ping"))[0] == 200
    await venue.switch("slow_rest", delay_s=0.05)
    await venue.switch("rest_408")
    assert (await venue.get(PRICE))[0] == 408


async def test_a_redirect_leads_to_another_name_of_the_same_host(venue: Simulator) -> None:
    await venue.switch("redirect")
    status, text, headers = raw_get(venue.rest_url + PRICE)
    assert (status, text) == (302, "")
    port = venue.announced["port"]
    assert headers["location"].startswith(f"http://localhost:{port}/api/v3/simple/price?ids=bitcoin")
    status, text, _ = raw_get(headers["location"])
    assert (status, list(json.loads(text))) == (200, ["bitcoin", "ethereum"])


@pytest.mark.parametrize("is_html", [False, True])
async def test_an_error_can_repeat_the_key_and_the_url(venue: Simulator, is_html: bool) -> None:  # noqa: FBT001
    await venue.switch("key_leaked", html=is_html)
    key = venue.announced["key"]
    status, text, _ = await venue.get(f"{PRICE}&x_cg_demo_api_key={key}")
    assert status == 400
    assert text.count(key) == 2
    assert "/api/v3/simple/price?ids=" in text
    assert ("<html>" in text) is is_html
    assert key in (await venue.get(PRICE, headers={"x-cg-demo-api-key": key}))[1]
    await venue.switch("key_leaked", status=503)
    assert (await venue.get(PRICE))[0] == 503


async def test_coins_can_be_missing_or_null(venue: Simulator) -> None:
    await venue.switch("missing_ids", symbol="bitcoin")
    assert list(await venue.get_json(PRICE)) == ["ethereum"]
    assert (await venue.get("/coins/bitcoin"))[0] == 404
    await venue.switch("missing_ids")
    assert await venue.get_json(PRICE) == {}
    await venue.switch("missing_ids", on=False)
    await venue.switch("null_fields", symbol="ethereum")
    answer = await venue.get_json(PRICE)
    assert set(answer["ethereum"].values()) == {None}
    assert list(answer["ethereum"]) == ["usd", "last_updated_at"]
    assert answer["bitcoin"]["usd"] > 0
    (row,) = await venue.get_json("/coins/markets?vs_currency=usd&ids=ethereum")
    assert (row["id"], row["current_price"], row["total_volume"]) == ("ethereum", None, None)


async def test_a_fault_of_the_body_is_seen_at_once_and_ends_at_once_in_spite_of_the_cache() -> None:
    async with simulator("coingecko") as venue:
        first = await venue.get_json(PRICE)
        await venue.switch("missing_ids", symbol="bitcoin")
        assert list(await venue.get_json(PRICE)) == ["ethereum"]
        await venue.switch("missing_ids", on=False)
        assert await venue.get_json(PRICE) == first


async def test_a_cache_can_freeze_and_304_is_a_switch() -> None:
    async with simulator("coingecko", "--cache-s", "0") as venue:
        url = venue.rest_url + PRICE + "&precision=full"
        _, first, headers = raw_get(url)
        await venue.switch("cache_frozen")
        for _ in range(3):
            _, body, frozen = raw_get(url)
            assert (body, frozen["cf-cache-status"], frozen["etag"]) == (first, "HIT", headers["etag"])
        known = {"If-None-Match": headers["etag"]}
        assert raw_get(url, known)[0] == 200
        await venue.switch("not_modified")
        status, body, unchanged = raw_get(url, known)
        assert (status, body, unchanged["etag"]) == (304, "", headers["etag"])
        await venue.switch("cache_frozen", on=False)
        status, body, _ = raw_get(url, known)
        assert status == 200
        assert body != first


async def test_tickers_can_be_stale_or_anomalous(venue: Simulator) -> None:
    async def marks() -> dict[str, tuple[bool, bool]]:
        rows = (await venue.get_json("/exchanges/binance/tickers"))["tickers"]
        return {row["coin_id"]: (row["is_stale"], row["is_anomaly"]) for row in rows}

    await venue.switch("stale_tickers", symbol="bitcoin")
    assert (await marks())["bitcoin"] == (True, False)
    assert (await marks())["ethereum"] == (False, False)
    await venue.switch("stale_tickers", is_anomaly=True)
    assert (await marks())["ethereum"] == (False, True)


@pytest.mark.parametrize("hours", [5.0, -5.0])
async def test_the_clock_of_the_venue_can_be_hours_off(venue: Simulator, hours: float) -> None:
    def off(seconds: float) -> float:
        return (seconds - time.time()) / 3_600

    await venue.switch("clock_skew", hours=hours)
    _, text, headers = await venue.get(PRICE)
    assert off(json.loads(text)["bitcoin"]["last_updated_at"]) == pytest.approx(hours, abs=0.1)
    date = email.utils.parsedate_to_datetime(headers["Date"])
    assert off(date.timestamp()) == pytest.approx(hours, abs=0.1)


async def test_requests_can_hang_as_a_frozen_socket_does(venue: Simulator) -> None:
    await venue.switch("frozen_socket", rest=True)
    with pytest.raises(TimeoutError):
        await venue.get("/ping", timeout_s=0.3)
    waiting = asyncio.create_task(venue.get("/ping"))
    await venue.switch("frozen_socket", on=False)
    async with asyncio.timeout(PATIENCE_S):
        assert (await waiting)[0] == 200


async def test_faults_of_sockets_and_of_other_venues_are_not_known_here(venue: Simulator) -> None:
    answer: Any = (await venue.state())["faults"]
    assert not {"drop_connections", "duplicate", "rest_418", "dash_prices"} & set(answer)
    assert "flat, status, nested, split" in await venue.refused_switch({"fault": "error_shape", "shape": "nestd"})
    assert (await venue.state())["faults"]["error_shape"]["on"] is False
    assert "did you mean 'rest_429'" in await venue.refused_switch({"fault": "rest_42"})
