"""HTTP/2 by hand, for requests that no gRPC client would send: names and values of headers go out byte by byte."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from typing import NamedTuple

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
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
    """The header blocks that came, still packed: gRPC's servers write their names and values out, without a code."""
    data: bytes
    messages: int
    """DATA frames with something in them."""


class Request:
    """A request whose headers are sent, on a connection of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, message: bytes) -> Answer:
        """Send the request's only message, and see how the call ends."""
        self._writer.write(frame(DATA, END_STREAM, 1, message))
        async with asyncio.timeout(LIMIT_S):
            return await self._answer()

    async def _answer(self) -> Answer:
        blocks, data, messages = b"", b"", 0
        while True:
            try:
                kind, flags, payload = await self._frame()
            except (asyncio.IncompleteReadError, ConnectionError):
                return Answer("closed", blocks, data, messages)
            if kind == DATA and payload:
                data += payload
                messages += 1
            elif kind == HEADERS:
                blocks += payload
                if flags & END_STREAM:
                    return Answer("trailers", blocks, data, messages)
            elif kind == RST_STREAM:
                return Answer("reset", blocks, data, messages)
            elif kind == GOAWAY:
                return Answer("goaway", blocks, data, messages)

    async def _frame(self) -> tuple[int, int, bytes]:
        """The next frame: kind, flags and payload. What the protocol wants to be acknowledged is."""
        head = await self._reader.readexactly(9)
        payload = await self._reader.readexactly(int.from_bytes(head[:3]))
        kind, flags = head[3], head[4]
        if kind == SETTINGS and not flags & ACK:
            self._writer.write(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self._writer.write(frame(PING, ACK, 0, payload))
        return kind, flags, payload


@contextlib.asynccontextmanager
async def opened(address: str, path: bytes, *headers: Header) -> AsyncIterator[Request]:
    """Send the headers of a request."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        block = b"".join(
            header(name, value)
            for name, value in (
                (b":method", b"POST"),
                (b":scheme", b"http"),
                (b":path", path),
                (b":authority", address.encode()),
                (b"te", b"trailers"),
                (b"content-type", b"application/grpc"),
                *headers,
            )
        )
        writer.write(PREFACE + frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, block))
        yield Request(reader, writer)
    finally:
        writer.close()


async def request(address: str, path: bytes, *headers: Header) -> Answer:
    """Send one request with an empty message, and see how it ends."""
    async with opened(address, path, *headers) as sent:
        return await sent.send(EMPTY_MESSAGE)
