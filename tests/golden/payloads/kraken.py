"""What the recordings of Kraken say, of protocol v2."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.golden.payloads.entries import Entry, Quoted, Reader, Reason, Silent, side
from tests.golden.payloads.reading import exact, json_lines, listed_pair, pair, pair_type, rfc3339_ns

MEETING = {"online", "limit_only", "reduce_only"}
"""States of a pair in which orders still meet."""
STATES = {
    "online": "trading",
    "limit_only": "restricted",
    "reduce_only": "restricted",
    "post_only": "restricted",
    "cancel_only": "restricted",
    "delisted": "delisted",
}
NEVER = "1970-01-01"
SILENT = {"book": Reason.ORDER_BOOK, "level3": Reason.ORDER_BOOK, "trade": Reason.NOT_ASKED, "ohlc": Reason.NOT_ASKED}


class _Halts:
    """What trades, by the venue's own state and each pair's; told only where it changes."""

    def __init__(self) -> None:
        self.system = "online"
        self.pairs: dict[str, str] = {}
        self.types: dict[str, str] = {}
        self._told: set[str] = set()

    def changes(self, number: int) -> Iterator[Quoted]:
        for symbol, status in self.pairs.items():
            halted = self.system != "online" or status not in MEETING
            if halted != (symbol in self._told):
                self._told ^= {symbol}
                yield Quoted(message=number, symbol=symbol, type=self.types[symbol], marks={"halted": halted})


def frames(path: Path) -> Iterator[Entry]:
    """A frame a line, taken as one session."""
    return _session(json_lines(path))


def one_frame(path: Path) -> Iterator[Entry]:
    """One frame over many lines."""
    return _session(iter([(1, exact(path.read_text(encoding="utf-8")))]))


def _session(messages: Iterator[tuple[int, Any]]) -> Iterator[Entry]:
    halts = _Halts()
    newest: dict[str, tuple[int, Any]] = {}
    for number, message in messages:
        channel = message.get("channel")
        if channel == "ticker":
            for each in message["data"]:
                yield _ticker(number, each, newest)
        elif channel == "instrument":
            yield from _listing(number, message["data"]["pairs"], halts)
        elif channel == "status":
            halts.system = message["data"][0]["system"]
            yield Silent(message=number, reason=Reason.CONTROL)
            yield from halts.changes(number)
        else:
            yield Silent(message=number, reason=SILENT.get(channel, Reason.CONTROL))


def _ticker(number: int, data: dict[str, Any], newest: dict[str, tuple[int, Any]]) -> Entry:
    written = data.get("timestamp", NEVER)
    time_ns = None if written.startswith(NEVER) else rfc3339_ns(written)
    if time_ns is not None:
        before_ns, before = newest.get(data["symbol"], (0, None))
        if time_ns < before_ns:
            return Silent(message=number, reason=Reason.OLDER)
        if data == before:
            return Silent(message=number, reason=Reason.REPEAT)
        newest[data["symbol"]] = (time_ns, data)
    numbers = side("bid", data["bid"], data["bid_qty"]) | side("ask", data["ask"], data["ask_qty"])
    numbers |= {"last_price": data["last"] or None, "volume": data["volume"]}
    names = data["symbol"].split("/")
    return Quoted(message=number, symbol=pair(*names), type=pair_type(*names), numbers=numbers, time_ns=time_ns)


def _listing(number: int, pairs: list[dict[str, Any]], halts: _Halts) -> Iterator[Entry]:
    for each in pairs:
        state = STATES.get(each["status"], "halted")
        steps = (each["price_increment"], each["qty_increment"])
        listed = listed_pair(
            number, each["symbol"], each["base"], each["quote"], exchange="Kraken", state=state, steps=steps
        )
        halts.pairs[listed.symbol] = each["status"]
        halts.types[listed.symbol] = listed.texts["type"]
        yield listed
    yield from halts.changes(number)


READERS: Mapping[str, Reader] = {
    "kraken-async-rs__public_frames.jsonl": frames,
    "kraken-data-recorder__instrument_snapshot.json": one_frame,
}
