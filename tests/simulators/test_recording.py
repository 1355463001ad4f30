import json
from pathlib import Path

import pytest
from tests.simulators.process import RECORDINGS, simulator

from tickmux_simulators.book import Book
from tickmux_simulators.kraken import encoding
from tickmux_simulators.market import BookEvent, RecordedFrame
from tickmux_simulators.recording import BinanceRecording, KrakenRecording, RecordingError

KRAKEN = RECORDINGS / "kraken" / "cryptofeed__KRAKEN.ws.50.as-v2.tsv"
BINANCE = RECORDINGS / "binance" / "cryptofeed__BINANCE.ws.1.0"
FOR_EVER_NS = 10**12

needs_recordings = pytest.mark.skipif(not KRAKEN.exists(), reason="the recordings are not on this machine")

LINES = """wss://stream.example/stream?streams=abcusdt@bookTicker
1.5: {"stream":"abcusdt@bookTicker","data":{"u":7,"s":"ABCUSDT","b":"1.50000000","B":"2.0","a":"1.60000000","A":"3.0"}}
2.5: {"stream":"abcusdt@trade","data":{"e":"trade","E":1,"s":"ABCUSDT","t":9,"p":"1.55","q":"0.1","T":1,"m":true}}
"""


@needs_recordings
def test_books_rebuilt_from_a_recording_have_the_recorded_checksums() -> None:
    recorded = [json.loads(line.split("\t", 1)[1])["data"][0] for line in KRAKEN.read_text().splitlines()]
    recording = KrakenRecording(KRAKEN, start_ns=0, is_once=True)
    rebuilt = [
        (event.instrument.symbol, encoding.book_checksum(event.instrument))
        for event in recording.advance(FOR_EVER_NS)
        if isinstance(event, BookEvent)
    ]
    assert rebuilt == [(entry["symbol"], entry["checksum"]) for entry in recorded]
    assert len(rebuilt) == 4279


@needs_recordings
def test_recorded_binance_frames_go_out_to_the_letter() -> None:
    recorded = [line.split(": ", 1)[1] for line in BINANCE.read_text().splitlines()[1:] if line]
    recording = BinanceRecording(BINANCE, start_ns=0, is_once=True)
    played = [event for event in recording.advance(FOR_EVER_NS) if isinstance(event, RecordedFrame)]
    assert [f'{{"stream":"{one.stream}","data":{one.raw}}}' for one in played] == recorded
    assert set(recording.instruments) == {"NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"}
    assert recording.instruments["BLZETH"].listing.quote == "ETH"


def test_a_recording_plays_at_its_pace_and_loops(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_text(LINES)
    recording = BinanceRecording(path, start_ns=0)
    assert len(list(recording.advance(0))) == 1
    assert list(recording.advance(900_000_000)) == []
    assert len(list(recording.advance(1_000_000_000))) == 1
    assert recording.instruments["ABCUSDT"].last_price == 155_000_000
    assert len(list(recording.advance(3_000_000_000))) == 1, "the first line again"
    twice = BinanceRecording(path, start_ns=0, speed=2.0, is_once=True)
    assert len(list(twice.advance(500_000_000))) == 2
    assert list(twice.advance(FOR_EVER_NS)) == []


def test_a_recording_that_holds_nothing_or_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_text("nothing\n")
    with pytest.raises(RecordingError, match="has no frames"):
        BinanceRecording(path, start_ns=0)
    path.write_text('1.0: {"result":null}\n')
    with pytest.raises(RecordingError, match="not a combined frame"):
        BinanceRecording(path, start_ns=0)
    path.write_text('1.0\t{"channel":"heartbeat"}\n')
    with pytest.raises(RecordingError, match="not a book frame"):
        KrakenRecording(path, start_ns=0)


async def test_a_binance_recording_is_served(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_text(LINES)
    async with simulator("binance", "--recording", str(path), "--speed", "20") as venue:
        async with venue.connect("/stream?streams=abcusdt@bookTicker/abcusdt@trade") as raw:
            texts = {await raw.text() for _ in range(4)}
        assert texts == {line.split(": ", 1)[1] for line in LINES.splitlines()[1:]}
        (ticker,) = await venue.get_json("/api/v3/ticker/bookTicker?symbols=%5B%22ABCUSDT%22%5D")
        assert ticker["bidPrice"] == "1.50000000"


@needs_recordings
async def test_a_kraken_recording_is_served_at_another_depth() -> None:
    async with (
        simulator("kraken", "--recording", str(KRAKEN), "--speed", "30", "--once") as venue,
        venue.connect() as raw,
    ):
        await raw.send({"method": "subscribe", "params": {"channel": "book", "symbol": ["ADA/BTC"], "depth": 10}})
        first = await raw.until(lambda one: one.get("channel") == "book")
        assert first["type"] == "snapshot"
        update = await raw.until(lambda one: one.get("channel") == "book" and one["type"] == "update")
        assert update["data"][0]["symbol"] == "ADA/BTC"


def test_a_book_without_levels_has_an_empty_top() -> None:
    assert Book().top() == (0, 0, 0, 0)
