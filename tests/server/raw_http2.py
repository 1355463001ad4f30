"""HTTP/2 by hand, for requests that no gRPC client would send: names and values of headers go out byte by byte."""

import asyncio
import struct
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
LIMIT_S = 10.0

Header = tuple[bytes, bytes]
EMPTY_MESSAGE = b"\0\0\0\0\0"
"""A gRPC message of no bytes: the empty request."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def integer(value: int) -> bytes:
    """HPACK's integer of seven bits, the eighth being zero: no Huffman code."""
    if value < 127:
        return bytes((value,))
    value -= 127
    tail = bytearray()
    while value >= 128:
        tail.append(value % 128 + 128)
        value //= 128
    return bytes((127, *tail, value))


def header(name: bytes, value: bytes) -> bytes:
    """A literal that enters no table, its name written out."""
    return b"\x00" + integer(len(name)) + name + integer(len(value)) + value


class Answer(NamedTuple):
    """What a server did with a request."""

    ended_by: str
    """`trailers`, `reset`, `goaway` or `closed`."""
    headers: bytes
    """The header blocks that came, still packed: Huffman codes of gRPC's servers are not undone."""
    messages: int
    """DATA frames with something in them."""


async def request(address: str, path: bytes, *headers: Header, method: bytes = b"POST") -> Answer:
    """Send one request on a connection of its own, and see how it ends."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        block = b"".join(
            header(name, value)
            for name, value in (
                (b":method", method),
                (b":scheme", b"http"),
                (b":path", path),
                (b":authority", address.encode()),
                (b"te", b"trailers"),
                (b"content-type", b"application/grpc"),
                *headers,
            )
        )
        writer.write(PREFACE + frame(SETTINGS, 0, 0))
        writer.write(frame(HEADERS, END_HEADERS, 1, block) + frame(DATA, END_STREAM, 1, EMPTY_MESSAGE))
        async with asyncio.timeout(LIMIT_S):
            return await _answer(reader, writer)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Answer:
    blocks, messages = b"", 0
    while True:
        try:
            head = await reader.readexactly(9)
            payload = await reader.readexactly(int.from_bytes(head[:3]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return Answer("closed", blocks, messages)
        kind, flags = head[3], head[4]
        if kind == SETTINGS and not flags & ACK:
            writer.write(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            writer.write(frame(PING, ACK, 0, payload))
        elif kind == DATA and payload:
            messages += 1
        elif kind == HEADERS:
            blocks += payload
            if flags & END_STREAM:
                return Answer("trailers", blocks, messages)
        elif kind == RST_STREAM:
            return Answer("reset", blocks, messages)
        elif kind == GOAWAY:
            return Answer("goaway", blocks, messages)
