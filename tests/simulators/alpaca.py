"""Talking to the simulated Alpaca in tests."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import websockets
from tests.simulators.process import PATIENCE_S, RECORDINGS, Raw, Simulator

IEX = "/v2/iex"
SIP = "/v2/sip"
TEST = "/v2/test"
CRYPTO = "/v1beta3/crypto/us"
PLUS = ("PKSIMULATEDPLUS00002", "simulated-plus-secret")
MSGPACK = {"Content-Type": "application/msgpack"}
TRANSCRIPTS = RECORDINGS / "alpaca" / "alpaca-docs__stream_transcripts.jsonl"


class Stamped(msgspec.Struct):
    """What a msgpack decoder must not turn into a datetime, as that has no nanoseconds."""

    t: msgspec.msgpack.Ext


class Talk:
    """A connection whose frames are arrays."""

    def __init__(self, raw: Raw, *, is_binary: bool = False) -> None:
        self.raw = raw
        self.is_binary = is_binary
        self._left: list[Any] = []

    async def send(self, message: object) -> None:
        if self.is_binary:
            await self.raw.socket.send(msgspec.msgpack.encode(message))
        else:
            await self.raw.send(message)

    async def frame(self, *, timeout_s: float = PATIENCE_S) -> list[Any]:
        """The next frame, decoded: an array always."""
        if not self.is_binary:
            frame = json.loads(await self.raw.text(timeout_s=timeout_s))
        else:
            frame = msgspec.msgpack.decode(await self.payload())
        assert isinstance(frame, list)
        return frame

    async def payload(self) -> bytes:
        """The next frame of a msgpack connection as it came."""
        received = await self.raw.socket.recv()
        assert isinstance(received, bytes)
        return received

    async def control(self) -> Any:
        """The next control message; data before it is passed over."""
        while True:
            frame = await self.frame()
            if frame[0]["T"] in {"success", "error", "subscription"}:
                assert len(frame) == 1, "control frames are alone"
                return frame[0]

    async def next(self, kind: str, symbol: str = "") -> Any:
        """The next data message of a type, and of a symbol if one is named."""
        while True:
            while self._left:
                message = self._left.pop(0)
                if message.get("T") == kind and message["S"] in {symbol, symbol or message["S"]}:
                    return message
            self._left = await self.frame()

    async def authenticate(self, key: str, secret: str) -> Any:
        await self.send({"action": "auth", "key": key, "secret": secret})
        return await self.control()

    async def subscribe(self, **channels: list[str]) -> Any:
        await self.send({"action": "subscribe", **channels})
        return await self.control()

    async def refused(self, request: object) -> int:
        """The code of the error that a request is answered with."""
        await self.send(request)
        answer = await self.control()
        assert answer["T"] == "error", answer
        return int(answer["code"])


@contextlib.asynccontextmanager
async def talk(
    venue: Simulator, path: str, *, headers: Mapping[str, str] | None = None, is_binary: bool = False
) -> AsyncIterator[Talk]:
    """A connection that was greeted."""
    wanted = {**(headers or {}), **(MSGPACK if is_binary else {})}
    async with venue.connect(path, additional_headers=wanted) as raw:
        one = Talk(raw, is_binary=is_binary)
        assert await one.control() == {"T": "success", "msg": "connected"}
        yield one


@contextlib.asynccontextmanager
async def authenticated(
    venue: Simulator, path: str, *, is_plus: bool = True, is_binary: bool = False
) -> AsyncIterator[Talk]:
    """A connection of an account; of the plus one by default, which may see everything."""
    async with talk(venue, path, is_binary=is_binary) as one:
        pair = PLUS if is_plus else key_of(venue)
        assert await one.authenticate(*pair) == {"T": "success", "msg": "authenticated"}
        yield one


def key_of(venue: Simulator) -> tuple[str, str]:
    """The basic key that the simulator announced."""
    return venue.announced["key"], venue.announced["secret"]


def nanoseconds(stamp: msgspec.msgpack.Ext) -> int:
    """Unix nanoseconds of a msgpack timestamp of 32 or 64 bits."""
    assert stamp.code == -1
    data = bytes(stamp.data)
    packed = int.from_bytes(data, "big")
    if len(data) == 4:
        return packed * 1_000_000_000
    assert len(data) == 8
    return (packed & (1 << 34) - 1) * 1_000_000_000 + (packed >> 34)


async def ended(one: Talk) -> int | None:
    """The close code once the venue has closed."""
    return (await one.raw.closed())[0]


async def silence(one: Talk, timeout_s: float = 0.4) -> None:
    """Wait until nothing comes any more."""
    for _ in range(50_000):
        try:
            await one.frame(timeout_s=timeout_s)
        except TimeoutError:
            return
    raise AssertionError("it goes on and on")


async def pong(one: Talk) -> None:
    """Ping, and await the answer."""
    await (await one.raw.socket.ping())


ConnectionClosed = websockets.ConnectionClosed
