"""What the recordings of Alpaca say: stocks and crypto, streams and the requests that seed them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.golden.payloads.entries import Entry, Quoted, Reader, Reason, Silent, side
from tests.golden.payloads.reading import exact, json_lines, pair, rfc3339_ns

ROUND_LOT = 100
"""Sizes of stock quotes are in round lots, those of trades in shares."""
HALTING = {"H", "P", "2"}
"""Status codes of a halt or a volatility pause; H and P on tapes C and O, 2 on tapes A and B."""
RESUMING = {"T", "3"}
SILENT = {
    "b": Reason.NOT_ASKED,
    "u": Reason.NOT_ASKED,
    "l": Reason.NOT_ASKED,
    "i": Reason.NOT_ASKED,
    "o": Reason.ORDER_BOOK,
}


def transcripts(path: Path) -> Iterator[Entry]:
    """Frames of several sessions; each session is a connection, and a chain, of its own."""
    trades: dict[tuple[str, str], Decimal] = {}
    for number, line in json_lines(path):
        if line["dir"] == ">":
            yield Silent(message=number, reason=Reason.OURS)
            continue
        is_crypto = "crypto" in line["session"]
        for message in exact(line["raw"]):
            kind = message["T"]
            if kind in {"c", "x"}:
                yield _corrected(number, line["session"], message, trades)
            elif kind in SILENT or (kind == "d" and is_crypto):
                yield Silent(message=number, reason=SILENT.get(kind, Reason.NOT_ASKED))
            elif kind in {"t", "q", "d", "s"}:
                if kind == "t":
                    trades[line["session"], message["S"]] = message["i"]
                yield _streamed(number, message, is_crypto=is_crypto)
            else:
                yield Silent(message=number, reason=Reason.CONTROL)


def _streamed(number: int, message: dict[str, Any], *, is_crypto: bool) -> Entry:
    kind = message["T"]
    if kind == "s":
        code = message["sc"]
        if code not in HALTING | RESUMING:
            return Silent(message=number, reason=Reason.NOT_ASKED)
        time_ns = rfc3339_ns(message["t"])
        return Quoted(
            message=number, symbol=message["S"], type="stock", time_ns=time_ns, marks={"halted": code in HALTING}
        )
    if kind == "t":
        return _trade(number, message["S"], message, is_crypto=is_crypto)
    if kind == "q":
        return _quote(number, message["S"], message, is_crypto=is_crypto)
    return _day(number, message["S"], message)


def _corrected(number: int, session: str, message: dict[str, Any], trades: dict[tuple[str, str], Decimal]) -> Entry:
    is_correction = message["T"] == "c"
    trade = message["oi"] if is_correction else message["i"]
    if trades.get((session, message["S"])) != trade:
        return Silent(message=number, reason=Reason.NOT_THE_LAST)
    last = message["cp"] if is_correction else None
    return Quoted(
        message=number,
        symbol=message["S"],
        type="stock",
        numbers={"last_price": last},
        time_ns=rfc3339_ns(message["t"]),
    )


def rest_bodies(path: Path) -> Iterator[Entry]:
    """Bodies without their addresses, told apart by their shapes; snapshots alone are what a chain is seeded with."""
    for number, body in json_lines(path):
        snapshots = body.get("snapshots", body)
        is_crypto = "snapshots" in body
        if not any(isinstance(one, dict) and "latestQuote" in one for one in snapshots.values()):
            yield Silent(message=number, reason=Reason.NOT_ASKED)
            continue
        for symbol, snapshot in snapshots.items():
            if snapshot is None:
                yield Silent(message=number, reason=Reason.NOTHING_GIVEN)
                continue
            yield _quote(number, symbol, snapshot["latestQuote"], is_crypto=is_crypto)
            yield _trade(number, symbol, snapshot["latestTrade"], is_crypto=is_crypto)
            if not is_crypto:
                yield _day(number, symbol, snapshot["dailyBar"])


def _quote(number: int, symbol: str, quote: dict[str, Any], *, is_crypto: bool) -> Quoted:
    lot = 1 if is_crypto else ROUND_LOT
    numbers = side("bid", quote["bp"], quote["bs"] * lot) | side("ask", quote["ap"], quote["as"] * lot)
    return _quoted(number, symbol, numbers, rfc3339_ns(quote["t"]), is_crypto=is_crypto)


def _trade(number: int, symbol: str, trade: dict[str, Any], *, is_crypto: bool) -> Quoted:
    return _quoted(number, symbol, {"last_price": trade["p"] or None}, rfc3339_ns(trade["t"]), is_crypto=is_crypto)


def _day(number: int, symbol: str, bar: dict[str, Any]) -> Quoted:
    # A bar's time is the start of its day, and so is none of the message.
    return _quoted(number, symbol, {"volume": bar["v"]}, None, is_crypto=False)


def _quoted(
    number: int, symbol: str, numbers: dict[str, Decimal | None], time_ns: int | None, *, is_crypto: bool
) -> Quoted:
    name = pair(*symbol.split("/")) if is_crypto else symbol
    kind = "crypto" if is_crypto else "stock"
    return Quoted(message=number, symbol=name, type=kind, numbers=numbers, time_ns=time_ns)


READERS: Mapping[str, Reader] = {
    "alpaca-docs__stream_transcripts.jsonl": transcripts,
    "alpaca-trade-api-go__rest_payloads.jsonl": rest_bodies,
}
