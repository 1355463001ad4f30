"""Checksums, and books of limited depth: both checked by code that is not the simulator's."""

import json
import zlib
from typing import Any

import pytest
from tests.simulators.process import RECORDINGS

from tickmux_simulators.book import Book, Side
from tickmux_simulators.kraken import encoding
from tickmux_simulators.kraken.checksum import checksum, checksum_of_units
from tickmux_simulators.kraken.depth import visible_changes
from tickmux_simulators.listings import KRAKEN_LISTINGS
from tickmux_simulators.market import BookEvent, Market

START_NS = 1_790_000_000_000_000_000
VECTOR = RECORDINGS / "kraken" / "kraken-docs__checksum_vector.jsonl"
DEPTHS = (10, 25, 100, 500, 1000)


class Token(str):
    """A JSON number as it was written."""

    __slots__ = ()


def decoded(text: str) -> Any:
    return json.loads(text, parse_float=Token, parse_int=Token)


def independent_checksum(bids: dict[str, str], asks: dict[str, str]) -> int:
    lowest = sorted(asks.items(), key=lambda level: float(level[0]))[:10]
    highest = sorted(bids.items(), key=lambda level: -float(level[0]))[:10]
    text = ""
    for price, quantity in lowest + highest:
        text += str(int(price.replace(".", ""))) + str(int(quantity.replace(".", "")))
    return zlib.crc32(text.encode()) & 0xFFFFFFFF


class Reader:
    """A client's book, by Kraken's rules: apply every level in order, then cut to the depth."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.sides: dict[str, dict[str, str]] = {"bids": {}, "asks": {}}

    def take(self, message: Any) -> None:
        (entry,) = message["data"]
        if message["type"] == "snapshot":
            self.sides = {"bids": {}, "asks": {}}
        for name, side in self.sides.items():
            for level in entry[name]:
                if float(level["qty"]) == 0:
                    side.pop(level["price"], None)
                else:
                    side[level["price"]] = level["qty"]
            for price in sorted(side, key=float, reverse=name == "bids")[self.depth :]:
                del side[price]
        assert independent_checksum(self.sides["bids"], self.sides["asks"]) == int(entry["checksum"])


@pytest.mark.skipif(not VECTOR.exists(), reason="the recordings are not on this machine")
def test_the_official_vector() -> None:
    (entry,) = decoded(VECTOR.read_text())["data"]
    bids = [(level["price"], level["qty"]) for level in entry["bids"]]
    asks = [(level["price"], level["qty"]) for level in entry["asks"]]
    assert checksum(asks, bids) == 3310070434
    assert independent_checksum(dict(bids), dict(asks)) == 3310070434
    units = [
        [(int(price.replace(".", "")), int(size.replace(".", ""))) for price, size in side] for side in (asks, bids)
    ]
    assert checksum_of_units(units[0], units[1]) == 3310070434


def test_the_checksum_of_text_and_of_units_are_the_same() -> None:
    market = Market("kraken", KRAKEN_LISTINGS, seed=5, rate=1, start_ns=START_NS)
    for instrument in market.instruments.values():
        bids, asks = instrument.book.bids.top(10), instrument.book.asks.top(10)
        texts = [
            [(encoding.price(instrument, price), encoding.size(instrument, size)) for price, size in side]
            for side in (asks, bids)
        ]
        assert (
            checksum(texts[0], texts[1])
            == checksum_of_units(asks, bids)
            == independent_checksum(dict(texts[1]), dict(texts[0]))
        )


def test_readers_of_every_depth_follow_the_book_exactly() -> None:
    market = Market("kraken", KRAKEN_LISTINGS[:3], seed=11, rate=4000, start_ns=START_NS)
    readers = {(symbol, depth): Reader(depth) for symbol in market.instruments for depth in DEPTHS}
    for (symbol, depth), reader in readers.items():
        reader.take(decoded(snapshot(market, symbol, depth)))
    events = 0
    for step in range(1, 61):
        for event in market.advance(START_NS + step * 10_000_000):
            if not isinstance(event, BookEvent):
                continue
            events += 1
            for depth in DEPTHS:
                text = update(event, depth)
                if text is not None:
                    readers[event.instrument.symbol, depth].take(decoded(text))
    assert events > 500
    for (symbol, depth), reader in readers.items():
        (entry,) = decoded(snapshot(market, symbol, depth))["data"]
        for name in ("bids", "asks"):
            assert reader.sides[name] == {level["price"]: level["qty"] for level in entry[name]}


def snapshot(market: Market, symbol: str, depth: int) -> str:
    instrument = market.instruments[symbol]
    bids, asks = instrument.book.bids.top(depth), instrument.book.asks.top(depth)
    return encoding.book(instrument, "snapshot", bids, asks, crc=encoding.book_checksum(instrument), time_ns=START_NS)


def update(event: BookEvent, depth: int) -> str | None:
    book = event.instrument.book
    bids = visible_changes([one for one in event.changes if one.side is Side.BID], book.bids, depth)
    asks = visible_changes([one for one in event.changes if one.side is Side.ASK], book.asks, depth)
    if not bids and not asks:
        return None
    crc = encoding.book_checksum(event.instrument)
    return encoding.book(event.instrument, "update", bids, asks, crc=crc, time_ns=event.time_ns)


def test_a_level_that_comes_into_reach_is_told() -> None:
    book = Book()
    for price in range(100, 110):
        book.asks.set(price, 5)
    removed = book.asks.set(101, 0)
    assert removed is not None
    assert visible_changes([removed], book.asks, 3) == [(101, 0), (103, 5)]
    far = book.asks.set(108, 9)
    assert far is not None
    assert visible_changes([far], book.asks, 3) == []


def test_a_level_that_was_pushed_out_and_removed_in_one_message_does_not_stay_with_the_reader() -> None:
    book = Book()
    for price in (100, 101, 102, 103):
        book.asks.set(price, 5)
    changes = [book.asks.set(99, 1), book.asks.set(102, 0), book.asks.set(100, 0)]
    told = visible_changes([one for one in changes if one is not None], book.asks, 3)
    held = {100: 5, 101: 5, 102: 5} | dict(told)
    left = dict(sorted((price, size) for price, size in held.items() if size)[:3])
    assert left == dict(book.asks.top(3)) == {99: 1, 101: 5, 103: 5}


def test_numbers_are_written_at_full_precision() -> None:
    market = Market("kraken", KRAKEN_LISTINGS, seed=5, rate=1, start_ns=START_NS)
    instrument = market.instruments["BTC/USD"]
    assert encoding.size(instrument, 5100) == "0.00005100"
    assert encoding.price(instrument, 788580) == "78858.0"
    assert encoding.price(market.instruments["PEPE/USD"], 4471) == "0.000004471"
    text = encoding.ticker(instrument, "snapshot")
    assert "e-" not in text.lower().split('"timestamp"')[0].replace("trade", "")
    json.loads(text)
