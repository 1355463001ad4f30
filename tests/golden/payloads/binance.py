"""What the recordings of Binance say."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.golden.payloads.entries import Entry, Quoted, Reader, Reason, Silent, side
from tests.golden.payloads.reading import exact, json_lines, listed_pair, milliseconds_ns, received_lines

STATES = {"TRADING": "trading", "CANCEL_ONLY": "restricted"}


def spot_session(path: Path) -> Iterator[Entry]:
    """Frames of the combined stream."""
    return _frames(received_lines(path, ": "))


def futures_session(path: Path) -> Iterator[Entry]:
    """Frames of the futures' combined stream, whose trades are shaped like those of spot."""
    return _frames(received_lines(path, " "))


def quoted_frames(path: Path) -> Iterator[Entry]:
    """Frames from anywhere, each for itself."""
    return _frames(json_lines(path))


def _frames(frames: Iterator[tuple[int, Any]]) -> Iterator[Entry]:
    newest: dict[str, Decimal] = {}
    for number, frame in frames:
        stream, data = frame.get("stream", ""), frame.get("data")
        name, _, kind = stream.partition("@")
        if "bids" in frame or kind.startswith("depth"):
            yield Silent(message=number, reason=Reason.ORDER_BOOK)
        elif name.startswith("!") or kind not in {"bookTicker", "trade", "miniTicker"}:
            yield Silent(message=number, reason=Reason.NOT_ASKED)
        else:
            order = data[{"bookTicker": "u", "trade": "t", "miniTicker": "E"}[kind]]
            if order <= newest.get(stream, Decimal(-1)):
                repeats = order == newest[stream]
                yield Silent(message=number, reason=Reason.REPEAT if repeats else Reason.OLDER)
                continue
            newest[stream] = order
            yield _quoted(number, kind, data)


def _quoted(number: int, kind: str, data: dict[str, Any]) -> Quoted:
    if kind == "bookTicker":
        # Carries no time; the numbers of the book are text.
        bid = side("bid", Decimal(data["b"]), Decimal(data["B"]))
        ask = side("ask", Decimal(data["a"]), Decimal(data["A"]))
        return Quoted(message=number, symbol=data["s"], numbers=bid | ask)
    if kind == "trade":
        last = {"last_price": Decimal(data["p"]) or None}
        return Quoted(message=number, symbol=data["s"], numbers=last, time_ns=milliseconds_ns(data["T"]))
    day = {"last_price": Decimal(data["c"]) or None, "volume": Decimal(data["v"])}
    return Quoted(message=number, symbol=data["s"], numbers=day, time_ns=milliseconds_ns(data["E"]))


def exchange_info(path: Path) -> Iterator[Entry]:
    """The listing, in the only line that is a document: `<address> -> <time>: <document>`."""
    line = path.read_text(encoding="utf-8").splitlines()[0]
    return _listing(1, exact(line[line.index("{") :]))


def rest_bodies(path: Path) -> Iterator[Entry]:
    """Bodies by route, numbered in the order in which they stand; each is a chain of its own."""
    routes = exact(path.read_text(encoding="utf-8"))["routes"]
    bodies = [(route, answer["data"]) for route, methods in routes.items() for answer in methods["GET"]]
    for number, (route, body) in enumerate(bodies, 1):
        entries = body if isinstance(body, list) else [body]
        if route == "/api/v3/exchangeInfo":
            yield from _listing(number, body)
        elif route == "/api/v3/ticker/bookTicker":
            for each in entries:
                bid = side("bid", Decimal(each["bidPrice"]), Decimal(each["bidQty"]))
                ask = side("ask", Decimal(each["askPrice"]), Decimal(each["askQty"]))
                yield Quoted(message=number, symbol=each["symbol"], numbers=bid | ask)
        elif route == "/api/v3/ticker/24hr":
            # Recorded at full length; the short form that is asked for has neither bid nor ask.
            for each in entries:
                day = {"last_price": Decimal(each["lastPrice"]) or None, "volume": Decimal(each["volume"])}
                time_ns = milliseconds_ns(each["closeTime"])
                yield Quoted(message=number, symbol=each["symbol"], numbers=day, time_ns=time_ns)
        else:
            is_book = route == "/api/v3/depth"
            yield Silent(message=number, reason=Reason.ORDER_BOOK if is_book else Reason.NOT_ASKED)


def _listing(number: int, body: dict[str, Any]) -> Iterator[Entry]:
    halted: list[Quoted] = []
    for each in body["symbols"]:
        filters = {one["filterType"]: one for one in each["filters"]}
        listed = listed_pair(
            number,
            each["symbol"],
            each["baseAsset"],
            each["quoteAsset"],
            exchange="Binance",
            state=STATES.get(each["status"], "halted"),
            steps=(Decimal(filters["PRICE_FILTER"]["tickSize"]), Decimal(filters["LOT_SIZE"]["stepSize"])),
        )
        yield listed
        if each["status"] != "TRADING":
            halted.append(Quoted(message=number, symbol=listed.symbol, marks={"halted": True}))
    yield from halted


READERS: Mapping[str, Reader] = {
    "collect-binancefutures__btcusdt_20220811.dat": futures_session,
    "crypto-msg-parser__spot_frames.jsonl": quoted_frames,
    "cryptofeed__BINANCE.0": exchange_info,
    "cryptofeed__BINANCE.ws.1.0": spot_session,
    "gocryptotrader__http_spot_public.json": rest_bodies,
}
