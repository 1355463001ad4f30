"""The CRC32 of a Kraken v2 book, as the guide "book-checksum-v2" describes it."""

import zlib
from collections.abc import Sequence
from typing import Final

LEVELS: Final = 10


def checksum(asks: Sequence[tuple[str, str]], bids: Sequence[tuple[str, str]]) -> int:
    """The checksum of the ten best levels, as (price, quantity) text at full precision, best first.

    Asks from low to high, then bids from high to low; of each number the point is left out, then leading zeros.
    """
    parts = [
        number.replace(".", "").lstrip("0") for side in (asks, bids) for level in side[:LEVELS] for number in level
    ]
    return zlib.crc32("".join(parts).encode())


def checksum_of_units(asks: Sequence[tuple[int, int]], bids: Sequence[tuple[int, int]]) -> int:
    """The same from integers of the last decimal place, whose text is what remains of a number above."""
    return zlib.crc32("".join(f"{price}{size}" for side in (asks, bids) for price, size in side[:LEVELS]).encode())
