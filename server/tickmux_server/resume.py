"""Resume tokens: the point that a stream has reached, as text that is opaque to clients.

A token is URL-safe base64 of 33 bytes: version, digest of the log's identity, digest of the selection, delivery,
position, and a checksum, so that a token cut short or mistyped is refused rather than taken for another position. All
but position and checksum are the same for the life of a stream, and are encoded once.
"""

import base64
import binascii
import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from tickmux_server.encoding import LENGTH_DELIMITED, tag, varint
from tickmux_server.errors import InvalidRequest, Violation
from tickmux_server.selection import Selection, canonical

ANY_DELIVERY: Final = 0
"""The delivery of a token that a snapshot gave: it holds for every way of streaming what comes after."""

_VERSION: Final = 1
_HEAD: Final = struct.Struct(">B8s11sB")
_TAIL: Final = struct.Struct(">QI")
_CHARS: Final = (_HEAD.size + _TAIL.size) * 4 // 3


@dataclass(frozen=True, slots=True)
class ResumeToken:
    """Every selected update at or before `position` was written to the client, or superseded by one that was."""

    log: bytes
    """Digest of the identity of the log that the position belongs to."""
    selection: bytes
    """Digest of the normal form of the selection."""
    delivery: int
    """The contract's number of the delivery, or ANY_DELIVERY."""
    position: int


class ResumeTokens:
    """Writes the tokens of one stream or snapshot, and knows them again."""

    def __init__(self, log: str, selection: Selection, delivery: int = ANY_DELIVERY) -> None:
        self._log = _log_digest(log)
        self._selection = hashlib.blake2b(canonical(selection), digest_size=11).digest()
        self._delivery = delivery
        head = _HEAD.pack(_VERSION, self._log, self._selection, delivery)
        self._checksum = zlib.crc32(head)
        self._head = base64.urlsafe_b64encode(head)

    def text(self, position: int) -> str:
        """The token of a position."""
        return self._encoded(position).decode()

    def field(self, number: int, position: int) -> bytes:
        """The token of a position as a protobuf field of that number."""
        return tag(number, LENGTH_DELIMITED) + _LENGTH + self._encoded(position)

    def own(self, token: ResumeToken) -> bool:
        """Whether a token is of this log, selection and delivery."""
        return (
            token.log == self._log
            and token.selection == self._selection
            and token.delivery in (self._delivery, ANY_DELIVERY)
        )

    def _encoded(self, position: int) -> bytes:
        checksum = zlib.crc32(position.to_bytes(8, "big"), self._checksum)
        # The head's length is a multiple of three, so that its base64 ends where the tail's begins.
        return self._head + base64.urlsafe_b64encode(_TAIL.pack(position, checksum))


_LENGTH: Final = varint(_CHARS)


def decode(text: str) -> ResumeToken:
    """A token from text.

    Raises:
        InvalidRequest: It is no token of this service.
    """
    try:
        raw = base64.b64decode(text, altchars=b"-_", validate=True) if len(text) == _CHARS else b""
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _HEAD.size + _TAIL.size or raw[0] != _VERSION:
        raise _malformed()
    _, log, selection, delivery = _HEAD.unpack_from(raw)
    position, checksum = _TAIL.unpack_from(raw, _HEAD.size)
    if zlib.crc32(raw[: _HEAD.size + 8]) != checksum:
        raise _malformed()
    return ResumeToken(log=log, selection=selection, delivery=delivery, position=position)


def _malformed() -> InvalidRequest:
    problem = "not a token of this service; pass one on as it came, or leave it out to begin with the present state"
    return InvalidRequest([Violation("resume_token", problem)])


def _log_digest(identity: str) -> bytes:
    return hashlib.blake2b(identity.encode(), digest_size=8).digest()
