"""The simulated Alpha Vantage over real sockets: what its functions answer, held against recorded answers."""

import asyncio
import csv
import datetime as dt
import io
import json
import time
import urllib.parse
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.adapters.recordings import path_of
from tests.simulators.polling import polls, sent_bodies
from tests.simulators.process import PATIENCE_S, Simulator, simulator
from tests.simulators.shapes import differences

pytestmark = pytest.mark.asyncio(loop_scope="module")

DELAYED = " - DATA DELAYED BY 15 MINUTES"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def venue() -> AsyncIterator[Simulator]:
    async with simulator("alphavantage", "--seed", "5", "--premium-per-minute", "100000") as running:
        yield running


def recorded(name: str) -> Any:
    return json.loads(path_of("alphavantage", f"{name}.json").read_text())


def path(function: str, key: str, **parameters: str) -> str:
    return "/query?" + urllib.parse.urlencode({"function": function, **parameters, "apikey": key})


async def ask(venue: Simulator, function: str, key: str = "premium_key", **parameters: str) -> Any:
    return await venue.get_json(path(function, venue.announced.get(key, key), **parameters))


RATE = {"from_currency": "BTC", "to_currency": "EUR"}
DOLLARS = {"from_currency": "USD", "to_currency": "JPY"}


async def test_the_line_that_is_printed_has_keys_and_no_websocket(venue: Simulator) -> None:
    assert venue.announced["rest_url"] == f"http://127.0.0.1:{venue.announced['port']}"
    assert venue.announced["websocket_url"] == ""
    assert len({venue.announced[name] for name in ("key", "premium_key", "delayed_key")}) == 3


@pytest.mark.parametrize(
    ("function", "parameters", "name"),
    [
        ("GLOBAL_QUOTE", {"symbol": "IBM"}, "alphavantage-java__timeseries_globalquote"),
        ("GLOBAL_QUOTE", {"symbol": "TSLA"}, "alphavantage_ruby__time_series_quote"),
        ("GLOBAL_QUOTE", {"symbol": "NOPE"}, "ledgerframe__av_global_quote_empty"),
        ("GLOBAL_QUOTE", {"symbol": "TSLA", "entitlement": "delayed"}, "ledgerframe__av_global_quote_entitled"),
        ("CURRENCY_EXCHANGE_RATE", RATE, "alphavantage-java__exchangerate_data"),
        ("CURRENCY_EXCHANGE_RATE", DOLLARS, "alphavantage_ruby__forex_exchange_rates"),
        ("SYMBOL_SEARCH", {"keywords": "tesla"}, "alphavantage-java__search_data"),
        ("SYMBOL_SEARCH", {"keywords": "tesla"}, "alphavantage_ruby__time_series_search"),
        ("MARKET_STATUS", {}, "alphavantage-java__marketstatus_data"),
    ],
)
async def test_answers_are_built_as_the_recorded_ones(
    venue: Simulator, function: str, parameters: dict[str, str], name: str
) -> None:
    assert differences(await ask(venue, function, **parameters), recorded(name)) == []


@pytest.mark.parametrize(
    ("function", "parameters", "name"),
    [
        ("TIME_SERIES_INTRADAY", {"symbol": "IBM"}, "alphavantage-java__timeseries_intraday"),
        ("TIME_SERIES_INTRADAY", {"symbol": "TSLA"}, "alphavantage_ruby__time_series_intraday"),
        ("FX_INTRADAY", {"from_symbol": "EUR", "to_symbol": "USD"}, "alphavantage-java__forex_intraday"),
        ("CRYPTO_INTRADAY", {"symbol": "ETH", "market": "USD"}, "alphavantage-java__crypto_intraday"),
        ("CRYPTO_INTRADAY", {"symbol": "ETH", "market": "USD"}, "alphavantage_ruby__crypto_intraday"),
    ],
)
async def test_bars_are_built_as_the_recorded_ones_and_the_newest_comes_first(
    venue: Simulator, function: str, parameters: dict[str, str], name: str
) -> None:
    ours, theirs = await ask(venue, function, interval="5min", **parameters), recorded(name)
    assert differences(ours["Meta Data"], theirs["Meta Data"]) == []
    assert list(ours) == list(theirs)
    key = list(ours)[1]
    stamps = list(ours[key])
    assert stamps == sorted(stamps, reverse=True)
    assert len(stamps) == 100
    assert stamps[0] == next(value for name, value in ours["Meta Data"].items() if "Last Refreshed" in name)
    for bar in ours[key].values():
        assert differences(bar, next(iter(theirs[key].values()))) == []
        low, high = (float(next(value for name, value in bar.items() if word in name)) for word in ("low", "high"))
        assert low <= float(bar["4. close"]) <= high


