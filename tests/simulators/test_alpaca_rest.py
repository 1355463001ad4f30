"""The simulated Alpaca's REST endpoints, beside the recorded bodies."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.simulators.alpaca import PLUS, key_of
from tests.simulators.process import RECORDINGS, Simulator, simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODIES = RECORDINGS / "alpaca" / "alpaca-trade-api-go__rest_payloads.jsonl"
SNAPSHOTS = "/v2/stocks/snapshots"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Simulator]:
    async with simulator("alpaca", "--rate", "800") as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def venue(running: Simulator) -> AsyncIterator[Simulator]:
    yield running
    await running.all_faults_off()


def headers_of(key: str, secret: str) -> dict[str, str]:
    return {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}


async def answer(venue: Simulator, path: str, *, is_plus: bool = False) -> Any:
    status, body, _ = await venue.get(path, headers=headers_of(*(PLUS if is_plus else key_of(venue))))
    assert status == 200, body
    return json.loads(body)


async def refusal(venue: Simulator, path: str, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    status, body, _ = await venue.get(path, headers=headers_of(*key_of(venue)) if headers is None else headers)
    return status, json.loads(body)["message"]


def recorded(wanted: str) -> list[Any]:
    """The recorded bodies with a key, or with none of the envelopes for an empty one."""
    if not BODIES.exists():
        pytest.skip("the recorded bodies are not here")
    bodies = [json.loads(line) for line in BODIES.read_text(encoding="utf-8").splitlines()]
    envelopes = {"bars", "trades", "quotes", "snapshots", "next_page_token"}
    return [body for body in bodies if (wanted in body if wanted else not envelopes & set(body))]


async def test_stock_snapshots_are_as_recorded(venue: Simulator) -> None:
    ours = await answer(venue, f"{SNAPSHOTS}?symbols=AAPL,IBM,NOSUCH&feed=iex")
    assert set(ours) == {"AAPL", "IBM"}
    theirs = recorded("")[-1]["AAPL"]
    for snapshot in ours.values():
        assert set(snapshot) == set(theirs)
        for part, fields in theirs.items():
            assert snapshot[part] is None or set(fields) <= set(snapshot[part]), part
        assert None not in [snapshot[part] for part in ("latestTrade", "latestQuote", "dailyBar")]
    daily = ours["AAPL"]["dailyBar"]
    assert isinstance(daily["v"], int)
    assert daily["l"] <= daily["c"] <= daily["h"]
    assert ours["AAPL"]["latestQuote"]["bx"] == "V"


async def test_coin_snapshots_are_as_recorded(venue: Simulator) -> None:
    ours = await venue.get_json("/v1beta3/crypto/us/snapshots?symbols=BTC/USD,NO/SUCH")
    (theirs, *_) = recorded("snapshots")
    assert set(ours["snapshots"]) == {"BTC/USD"}
    (example,) = theirs["snapshots"].values()
    snapshot = ours["snapshots"]["BTC/USD"]
    assert set(snapshot) == set(example)
    for part in example:
        assert snapshot[part] is None or set(snapshot[part]) == set(example[part]), part
    assert None not in [snapshot[part] for part in ("latestTrade", "latestQuote", "dailyBar")]


async def test_latest_quotes_and_trades_are_as_recorded(venue: Simulator) -> None:
    for kind in ("quotes", "trades"):
        stocks = (await answer(venue, f"/v2/stocks/{kind}/latest?symbols=JPM,SPY"))[kind]
        coins = (await venue.get_json(f"/v1beta3/crypto/us/latest/{kind}?symbols=ETH/USD,LTC/USD"))[kind]
        assert (set(stocks), set(coins)) == ({"JPM", "SPY"}, {"ETH/USD", "LTC/USD"})
        bodies = [one for body in recorded(kind) for one in body[kind].values() if isinstance(one, dict)]
        for ours in (*stocks.values(), *coins.values()):
            assert any(set(ours) == set(theirs) for theirs in bodies), kind


async def test_the_consolidated_feed_is_for_the_plus_plan(venue: Simulator) -> None:
    assert await refusal(venue, f"{SNAPSHOTS}?symbols=AAPL&feed=sip") == (
        403,
        "subscription does not permit querying recent SIP data",
    )
    assert "AAPL" in await answer(venue, f"{SNAPSHOTS}?symbols=AAPL&feed=sip", is_plus=True)
    letters = {
        quote["bx"]
        for quote in (await answer(venue, "/v2/stocks/quotes/latest?symbols=AAPL,SPY,TSLA,JPM,IBM", is_plus=True))[
            "quotes"
        ].values()
    }
    assert letters != {"V"}


async def test_keys_are_asked_for_and_looked_at(venue: Simulator) -> None:
    status, body, headers = await venue.get(f"{SNAPSHOTS}?symbols=AAPL")
    assert (status, headers["Content-Type"].partition(";")[0]) == (401, "text/html")
    assert "401 Authorization Required" in body
    wrong = headers_of("wrong", "wrong")
    for path in (f"{SNAPSHOTS}?symbols=AAPL", "/v2/assets", "/v1beta3/crypto/us/snapshots?symbols=BTC/USD"):
        assert await refusal(venue, path, wrong) == (403, "forbidden.")
    status, _, _ = await venue.get("/v2/assets", headers={"Authorization": "Bearer simulated-plus-token"})
    assert status == 200


async def test_bad_requests_are_refused(venue: Simulator) -> None:
    assert await refusal(venue, SNAPSHOTS) == (400, "symbols is required")
    assert await refusal(venue, f"{SNAPSHOTS}?symbols=aapl") == (400, "invalid symbol: aapl")
    assert await refusal(venue, f"{SNAPSHOTS}?symbols=AAPL&feed=mars") == (400, "invalid feed: mars")
    assert await refusal(venue, "/v2/nonsense") == (404, "endpoint not found.")


async def test_assets_are_listed_found_and_filtered(venue: Simulator) -> None:
    assets = {asset["symbol"]: asset for asset in await answer(venue, "/v2/assets")}
    assert len(assets) > 25
    assert {"AAPL", "BRK.B", "SPY", "BTC/USD", "ETH/BTC"} <= set(assets)
    assert "FAKEPACA" not in assets
    expected = {"AAPL": "NASDAQ", "JPM": "NYSE", "SPY": "ARCA", "BTC/USD": "CRYPTO"}
    assert {name: assets[name]["exchange"] for name in expected} == expected
    for asset in assets.values():
        assert {"id", "class", "exchange", "symbol", "name", "status", "tradable", "fractionable"} <= set(asset)
        assert (asset["status"], asset["tradable"]) == ("active", True)
    assert assets["BTC/USD"]["class"] == "crypto"
    assert (assets["BTC/USD"]["price_increment"], assets["BTC/USD"]["min_trade_increment"]) == ("0.001", "0.000000001")
    for name in ("AAPL", "BTC%2FUSD", "BTCUSD", assets["IBM"]["id"]):
        assert (await answer(venue, f"/v2/assets/{name}"))["id"] in {one["id"] for one in assets.values()}
    stocks = await answer(venue, "/v2/assets?status=active&asset_class=us_equity&exchange=NYSE")
    assert {asset["symbol"] for asset in stocks} == {"JPM", "IBM", "BRK.B"}
    assert await answer(venue, "/v2/assets?status=inactive") == []
    assert await refusal(venue, "/v2/assets/NOSUCH") == (404, "asset not found for NOSUCH")


async def test_requests_are_counted_for_each_key() -> None:
    async with simulator("alpaca", "--requests-per-minute", "3") as limited:
        path, headers = f"{SNAPSHOTS}?symbols=AAPL", headers_of(*key_of(limited))
        answers = [await limited.get(path, headers=headers) for _ in range(8)]
        # The minute may change once in between.
        assert [status for status, _, _ in answers[:3]] == [200, 200, 200]
        assert 429 in [status for status, _, _ in answers]
        over = next(one for one in answers if one[0] == 429)
        assert json.loads(over[1]) == {"message": "too many requests."}
        assert (over[2]["X-RateLimit-Limit"], over[2]["X-RateLimit-Remaining"]) == ("3", "0")
        assert int(over[2]["X-RateLimit-Reset"]) % 60 == 0
        _, _, plus = await limited.get(path, headers=headers_of(*PLUS))
        assert (plus["X-RateLimit-Limit"], plus["X-RateLimit-Remaining"]) == ("150", "149")


async def test_rest_fails(venue: Simulator) -> None:
    headers = headers_of(*key_of(venue))
    for fault, status in (("rest_429", 429), ("rest_403", 403), ("rest_500", 500), ("rest_503", 503)):
        await venue.switch(fault, path="snapshots")
        answered, _, answered_headers = await venue.get(f"{SNAPSHOTS}?symbols=AAPL", headers=headers)
        assert answered == status
        assert ("Retry-After" in answered_headers) == (fault in {"rest_429", "rest_503"})
        assert await answer(venue, "/v2/assets/AAPL")
        await venue.switch(fault, on=False)
    await venue.switch("slow_rest", path="assets", delay_s=30)
    with pytest.raises(TimeoutError):
        await venue.get("/v2/assets", headers=headers, timeout_s=0.3)
