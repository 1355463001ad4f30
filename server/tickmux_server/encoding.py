"""Pieces of the protobuf wire format, for the one message that is encoded at the rate of the market.

A protobuf Quote kept per instrument and serialised at each revision costs more, and the more instruments there are the
more, as they compete for the cache (benchmarks/ingest.py prints both). What is encoded here is held to protobuf itself
by a property test.

Wire format: https://protobuf.dev/programming-guides/encoding.
"""

import struct
from collections.abc import Callable
from typing import Final

_NS_PER_S: Final = 1_000_000_000

VARINT: Final = 0
FIXED64: Final = 1
LENGTH_DELIMITED: Final = 2


def varint(number: int) -> bytes:
    """A non-negative integer as a varint.

    Raises:
        ValueError: It is negative, which would take another encoding.
    """
    if 0 <= number < _SMALL_MAX:
        return _SMALL[number]
    if number < 0:
        raise ValueError(f"{number} is negative")
    return _varint(number)


def tag(field: int, wire_type: int) -> bytes:
    """What precedes a field's value."""
    return varint(field << 3 | wire_type)


def text(field: int, value: str) -> bytes:
    """A string field; nothing when it is empty, as proto3 has it."""
    if not value:
        return b""
    encoded = value.encode()
    return tag(field, LENGTH_DELIMITED) + varint(len(encoded)) + encoded


def unsigned(field: int, number: int) -> bytes:
    """An integer field with presence: it is written even when it is zero."""
    return tag(field, VARINT) + varint(number)


def doubles(*fields: int) -> Callable[..., bytes]:
    """A function that encodes a double for each of these fields, in this order, all present."""
    tags = [field << 3 | FIXED64 for field in fields]
    packer = struct.Struct("<" + "Bd" * len(fields))
    if max(tags) > 0x7F:
        raise ValueError("a tag of more than one byte")
    if len(fields) == 1:
        (only,) = tags
        return lambda value: packer.pack(only, value)
    if len(fields) == 4:  # the top of book; without star-arguments it costs half
        first, second, third, fourth = tags
        return lambda a, b, c, d: packer.pack(first, a, second, b, third, c, fourth, d)
    return lambda *values: packer.pack(*(item for pair in zip(tags, values, strict=True) for item in pair))


class TimestampField:
    """Encodes a google.protobuf.Timestamp field from Unix nanoseconds.

    Seconds repeat from message to message, so their encoding is kept. Nanoseconds are written as a varint of fixed
    width, which every parser reads: leading zeros of a varint carry no value.
    """

    __slots__ = ("_head", "_head_s", "_tag")

    def __init__(self, field: int) -> None:
        self._tag = tag(field, LENGTH_DELIMITED)
        self._head_s = -1
        self._head = b""

    def encode(self, unix_ns: int) -> bytes:
        """The field's bytes."""
        seconds, nanos = divmod(unix_ns, _NS_PER_S)
        if seconds != self._head_s:
            # A negative int64 is written as its two's complement of 64 bits.
            body = unsigned(1, seconds & 0xFFFF_FFFF_FFFF_FFFF) + tag(2, VARINT)
            self._head = self._tag + varint(len(body) + _NANOS_WIDTH) + body
            self._head_s = seconds
        return self._head + _PADDED[nanos & 0x3FFF] + _PADDED[nanos >> 14 & 0x3FFF] + _LAST[nanos >> 28]


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


_SMALL_MAX: Final = 1 << 14
_SMALL: Final = tuple(_varint(number) for number in range(_SMALL_MAX))
_PADDED: Final = tuple(bytes((number & 0x7F | 0x80, number >> 7 | 0x80)) for number in range(1 << 14))
_LAST: Final = tuple(bytes((number,)) for number in range(4))
_NANOS_WIDTH: Final = 5
"""Bytes of nanoseconds below 10^9: 14 + 14 + 2 bits."""
