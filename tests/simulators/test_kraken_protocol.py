"""The simulated Kraken over real sockets, seen by another WebSocket implementation."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.simulators.process import Raw, Simulator, simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def venue() -> AsyncIterator[Simulator]:
    async with simulator("kraken", "--rate", "800", "--heartbeat-interval-s", "0.2") as running:
        yield running


def subscribe(channel: str, *symbols: str, req_id: int = 1, **parameters: Any) -> dict[str, Any]:
    params = {"channel": channel, **({"symbol": list(symbols)} if symbols else {}), **parameters}
    return {"method": "subscribe", "params": params, "req_id": req_id}


async def of_channel(raw: Raw, channel: str, kind: str) -> Any:
    return await raw.until(lambda one: one.get("channel") == channel and one.get("type") == kind)


async def test_the_status_comes_first_with_a_connection_id_beyond_63_bits(venue: Simulator) -> None:
    async with venue.connect() as raw:
        status = await raw.json()
        assert (status["channel"], status["type"]) == ("status", "update")
        (entry,) = status["data"]
        assert list(entry) == [
            *("version", "system", "api_version", "connection_id", "upcoming_maintenance", "emergency"),
        ]
        assert entry["system"] == "online"
        assert 2**63 <= entry["connection_id"] < 2**64


async def test_one_answer_per_symbol_in_any_order_and_the_snapshot_after_it(venue: Simulator) -> None:
    wanted = [f"{coin}/USD" for coin in ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "DOT")]
    orders = set()
    for _ in range(3):
        async with venue.connect() as raw:
            await raw.send(
                subscribe("ticker", *wanted, "NOPE/USD", "XBT/USD", req_id=42, event_trigger="bbo", snapshot=True)
            )
            answered: dict[str, Any] = {}
            snapshots: list[str] = []
            while len(answered) < 10 or len(snapshots) < 8:
                message = await raw.json()
                if message.get("type") == "snapshot":
                    symbol = message["data"][0]["symbol"]
                    assert symbol in answered
                    snapshots.append(symbol)
                elif "success" in message:
                    symbol = message.get("symbol") or message["result"]["symbol"]
                    answered[symbol] = message
        orders.add(tuple(answered))
        for symbol in wanted:
            assert answered[symbol]["req_id"] == 42
            assert answered[symbol]["success"] is True
            assert answered[symbol]["result"] == {
                "channel": "ticker",
                "event_trigger": "bbo",
                "snapshot": True,
                "symbol": symbol,
            }
            assert list(answered[symbol]) == ["method", "req_id", "result", "success", "time_in", "time_out"]
        for symbol in ("NOPE/USD", "XBT/USD"):
            assert answered[symbol]["error"] == f"Currency pair not supported {symbol}"
            assert list(answered[symbol]) == [
                *("error", "method", "req_id", "success", "symbol", "time_in", "time_out"),
            ]
    assert len(orders) > 1


async def test_tickers_are_json_numbers_at_full_precision(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await raw.send(subscribe("ticker", "BTC/USD", "PEPE/USD", event_trigger="bbo"))
        texts: list[str] = []
        while len(texts) < 12:
            text = await raw.text()
            if text.startswith('{"channel":"ticker"'):
                texts.append(text)
    (entry,) = json.loads(texts[0])["data"]
    assert list(entry) == [
        *("symbol", "bid", "bid_qty", "ask", "ask_qty", "last", "volume", "vwap", "low", "high", "change"),
        *("change_pct", "trades", "timestamp"),
    ]
    for text in texts:
        prices, sizes = (9, 5) if "PEPE" in text else (1, 8)
        assert re.search(rf'"bid":\d+\.\d{{{prices}}},"bid_qty":\d+\.\d{{{sizes}}},"ask":\d+\.\d{{{prices}}},', text)
        assert re.search(rf'"last":\d+\.\d{{{prices}}},"volume":\d+\.\d{{{sizes}}},"vwap":', text)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", json.loads(text)["data"][0]["timestamp"])
    assert set(texts) <= set(await venue.sent("BTC/USD") + await venue.sent("PEPEUSD"))


async def test_bbo_follows_the_top_of_book_and_trades_follow_the_trades(venue: Simulator) -> None:
    async with venue.connect() as bbo, venue.connect() as trades:
        await bbo.send(subscribe("ticker", "ETH/USD", event_trigger="bbo"))
        await trades.send(subscribe("ticker", "ETH/USD"))
        await trades.send(subscribe("trade", "ETH/USD", snapshot=True))
        quotes = [(await of_channel(bbo, "ticker", "update"))["data"][0] for _ in range(20)]
        tops = [tuple(quote[key] for key in ("bid", "bid_qty", "ask", "ask_qty")) for quote in quotes]
        assert all(earlier != later for earlier, later in itertools.pairwise(tops))
        snapshot = await of_channel(trades, "trade", "snapshot")
        assert len(snapshot["data"]) == 50
        numbers = [entry["trade_id"] for entry in snapshot["data"]]
        update = await of_channel(trades, "trade", "update")
        assert list(update["data"][0]) == ["symbol", "side", "price", "qty", "ord_type", "trade_id", "timestamp"]
        numbers += [entry["trade_id"] for entry in update["data"]]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert (await of_channel(trades, "ticker", "update"))["data"][0]["symbol"] == "ETH/USD"


async def test_the_snapshot_can_be_left_out(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await raw.send(subscribe("book", "BTC/USD", snapshot=False))
        first = await raw.until(lambda one: one.get("channel") == "book")
        assert first["type"] == "update"


async def test_the_instrument_channel_has_an_object_for_data(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await raw.send(subscribe("instrument", req_id=0))
        ack = await raw.until(lambda one: one.get("req_id") == 0)
        assert ack["result"]["warnings"] == ["tick_size is deprecated, use price_increment"]
        text = await raw.text()
    data = json.loads(text)["data"]
    pairs = {pair["symbol"]: pair for pair in data["pairs"]}
    assert len(pairs) >= 20
    bitcoin = pairs["BTC/USD"]
    assert (bitcoin["status"], bitcoin["price_precision"], bitcoin["qty_precision"]) == ("online", 1, 8)
    assert '"qty_increment":0.00000001' in text
    assert {asset["id"] for asset in data["assets"]} >= {"USD", "EUR", "BTC", "PEPE"}


async def test_pings_errors_and_unsubscribing(venue: Simulator) -> None:
    async with venue.connect() as raw:
        pong = await raw.answer({"method": "ping", "req_id": 101})
        assert list(pong) == ["method", "req_id", "time_in", "time_out"]
        assert pong["time_in"] <= pong["time_out"]
        refused = await raw.answer({"method": "ping", "params": {}, "req_id": 7})
        assert refused["error"] == "Unsupported field: 'params' for the given msg type: ping"
        assert (await raw.answer(subscribe("nonsense", "BTC/USD", req_id=8)))["error"] == "Unsupported event"
        assert (await raw.answer({"method": "dance", "req_id": 9}))["error"] == "Unsupported event"
        assert (await raw.answer(subscribe("executions", req_id=10)))["error"] == "ESession:Invalid session"
        assert "Depth not supported" in (await raw.answer(subscribe("book", "BTC/USD", req_id=11, depth=7)))["error"]
        await raw.send("{")
        assert (await raw.until(lambda one: "error" in one))["success"] is False
        assert (await raw.answer(subscribe("trade", "BTC/USD", req_id=12)))["success"] is True
        assert (await raw.answer(subscribe("trade", "BTC/USD", req_id=13)))["error"] == "Already subscribed"
        request = {"method": "unsubscribe", "params": {"channel": "trade", "symbol": ["BTC/USD"]}, "req_id": 14}
        ack = await raw.answer(request)
        assert ack["result"] == {"channel": "trade", "symbol": "BTC/USD"}
        unknown = await raw.answer({**request, "req_id": 15})
        assert (unknown["error"], unknown["method"]) == ("Subscription Not Found", "subscribe")


async def test_heartbeats_come_when_nothing_else_does_once_there_is_a_subscription() -> None:
    async with simulator("kraken", "--rate", "0", "--heartbeat-interval-s", "0.2") as still, still.connect() as raw:
        await raw.text()
        with pytest.raises(TimeoutError):
            await raw.text(timeout_s=0.6)
        await raw.send(subscribe("heartbeat"))
        assert (await raw.json())["result"] == {"channel": "heartbeat"}
        for _ in range(3):
            assert await raw.text() == '{"channel":"heartbeat"}'


async def test_heartbeats_do_not_come_between_data(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await raw.send(subscribe("book", "BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "DOGE/USD", depth=100))
        channels = [(await raw.json()).get("channel") for _ in range(300)]
    assert channels.count("heartbeat") <= 2


async def test_an_idle_connection_is_closed() -> None:
    async with simulator("kraken", "--idle-timeout-s", "0.4") as one, one.connect() as raw:
        assert (await raw.closed())[0] == 1000


async def test_rest_answers_as_documented(venue: Simulator) -> None:
    async def result(path: str) -> Any:
        answer = await venue.get_json(f"/0/public/{path}")
        assert answer["error"] == []
        return answer["result"]

    assert set(await result("Time")) == {"unixtime", "rfc1123"}
    assert (await result("SystemStatus"))["status"] == "online"
    old, new = await result("AssetPairs"), await result("AssetPairs?assetVersion=1")
    assert {"XXBTZUSD", "XETHZUSD", "SOLUSD", "XDGUSD"} <= set(old)
    assert {"BTC/USD", "ETH/USD", "SOL/USD", "DOGE/USD"} <= set(new)
    assert old["XXBTZUSD"]["wsname"] == "XBT/USD"
    assert (old["XXBTZUSD"]["pair_decimals"], old["XXBTZUSD"]["lot_decimals"]) == (1, 8)
    ticker = (await result("Ticker?assetVersion=1&pair=BTC/USD"))["BTC/USD"]
    assert "".join(ticker) == "abcvptlho"
    assert re.fullmatch(r"\d+\.\d{5}", ticker["a"][0])
    depth = (await result("Depth?pair=XBTUSD&count=3"))["XXBTZUSD"]
    assert len(depth["bids"]) == len(depth["asks"]) == 3
    trades = await result("Trades?pair=SOLUSD&count=5")
    assert len(trades["SOLUSD"]) == 5
    assert await venue.get_json("/0/public/Ticker?pair=NOPE") == {"error": ["EQuery:Unknown asset pair"]}
    assert await venue.get_json("/0/public/Nonsense") == {"error": ["EGeneral:Unknown method"]}


async def test_two_venues_of_one_seed_agree_in_price() -> None:
    async with simulator("binance", "--seed", "5") as binance, simulator("kraken", "--seed", "5") as kraken:
        async with asyncio.timeout(20):
            ours = await binance.get_json("/api/v3/ticker/bookTicker?symbol=BTCUSDT")
            theirs = await kraken.get_json("/0/public/Ticker?assetVersion=1&pair=BTC/USD")
    ratio = float(ours["bidPrice"]) / float(theirs["result"]["BTC/USD"]["b"][0])
    assert abs(ratio - 1) < 0.004
