import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.recorder import DefectiveSink, Recorder
from tests.adapters.recordings import exact, frames, path_of, same

from tickmux_adapters.conversation import Heard
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.kraken.catalogue import instrument_of, match
from tickmux_adapters.kraken.conversation import KrakenConversation, decode_listing
from tickmux_adapters.kraken.decoder import KrakenDecoder
from tickmux_adapters.kraken.feed import KrakenFeed
from tickmux_adapters.kraken.messages import Pair
from tickmux_adapters.model import Instrument, InstrumentState, Moment, SystemClock

S = 1_000_000_000


def decoder_of(*symbols: str) -> tuple[KrakenDecoder, Recorder, ChannelHealth]:
    sink = Recorder()
    health = ChannelHealth(source="kraken", channel="0", sink=sink, clock=SystemClock())
    decoder = KrakenDecoder(sink, health)
    for name in symbols:
        symbol = name.replace("/", "")
        decoder.add(Instrument(source="kraken", symbol=symbol, type="crypto", venue_symbol=name))
    return decoder, sink, health


def test_recorded_tickers_arrive_exactly() -> None:
    recorded = [
        frame
        for frame in frames(path_of("kraken", "kraken-async-rs__public_frames.jsonl"))
        if frame.startswith(b'{"channel":"ticker"')
    ]
    decoder, sink, health = decoder_of("BTC/USD")
    for frame in recorded:
        assert decoder.feed(frame, 2, 1) is Heard.DATA
    assert len(recorded) == 2
    for frame, quote in zip(recorded, sink.quotes, strict=True):
        (data,) = exact(frame)["data"]
        check(quote, data)
        assert quote.venue_time_ns is None
    assert (health.malformed, health.inexact) == (0, 0)


def check(quote: Any, data: dict[str, Decimal]) -> None:
    assert same(quote.bid_price, data["bid"])
    assert same(quote.bid_size, data["bid_qty"])
    assert same(quote.ask_price, data["ask"])
    assert same(quote.ask_size, data["ask_qty"])
    assert same(quote.last_price, data["last"])
    assert same(quote.volume, data["volume"])


def tickers_of_recorded_books() -> list[bytes]:
    """Ticker frames with the top of the recorded books, their numbers as they were written."""
    books: dict[str, dict[str, dict[Decimal, tuple[str, str]]]] = {}
    tickers: list[bytes] = []
    for line in path_of("kraken", "cryptofeed__KRAKEN.ws.50.as-v2.tsv").read_text().splitlines():
        data = json.loads(line.split("\t")[1], parse_float=str, parse_int=str)["data"][0]
        book = books.setdefault(data["symbol"], {"bids": {}, "asks": {}})
        for side, levels in book.items():
            for level in data[side]:
                if Decimal(level["qty"]) == 0:
                    levels.pop(Decimal(level["price"]), None)
                else:
                    levels[Decimal(level["price"])] = (level["price"], level["qty"])
        bid, bid_qty = book["bids"][max(book["bids"])]
        ask, ask_qty = book["asks"][min(book["asks"])]
        number = len(tickers)
        time = f"{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}"
        tickers.append(
            f'{{"channel":"ticker","type":"update","data":[{{"symbol":"{data["symbol"]}","bid":{bid},'
            f'"bid_qty":{bid_qty},"ask":{ask},"ask_qty":{ask_qty},"last":{bid},"volume":{ask_qty},'
            f'"timestamp":"2026-08-12T{time}.066592Z"}}]}}'.encode()
        )
    return tickers


def test_the_top_of_every_recorded_book_arrives_exactly() -> None:
    recorded = tickers_of_recorded_books()
    decoder, sink, health = decoder_of(*{exact(frame)["data"][0]["symbol"] for frame in recorded})
    for frame in recorded:
        decoder.feed(frame, 2, 1)
    assert len(sink.quotes) == len(recorded) > 4_000
    for number, (frame, quote) in enumerate(zip(recorded, sink.quotes, strict=True)):
        check(quote, exact(frame)["data"][0])
        assert quote.venue_time_ns == 1_786_492_800_066_592_000 + number * 1_000_000_000
    assert (health.malformed, health.duplicates, health.inexact) == (0, 0, 0)


