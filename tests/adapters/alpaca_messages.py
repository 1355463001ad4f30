"""Messages as Alpaca sends them, for tests to compose, in JSON and in msgpack."""

import datetime as dt
import json
from typing import Any

import msgspec

Message = dict[str, Any]
TIME = "2026-01-26T15:00:00Z"


def at(seconds: float = 0.0, nanoseconds: int = 0) -> str:
    """A time of the venue, counted from TIME."""
    moment = dt.datetime.fromisoformat(TIME) + dt.timedelta(seconds=seconds)
    fraction = moment.microsecond * 1_000 + nanoseconds
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction:09d}".rstrip("0") if fraction else "") + "Z"


def quote(
    symbol: str, bid: float, ask: float, time: str = TIME, *, bid_size: float = 2, ask_size: float = 3
) -> Message:
    # Those of crypto have no exchanges, but nobody minds them.
    prices = {"bx": "V", "bp": bid, "bs": bid_size, "ax": "V", "ap": ask, "as": ask_size}
    return {"T": "q", "S": symbol, **prices, "c": ["R"], "z": "C", "t": time}


def trade(symbol: str, price: float, time: str = TIME, *, number: int | str = 1, **other: Any) -> Message:
    return {
        "T": "t",
        "S": symbol,
        "i": number,
        "x": "V",
        "p": price,
        "s": 100,
        "c": ["@"],
        "z": "C",
        "t": time,
        **other,
    }


def daily_bar(symbol: str, volume: float, start: str = "2026-01-26T05:00:00Z") -> Message:
    return {"T": "d", "S": symbol, "o": 1, "h": 2.5, "l": 0.5, "c": 2, "v": volume, "t": start, "n": 9, "vw": 1.5}


def status(symbol: str, code: str, time: str = TIME, *, tape: str = "C") -> Message:
    return {"T": "s", "S": symbol, "sc": code, "sm": "", "rc": "", "rm": "", "t": time, "z": tape}


def correction(symbol: str, wrong: int, right: int, price: float, time: str = TIME, **other: Any) -> Message:
    ids = {"oi": wrong, "op": 1, "os": 100, "oc": ["@"], "ci": right, "cp": price, "cs": 100, "cc": ["@"]}
    return {"T": "c", "S": symbol, "x": "V", **ids, "z": "C", "t": time, **other}


def cancel(symbol: str, number: int, time: str = TIME, *, exchange: str = "V") -> Message:
    return {"T": "x", "S": symbol, "i": number, "x": exchange, "p": 1, "s": 100, "a": "C", "z": "C", "t": time}


def as_json(*messages: Message) -> bytes:
    return json.dumps(messages, separators=(",", ":")).encode()


def as_msgpack(*messages: Message) -> bytes:
    return msgspec.msgpack.encode([{**one, **({"t": packed(one["t"])} if "t" in one else {})} for one in messages])


def packed(time: str) -> msgspec.msgpack.Ext:
    """RFC 3339 text as a msgpack timestamp, in as few bytes as it takes."""
    second, _, fraction = time.removesuffix("Z").partition(".")
    seconds = int(dt.datetime.fromisoformat(second + "+00:00").timestamp())
    return stamp(seconds, int(fraction.ljust(9, "0")) if fraction else 0)


def stamp(seconds: int, nanoseconds: int) -> msgspec.msgpack.Ext:
    if not 0 <= seconds < 1 << 34:
        data = nanoseconds.to_bytes(4, "big") + seconds.to_bytes(8, "big", signed=True)
    elif nanoseconds or seconds >= 1 << 32:
        data = (nanoseconds << 34 | seconds).to_bytes(8, "big")
    else:
        data = seconds.to_bytes(4, "big")
    return msgspec.msgpack.Ext(-1, data)
