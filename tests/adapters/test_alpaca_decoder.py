import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.alpaca_messages import (
    Message,
    as_json,
    as_msgpack,
    at,
    correction,
    daily_bar,
    quote,
    status,
    trade,
)
from tests.adapters.alpaca_slot import NS_PER_S, SEED, Encode, Slot, both, nanoseconds
from tests.adapters.recordings import exact, path_of, same

from tickmux_adapters.alpaca.market import crypto_market, stock_market
from tickmux_adapters.conversation import Heard
from tickmux_adapters.model import UNCHANGED, QuoteUpdate

TRANSCRIPTS = "alpaca-docs__stream_transcripts.jsonl"


SNAPSHOTS = "alpaca-trade-api-go__rest_payloads.jsonl"


def recorded() -> list[tuple[str, list[Message]]]:
    """(session, frame) of everything the venue sent."""
    lines = [json.loads(line) for line in path_of("alpaca", TRANSCRIPTS).read_text().splitlines()]
    return [(line["session"], json.loads(line["raw"])) for line in lines if line["dir"] == "<"]


def replayed(encode: Encode) -> list[list[QuoteUpdate]]:
    """The updates of each session."""
    slots: dict[str, Slot] = {}
    for session, messages in recorded():
        market = crypto_market("us") if "crypto" in session else stock_market("sip")
        slot = slots.setdefault(session, Slot(market))
        for message in messages:
            if "S" in message:
                slot.add(message["S"])
        assert slot.hear(*messages, encode=encode) is not Heard.NOTHING
        assert slot.health.malformed == 0
    return [slot.sink.quotes for slot in slots.values()]


def test_every_recorded_message_is_understood_alike_in_both_encodings() -> None:
    text, packed = replayed(as_json), replayed(as_msgpack)
    assert text == packed
    assert sum(map(len, text)) == 13


def test_recorded_numbers_are_the_decimals_that_were_written() -> None:
    lines = [json.loads(line) for line in path_of("alpaca", TRANSCRIPTS).read_text().splitlines()]
    compared = 0
    for line in lines:
        if line["dir"] == ">":
            continue
        slot = Slot(crypto_market("us") if "crypto" in line["session"] else stock_market("sip"))
        lot = slot.market.lot
        messages = exact(line["raw"])
        for message in messages:
            slot.add(message.get("S", "none"))
        slot.feed(line["raw"].encode())
        wanted = [message for message in messages if message["T"] in "qt"]
        quotes = [update for update in slot.sink.quotes if update.halted is UNCHANGED]
        for update, message in zip(quotes, wanted, strict=True):
            compared += 1
            assert update.venue_time_ns == nanoseconds(message["t"])
            if message["T"] == "t":
                assert same(update.last_price, message["p"])
            else:
                assert same(update.bid_price, message["bp"])
                assert same(update.ask_price, message["ap"])
                assert same(update.bid_size, message["bs"] * lot)
                assert same(update.ask_size, message["as"] * lot)
    assert compared == 12


def test_recorded_snapshots_seed_a_chain() -> None:
    bodies = [json.loads(line) for line in path_of("alpaca", SNAPSHOTS).read_text().splitlines()]
    seeded = 0
    for body in bodies:
        market = crypto_market("us") if "snapshots" in body else stock_market("sip")
        for symbol, snapshot in body.get("snapshots", body).items():
            if not isinstance(snapshot, dict) or "latestQuote" not in snapshot:
                continue
            slot = Slot(market, symbol)
            slot.seed(symbol, snapshot)
            seeded += 1
            (bid,), (last,) = slot.values("bid_price"), slot.values("last_price")
            assert (bid, last) == (snapshot["latestQuote"]["bp"], snapshot["latestTrade"]["p"])
            assert slot.values("volume") == ([] if market.type == "crypto" else [snapshot["dailyBar"]["v"]])
    assert seeded == 6


@both
def test_a_frame_mixes_kinds_and_symbols(stocks: Slot, encode: Encode) -> None:
    heard = stocks.hear(
        quote("AAPL", 171.22, 171.24, at(0, 114_612_043)),
        {"T": "b", "S": "AAPL", "o": 1, "h": 1, "l": 1, "c": 1, "v": 131, "t": at(), "n": 3, "vw": 1.5},
        trade("IBM", 304.1, at(1)),
        daily_bar("IBM", 4_200),
        quote("IBM", 304.0, 304.2, at(2), bid_size=7),
        encode=encode,
    )
    assert heard is Heard.DATA
    assert stocks.health.malformed == 0
    assert [update.instrument[1] for update in stocks.sink.quotes] == ["AAPL", "IBM", "IBM", "IBM"]
    first = stocks.sink.quotes[0]
    assert (first.bid_price, first.bid_size, first.ask_price, first.ask_size) == (171.22, 200.0, 171.24, 300.0)
    assert first.venue_time_ns == nanoseconds(at(0, 114_612_043))
    assert (first.last_price, first.volume, first.halted, first.delayed) == (UNCHANGED,) * 4
    assert (stocks.values("last_price"), stocks.values("volume")) == ([304.1], [4_200.0])
    assert stocks.sink.quotes[3].bid_size == 700.0


