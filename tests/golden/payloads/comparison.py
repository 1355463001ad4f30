"""Compares golden lines with what the payload says, number by number."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from tests.golden.payloads.entries import Entry, Listed, Number, Quoted

Line = dict[str, Any]
"""One golden line; see `tests/golden/README.md`."""
Key = tuple[int, bool, str, tuple[str, ...]]
"""Message, whether it is a quote, symbol, and the numbers that it carries."""

NUMBERS = ("bid_price", "bid_size", "ask_price", "ask_size", "last_price", "volume")
INCREMENTS = ("price_increment", "size_increment")
EXACT_DIGITS_MAX = 15
"""Every decimal of up to so many significant digits is the shortest text of a double."""


def differences(lines: Sequence[Line], entries: Iterable[Entry]) -> list[str]:
    """What is wrong with lines that are to say what entries say, both of the same messages; empty if nothing is.

    Within a message, lines of different instruments or of different parts of a quote may come in any order.
    """
    said = sorted((entry for entry in entries if isinstance(entry, Quoted | Listed)), key=_entry_key)
    got = sorted(lines, key=_line_key)
    keys, wanted_keys = [_line_key(line) for line in got], [_entry_key(entry) for entry in said]
    if keys != wanted_keys:
        return [
            f"{len(got)} lines, {len(said)} wanted",
            f"too many: {_without(keys, wanted_keys)}",
            f"missing: {_without(wanted_keys, keys)}",
        ]
    problems: list[str] = []
    for line, entry in zip(got, said, strict=True):
        wanted = _wanted_listed(entry) if isinstance(entry, Listed) else _wanted_quoted(entry)
        problems += [f"{line}: {problem}" for problem in _compare(dict(line), wanted)]
    return problems


def same(text: object, written: Number) -> bool:
    """Whether a golden number is the decimal that was written, or the nearest double where that has too many digits."""
    if text is None or written is None:
        return text is None and written is None
    if not isinstance(text, str):
        return False
    if len(written.normalize().as_tuple().digits) <= EXACT_DIGITS_MAX:
        return Decimal(text) == written
    return float(text) == float(written)


def _compare(line: Line, wanted: Line) -> list[str]:
    problems = []
    for name in sorted(line.keys() | wanted.keys()):
        if name not in line:
            problems.append(f"{name} is not there, {wanted[name]} wanted")
        elif name not in wanted:
            problems.append(f"{name} is more than was written")
        elif name in NUMBERS or name in INCREMENTS:
            if not same(line[name], wanted[name]):
                problems.append(f"{name} is not {wanted[name]}")
        elif line[name] != wanted[name]:
            problems.append(f"{name} is not {wanted[name]!r}")
    return problems


def _wanted_quoted(entry: Quoted) -> Line:
    wanted: Line = {"message": entry.message, "quote": entry.symbol, "type": entry.type, **entry.numbers, **entry.marks}
    return wanted if entry.time_ns is None else {**wanted, "venue_time_ns": entry.time_ns}


def _wanted_listed(entry: Listed) -> Line:
    return {"message": entry.message, "instrument": entry.symbol, **entry.texts, **entry.numbers}


def _entry_key(entry: Quoted | Listed) -> Key:
    return (entry.message, isinstance(entry, Quoted), entry.symbol, tuple(sorted(entry.numbers)))


def _line_key(line: Line) -> Key:
    symbol = str(line["instrument"] if "instrument" in line else line["quote"])
    numbers = tuple(sorted(name for name in line if name in NUMBERS or name in INCREMENTS))
    return (line["message"], "instrument" not in line, symbol, numbers)


def _without(some: list[Key], others: list[Key]) -> list[Key]:
    """What is in some and not in others, each as often as it is too many; a sample of it."""
    return list((Counter(some) - Counter(others)).elements())[:10]
