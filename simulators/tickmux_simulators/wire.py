"""WebSocket frames as a server writes them (RFC 6455, 5.2): encoded once, sent to any number of connections."""

import struct
from typing import Final

TEXT: Final = 0x81
BINARY: Final = 0x82
PING: Final = 0x89
PONG: Final = 0x8A


def frame(opcode: int, payload: bytes) -> bytes:
    """One unmasked final frame."""
    length = len(payload)
    if length < 126:
        return bytes((opcode, length)) + payload
    if length < 65_536:
        return struct.pack("!BBH", opcode, 126, length) + payload
    return struct.pack("!BBQ", opcode, 127, length) + payload


def text_frame(text: str) -> bytes:
    """A text frame."""
    return frame(TEXT, text.encode())