def test_sizes_of_crypto_are_as_they_are(crypto: Slot) -> None:
    crypto.hear(quote("BTC/USD", 71856.1, 71857.25, bid_size=0.27994, ask_size=12.5))
    (update,) = crypto.sink.quotes
    assert (update.bid_size, update.ask_size) == (0.27994, 12.5)


@both
@pytest.mark.parametrize(("price", "size"), [(0, 0), (0, 5), (171.2, 0)])
def test_a_side_without_a_price_or_a_size_is_absent(stocks: Slot, encode: Encode, price: float, size: float) -> None:
    stocks.hear(quote("AAPL", 171.22, 171.24), encode=encode)
    stocks.hear(quote("AAPL", price, 171.3, at(1), bid_size=size), encode=encode)
    stocks.hear(quote("AAPL", 171.22, price, at(2), ask_size=size), encode=encode)
    one, other = stocks.sink.quotes[1:]
    assert (one.bid_price, one.bid_size, one.ask_price) == (None, None, 171.3)
    assert (other.bid_price, other.ask_price, other.ask_size) == (171.22, None, None)


def test_crypto_never_has_a_volume(crypto: Slot) -> None:
    assert crypto.hear(daily_bar("BTC/USD", 31.5)) is Heard.ALIVE
    assert crypto.sink.quotes == []
    assert crypto.health.malformed == 0


def test_every_update_of_the_delayed_feed_says_so() -> None:
    slot = Slot(stock_market("delayed_sip"), "AAPL")
    slot.hear(quote("AAPL", 1, 2), trade("AAPL", 1.5), daily_bar("AAPL", 7), status("AAPL", "H"))
    slot.begin_chain()
    assert slot.values("delayed") == [True] * 5


@both
def test_older_quotes_and_trades_are_skipped_equal_ones_are_news_unless_they_repeat(
    stocks: Slot, encode: Encode
) -> None:
    for message in (
        quote("AAPL", 10, 11, at(5)),
        quote("AAPL", 10, 11, at(5)),  # a repeat
        quote("AAPL", 10.5, 11, at(5)),  # another of the same time
        quote("AAPL", 10, 11, at(5)),  # and back
        quote("AAPL", 9, 11, at(4, 999_999_999)),  # late
        trade("AAPL", 10.1, at(5), number=1),
        trade("AAPL", 10.1, at(5), number=1),  # a repeat
        trade("AAPL", 10.1, at(5), number=2),  # another of the same time and price
        trade("AAPL", 9.9, at(4), number=3),  # late
        daily_bar("AAPL", 100),
        daily_bar("AAPL", 100),  # a repeat
        daily_bar("AAPL", 120),
        daily_bar("AAPL", 90),  # a cancelled trade is taken off it
        daily_bar("AAPL", 5_000, "2026-01-25T05:00:00Z"),  # of the session before
    ):
        stocks.hear(message, encode=encode)
    assert stocks.values("bid_price") == [10.0, 10.5, 10.0]
    assert stocks.values("last_price") == [10.1, 10.1]
    assert stocks.values("volume") == [100.0, 120.0, 90.0]
    assert (stocks.health.duplicates, stocks.health.malformed) == (6, 0)


def test_a_new_chain_takes_whatever_comes(stocks: Slot) -> None:
    stocks.hear(quote("AAPL", 10, 11, at(5)), trade("AAPL", 10.5, at(5)), daily_bar("AAPL", 100))
    stocks.begin_chain()
    stocks.hear(quote("AAPL", 9, 11, at(1)), trade("AAPL", 9.5, at(1)), daily_bar("AAPL", 100))
    assert stocks.values("bid_price") == [10.0, 9.0]
    assert stocks.values("last_price") == [10.5, 9.5]
    assert stocks.health.duplicates == 0


@pytest.mark.parametrize("kind", ["quote", "trade"])
def test_a_stream_that_brings_only_the_past_is_found_out(stocks: Slot, kind: str) -> None:
    def message(time: str, number: int) -> Message:
        return quote("AAPL", number, 99, time) if kind == "quote" else trade("AAPL", number, time, number=number)

    stocks.hear(message(at(3_600), 1))
    for second in range(6):
        assert stocks.decoder.stuck is None
        stocks.hear(message(at(second), second + 2))
        stocks.clock.forward(1)
    assert stocks.decoder.stuck == "AAPL"
    stocks.begin_chain()
    assert stocks.decoder.stuck is None


GARBAGE = [
    {"T": "q", "S": "AAPL", "bp": 1},
    {"T": "q", "S": 5, "bp": 1, "bs": 1, "ap": 1, "as": 1, "t": at()},
    quote("AAPL", -1.0, 2),
    quote("AAPL", 1, 2, "yesterday"),
    quote("AAPL", 1, 2, "2026-02-30T00:00:00Z"),
    {**quote("AAPL", 1, 2), "bp": [1]},
    {**quote("AAPL", 1, 2), "bp": True},
    {**quote("AAPL", 1, 2), "bp": None},
    {**quote("AAPL", 1, 2), "as": {"unexpected": True}},
    {**trade("AAPL", 1), "i": {"unexpected": True}},
    {**trade("AAPL", 1), "c": 5},
    {**trade("AAPL", 1), "p": "abc"},
    {**status("AAPL", "H"), "sc": None},
    {**daily_bar("AAPL", 1), "t": 5},
    trade("NOPE", 1),
    {"T": "?", "S": "AAPL"},
    {"S": "AAPL"},
    "text",
    5,
    None,
    [],
]


