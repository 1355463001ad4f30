"""Markets that play a recording instead of inventing one; see `--help` for the formats."""

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from tickmux_simulators.book import LevelChange, Side
from tickmux_simulators.decimals import FixedDecimal
from tickmux_simulators.listings import Listing
from tickmux_simulators.market import BookEvent, Event, Instrument, RecordedFrame

SECOND_NS: Final = 1_000_000_000
BYTES_MAX: Final = 256 << 20
QUOTES: Final = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "BTC", "ETH", "BNB", "EUR", "TRY", "BRL", "GBP", "USD")
KRAKEN_DEPTH: Final = 1000


class RecordingError(ValueError):
    """A recording that cannot be played."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"recording {path}: {problem}")


class Line(NamedTuple):
    """One recorded frame."""

    offset_ns: int
    """After the first frame."""
    text: str


class Player:
    """Which lines are due, in a loop or once."""

    def __init__(self, lines: list[Line], *, start_ns: int, speed: float, is_once: bool) -> None:
        self._lines = lines
        self._start_ns = start_ns
        self._speed = speed
        self._is_once = is_once
        self._index = 0
        # The pause before the first line again: the average distance of two.
        self._length_ns = lines[-1].offset_ns + lines[-1].offset_ns // max(len(lines) - 1, 1) + SECOND_NS // 100

    def due(self, now_ns: int) -> Iterator[str]:
        """The lines that have come due since the last call."""
        while True:
            if self._index == len(self._lines):
                if self._is_once:
                    return
                self._index = 0
                self._start_ns += int(self._length_ns / self._speed)
            line = self._lines[self._index]
            if self._start_ns + int(line.offset_ns / self._speed) > now_ns:
                return
            self._index += 1
            yield line.text


class BinanceRecording:
    """Combined-stream frames, sent verbatim to whoever subscribed to their stream."""

    is_recording = True

    def __init__(self, path: Path, *, start_ns: int, speed: float = 1.0, is_once: bool = False) -> None:
        """Read the file. Raises RecordingError or OSError."""
        lines = _lines(path, ": ")
        self._player = Player(lines, start_ns=start_ns, speed=speed, is_once=is_once)
        self.instruments: dict[str, Instrument] = {}
        for line in lines:
            stream, _, _ = _parts(path, line.text)
            symbol = stream.partition("@")[0].upper()
            if symbol not in self.instruments:
                self.instruments[symbol] = Instrument(_binance_listing(symbol))
        self._path = path

    def advance(self, now_ns: int) -> Iterable[Event]:
        """The frames that have come due."""
        for text in self._player.due(now_ns):
            stream, raw, payload = _parts(self._path, text)
            symbol = stream.partition("@")[0].upper()
            self._note(self.instruments[symbol], payload, now_ns)
            yield RecordedFrame(stream, symbol, raw)

    @staticmethod
    def _note(instrument: Instrument, payload: dict[str, Any], now_ns: int) -> None:
        """Keep what REST can answer from: the top of book and the last price."""
        instrument.changed_at_ns = now_ns
        if {"u", "b", "B", "a", "A"} == payload.keys() - {"s"}:
            for side, price, size in ((Side.BID, "b", "B"), (Side.ASK, "a", "A")):
                ladder = instrument.book.ladder(side)
                for old, _ in ladder.top(len(ladder)):
                    ladder.set(old, 0)
                ladder.set(
                    FixedDecimal.parse(payload[price]).rescaled(8), FixedDecimal.parse(payload[size]).rescaled(8)
                )
            instrument.update_id = payload["u"]
        elif payload.get("e") in {"trade", "aggTrade"}:
            instrument.last_price = _units(payload["p"])
            instrument.last_size = _units(payload["q"])


class KrakenRecording:
    """Book frames of protocol v2, from which the whole books are rebuilt."""

    is_recording = True

    def __init__(self, path: Path, *, start_ns: int, speed: float = 1.0, is_once: bool = False) -> None:
        """Read the file. Raises RecordingError or OSError."""
        lines = _lines(path, "\t")
        self._player = Player(lines, start_ns=start_ns, speed=speed, is_once=is_once)
        self._path = path
        decimals: dict[str, tuple[int, int]] = {}
        for line in lines:
            entry = _book_entry(path, line.text)[1]
            for level in entry["bids"] + entry["asks"]:
                held = decimals.get(entry["symbol"], (0, 0))
                decimals[entry["symbol"]] = (max(held[0], level["price"].decimals), max(held[1], level["qty"].decimals))
        self.instruments = {}
        for symbol, (prices, sizes) in decimals.items():
            base, _, quote = symbol.partition("/")
            self.instruments[symbol] = Instrument(Listing(symbol, base, quote, prices, sizes))

    def advance(self, now_ns: int) -> Iterable[Event]:
        """The changes that have come due, each when it has just been made."""
        for text in self._player.due(now_ns):
            kind, entry = _book_entry(self._path, text)
            instrument = self.instruments[entry["symbol"]]
            changes, before = [], instrument.book.top()
            for side, name in ((Side.BID, "bids"), (Side.ASK, "asks")):
                levels = [
                    (
                        level["price"].rescaled(instrument.listing.price_decimals),
                        level["qty"].rescaled(instrument.listing.size_decimals),
                    )
                    for level in entry[name]
                ]
                changes += _applied(instrument, side, levels, is_snapshot=kind == "snapshot")
            if not changes:
                continue
            first = instrument.update_id + 1
            instrument.update_id += len(changes)
            instrument.changed_at_ns = now_ns
            is_top_changed = before != instrument.book.top()
            yield BookEvent(instrument, now_ns, tuple(changes), first, instrument.update_id, is_top_changed)


def _applied(
    instrument: Instrument, side: Side, levels: list[tuple[int, int]], *, is_snapshot: bool
) -> list[LevelChange]:
    ladder = instrument.book.ladder(side)
    changes = []
    if is_snapshot:
        wanted = dict(levels)
        levels = [(price, 0) for price, _ in ladder.top(len(ladder)) if price not in wanted] + levels
    for price, size in levels:
        change = ladder.set(price, size)
        if change is not None:
            changes.append(change)
    # Beyond the recorded depth nothing is known.
    for price, _ in ladder.top(len(ladder), KRAKEN_DEPTH):
        ladder.set(price, 0)
    return changes


def _lines(path: Path, separator: str) -> list[Line]:
    if path.stat().st_size > BYTES_MAX:
        raise RecordingError(path, f"larger than {BYTES_MAX >> 20} MiB")
    lines: list[Line] = []
    first_s = math.nan
    for text in path.read_text(encoding="utf-8").splitlines():
        stamp, found, frame = text.partition(separator)
        if not found or not frame.startswith("{"):
            continue  # the URL, what the client sent, the configuration
        try:
            time_s = float(stamp)
        except ValueError:
            continue
        if not lines:
            first_s = time_s
        lines.append(Line(max(int((time_s - first_s) * SECOND_NS), 0), frame))
    if not lines:
        raise RecordingError(path, "has no frames; see --help for the formats")
    return lines


def _parts(path: Path, text: str) -> tuple[str, str, dict[str, Any]]:
    """Stream name, exact text of the payload, and the payload of a combined frame."""
    try:
        frame = json.loads(text)
        stream, payload = frame["stream"], frame["data"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise RecordingError(path, f"is not a combined frame: {text[:80]}") from error
    return stream, text[text.index('"data":') + len('"data":') : -1], payload


def _book_entry(path: Path, text: str) -> tuple[str, dict[str, Any]]:
    try:
        frame = json.loads(text, parse_float=FixedDecimal.parse, parse_int=FixedDecimal.parse)
        if frame["channel"] == "book":
            return frame["type"], frame["data"][0]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise RecordingError(path, f"is not a book frame: {text[:80]}") from error
    raise RecordingError(path, f"is not a book frame: {text[:80]}")


def _binance_listing(symbol: str) -> Listing:
    quote = next((quote for quote in QUOTES if symbol.endswith(quote) and symbol != quote), "")
    return Listing(symbol, symbol.removesuffix(quote) if quote else symbol, quote, 8, 8)


def _units(text: str) -> int:
    """Binance's text of 8 decimals, in units of the last."""
    return FixedDecimal.parse(text).rescaled(8)
