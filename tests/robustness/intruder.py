"""Requests that are wrong, oversized or no gRPC at all, each with what must come of it."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
from tests.robustness.records import Answered, Writer
from tests.robustness.subscriber import CHANNEL_OPTIONS, SERVICE, outcome

from tickmux.v1 import market_data_service_pb2 as contract

ANSWER_S_MAX: Final = 4.0
PLACES: Final = 100
"""So many calls may be open on a connection; those that are over must not count."""
INVALID: Final = "INVALID_ARGUMENT/INVALID_REQUEST"
CLOSED: Final = "closed"


class Intruder:
    """Tries one case after the other, in random order, past the proxy; runs until cancelled."""

    def __init__(self, target: str, writer: Writer, rng: random.Random) -> None:
        self._target = target
        self._writer = writer
        self._rng = rng
        # Any: without serialisers its calls take and give bytes, which the types do not know of.
        self._channel: Any = grpc.aio.insecure_channel(target, options=CHANNEL_OPTIONS)
        subscribe = contract.SubscribeRequest
        named = contract.Selection
        heartbeat = subscribe()
        heartbeat.heartbeat_interval.FromNanoseconds(500_000_000)
        backwards = subscribe()
        backwards.min_interval.FromNanoseconds(-1)
        self._cases: dict[str, tuple[tuple[str, ...], Callable[[], Awaitable[str]]]] = {
            "garbage request": ((INVALID,), lambda: self._stream(rng.randbytes(200) + b"\xff")),
            "malformed token": ((INVALID,), lambda: self._stream(subscribe(resume_token=self._nonsense()))),
            "truncated token": ((INVALID,), lambda: self._stream(subscribe(resume_token="AAAA"))),
            "unknown delivery": ((INVALID,), lambda: self._stream(b"\x18\x63")),
            "heartbeat too short": ((INVALID,), lambda: self._stream(heartbeat)),
            "negative interval": ((INVALID,), lambda: self._stream(backwards)),
            "unknown source": ((INVALID,), lambda: self._stream(subscribe(selection=named(sources=["nosuch"])))),
            "star in the middle": ((INVALID,), lambda: self._stream(subscribe(selection=named(symbols=["B*C"])))),
            "too many patterns": (
                (INVALID,),
                lambda: self._stream(subscribe(selection=named(symbols=[f"A{n}*" for n in range(33)]))),
            ),
            "page too large": ((INVALID,), lambda: self._ask(contract.GetSnapshotRequest(page_size=10_001))),
            "malformed page token": ((INVALID,), lambda: self._ask(contract.GetSnapshotRequest(page_token="?"))),
            "more wrong requests than a connection has places": ((INVALID,), self._many),
            "oversized request": (("RESOURCE_EXHAUSTED",), lambda: self._stream(b"\x0a" * 70_000)),
            "oversized metadata": (
                ("RESOURCE_EXHAUSTED", "INTERNAL", "UNAVAILABLE"),
                lambda: self._ask(contract.GetSnapshotRequest(), metadata=(("padding", "x" * 60_000),)),
            ),
            "unknown method": (("UNIMPLEMENTED",), lambda: self._ask(b"", f"/{SERVICE}/NoSuchMethod")),
            "unknown service": (("UNIMPLEMENTED",), lambda: self._ask(b"", "/tickmux.v1.NoSuchService/GetSnapshot")),
            "doubled slash": (("UNIMPLEMENTED",), lambda: self._ask(b"", f"//{SERVICE}/GetSnapshot")),
            "HTTP/1.1": ((CLOSED,), lambda: self._raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")),
            "TCP garbage": ((CLOSED,), lambda: self._raw(rng.randbytes(4_000))),
            "preface and garbage": (
                (CLOSED,),
                lambda: self._raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + rng.randbytes(4_000)),
            ),
        }

    async def run(self) -> None:
        """Case after case."""
        try:
            while True:
                names = list(self._cases)
                self._rng.shuffle(names)
                for name in names:
                    await self._try(name)
                    await asyncio.sleep(self._rng.uniform(0.0, 0.15))
        finally:
            await self._channel.close()

    async def _try(self, name: str) -> None:
        expected, attempt = self._cases[name]
        began_ns = time.monotonic_ns()
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                got = await attempt()
        except TimeoutError:
            got = "no answer"
        self._writer.write(Answered(began_ns, time.monotonic_ns(), name, expected, got))

    def _nonsense(self) -> str:
        return "".join(self._rng.choices("abcXYZ019-_=+/ é", k=self._rng.randint(1, 60)))

    async def _stream(self, request: contract.SubscribeRequest | bytes) -> str:
        raw = request if isinstance(request, bytes) else request.SerializeToString()
        call: Any = self._channel.unary_stream(f"/{SERVICE}/Subscribe")(raw)
        try:
            if await call.read() is not grpc.aio.EOF:
                return "served"
        except grpc.aio.AioRpcError:
            pass
        finally:
            call.cancel()
        return await _told(call)

    async def _ask(self, request: contract.GetSnapshotRequest | bytes, method: str = "", metadata: Any = ()) -> str:
        raw = request if isinstance(request, bytes) else request.SerializeToString()
        call: Any = self._channel.unary_unary(method or f"/{SERVICE}/GetSnapshot")(raw, metadata=metadata)
        try:
            await call
        except grpc.aio.AioRpcError:
            return await _told(call)
        return "served"

    async def _many(self) -> str:
        request = contract.GetSnapshotRequest(page_size=10_001)
        return " and ".join(sorted({await self._ask(request) for _ in range(PLACES + 20)}))

    async def _raw(self, sent: bytes) -> str:
        host, _, port = self._target.rpartition(":")
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
        except OSError:
            return "UNAVAILABLE"
        try:
            writer.write(sent)
            while await reader.read(65_536):
                pass
        except ConnectionError:
            return CLOSED
        finally:
            writer.transport.abort()
        return CLOSED


async def _told(call: Any) -> str:
    code, reason, _, _ = await outcome(call)
    return f"{code}/{reason}" if reason else code
