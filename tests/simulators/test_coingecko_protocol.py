"""The simulated CoinGecko over real sockets: what its endpoints answer, held against recorded answers."""

import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import websockets
from tests.adapters.recordings import path_of
from tests.simulators.polling import polls, raw_get, sent_bodies
from tests.simulators.process import Simulator, simulator
from tests.simulators.shapes import differences

pytestmark = pytest.mark.asyncio(loop_scope="module")

EVERYTHING = "&include_market_cap=true&include_24hr_vol=true&include_24hr_change=true&include_last_updated_at=true"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def venue() -> AsyncIterator[Simulator]:
    async with simulator("coingecko", "--seed", "5", "--keyless-per-minute", "100000") as running:
        yield running


def recorded(endpoint: str) -> Any:
    return json.loads(path_of("coingecko", f"coingecko-api-oas__{endpoint}.json").read_text())


def recorded_exchanges() -> list[dict[str, Any]]:
    lines = path_of("coingecko", "rotki__coingecko_vcr_dev.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


async def test_the_line_that_is_printed_has_the_base_url_and_a_key_and_no_websocket(venue: Simulator) -> None:
    assert venue.announced["rest_url"] == f"http://127.0.0.1:{venue.announced['port']}/api/v3"
    assert venue.announced["websocket_url"] == ""
    assert venue.announced["key"].startswith("CG-")
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(f"ws://127.0.0.1:{venue.announced['port']}/ws"):
            pass
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    ("path", "name", "optional"),
    [
        ("/ping", "ping", ()),
        (f"/simple/price?ids=bitcoin&vs_currencies=usd{EVERYTHING}", "simple_price", ()),
        ("/simple/supported_vs_currencies", "supported_vs_currencies", ()),
        ("/coins/list?include_platform=true", "coins_list", ("platforms",)),
        (
            "/coins/markets?vs_currency=usd&ids=bitcoin&sparkline=true&price_change_percentage=1h,24h,7d,14d,30d,200d,1y",
            "coins_markets",
            (),
        ),
        ("/coins/bitcoin/tickers?depth=true&include_exchange_logo=true", "coins_id_tickers", ()),
        ("/exchanges/binance/tickers?depth=true&include_exchange_logo=true", "exchanges_id_tickers", ()),
        ("/exchanges/binance", "exchanges_id", ()),
        ("/global", "global", ("eur", "usdt", "xrp", "sol", "usdc", "trx", "doge", "ada", "bch")),
    ],
)
async def test_answers_are_built_as_the_recorded_ones(
    venue: Simulator, path: str, name: str, optional: tuple[str, ...]
) -> None:
    ours = await venue.get_json(path)
    assert differences(ours, recorded(name), optional=frozenset(optional)) == []


async def test_supported_currencies_are_exactly_the_recorded_ones(venue: Simulator) -> None:
    assert await venue.get_json("/simple/supported_vs_currencies") == recorded("supported_vs_currencies")


async def test_a_coin_is_built_as_the_recorded_one(venue: Simulator) -> None:
    (exchange,) = [one for one in recorded_exchanges() if "/coins/bitcoin?" in one["uri"]]
    path = exchange["uri"].partition("/api/v3")[2]
    ours = await venue.get_json(path)
    assert list(ours) == list(json.loads(exchange["body"]))
    full = await venue.get_json("/coins/bitcoin")
    assert full["market_data"]["current_price"]["usd"] == pytest.approx(81_000, rel=0.5)
    assert {one["market"]["identifier"] for one in full["tickers"]} == {"binance", "kraken"}


async def test_headers_are_those_of_the_recorded_answers(venue: Simulator) -> None:
    newest = [one["response_headers"] for one in recorded_exchanges() if "2025" in one["response_headers"]["date"]]
    _, _, headers = raw_get(f"{venue.rest_url}/simple/price?ids=bitcoin&vs_currencies=chf")
    ours = {key for key in headers if key not in {"content-length", "content-type", "date"}}
    assert ours <= set().union(*newest)
    assert headers["cache-control"] == newest[0]["cache-control"]
    assert headers["vary"] == newest[0]["vary"]
    assert headers["etag"].startswith('W/"')
    assert headers["cf-cache-status"] == "MISS"


