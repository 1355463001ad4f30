import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.recorder import DefectiveSink, Recorder
from tests.adapters.recordings import exact, frames, path_of, same

from tickmux_adapters.binance.catalogue import match, parse_exchange_info
from tickmux_adapters.binance.conversation import BinanceConversation
from tickmux_adapters.binance.decoder import BinanceDecoder
from tickmux_adapters.binance.messages import RestBookTicker
from tickmux_adapters.conversation import Heard
from tickmux_adapters.errors import VenueError
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import UNCHANGED, Instrument, InstrumentState, Moment, SystemClock


def decoder_of(*symbols: str) -> tuple[BinanceDecoder, Recorder, ChannelHealth]:
    sink = Recorder()
    health = ChannelHealth(source="binance", channel="0", sink=sink, clock=SystemClock())
    instruments = [Instrument(source="binance", symbol=name, type="crypto", venue_symbol=name) for name in symbols]
    return BinanceDecoder(instruments, sink, health), sink, health


def recorded_book_tickers() -> list[bytes]:
    return [frame for frame in frames(path_of("binance", "cryptofeed__BINANCE.ws.1.0")) if b'@bookTicker"' in frame]


def test_every_recorded_book_ticker_arrives_exactly() -> None:
    recorded = recorded_book_tickers()
    decoder, sink, health = decoder_of("NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR")
    for number, frame in enumerate(recorded):
        assert decoder.feed(frame, 1_000 + number, number) is Heard.DATA
    assert len(recorded) > 80
    assert len(sink.quotes) == len(recorded)
    for number, (frame, quote) in enumerate(zip(recorded, sink.quotes, strict=True)):
        data = exact(frame)["data"]
        assert quote.instrument == ("binance", data["s"])
        assert same(quote.bid_price, data["b"])
        assert same(quote.bid_size, data["B"])
        assert same(quote.ask_price, data["a"])
        assert same(quote.ask_size, data["A"])
        assert (quote.last_price, quote.volume, quote.venue_time_ns) == (UNCHANGED, UNCHANGED, None)
        assert (quote.received_at_ns, quote.received_monotonic_ns) == (1_000 + number, number)
    assert (health.malformed, health.duplicates, health.inexact) == (0, 0, 0)


def test_every_recorded_trade_arrives_exactly() -> None:
    path = path_of("binance", "collect-binancefutures__btcusdt_20220811.dat")
    recorded = [frame for frame in frames(path) if frame.startswith(b'{"stream":"btcusdt@trade"')]
    decoder, sink, health = decoder_of("BTCUSDT")
    for frame in recorded:
        decoder.feed(frame, 2, 1)
    assert len(recorded) > 1_000
    ids = [int(exact(frame)["data"]["t"]) for frame in recorded]
    ordered = [frame for index, frame in enumerate(recorded) if index == 0 or ids[index] > max(ids[:index])]
    assert len(sink.quotes) == len(ordered)
    assert health.duplicates == len(recorded) - len(ordered)
    for frame, quote in zip(ordered, sink.quotes, strict=True):
        data = exact(frame)["data"]
        assert same(quote.last_price, data["p"])
        assert quote.venue_time_ns == int(data["T"]) * 1_000_000
    assert health.malformed == 0


@pytest.mark.parametrize("name", ["cryptofeed__BINANCE.ws.1.0", "crypto-msg-parser__spot_frames.jsonl"])
def test_streams_that_were_not_asked_for_are_counted_and_deliver_nothing(name: str) -> None:
    decoder, sink, health = decoder_of("ZZZUSDT")
    recorded = [frame for frame in frames(path_of("binance", name)) if b'"btcusdt@bookTicker"' not in frame]
    for frame in recorded:
        assert decoder.feed(frame, 2, 1) is Heard.NOTHING
    assert sink.quotes == []
    assert health.malformed == len(recorded) > 0


def test_no_cut_of_a_recorded_frame_delivers_anything_else() -> None:
    frame = recorded_book_tickers()[0]
    decoder, sink, health = decoder_of("NKNUSDT")
    for end in range(len(frame)):
        assert decoder.feed(frame[:end], 2, 1) is Heard.NOTHING
    assert health.malformed == len(frame)
    assert sink.quotes == []


@given(st.binary(max_size=300))
def test_no_bytes_raise(frame: bytes) -> None:
    decoder, sink, _ = decoder_of("BTCUSDT")
    decoder.feed(frame, 2, 1)
    decoder.feed(b'{"stream":"btcusdt@trade","data":' + frame + b"}", 2, 1)
    assert sink.quotes == []


plain_decimals = st.decimals(min_value=0, max_value=10**9, places=8).map(lambda number: f"{number:.8f}")


@given(bid=plain_decimals, size=plain_decimals)
def test_any_decimal_of_the_venue_survives_or_is_counted(bid: str, size: str) -> None:
    decoder, sink, health = decoder_of("BTCUSDT")
    data = {"u": 1, "s": "BTCUSDT", "b": bid, "B": size, "a": "1.0", "A": "1.0"}
    decoder.feed(json.dumps({"stream": "btcusdt@bookTicker", "data": data}).encode(), 2, 1)
    (quote,) = sink.quotes
    digits = [len(text.replace(".", "").strip("0")) for text in (bid, size)]
    assert health.inexact == sum(count > 15 for count in digits)
    if digits[0] <= 15:
        assert same(quote.bid_price, bid)
    if quote.bid_price is not None and digits[1] <= 15:
        assert isinstance(quote.bid_size, float)
        assert Decimal(repr(quote.bid_size)) == Decimal(size)
    if Decimal(bid) == 0:
        assert (quote.bid_price, quote.bid_size) == (None, None)


