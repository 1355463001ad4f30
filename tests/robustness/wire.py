"""Just enough of protobuf's wire format to see a response as it was sent: which bytes each quote has."""

import hashlib
from collections.abc import Iterator
from typing import Final

STALE_SUFFIX: Final = b"\x7a\x01\x05"
"""How QUOTE_FLAG_STALE is set: Quote.flags, field 15, packed, one value of 5, behind everything else."""
DIGEST_BYTES: Final = 8


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and payload of each length-delimited field, in the order on the wire; other fields are passed over.

    Raises:
        ValueError: the bytes are no message.
    """
    at, end = 0, len(message)
    while at < end:
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == 0:
            _, at = _varint(message, at)
        elif kind == 1:
            at += 8
        elif kind == 5:
            at += 4
        elif kind == 2:
            length, at = _varint(message, at)
            if at + length > end:
                raise ValueError(f"field {tag >> 3} has {length} bytes, of which {end - at} are there")
            yield tag >> 3, message[at : at + length]
            at += length
        else:
            raise ValueError(f"wire type {kind} at byte {at}")
    if at != end:
        raise ValueError("the last field is cut short")


def digest(payload: bytes) -> str:
    """A short name of a quote's bytes, apart from a STALE flag that was added to them."""
    return hashlib.blake2b(payload.removesuffix(STALE_SUFFIX), digest_size=DIGEST_BYTES).hexdigest()


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise ValueError(f"no number at byte {at}")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