async def test_prices_are_ints_floats_and_exponents_and_sorted_by_id(venue: Simulator) -> None:
    _, text, _ = await venue.get("/simple/price?ids=pepe,ethereum,bitcoin,nope,tether&vs_currencies=usd,btc,nonsense")
    answer = json.loads(text)
    assert list(answer) == ["bitcoin", "ethereum", "pepe", "tether"]
    assert list(answer["ethereum"]) == ["usd", "btc"]
    assert isinstance(answer["bitcoin"]["usd"], int)
    assert isinstance(answer["ethereum"]["usd"], float)
    assert '"pepe":{"usd":4.' in text
    assert "e-06" in text
    assert await venue.get_json("/simple/price?ids=nope&vs_currencies=usd") == {}
    assert await venue.get_json("/simple/price?ids=abandoned-coin&vs_currencies=usd") == {
        "abandoned-coin": {"usd": None}
    }


async def test_precision_is_full_or_a_count_of_places(venue: Simulator) -> None:
    path = "/simple/price?ids=bitcoin&vs_currencies=usd&precision="
    full = (await venue.get_json(path + "full"))["bitcoin"]["usd"]
    assert full != round(full, 4)
    assert (await venue.get_json(path + "3"))["bitcoin"]["usd"] == pytest.approx(full, rel=1e-3)
    assert isinstance((await venue.get_json(path + "0"))["bitcoin"]["usd"], int)
    assert (await venue.get(path + "19"))[:2] == (422, '{"error":"Invalid precision"}')


async def test_a_volume_is_the_value_of_what_was_traded(venue: Simulator) -> None:
    answer = await venue.get_json(f"/simple/price?ids=bitcoin&vs_currencies=usd,btc{EVERYTHING}")
    bitcoin = answer["bitcoin"]
    assert bitcoin["usd_24h_vol"] / bitcoin["btc_24h_vol"] == pytest.approx(bitcoin["usd"], rel=1e-4)
    assert isinstance(bitcoin["last_updated_at"], int)
    assert 0 <= time.time() - bitcoin["last_updated_at"] < 60


async def test_a_few_hundred_coins_and_many_under_one_ticker(venue: Simulator) -> None:
    coins = await venue.get_json("/coins/list")
    assert len(coins) >= 300
    assert len({coin["id"] for coin in coins}) == len(coins)
    assert all(list(coin) == ["id", "symbol", "name"] for coin in coins)
    for symbol in ("btc", "eth", "usdt", "usdc", "sol"):
        assert len([coin for coin in coins if coin["symbol"] == symbol]) > 5
    assert {"bitcoin", "batcat"} <= {coin["id"] for coin in coins if coin["symbol"] == "btc"}


async def test_a_symbol_means_the_greatest_coin_or_all_of_them(venue: Simulator) -> None:
    by_id = await venue.get_json("/simple/price?ids=bitcoin&vs_currencies=usd")
    by_symbol = await venue.get_json("/simple/price?symbols=BTC&vs_currencies=usd")
    assert list(by_symbol) == ["btc"]
    assert by_symbol["btc"]["usd"] == pytest.approx(by_id["bitcoin"]["usd"], rel=1e-2)
    every = await venue.get_json("/simple/price?symbols=btc&vs_currencies=usd&include_tokens=all")
    assert {"bitcoin", "batcat"} <= set(every)
    assert list(await venue.get_json("/simple/price?names=Bitcoin&vs_currencies=usd")) == ["Bitcoin"]


