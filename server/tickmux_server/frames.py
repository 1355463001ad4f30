"""Frames: repeated entries of a response, encoded once and concatenated ever after.

A repeated message field stands on the wire as tag, length, payload for each entry, in any order and mixed with other
fields (https://protobuf.dev/programming-guides/encoding, "Last One Wins" and "Packed Repeated Fields"). So joined
frames are a valid response, and nothing is encoded again for another client.
"""

from typing import Final

from tickmux_server.encoding import LENGTH_DELIMITED, tag, varint

QUOTES_FIELD: Final = 1
"""`quotes` in SubscribeResponse and in GetSnapshotResponse."""
STATUSES_FIELD: Final = 2
"""`source_statuses` in SubscribeResponse and in GetSnapshotResponse."""
LISTED_FIELD: Final = 1
"""`instruments` in ListInstrumentsResponse, `source_statuses` in ListSourcesResponse."""

_STALE_FLAG: Final = b"\x7a\x01\x05"
"""Quote.flags (field 15, packed), one value: QUOTE_FLAG_STALE. Parsers append it to the flags that came before."""


_PREFIXES: Final = [
    tuple(tag(field, LENGTH_DELIMITED) + varint(length) for length in range(1024))
    for field in range(STATUSES_FIELD + 1)
]


def frame(field: int, payload: bytes) -> bytes:
    """A serialised message as one entry of the repeated field of that number."""
    length = len(payload)
    if length < 1024:
        return _PREFIXES[field][length] + payload
    return tag(field, LENGTH_DELIMITED) + varint(length) + payload


def payload(framed: bytes) -> bytes:
    """The serialised message inside a frame."""
    at = 1
    while framed[at] & 0x80:
        at += 1
    return framed[at + 1 :]


def relabelled(field: int, framed: bytes) -> bytes:
    """The same entry as one of another repeated field. Fields up to 15 have a tag of one byte."""
    return bytes((field << 3 | 2,)) + framed[1:]


def with_stale_flag(framed: bytes) -> bytes:
    """A quote's frame with QUOTE_FLAG_STALE set.

    The flag goes to the end of the payload, which is then framed anew: appended to the frame it would be a field of the
    response, and be lost.
    """
    return frame(QUOTES_FIELD, payload(framed) + _STALE_FLAG)
