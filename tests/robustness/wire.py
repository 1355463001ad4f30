"""Just enough of protobuf's wire format to see a response as it was sent: which bytes each quote has."""

import hashlib
from collections.abc import Iterator
from typing import Final

STALE_SUFFIX: Final = b"\x7a\x01\x05"
"""How QUOTE_FLAG_STALE is set: Quote.flags, field 15, packed, one value of 5, behind everything else."""
DIGEST_BYTES: Final = 8

_VARINT: Final = 0
_LENGTH_DELIMITED: Final = 2
_FIXED_BYTES: Final = {1: 8, 5: 4}


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and payload of each length-delimited field, in the order on the wire; other fields are passed over.

    Raises:
        ValueError: the bytes are no message.
    """
    for number, kind, _, payload, end in _spans(message):
        if kind == _LENGTH_DELIMITED:
            yield number, message[payload:end]


def pieces(message: bytes) -> list[tuple[int, bytes]]:
    """Number and whole encoding of each field, of which the message is the concatenation.

    Raises:
        ValueError: the bytes are no message.
    """
    return [(number, message[begin:end]) for number, _, begin, _, end in _spans(message)]


def _spans(message: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Of each field its number and kind, and where it, its payload and what follows it begin."""
    at = 0
    while at < len(message):
        begin = at
        tag, at = _varint(message, at)
        kind = tag & 7
        payload = at
        if kind == _VARINT:
            _, at = _varint(message, at)
        elif kind == _LENGTH_DELIMITED:
            length, payload = _varint(message, at)
            at = payload + length
        elif kind in _FIXED_BYTES:
            at += _FIXED_BYTES[kind]
        else:
            raise ValueError(f"wire type {kind} at byte {begin}")
        if at > len(message):
            raise ValueError(f"field {tag >> 3} at byte {begin} is cut short")
        yield tag >> 3, kind, begin, payload, at


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