async def test_bulk_quotes_are_real_for_a_premium_key_and_the_recorded_sample_for_others(venue: Simulator) -> None:
    theirs = recorded("alphavantage-java__timeseries_realtimebulkquote")
    ours = await ask(venue, "REALTIME_BULK_QUOTES", symbol="IBM,AAPL,NOPE")
    assert [one["symbol"] for one in ours["data"]] == ["IBM", "AAPL"]
    assert list(ours["data"][0]) == list(theirs["data"][0])
    assert {type(value) for value in ours["data"][0].values()} == {str}
    assert "%" not in ours["data"][0]["change_percent"]
    assert "ARTIFICIAL" not in ours["message"]
    free = await ask(venue, "REALTIME_BULK_QUOTES", "FREEFORTHESAMPLE", symbol="IBM")
    assert free["message"] == theirs["message"]
    for one, other in zip(free["data"], theirs["data"], strict=True):
        assert {key: value for key, value in one.items() if not key.startswith("extended")} == {
            key: value for key, value in other.items() if not key.startswith("extended")
        }


async def test_a_quote_is_of_today_and_adds_up(venue: Simulator) -> None:
    quote = (await ask(venue, "GLOBAL_QUOTE", symbol="brk-b"))["Global Quote"]
    assert quote["01. symbol"] == "BRK-B"
    number = {key[4:]: float(value.rstrip("%")) for key, value in quote.items() if key[:2] not in {"01", "07"}}
    assert number["low"] <= number["price"] <= number["high"]
    assert number["change"] == pytest.approx(number["price"] - number["previous close"], abs=1e-4)
    assert number["change percent"] == pytest.approx(number["change"] / number["previous close"] * 100, abs=1e-3)
    day = dt.date.fromisoformat(quote["07. latest trading day"])
    assert 0 <= (dt.datetime.now(dt.UTC).date() - day).days <= 3
    assert quote["06. volume"].isdigit()


async def test_prices_stand_still_while_the_market_is_quiet(venue: Simulator) -> None:
    async def both() -> tuple[Any, Any]:
        stock = await ask(venue, "GLOBAL_QUOTE", symbol="IBM")
        return stock, await ask(venue, "CURRENCY_EXCHANGE_RATE", **RATE)

    await venue.switch("quiet_market")
    closed = await both()
    for _ in range(50):
        assert await both() == closed
    await venue.switch("quiet_market", on=False)
    async with asyncio.timeout(PATIENCE_S):
        while (await both())[1] == closed[1]:
            pass  # each turn waits for answers over HTTP; rates move once a second
    await venue.switch("quiet_market")
    assert (await both())[1] != closed[1], "the market closes at the prices of then"
    await venue.switch("quiet_market", on=False)


async def test_a_rate_has_a_bid_and_an_ask_around_it_and_the_second_of_now(venue: Simulator) -> None:
    rate = (await ask(venue, "CURRENCY_EXCHANGE_RATE", **RATE))["Realtime Currency Exchange Rate"]
    assert float(rate["8. Bid Price"]) < float(rate["5. Exchange Rate"]) < float(rate["9. Ask Price"])
    refreshed = dt.datetime.fromisoformat(rate["6. Last Refreshed"]).replace(tzinfo=dt.UTC)
    assert 0 <= time.time() - refreshed.timestamp() < 20
    assert (rate["2. From_Currency Name"], rate["4. To_Currency Name"]) == ("Bitcoin", "Euro")


