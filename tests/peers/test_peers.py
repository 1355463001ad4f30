"""The simulators are true to the venues: clients that others wrote for the venues work with them, by URL alone."""

import json
from typing import Any

import pytest
from tests.peers.environment import RATE, drive, need_peers, of_kind
from tests.simulators.process import simulator


@pytest.fixture(autouse=True)
def peers() -> None:
    need_peers()


def is_subsequence(part: list[Any], whole: list[Any]) -> bool:
    """Whether all of `part` occurs in `whole`, in this order; a client that shows state may skip some."""
    rest = iter(whole)
    return all(any(one == other for other in rest) for one in part)


async def test_ccxt_watches_binance() -> None:
    async with simulator("binance", "--rate", RATE) as venue:
        results = await drive("ccxt_pro", "binance", venue.rest_url, venue.websocket_url, "10")
        sent = [json.loads(text) for text in await venue.sent("BTCUSDT")]
    (markets,) = of_kind(results, "markets")
    assert {"BTC/USDT", "ETH/USDT", "PEPE/USDT", "BTC/EUR", "ETH/BTC"} <= set(markets)
    quotes = [[float(one[key]) for key in "bBaA"] for one in sent if {"u", "b", "B", "a", "A", "s"} == one.keys()]
    assert len(of_kind(results, "quote")) == 10
    assert is_subsequence(of_kind(results, "quote"), quotes)
    trades = [
        [str(one["t"]), float(one["p"]), float(one["q"]), "sell" if one["m"] else "buy"]
        for one in sent
        if one.get("e") == "trade"
    ]
    assert len(of_kind(results, "trade")) >= 10
    assert is_subsequence(of_kind(results, "trade"), trades)
    tickers = [[float(one["c"]), float(one["v"])] for one in sent if one.get("e") in {"24hrTicker", "24hrMiniTicker"}]
    assert is_subsequence(of_kind(results, "ticker"), tickers)
    # ccxt joins the diff stream to a REST snapshot by itself, and raises where the numbers do not follow.
    assert len(of_kind(results, "book")) == 10


async def test_ccxt_watches_kraken() -> None:
    async with simulator("kraken", "--rate", RATE) as venue:
        results = await drive("ccxt_pro", "kraken", venue.rest_url, venue.websocket_url, "10")
        sent = [json.loads(text) for text in await venue.sent("BTC/USD")]
    (markets,) = of_kind(results, "markets")
    assert {"BTC/USD", "ETH/USD", "DOGE/USD", "BTC/EUR", "ETH/BTC"} <= set(markets)
    tickers = [one["data"][0] for one in sent if one["channel"] == "ticker"]
    quotes = [[one["bid"], one["bid_qty"], one["ask"], one["ask_qty"]] for one in tickers]
    assert len(of_kind(results, "quote")) == 10
    assert is_subsequence(of_kind(results, "quote"), quotes)
    assert is_subsequence(of_kind(results, "ticker"), [[one["last"], one["volume"]] for one in tickers])
    trades = [
        [str(trade["trade_id"]), trade["price"], trade["qty"], trade["side"]]
        for one in sent
        if one["channel"] == "trade"
        for trade in one["data"]
    ]
    assert len(of_kind(results, "trade")) >= 10
    assert is_subsequence(of_kind(results, "trade"), trades)
    # ccxt's own check of checksums is switched off, and fails where it is switched on; the next test has one.
    books = of_kind(results, "book")
    assert len(books) == 10
    assert all(bid < ask for bid, _, ask, _ in books)


async def test_python_kraken_sdk_receives_what_was_sent() -> None:
    async with simulator("kraken", "--rate", RATE) as venue:
        results = await drive("kraken_sdk", venue.rest_url, venue.websocket_url, "20")
        sent = [
            json.loads(text) for symbol in ("BTC/USD", "ETH/USD", "instrument") for text in await venue.sent(symbol)
        ]
    received = [result["message"] for result in results if result["kind"] == "message"]
    for channel in ("ticker", "trade", "book", "instrument"):
        for symbol in ("BTC/USD", "ETH/USD") if channel != "instrument" else (None,):
            ours = [one for one in sent if is_of(one, channel, symbol)]
            theirs = [one for one in received if is_of(one, channel, symbol)]
            assert theirs == ours[: len(theirs)]
    assert {one["channel"] for one in received} == {"ticker", "trade", "book", "instrument"}
    acknowledged = [result["message"] for result in results if result["kind"] == "acknowledgement"]
    assert len(acknowledged) == 5
    assert all(one["success"] for one in acknowledged)
    books = [result for result in results if result["kind"].endswith("book")]
    assert len(books) >= 20
    assert all(book["kind"] == "book" for book in books), "the SDK's own checksum differs"


def is_of(message: dict[str, Any], channel: str, symbol: str | None) -> bool:
    if message["channel"] != channel:
        return False
    return symbol is None or message["data"][0]["symbol"] == symbol


async def test_binance_connector_receives_what_was_sent_to_the_letter() -> None:
    async with simulator("binance", "--rate", RATE) as venue:
        results = await drive("binance_connector", venue.rest_url, venue.websocket_url, "40")
        sent = {symbol: await venue.sent(symbol) for symbol in ("BTCUSDT", "ETHUSDT")}
    texts = [result["text"] for result in results if result["kind"] == "message"]
    assert texts[0] == '{"result":null,"id":1}'
    data = [text for text in texts if '"stream"' in text]
    assert len(data) + 3 >= 40
    for symbol, frames in sent.items():
        theirs = [text for text in data if f'"s":"{symbol}"' in text]
        assert theirs == frames[: len(theirs)]
        assert theirs
    trades = [json.loads(text)["data"] for text in data if "@trade" in text]
    assert all(trade["T"] > 1e15 for trade in trades), "microseconds were asked for"
    (information,) = [json.loads(result["text"]) for result in results if result["kind"] == "exchange info"]
    assert [one["symbol"] for one in information["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    (depth,) = [json.loads(result["text"]) for result in results if result["kind"] == "depth"]
    assert len(depth["bids"]) == len(depth["asks"]) == 5