def test_every_other_recorded_frame_is_understood_or_counted() -> None:
    sink = Recorder()
    health = ChannelHealth(source="kraken", channel="0", sink=sink, clock=SystemClock())
    feed = KrakenFeed(
        ["BTCUSD", "ETHBTC"], sink=sink, health=health, clock=SystemClock(), snapshot_timeout_s=5, quiet_probe_s=30
    )
    feed.begin_chain(Moment(2, 1))
    conversation: KrakenConversation = feed.converse()
    conversation.opening()
    heard: dict[str, set[Heard]] = {}
    for frame in frames(path_of("kraken", "kraken-async-rs__public_frames.jsonl")):
        message = json.loads(frame)
        kind = message.get("channel") or message.get("method")
        if kind != "ticker":
            heard.setdefault(kind, set()).add(conversation.feed(frame, 2, 1))
    assert heard == {
        "heartbeat": {Heard.ALIVE},
        "status": {Heard.ALIVE},
        "instrument": {Heard.ALIVE},
        "pong": {Heard.ALIVE},
        "ping": {Heard.ALIVE},
        "subscribe": {Heard.ALIVE},
        "book": {Heard.NOTHING},
        "trade": {Heard.NOTHING},
        "ohlc": {Heard.NOTHING},
    }
    assert [instrument.symbol for instrument in sink.instruments] == ["ETHBTC"]
    assert "maintenance" in health.status().last_error
    assert sink.quotes[-1].halted is True


def test_the_recorded_listing() -> None:

    text = path_of("kraken", "kraken-data-recorder__instrument_snapshot.json").read_bytes()
    start = text.index(b'"data":') + len(b'"data":')
    pairs = decode_listing(text[start : text.rindex(b"}")].strip()).pairs
    assert len(pairs) == 683
    found, problems = match(pairs, ["BTCUSD", "ETHUSDT", "DOGEUSD", "NOPENOPE"])
    assert {symbol: pair.symbol for symbol, pair in found.items()} == {
        "BTCUSD": "BTC/USD",
        "ETHUSDT": "ETH/USDT",
        "DOGEUSD": "DOGE/USD",
    }
    assert problems == ["NOPENOPE is not listed"]
    btc = instrument_of(found["BTCUSD"], source="kraken", channel="0")
    assert (btc.price_increment, btc.size_increment, btc.state) == (0.1, 1e-08, InstrumentState.TRADING)
    states = [instrument_of(pair, source="kraken", channel="0").state for pair in pairs]
    assert (states.count(InstrumentState.TRADING), states.count(InstrumentState.RESTRICTED)) == (672, 11)


@given(st.binary(max_size=300))
def test_no_bytes_raise(frame: bytes) -> None:
    decoder, sink, _ = decoder_of("BTC/USD")
    decoder.feed(frame, 2, 1)
    decoder.feed(b'{"channel":"ticker","type":"update","data":[' + frame + b"]}", 2, 1)
    assert sink.quotes == []


numbers = st.one_of(
    st.decimals(min_value=0, max_value=10**9, places=8).map(lambda number: f"{number:f}"),
    st.integers(min_value=0, max_value=10**18).map(str),
)


@given(bid=numbers, volume=numbers)
def test_any_number_of_the_venue_survives_or_is_counted(bid: str, volume: str) -> None:
    decoder, sink, health = decoder_of("BTC/USD")
    frame = (
        f'{{"channel":"ticker","type":"update","data":[{{"symbol":"BTC/USD","bid":{bid},"bid_qty":1.0,"ask":2,'
        f'"ask_qty":1.0,"last":0,"volume":{volume}}}]}}'
    )
    decoder.feed(frame.encode(), 2, 1)
    (quote,) = sink.quotes
    digits = [len(text.replace(".", "").strip("0")) for text in (bid, volume)]
    assert health.inexact == sum(count > 15 for count in digits)
    if digits[0] <= 15:
        assert same(quote.bid_price, bid)
    if digits[1] <= 15:
        assert isinstance(quote.volume, float)
        assert Decimal(repr(quote.volume)) == Decimal(volume)
    assert quote.last_price is None


