"""Venue times to Unix nanoseconds, exact to the nanosecond in both encodings."""

import datetime as dt
import re
from typing import Final

import msgspec

NS_PER_S: Final = 1_000_000_000
YEAR_2100_S: Final = 4_102_444_800
"""No time of a market lies beyond."""
TIMESTAMP: Final = -1
"""Extension type of msgpack's own timestamps."""

_RFC_3339: Final = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)


def text_time_ns(text: str) -> int | None:
    """The time of RFC 3339 text with 0 to 9 digits of a second; None for one before 1970, which says "none".

    Raises:
        ValueError: it is no such time.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not a time: {text[:40]!r}")
    second, fraction, zone = match.groups()
    # The standard library stops at microseconds, so the fraction stays out of it.
    moment = dt.datetime.fromisoformat(second + ("+00:00" if zone in "Zz" else zone))
    return _time_ns(int(moment.timestamp()), int(fraction.ljust(9, "0")) if fraction else 0)


def packed_time_ns(packed: msgspec.msgpack.Ext) -> int | None:
    """The time of a msgpack timestamp in 4, 8 or 12 bytes; None for one before 1970, which says "none".

    Decoded here, as a datetime would lose nanoseconds.

    Raises:
        ValueError: it is no such time.
    """
    data = bytes(packed.data)
    if packed.code != TIMESTAMP or len(data) not in {4, 8, 12}:
        raise ValueError(f"not a time: an extension of type {packed.code} and {len(data)} bytes")
    if len(data) == 12:
        fraction_ns, second = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big", signed=True)
    else:
        bits = int.from_bytes(data, "big")
        fraction_ns, second = (0, bits) if len(data) == 4 else (bits >> 34, bits & ((1 << 34) - 1))
    if fraction_ns >= NS_PER_S:
        raise ValueError(f"not a time: {fraction_ns} nanoseconds in a second")
    return _time_ns(second, fraction_ns)


def _time_ns(second: int, fraction_ns: int) -> int | None:
    if second >= YEAR_2100_S:
        raise ValueError(f"not a time of this century: {second} s")
    # Go writes the year 1 for a time that was never set.
    return second * NS_PER_S + fraction_ns if second >= 0 else None