async def test_delayed_data_is_of_a_quarter_of_an_hour_ago_and_says_so(venue: Simulator) -> None:
    series = await ask(venue, "TIME_SERIES_INTRADAY", symbol="IBM", interval="1min", entitlement="delayed")
    now = await ask(venue, "TIME_SERIES_INTRADAY", symbol="IBM", interval="1min", entitlement="realtime")
    assert list(series)[1] == "Time Series (1min)" + DELAYED
    assert list(now)[1] == "Time Series (1min)"
    lag = dt.datetime.fromisoformat(now["Meta Data"]["3. Last Refreshed"]) - dt.datetime.fromisoformat(
        series["Meta Data"]["3. Last Refreshed"]
    )
    assert 14 <= lag.total_seconds() / 60 <= 16


@pytest.mark.parametrize(
    ("function", "parameters", "columns"),
    [
        (
            "GLOBAL_QUOTE",
            {"symbol": "IBM"},
            "symbol,open,high,low,price,volume,latestDay,previousClose,change,changePercent",
        ),
        ("TIME_SERIES_INTRADAY", {"symbol": "IBM", "interval": "5min"}, "timestamp,open,high,low,close,volume"),
        (
            "FX_INTRADAY",
            {"from_symbol": "EUR", "to_symbol": "USD", "interval": "5min"},
            "timestamp,open,high,low,close",
        ),
        (
            "SYMBOL_SEARCH",
            {"keywords": "apple"},
            "symbol,name,type,region,marketOpen,marketClose,timezone,currency,matchScore",
        ),
    ],
)
async def test_csv_is_a_table_and_failures_are_json_all_the_same(
    venue: Simulator, function: str, parameters: dict[str, str], columns: str
) -> None:
    key = venue.announced["premium_key"]
    status, text, headers = await venue.get(path(function, key, datatype="csv", **parameters))
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "application/x-download")
    assert text.splitlines()[0] == columns
    rows = list(csv.reader(io.StringIO(text)))
    assert all(len(row) == len(rows[0]) for row in rows)
    assert len(rows) > 1
    status, text, _ = await venue.get(path(function, "bad", datatype="csv", **parameters))
    assert (status, list(json.loads(text))) == (200, ["Error Message"])


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        ("GLOBAL_QUOTE", {}),
        ("CURRENCY_EXCHANGE_RATE", {"from_currency": "BTC", "to_currency": "NOPE"}),
        ("TIME_SERIES_INTRADAY", {"symbol": "IBM"}),
        ("TIME_SERIES_INTRADAY", {"symbol": "NOPE", "interval": "5min"}),
        ("TIME_SERIES_INTRADAY", {"symbol": "IBM", "interval": "5min", "outputsize": "huge"}),
        ("CRYPTO_INTRADAY", {"symbol": "ETH", "market": "BTC", "interval": "5min"}),
        ("FX_INTRADAY", {"from_symbol": "EUR", "to_symbol": "EUR", "interval": "5min"}),
        ("SYMBOL_SEARCH", {}),
        ("REALTIME_BULK_QUOTES", {}),
        ("NONSENSE", {}),
    ],
)
async def test_mistakes_are_an_error_message_that_names_the_function(
    venue: Simulator, function: str, parameters: dict[str, str]
) -> None:
    body = await ask(venue, function, **parameters)
    assert list(body) == ["Error Message"]
    assert body["Error Message"].endswith(f"documentation/) for {function}.")


async def test_what_is_no_query_is_not_found(venue: Simulator) -> None:
    assert (await venue.get("/"))[0] == 404
    assert (await venue.get("/api/v3/ping"))[0] == 404


async def test_polls_are_counted_by_function_and_bodies_kept_by_symbol(venue: Simulator) -> None:
    before = await polls(venue)
    quote = await ask(venue, "GLOBAL_QUOTE", symbol="JPM")
    rate = await ask(venue, "CURRENCY_EXCHANGE_RATE", from_currency="GBP", to_currency="CHF")
    await ask(venue, "NONSENSE")
    after = await polls(venue)
    for name in ("GLOBAL_QUOTE", "CURRENCY_EXCHANGE_RATE", "other"):
        assert after[name] == before.get(name, 0) + 1
    assert await sent_bodies(venue, "JPM") == [quote]
    assert await sent_bodies(venue, "GBP/CHF") == [rate]