async def test_markets_come_in_pages(venue: Simulator) -> None:
    status, text, headers = raw_get(f"{venue.rest_url}/coins/markets?vs_currency=eur&per_page=3&page=2")
    assert status == 200
    assert len(json.loads(text)) == 3
    assert (headers["per-page"], headers["total"]) == ("3", str(len(await venue.get_json("/coins/list"))))
    assert 'rel="next"' in headers["link"]
    assert raw_get(f"{venue.rest_url}/coins/markets?vs_currency=eur&per_page=3&page=2")[2]["total"] == headers["total"]
    first = await venue.get_json("/coins/markets?vs_currency=eur&per_page=250")
    assert [one["id"] for one in first[:2]] == ["bitcoin", "ethereum"]
    assert len(first) == 250
    assert [one["id"] for one in await venue.get_json("/coins/markets?vs_currency=eur&ids=solana,nope")] == ["solana"]


async def test_tickers_are_those_of_the_exchange_and_name_their_coins(venue: Simulator) -> None:
    rows = (await venue.get_json("/exchanges/kraken/tickers?coin_ids=bitcoin,ethereum"))["tickers"]
    assert {(row["base"], row["target"]) for row in rows} >= {("BTC", "USD"), ("ETH", "USD"), ("BTC", "EUR")}
    assert {row["coin_id"] for row in rows} == {"bitcoin", "ethereum"}
    only = (await venue.get_json("/coins/bitcoin/tickers?exchange_ids=binance"))["tickers"]
    assert {row["market"]["identifier"] for row in only} == {"binance"}
    assert all(row["is_stale"] is False for row in only)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/coins/nope", 404, {"error": "coin not found"}),
        ("/exchanges/nope", 404, {"error": "exchange not found"}),
        ("/simple/price?ids=bitcoin", 400, {"error": "Missing parameter vs_currencies"}),
        ("/simple/price?vs_currencies=usd", 422, {"error": "Missing parameter ids"}),
        ("/coins/markets", 422, {"error": "Missing parameter vs_currency"}),
        ("/nothing", 404, {"error": "Incorrect path. Please check https://www.coingecko.com/api/"}),
    ],
)
async def test_mistakes_are_answered_flat(venue: Simulator, path: str, status: int, body: dict[str, Any]) -> None:
    answered, text, _ = await venue.get(path)
    assert (answered, json.loads(text)) == (status, body)


async def test_polls_are_counted_by_endpoint_and_bodies_kept_by_coin(venue: Simulator) -> None:
    before = await polls(venue)
    for _ in range(3):
        answer = await venue.get_json("/simple/price/?ids=cosmos,near&vs_currencies=usd")
    await venue.get_json("/ping")
    await venue.get("/nothing")
    after = await polls(venue)
    assert after["/simple/price"] == before.get("/simple/price", 0) + 3
    assert after["/ping"] == before.get("/ping", 0) + 1
    assert after["other"] == before.get("other", 0) + 1
    assert await sent_bodies(venue, "cosmos") == [answer] * 3
    assert await sent_bodies(venue, "near") == [answer] * 3


async def test_the_same_seed_means_the_same_prices_at_every_venue() -> None:
    async with (
        simulator("coingecko", "--seed", "9", "--cache-s", "0") as coingecko,
        simulator("kraken", "--seed", "9") as kraken,
        simulator("alphavantage", "--seed", "9") as alphavantage,
    ):
        theirs = (await coingecko.get_json("/simple/price?ids=bitcoin&vs_currencies=usd&precision=full"))["bitcoin"][
            "usd"
        ]
        rows = (await coingecko.get_json("/exchanges/kraken/tickers?coin_ids=bitcoin"))["tickers"]
        ticker = (await kraken.get_json("/0/public/Ticker?pair=XBTUSD"))["result"]
        rate = await alphavantage.get_json(
            f"/query?function=CURRENCY_EXCHANGE_RATE&from_currency=BTC&to_currency=USD&apikey={alphavantage.announced['key']}"
        )
    (entry,) = ticker.values()
    (row,) = [row for row in rows if row["target"] == "USD"]
    assert theirs == pytest.approx(float(entry["c"][0]), rel=5e-3)
    assert row["last"] == pytest.approx(float(entry["c"][0]), rel=5e-3)
    price = float(rate["Realtime Currency Exchange Rate"]["5. Exchange Rate"])
    assert price == pytest.approx(theirs, rel=5e-3)
