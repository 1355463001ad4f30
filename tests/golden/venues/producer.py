"""What a venue's producer is, and what all of them read lines with."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Lines = list[dict[str, Any]]
Producer = Callable[[Path], Lines]
"""Feeds one recording to the adapter's own decoders; returns golden lines in the order of delivery."""


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines that hold a document, by their number from 1."""
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if b"{" in line:
            yield number, line


def after(line: bytes, separator: bytes) -> bytes:
    """What follows the time of reception; all of the line where the format has none."""
    return line.partition(separator)[2] if separator else line
