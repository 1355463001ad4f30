"""Alpaca's own Python SDK works with the simulated Alpaca, by URL alone, in JSON and in msgpack."""

import datetime as dt
import json
from typing import Any

import pytest
from tests.peers.environment import RATE, drive, need_peers, of_kind
from tests.simulators.process import Simulator, simulator

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
INTERVALS = ("--minute-bar-s", "1", "--daily-bar-interval-s", "0.2")


@pytest.fixture(autouse=True)
def peers() -> None:
    need_peers()


def microseconds(text: str) -> int:
    """Unix microseconds of a time in RFC 3339; what is finer is cut off, as in the SDK's datetimes."""
    head, _, fraction = text.removesuffix("Z").partition(".")
    whole = dt.datetime.fromisoformat(f"{head}+00:00") - EPOCH
    return whole // dt.timedelta(microseconds=1) + int(fraction.ljust(9, "0")[:6])


async def sent_values(venue: Simulator, symbol: str, kind: str, keys: tuple[str, ...]) -> list[list[Any]]:
    """What the simulator says that it sent, as the driver prints it."""
    messages = [json.loads(text) for text in await venue.sent(symbol)]
    return [
        [microseconds(one[key]) if key == "t" else one[key] for key in keys] for one in messages if one["T"] == kind
    ]


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_alpaca_py_receives_what_was_sent(encoding: str) -> None:
    async with simulator("alpaca", "--rate", RATE, *INTERVALS) as venue:
        key, secret = venue.announced["key"], venue.announced["secret"]
        results = await drive("alpaca_py", encoding, venue.rest_url, venue.websocket_url, key, secret, "20")
        quote, trade = ("S", "bp", "bs", "ap", "as", "t"), ("S", "i", "p", "s", "t")
        for kind, symbol, letter, keys in (
            ("stock quote", "SPY", "q", quote),
            ("stock quote", "AAPL", "q", quote),
            ("stock trade", "SPY", "t", trade),
            ("stock bar", "SPY", "b", ("S", "o", "h", "l", "c", "v", "n")),
            ("stock daily bar", "SPY", "d", ("S", "c", "v")),
            ("coin quote", "BTC/USD", "q", quote),
            ("coin trade", "BTC/USD", "t", trade),
        ):
            theirs = [values for values in of_kind(results, kind) if values[0] == symbol]
            ours = await sent_values(venue, symbol, letter, keys)
            assert theirs, (kind, symbol)
            assert theirs == ours[: len(theirs)], (kind, symbol)
    books = of_kind(results, "coin book")
    assert [book[1] for book in books[:2]] == [True, False]
    assert min(books[0][2:]) > 500
    (listed,) = of_kind(results, "subscription")
    assert (listed["trades"], listed["quotes"]) == (["SPY"], ["AAPL", "SPY"])
    assert (listed["bars"], listed["dailyBars"], listed["corrections"]) == (["SPY"], ["SPY"], ["SPY"])
    assert not of_kind(results, "error")


async def test_alpaca_py_asks_over_rest() -> None:
    async with simulator("alpaca", "--rate", RATE, *INTERVALS) as venue:
        key, secret = venue.announced["key"], venue.announced["secret"]
        results = await drive("alpaca_py", "msgpack", venue.rest_url, venue.websocket_url, key, secret, "1")
    for kind in ("stock snapshot", "stock latest quote", "stock latest trade"):
        assert [values[0] for values in of_kind(results, kind)] == ["AAPL", "JPM"]
    for _, bid, ask, letter in of_kind(results, "stock latest quote"):
        assert 0 < bid < ask
        assert letter == "V"
    assert all(price > 0 and volume > 0 for _, price, volume in of_kind(results, "stock snapshot"))
    assert all(bid > 0 and volume > 0 for _, bid, volume in of_kind(results, "coin snapshot"))
    assert {values[0] for values in of_kind(results, "coin latest quote")} == {"BTC/USD", "DOGE/USD"}
    assets = {values[0]: values[1:] for values in of_kind(results, "asset")}
    assert assets["AAPL"] == ["NASDAQ", "us_equity", None]
    assert assets["BRK.B"][0] == "NYSE"
    assert assets["BTC/USD"] == ["CRYPTO", "crypto", 0.001]