@pytest.mark.parametrize("bad", GARBAGE, ids=range(len(GARBAGE)))
def test_a_message_that_cannot_be_understood_takes_no_neighbour_with_it(stocks: Slot, bad: Any) -> None:
    good = [quote("AAPL", 3, 4), trade("IBM", 5)]
    assert stocks.feed(json.dumps([good[0], bad, good[1]]).encode()) is Heard.DATA
    assert (stocks.values("bid_price"), stocks.values("last_price")) == ([3.0], [5.0])
    assert stocks.health.malformed == 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -0.5])
def test_no_number_in_msgpack(stocks: Slot, number: float) -> None:
    assert stocks.hear(quote("AAPL", number, 2), quote("IBM", 1, 2), encode=as_msgpack) is Heard.DATA
    assert stocks.values("bid_price") == [1.0]
    assert stocks.health.malformed == 1


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"[",
        b"{}",
        b"[{}",
        b"null",
        b"error code: 1015",
        b"<html><body>502 Bad Gateway</body></html>",
        b"[" * 100_000,
        b"\x91" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b'[{"T":"q","S":"\xff"}]',
        as_json(quote("AAPL", 1, 2))[:-5],
        as_msgpack(quote("AAPL", 1, 2))[:-5],
    ],
)
def test_a_frame_that_is_none_is_counted_once(stocks: Slot, frame: bytes) -> None:
    assert stocks.feed(frame) is Heard.NOTHING
    assert stocks.health.malformed == 1
    assert stocks.sink.quotes == []


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(frame: bytes) -> None:
    slot = Slot(stock_market("iex"), "AAPL")
    slot.feed(frame)
    slot.feed(b"[" + frame)
    slot.feed(as_msgpack(quote("AAPL", 1, 2))[:20] + frame)


TEXTS = st.text("aT0.:-", max_size=5)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


FIELDS = sorted({key for one in (quote("AAPL", 1, 2), trade("AAPL", 1), correction("AAPL", 1, 2, 3)) for key in one})


@given(st.sampled_from("qtdcxsbulio"), st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=6))
def test_no_field_breaks_the_decoder(kind: str, junk: dict[str, Any]) -> None:
    slot = Slot(stock_market("iex"), "AAPL", "IBM")
    base = {**quote("AAPL", 1, 2), **trade("AAPL", 1), **correction("AAPL", 1, 2, 3), **status("AAPL", "H"), "v": 1}
    message = {**base, **junk, "T": kind}
    slot.feed(json.dumps([message, quote("IBM", 5, 6)]).encode())
    (neighbour,) = slot.sink.of("IBM")
    assert neighbour.bid_price == 5.0


def test_digits_that_a_double_cannot_hold_are_counted_in_json(stocks: Slot) -> None:
    stocks.feed(as_json(quote("AAPL", 1, 2)).replace(b'"bp":1', b'"bp":171.2234567890123456'))
    stocks.feed(as_json(quote("IBM", 1, 2)).replace(b'"bp":1', b'"bp":12345678901234567'))
    assert stocks.health.inexact == 2
    assert stocks.values("bid_price") == [171.2234567890123456, 12345678901234567.0]


def test_digits_that_a_double_cannot_hold_are_counted_in_msgpack(stocks: Slot) -> None:
    stocks.hear(quote("AAPL", 123456.789012345, 1e-9), encode=as_msgpack)
    assert stocks.health.inexact == 0
    stocks.hear(quote("IBM", 0.1 + 0.2, 171.2234567890123456), encode=as_msgpack)
    assert stocks.health.inexact == 2


@both
def test_a_clock_that_is_hours_off_changes_nothing_but_the_lag(encode: Encode) -> None:
    told = []
    for hours in (-5, 0, 5):
        slot = Slot(stock_market("iex"), "AAPL")
        slot.clock.jump(hours * 3_600 + nanoseconds(at()) / NS_PER_S)
        slot.hear(quote("AAPL", 1, 2, at(1)), trade("AAPL", 1.5, at(2)), daily_bar("AAPL", 7), encode=encode)
        slot.hear(status("AAPL", "H", at(3)), quote("AAPL", 1, 2, at(0)), encode=encode)
        slot.seed("AAPL", SEED)
        assert slot.health.lag_ns is not None
        assert round(slot.health.lag_ns / NS_PER_S / 3_600, 2) == pytest.approx(hours + 1_000 / 3_600, abs=0.02)
        told.append([msgspec.structs.replace(update, received_at_ns=0) for update in slot.sink.quotes])
    assert told[0] == told[1] == told[2]