def test_an_instrument_of_which_only_the_past_comes_is_doubtful_until_something_newer_comes() -> None:
    decoder, sink, health = decoder_of("BTC/USD")
    decoder.feed(ticker_at(30, "1.0"), 2, 0)
    decoder.feed(ticker_at(10, "2.0"), 2, 5 * S)
    decoder.feed(ticker_at(11, "3.0"), 2, 6 * S)
    assert decoder.doubtful(7 * S - 1) == []
    assert decoder.doubtful(7 * S) == ["BTC/USD"]
    decoder.feed(ticker_at(30, "1.0"), 2, 8 * S)  # a repeat of the latest: the clock stands where it stood
    assert decoder.doubtful(60 * S) == []
    decoder.feed(ticker_at(10, "2.0"), 2, 61 * S)
    decoder.feed(ticker_at(31, "4.0"), 2, 62 * S)
    assert decoder.doubtful(70 * S) == []
    assert bids(sink) == [1.0, 4.0]
    assert health.duplicates == 4


def test_an_order_begun_anew_takes_what_comes_next() -> None:
    decoder, sink, _ = decoder_of("BTC/USD")
    for second, bid in ((30, "1.0"), (10, "2.0")):
        decoder.feed(ticker_at(second, bid), 2, 1)
    decoder.begin_order("BTC/USD")
    for second, bid in ((10, "2.0"), (9, "3.0"), (11, "4.0")):
        decoder.feed(ticker_at(second, bid), 2, 1)
    assert bids(sink) == [1.0, 2.0, 4.0]


def ticker_at(second: int, bid: str) -> bytes:
    return (
        f'{{"channel":"ticker","type":"update","data":[{{"symbol":"BTC/USD","bid":{bid},"bid_qty":1.0,"ask":9.0,'
        f'"ask_qty":1.0,"last":1.0,"volume":1.0,"timestamp":"2026-08-12T19:29:{second:02d}.066592Z"}}]}}'
    ).encode()


def bids(sink: Recorder) -> list[object]:
    return [quote.bid_price for quote in sink.quotes]


def test_a_quote_that_moves_away_and_back_within_one_timestamp_is_news() -> None:
    decoder, sink, health = decoder_of("BTC/USD")
    for bid in ("1.0", "2.0", "1.0", "1.0"):
        decoder.feed(ticker_at(1, bid), 2, 1)
    assert bids(sink) == [1.0, 2.0, 1.0]
    assert health.duplicates == 1


def test_what_the_next_connection_tells_again_counts_once() -> None:
    decoder, sink, health = decoder_of("BTC/USD")
    for bid in ("1.0", "2.0"):
        decoder.feed(ticker_at(1, bid), 2, 1)
    decoder.overlap()
    for second, bid in ((0, "7.0"), (1, "1.0"), (1, "2.0"), (1, "3.0"), (2, "4.0"), (2, "5.0"), (2, "4.0")):
        decoder.feed(ticker_at(second, bid), 2, 1)
    assert bids(sink) == [1.0, 2.0, 3.0, 4.0, 5.0, 4.0]
    assert health.duplicates == 3


def test_a_defect_of_the_sink_is_no_malformed_message() -> None:
    sink = DefectiveSink()
    health = ChannelHealth(source="kraken", channel="0", sink=sink, clock=SystemClock())
    decoder = KrakenDecoder(sink, health)
    decoder.add(Instrument(source="kraken", symbol="BTCUSD", type="crypto", venue_symbol="BTC/USD"))
    with pytest.raises(ValueError, match="no place for"):
        decoder.feed(ticker_at(1, "1.0"), 2, 1)
    assert health.malformed == 0


def test_one_bad_entry_of_a_message_leaves_its_neighbours_alone() -> None:
    decoder, sink, health = decoder_of("BTC/USD", "ETH/USD")
    entry = '{"symbol":"%s","bid":%s,"bid_qty":1.0,"ask":9.0,"ask_qty":1.0,"last":1.0,"volume":1.0}'
    entries = [entry % ("BTC/USD", "1.0"), entry % ("BTC/USD", "-1.0"), entry % ("ETH/USD", "2.0")]
    frame = '{"channel":"ticker","type":"update","data":[' + ",".join(entries) + "]}"
    assert decoder.feed(frame.encode(), 2, 1) is Heard.DATA
    assert bids(sink) == [1.0, 2.0]
    assert health.malformed == 1
    assert [each.symbol for each in decoder.understood] == ["BTC/USD", "ETH/USD"]


def test_a_pair_of_two_states_currencies_is_foreign_exchange() -> None:
    pairs = [
        Pair(symbol=symbol, base=symbol[:3], quote=symbol[4:], status="online") for symbol in ("EUR/USD", "XBT/EUR")
    ]
    types = [instrument_of(pair, source="kraken", channel="0").type for pair in pairs]
    assert types == ["fx", "crypto"]
