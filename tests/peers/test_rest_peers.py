"""Published clients of CoinGecko and Alpha Vantage work with the simulators over HTTP, by URL alone."""

from typing import Any

import pytest
from tests.peers.environment import drive, need_peers, of_kind
from tests.simulators.polling import sent_bodies
from tests.simulators.process import simulator


@pytest.fixture(autouse=True)
def peers() -> None:
    need_peers()


def one(results: list[dict[str, Any]], kind: str) -> Any:
    (values,) = of_kind(results, kind)
    return values


PLANS = [("demo", ()), ("pro", ("--pro",))]


@pytest.mark.parametrize(("plan", "arguments"), PLANS)
async def test_pycoingecko_receives_what_was_sent(plan: str, arguments: tuple[str, ...]) -> None:
    async with simulator("coingecko", *arguments) as venue:
        results = await drive("pycoingecko_client", venue.rest_url, venue.announced["key"], plan)
        bodies = await sent_bodies(venue, "bitcoin")
    assert one(results, "ping") == {"gecko_says": "(V3) To the Moon!"}
    price = one(results, "price")
    assert price in bodies
    assert {"usd", "usd_market_cap", "usd_24h_vol", "eur", "last_updated_at"} <= price["bitcoin"].keys()
    assert one(results, "coin") in bodies
    assert one(results, "coin tickers") in bodies
    assert [coin["id"] for coin in one(results, "markets")[:2]] == ["bitcoin", "ethereum"]
    assert len(one(results, "list")) > 300
    assert "usd" in one(results, "currencies")
    assert one(results, "exchange")["name"] == "Binance"
    assert one(results, "exchange tickers")["name"] == "Kraken"
    assert one(results, "global")["active_cryptocurrencies"] > 300
    missing, refused = of_kind(results, "error")
    assert missing == {"error": "coin not found"}
    assert refused["status"]["error_code"] == 10002


@pytest.mark.parametrize(("plan", "arguments"), PLANS)
async def test_coingeckos_own_sdk_reads_the_answers_in_its_types(plan: str, arguments: tuple[str, ...]) -> None:
    async with simulator("coingecko", *arguments) as venue:
        results = await drive("coingecko_sdk_client", venue.rest_url, venue.announced["key"], plan)
        bodies = await sent_bodies(venue, "bitcoin")
    assert one(results, "price") in bodies
    assert {coin["id"] for coin in one(results, "list")} >= {"bitcoin", "batcat"}
    assert [coin["id"] for coin in one(results, "markets")] == ["bitcoin", "solana"]
    assert one(results, "coin")["market_data"]["current_price"]["usd"] > 1_000
    assert one(results, "exchange tickers")["tickers"][0]["coin_id"] == "bitcoin"
    missing, refused = of_kind(results, "error")
    assert missing == ["NotFoundError", {"error": "coin not found"}]
    if plan == "pro":
        assert one(results, "key")["rate_limit_request_per_minute"] == 500
        assert refused[1]["error"]["status"]["error_code"] == 10011
    else:
        assert refused[0] == "AuthenticationError"
        assert refused[1]["status"]["error_code"] == 10002


async def test_alpha_vantage_receives_what_was_sent_and_raises_what_was_said() -> None:
    async with simulator("alphavantage", "--free-per-s", "0.001") as venue:
        free = venue.announced["key"]
        results = await drive("alpha_vantage_client", venue.rest_url, venue.announced["premium_key"], free)
        bodies = {name: await sent_bodies(venue, name) for name in ("EURUSD", "BTCEUR", "ETHUSD")}
        texts = await venue.sent("IBM")
    quote, meta = one(results, "quote")
    assert (quote["01. symbol"], meta) == ("IBM", None)
    assert f'"05. price": "{quote["05. price"]}"' in texts[0]
    bars, meta = one(results, "bars")
    assert (len(bars), meta["4. Interval"]) == (100, "5min")
    assert {"Realtime Currency Exchange Rate": one(results, "rate")[0]} in bodies["EURUSD"]
    assert one(results, "fx bars")[0] in [body.get("Time Series FX (5min)") for body in bodies["EURUSD"]]
    assert {"Realtime Currency Exchange Rate": one(results, "coin rate")[0]} in bodies["BTCEUR"]
    assert one(results, "coin bars")[0] in [body["Time Series Crypto (5min)"] for body in bodies["ETHUSD"]]
    table = one(results, "table")
    assert table[0] == ["timestamp", "open", "high", "low", "close", "volume"]
    assert len(table) == 101
    assert [values[0]["01. symbol"] for values in of_kind(results, "free quote")] == ["IBM"]
    bad, demo, burst = of_kind(results, "error")
    assert "apikey is invalid" in bad
    assert "**demo** API key" in demo
    assert "1 request per second" in burst
