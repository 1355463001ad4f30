"""The simulated Binance over real sockets, seen by another WebSocket implementation."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import websockets
from tests.simulators.process import Raw, Simulator, simulator

EIGHT_DECIMALS = re.compile(r"-?\d+\.\d{8}")


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def venue() -> AsyncIterator[Simulator]:
    async with simulator("binance", "--rate", "500") as running:
        yield running


async def read(raw: Raw, streams: set[str]) -> dict[str, str]:
    """The first frame of each stream."""
    found: dict[str, str] = {}
    while found.keys() < streams:
        text = await raw.text()
        found.setdefault(json.loads(text)["stream"], text)
    return found


async def test_payloads_have_the_keys_order_and_number_format_of_the_wire(venue: Simulator) -> None:
    streams = {
        f"btcusdt@{kind}" for kind in ("bookTicker", "trade", "aggTrade", "miniTicker", "ticker", "depth5@100ms")
    }
    async with venue.connect(
        "/stream?streams=" + "/".join([*streams, "btcusdt@depth@100ms", "!miniTicker@arr"])
    ) as raw:
        found = await read(raw, streams | {"btcusdt@depth@100ms", "!miniTicker@arr"})
    data = {name.partition("@")[2]: json.loads(text)["data"] for name, text in found.items()}
    assert [*data["bookTicker"]] == ["u", "s", "b", "B", "a", "A"]
    assert [*data["trade"]] == ["e", "E", "s", "t", "p", "q", "T", "m", "M"]
    assert [*data["aggTrade"]] == ["e", "E", "s", "a", "p", "q", "f", "l", "T", "m", "M"]
    assert [*data["miniTicker"]] == ["e", "E", "s", "c", "o", "h", "l", "v", "q"]
    assert "".join(data["ticker"]) == "eEspPwxcQbBaAohlvqOCFLn"
    assert [*data["depth5@100ms"]] == ["lastUpdateId", "bids", "asks"]
    assert len(data["depth5@100ms"]["bids"]) == 5
    assert [*data["depth@100ms"]] == ["e", "E", "s", "U", "u", "b", "a"]
    assert data["arr"][0]["e"] == "24hrMiniTicker"
    numbers = [data["bookTicker"][key] for key in "bBaA"] + [data["trade"][key] for key in "pq"]
    numbers += [data["miniTicker"][key] for key in "cohlvq"] + [*data["depth5@100ms"]["asks"][0]]
    assert all(EIGHT_DECIMALS.fullmatch(number) for number in numbers)
    assert all(" " not in text for text in found.values())
    sent = await venue.sent("BTCUSDT")
    assert all(text in sent for name, text in found.items() if name.startswith("btcusdt"))


async def test_raw_urls_carry_bare_payloads_and_answers_are_never_wrapped(venue: Simulator) -> None:
    async with venue.connect("/ws/btcusdt@bookTicker/ethusdt@bookTicker") as raw:
        seen = {(await raw.json())["s"] for _ in range(40)}
        assert seen == {"BTCUSDT", "ETHUSDT"}
    async with venue.connect("/ws") as raw:
        assert await raw.answer({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": 1}) == {
            "result": None,
            "id": 1,
        }
        assert (await raw.json())["e"] == "trade"
        await raw.answer({"method": "SET_PROPERTY", "params": ["combined", True], "id": 2})
        assert (await raw.until(lambda one: "stream" in one))["data"]["e"] == "trade"
    async with venue.connect("/stream") as raw:
        assert await raw.answer({"method": "SUBSCRIBE", "params": ["btcusdt@trade"], "id": "x"}) == {
            "result": None,
            "id": "x",
        }
        assert (await raw.json())["stream"] == "btcusdt@trade"
        await raw.answer({"method": "UNSUBSCRIBE", "params": ["btcusdt@trade"], "id": 3})
        assert await raw.answer({"method": "LIST_SUBSCRIPTIONS", "id": 4}) == {"result": [], "id": 4}


async def test_microseconds_are_given_to_who_asks(venue: Simulator) -> None:
    async with (
        venue.connect("/stream?streams=btcusdt@trade&timeUnit=MICROSECOND") as micro,
        venue.connect("/stream?streams=btcusdt@trade") as milli,
    ):
        first, second = (await micro.json())["data"], (await milli.json())["data"]
    assert 1e15 < first["T"] <= first["E"] < 1e16
    assert 1e12 < second["T"] <= second["E"] < 1e13


async def test_an_unknown_symbol_is_acknowledged_and_silent(venue: Simulator) -> None:
    async with venue.connect("/ws/nopeusdt@bookTicker") as raw:
        request = {"method": "SUBSCRIBE", "params": ["alsonope@trade"], "id": 1}
        assert await raw.answer(request) == {"result": None, "id": 1}
        answer = await raw.answer({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert answer["result"] == ["nopeusdt@bookTicker", "alsonope@trade"]
        with pytest.raises(TimeoutError):
            await raw.text(timeout_s=0.5)


async def test_the_diff_stream_joins_the_rest_snapshot_and_bookticker_agrees_with_the_book(venue: Simulator) -> None:
    async with venue.connect("/stream?streams=ethusdt@depth@100ms/ethusdt@bookTicker") as raw:
        first = await raw.until(lambda one: one["data"].get("e") == "depthUpdate")
        snapshot = await venue.get_json("/api/v3/depth?symbol=ETHUSDT&limit=5000")
        sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        last, agreed, quotes = snapshot["lastUpdateId"], 0, {}
        assert first["data"]["U"] <= last
        following = False
        while agreed < 5:
            data = (await raw.json())["data"]
            if "e" not in data:
                quotes[data["u"]] = (data["b"], data["B"], data["a"], data["A"])
                continue
            if data["u"] <= last and not following:
                continue
            assert data["U"] <= last + 1 <= data["u"] if not following else data["U"] == last + 1
            following, last = True, data["u"]
            for name, side in sides.items():
                for price, size in data[name]:
                    if float(size) == 0:
                        side.pop(price, None)
                    else:
                        side[price] = size
            if last in quotes:
                bid, ask = max(sides["b"], key=float), min(sides["a"], key=float)
                assert quotes[last] == (bid, sides["b"][bid], ask, sides["a"][ask])
                agreed += 1


async def test_rest_answers_as_documented(venue: Simulator) -> None:
    assert await venue.get_json("/api/v3/ping") == {}
    status, body, headers = await venue.get("/api/v3/time")
    assert status == 200
    assert [*json.loads(body)] == ["serverTime"]
    assert int(headers["X-MBX-USED-WEIGHT-1M"]) >= 1
    everything = await venue.get_json("/api/v3/exchangeInfo")
    symbols = {one["symbol"]: one for one in everything["symbols"]}
    assert len(symbols) >= 20
    filters = {one["filterType"]: one for one in symbols["BTCUSDT"]["filters"]}
    assert filters["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert filters["LOT_SIZE"]["stepSize"] == "0.00001000"
    assert symbols["BTCUSDT"]["status"] == "TRADING"
    assert (symbols["BTCEUR"]["baseAsset"], symbols["BTCEUR"]["quoteAsset"]) == ("BTC", "EUR")
    two = await venue.get_json("/api/v3/exchangeInfo?symbols=%5B%22BTCUSDT%22,%22ETHUSDT%22%5D")
    assert [one["symbol"] for one in two["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    full = await venue.get_json("/api/v3/ticker/24hr?symbol=BTCUSDT")
    mini = await venue.get_json("/api/v3/ticker/24hr?symbol=BTCUSDT&type=MINI")
    assert list(full)[:4] == ["symbol", "priceChange", "priceChangePercent", "weightedAvgPrice"]
    assert list(mini) == [
        *("symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume"),
        *("openTime", "closeTime", "firstId", "lastId", "count"),
    ]
    assert len(await venue.get_json("/api/v3/ticker/bookTicker")) == len(symbols)
    (trade,) = await venue.get_json("/api/v3/trades?symbol=BTCUSDT&limit=1")
    assert list(trade) == ["id", "price", "qty", "quoteQty", "time", "isBuyerMaker", "isBestMatch"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/v3/depth?symbol=NOPE", 400, -1121),
        ("/api/v3/exchangeInfo?symbol=NOPE", 400, -1121),
        ("/api/v3/depth", 400, -1102),
        ("/api/v3/exchangeInfo?symbol=BTCUSDT&symbols=%5B%5D", 400, -1128),
        ("/api/v3/ticker/24hr?symbols=BTCUSDT", 400, -1100),
        ("/api/v3/depth?symbol=BTCUSDT&limit=x", 400, -1100),
    ],
)
async def test_rest_errors(venue: Simulator, path: str, status: int, code: int) -> None:
    answered, body, _ = await venue.get(path)
    assert (answered, json.loads(body)["code"]) == (status, code)


async def test_over_the_request_weight_comes_429_and_then_a_ban() -> None:
    async with simulator("binance", "--weight-max", "30") as venue:
        statuses = [(await venue.get("/api/v3/exchangeInfo"))[0] for _ in range(4)]
        # A new minute may begin in between, with a new budget.
        assert statuses[0] == 200
        assert {429} <= set(statuses)
        status, body, headers = await venue.get("/api/v3/exchangeInfo")
        while status != 418:
            assert status in {200, 429}
            status, body, headers = await venue.get("/api/v3/exchangeInfo")
        assert headers["Retry-After"] == "120"
        assert json.loads(body)["code"] == -1003


async def test_over_the_message_rate_the_connection_is_closed_with_1008(venue: Simulator) -> None:
    async with venue.connect("/ws") as raw:
        for index in range(6):
            await raw.send({"method": "LIST_SUBSCRIPTIONS", "id": index})
        assert await raw.closed() == (1008, "Too many requests")


async def test_pings_are_real_frames_and_who_does_not_answer_is_dropped() -> None:
    async with simulator("binance", "--ping-interval-s", "0.2", "--pong-timeout-s", "0.7") as venue:
        async with venue.connect("/ws/btcusdt@trade") as raw:
            # This implementation answers pings by itself.
            async with asyncio.timeout(10):
                while (await venue.state())["counters"]["pongs_received"] < 3:
                    await raw.text()
        reader, writer = await asyncio.open_connection("127.0.0.1", venue.announced["port"])
        writer.write(
            b"GET /ws HTTP/1.1\r\nHost: venue\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert b"101" in await reader.readuntil(b"\r\n\r\n")
        async with asyncio.timeout(10):
            ping = await reader.readexactly(2)
            assert ping[0] == 0x89
            assert ping[1] > 0, "a payload to be copied"
            with contextlib.suppress(ConnectionResetError):
                while await reader.read(4096):
                    pass
        writer.close()


async def test_connection_attempts_and_age_are_limited() -> None:
    async with simulator("binance", "--connects-max", "2", "--connection-life-s", "0.5") as venue:
        async with venue.connect("/ws") as raw:
            assert (await raw.closed())[0] == 1000
        async with venue.connect("/ws"):
            pass
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with venue.connect("/ws"):
                pass
        assert refused.value.response.status_code == 429
