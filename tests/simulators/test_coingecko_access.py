"""Who may ask the simulated CoinGecko, how often, and how old its answers get."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.adapters.recordings import path_of
from tests.simulators.polling import raw_get
from tests.simulators.process import PATIENCE_S, Simulator, simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEMO, PRO = "x-cg-demo-api-key", "x-cg-pro-api-key"
PRICE = "/simple/price?ids=bitcoin&vs_currencies=usd"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo() -> AsyncIterator[Simulator]:
    async with simulator("coingecko", "--keyless-per-minute", "100000") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pro() -> AsyncIterator[Simulator]:
    async with simulator("coingecko", "--pro") as running:
        yield running


def code_of(text: str) -> int:
    body = json.loads(text)
    status = body.get("status") or body["error"]["status"]
    code: int = status["error_code"]
    return code


async def test_each_root_takes_its_own_key_in_a_header_or_the_query(demo: Simulator, pro: Simulator) -> None:
    for venue, name in ((demo, DEMO), (pro, PRO)):
        key = venue.announced["key"]
        assert (await venue.get(PRICE, headers={name: key}))[0] == 200
        assert (await venue.get(f"{PRICE}&{name.replace('-', '_')}={key}"))[0] == 200
    assert (await demo.get(PRICE))[0] == 200


async def test_a_key_on_the_wrong_root_or_none_or_nobodys_is_refused(demo: Simulator, pro: Simulator) -> None:
    demo_key, pro_key = demo.announced["key"], pro.announced["key"]
    cases: list[tuple[Simulator, dict[str, str], int, int]] = [
        (demo, {PRO: pro_key}, 400, 10010),
        (demo, {DEMO: pro_key}, 400, 10010),
        (demo, {DEMO: "CG-nobodys"}, 401, 10002),
        (pro, {DEMO: demo_key}, 400, 10011),
        (pro, {PRO: demo_key}, 400, 10011),
        (pro, {}, 401, 10002),
        (pro, {PRO: "CG-nobodys"}, 401, 10002),
    ]
    for venue, headers, status, code in cases:
        answered, text, _ = await venue.get(PRICE, headers=headers)
        assert (answered, code_of(text)) == (status, code)
    answered, text, _ = await demo.get(f"{PRICE}&x_cg_pro_api_key={pro_key}")
    assert (answered, code_of(text)) == (400, 10010)


async def test_some_endpoints_need_a_plan_and_the_key_says_what_it_used(demo: Simulator, pro: Simulator) -> None:
    status, text, _ = await demo.get("/key", headers={DEMO: demo.announced["key"]})
    assert (status, code_of(text)) == (401, 10005)
    headers = {PRO: pro.announced["key"]}
    before = json.loads((await pro.get("/key", headers=headers))[1])
    assert before["rate_limit_request_per_minute"] == 500
    await pro.get(PRICE, headers=headers)
    after = json.loads((await pro.get("/key", headers=headers))[1])
    assert after["current_total_monthly_calls"] == before["current_total_monthly_calls"] + 1
    assert (
        after["current_total_monthly_calls"] + after["current_remaining_monthly_calls"] == after["monthly_call_credit"]
    )


async def test_errors_are_in_the_recorded_shapes(demo: Simulator, pro: Simulator) -> None:
    lines = [json.loads(line) for line in path_of("coingecko", "errors__bodies.jsonl").read_text().splitlines()]
    by_status = {line["http"]: line["body"] for line in lines}
    assert json.loads((await demo.get("/coins/nope"))[1]) == by_status[404]
    assert json.loads((await demo.get("/simple/price?ids=bitcoin"))[1]) == by_status[400]
    missing = json.loads((await pro.get(PRICE))[1])
    assert list(missing["status"]) == list(by_status[401]["status"])
    assert missing["status"]["error_message"] == by_status[401]["status"]["error_message"]
    await demo.switch("rest_429", retry_after_s=7, count=1)
    status, text, headers = await demo.get(PRICE)
    assert (status, json.loads(text), headers["retry-after"]) == (429, by_status[429], "7")


@pytest.mark.parametrize(
    ("arguments", "header", "most"),
    [
        (("--keyless-per-minute", "3"), "", 3),
        (("--demo-per-minute", "2"), DEMO, 2),
        (("--pro", "--pro-per-minute", "4"), PRO, 4),
    ],
)
async def test_what_is_too_many_is_refused_with_a_time_to_wait(
    arguments: tuple[str, ...], header: str, most: int
) -> None:
    async with simulator("coingecko", *arguments) as venue:
        headers = {header: venue.announced["key"]} if header else {}
        statuses = [(await venue.get("/ping", headers=headers))[0] for _ in range(most)]
        assert statuses == [200] * most
        status, text, answered = await venue.get("/ping", headers=headers)
        assert (status, json.loads(text)["status"]["error_code"]) == (429, 429)
        assert 1 <= int(answered["retry-after"]) <= 60 // most
        await venue.switch("html_429")
        status, text, answered = await venue.get("/ping", headers=headers)
        assert (status, "<html>" in text, "retry-after" in answered) == (429, True, True)


async def test_a_body_stays_as_it_is_until_its_time_is_over() -> None:
    async with simulator("coingecko", "--cache-s", "1.5", "--keyless-per-minute", "100000") as venue:
        url = f"{venue.rest_url}{PRICE}&precision=full"
        _, first, made = raw_get(url)
        assert (made["cf-cache-status"], "age" in made) == ("MISS", False)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                _, body, headers = raw_get(url)
                assert headers["cache-control"] == "max-age=2, public, must-revalidate, s-maxage=2"
                if headers["cf-cache-status"] == "EXPIRED":
                    break
                assert (body, headers["cf-cache-status"]) == (first, "HIT")
                assert headers["etag"] == made["etag"]
                assert headers.get("age", "1") == "1"
                await asyncio.sleep(0.1)
        assert body != first
        assert "age" not in headers