def test_mini_ticker_gives_the_last_price_only_until_a_trade_was_seen() -> None:
    decoder, sink, _ = decoder_of("BTCUSDT")
    mini = '{"stream":"btcusdt@miniTicker","data":{"e":"24hrMiniTicker","E":%d,"s":"BTCUSDT","c":"5.0","v":"7.0"}}'
    trade = b'{"stream":"btcusdt@trade","data":{"e":"trade","E":3,"s":"BTCUSDT","t":1,"p":"6.0","q":"1","T":3}}'
    decoder.feed((mini % 1).encode(), 2, 1)
    decoder.feed(trade, 2, 1)
    decoder.feed((mini % 2).encode(), 2, 1)
    assert [quote.last_price for quote in sink.quotes] == [5.0, 6.0, UNCHANGED]
    decoder.begin_chain()
    decoder.feed((mini % 1).encode(), 2, 1)
    assert sink.quotes[-1].last_price == 5.0


def test_a_sequence_that_begins_anew_is_noticed_on_a_quiet_instrument_too() -> None:
    decoder, sink, health = decoder_of("BTCUSDT")
    frame = '{"stream":"btcusdt@bookTicker","data":{"u":%d,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}'
    decoder.feed((frame % 1_000_000).encode(), 2, 0)
    for number in range(4):
        decoder.feed((frame % number).encode(), 2, number * 30_000_000_000)
        assert decoder.stuck == ("BTCUSDT" if number >= 2 else None)
    assert health.duplicates == 4
    decoder.begin_chain()
    assert decoder.stuck is None
    assert decoder.feed((frame % 7).encode(), 2, 1) is Heard.DATA
    assert len(sink.quotes) == 2


def test_the_same_message_again_and_again_is_skipped_and_no_sign_of_anything() -> None:
    decoder, _, health = decoder_of("BTCUSDT")
    frame = b'{"stream":"btcusdt@bookTicker","data":{"u":7,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}'
    for number in range(100):
        decoder.feed(frame, 2, number * 1_000_000_000)
    assert health.duplicates == 99
    assert decoder.stuck is None


def test_what_a_long_overlap_tells_again_is_no_sequence_that_began_anew() -> None:
    decoder, sink, health = decoder_of("BTCUSDT")
    frame = '{"stream":"btcusdt@bookTicker","data":{"u":%d,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}'
    conversation = BinanceConversation(decoder, SystemClock(), answer_timeout_s=5)
    conversation.hold()
    for number in range(1, 6):
        decoder.feed((frame % number).encode(), 2, number * 3_000_000_000)
        conversation.feed((frame % number).encode(), 2, number * 3_000_000_000)
    conversation.release()
    assert (len(sink.quotes), health.duplicates) == (5, 5)
    assert decoder.stuck is None
    assert conversation.feed((frame % 6).encode(), 2, 16_000_000_000) is Heard.DATA


def test_the_recorded_listing() -> None:
    line = path_of("binance", "cryptofeed__BINANCE.0").read_bytes().splitlines()[0]
    info = parse_exchange_info(line[line.index(b"{") :])
    assert len(info.symbols) > 1_600
    catalogue = match(info, ["ETHBTC", "BTCUSTD"], source="binance", instruments_per_channel=300)
    (instrument,) = catalogue.instruments
    assert (instrument.venue_symbol, instrument.base, instrument.quote) == ("ETHBTC", "ETH", "BTC")
    assert (instrument.price_increment, instrument.size_increment) == (0.000001, 0.0001)
    assert catalogue.problems == ("BTCUSTD is not listed (nearest: BTCUSDT)",)
    states = [match(info, [s.symbol], source="b", instruments_per_channel=1).instruments for s in info.symbols[:50]]
    assert {one.state for found in states for one in found} == {InstrumentState.TRADING, InstrumentState.HALTED}


def test_the_listing_of_2024() -> None:
    routes = json.loads(path_of("binance", "gocryptotrader__http_spot_public.json").read_bytes())["routes"]
    body = json.dumps(routes["/api/v3/exchangeInfo"]["GET"][0]["data"]).encode()
    found = match(parse_exchange_info(body), ["BTCUSDT"], source="binance", instruments_per_channel=300)
    assert found.instruments[0].price_increment == 0.01


def test_a_defect_of_the_sink_is_no_malformed_message() -> None:
    sink = DefectiveSink()
    health = ChannelHealth(source="binance", channel="0", sink=sink, clock=SystemClock())
    instrument = Instrument(source="binance", symbol="BTCUSDT", type="crypto", venue_symbol="BTCUSDT")
    decoder = BinanceDecoder([instrument], sink, health)
    with pytest.raises(ValueError, match="no place for"):
        decoder.feed(b'{"stream":"btcusdt@trade","data":{"E":1,"s":"BTCUSDT","t":2,"p":"1.5"}}', 2, 1)
    with pytest.raises(ValueError, match="no place for"):
        decoder.seed_book(RestBookTicker("BTCUSDT", "1", "1", "2", "1"), Moment(2, 1))
    assert health.malformed == 0


def test_a_seed_that_cannot_be_read_is_the_venues_fault() -> None:
    decoder, sink, _ = decoder_of("BTCUSDT")
    with pytest.raises(VenueError, match="could not be understood"):
        decoder.seed_book(RestBookTicker("BTCUSDT", "nan", "1", "2", "1"), Moment(2, 1))
    assert sink.quotes == []
