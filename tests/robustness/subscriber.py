"""A client on raw bytes that subscribes, again and again, and writes down all that it is told."""

import asyncio
import random
import time
from collections.abc import Iterator
from typing import Any, Final

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from tests.robustness import wire
from tests.robustness.kinds import Kind
from tests.robustness.records import (
    Asked,
    CallBegun,
    CallEnded,
    Paused,
    Received,
    SnapshotTaken,
    ToldQuote,
    ToldStatus,
    Writer,
)

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import quote_pb2, source_pb2

SERVICE: Final = "tickmux.v1.MarketDataService"
SILENCE_HEARTBEATS: Final = 3
TOKENS_KEPT: Final = 400
SNAPSHOT_PAGE: Final = 7
CHANNEL_OPTIONS: Final = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 300),
    ("grpc.max_receive_message_length", 16 << 20),
)

_CONTINUITY: Final = {number: name.removeprefix("CONTINUITY_") for name, number in contract.Continuity.items()}
_STATE: Final = {number: name.removeprefix("SOURCE_STATE_") for name, number in source_pb2.SourceState.items()}


class Subscriber:
    """One client of a kind; runs until cancelled."""

    def __init__(self, kind: Kind, target: str, writer: Writer, rng: random.Random) -> None:
        self.kind = kind
        self.caught_up = False
        """Whether the present call has caught up."""
        self.call = -1
        self.heard_ns = 0
        """When the latest response came."""
        self.states: dict[str, str] = {}
        """State of each source as last told in the present call."""
        self._writer = writer
        self._rng = rng
        self._tokens: list[tuple[str, Asked, int, int]] = []
        window = (("grpc.http2.bdp_probe", 0),) if kind.has_small_window else ()
        self._channel = grpc.aio.insecure_channel(target, options=(*CHANNEL_OPTIONS, *window))
        # Without serialisers bytes go in and come out: what is checked is what was on the wire.
        self._subscribe: Any = self._channel.unary_stream(f"/{SERVICE}/Subscribe")
        self._get_snapshot: Any = self._channel.unary_unary(f"/{SERVICE}/GetSnapshot")

    async def run(self) -> None:
        """Call after call."""
        try:
            while True:
                await self._serve_call()
                away_s = self.kind.away_s
                if self.kind.long_away_s is not None and self._rng.random() < 0.25:
                    away_s = self.kind.long_away_s
                await asyncio.sleep(self._rng.uniform(*away_s))
        finally:
            await self._channel.close()

    async def _serve_call(self) -> None:
        self.call += 1
        self.caught_up = False
        self.states = {}
        kind, rng = self.kind, self._rng
        asked = kind.other if kind.other is not None and rng.random() < kind.other_asked else kind.asked
        token, token_from = self._token(asked)
        if rng.random() < kind.snapshots and (taken := await self._snapshot_token(asked)):
            token, token_from = taken, None
        self._writer.write(CallBegun(time.monotonic_ns(), kind.name, self.call, asked, token, token_from))
        call = self._subscribe(_request(asked, token))
        left = "STOPPED"
        try:
            left = await self._read_all(call, asked)
        except grpc.aio.AioRpcError:
            left = ""
        except (DecodeError, ValueError) as error:
            left = f"MALFORMED: {error}"
        finally:
            self.caught_up = False
            if left:
                call.cancel()
                self._writer.write(CallEnded(time.monotonic_ns(), kind.name, self.call, True, left, "", None, ""))
        if not left:
            self._writer.write(CallEnded(time.monotonic_ns(), kind.name, self.call, False, *await outcome(call)))

    async def _read_all(self, call: Any, asked: Asked) -> str:
        """Read responses until the call is over; why the client left it, or empty if the server ended it."""
        kind, rng = self.kind, self._rng
        began_s = time.monotonic()
        leaves_s = began_s + rng.uniform(*kind.life_s) if kind.life_s else float("inf")
        stalls_s = began_s + rng.uniform(*kind.stall_after_s) if kind.stall_after_s else float("inf")
        number = 0
        while time.monotonic() < leaves_s:
            pause_s = rng.uniform(*kind.read_pause_s)
            if time.monotonic() >= stalls_s:
                stalls_s = float("inf")
                pause_s = rng.uniform(*kind.stall_s)
            if pause_s:
                await self._pause(pause_s)
            silent_s = time.monotonic() + SILENCE_HEARTBEATS * asked.heartbeat_s
            try:
                async with asyncio.timeout(max(0.001, min(silent_s, leaves_s) - time.monotonic())):
                    response = await call.read()
            except TimeoutError:
                return "SILENT" if time.monotonic() < leaves_s else "CUT"
            if response is grpc.aio.EOF:
                return ""
            self._take(response, asked, number)
            number += 1
        return "CUT"

    async def _pause(self, pause_s: float) -> None:
        began_ns = time.monotonic_ns()
        await asyncio.sleep(pause_s)
        if pause_s > 0.5:
            self._writer.write(Paused(began_ns, time.monotonic_ns(), self.kind.name, self.call))

    def _take(self, response: bytes, asked: Asked, number: int) -> None:
        now_ns = time.monotonic_ns()
        received = decoded(response, now_ns, self.kind.name, self.call, number)
        self._writer.write(received)
        self.heard_ns = now_ns
        self.caught_up = (self.caught_up and received.continuity == "UNSPECIFIED") or received.caught_up
        for status in received.statuses:
            self.states[status.source] = status.state
        if received.token:
            self._tokens.append((received.token, asked, self.call, number))
            if len(self._tokens) > TOKENS_KEPT:
                # Every second one, so that old ones stay among them.
                self._tokens[: TOKENS_KEPT // 2] = self._tokens[: TOKENS_KEPT // 2 : 2]

    def _token(self, asked: Asked) -> tuple[str, tuple[int, int] | None]:
        """The token to resume with, and the call and response that it is from."""
        if not self._tokens or self._rng.random() < self.kind.no_tokens:
            return "", None
        own = [kept for kept in self._tokens if kept[1] == self.kind.asked]
        # Asking for the other, what it has is a token of something else.
        chosen = self._tokens[-1] if asked != self.kind.asked or not own else own[-1]
        if own and self._rng.random() < self.kind.old_tokens:
            chosen = self._rng.choice(own)
        token, _, call, number = chosen
        return token, (call, number)

    async def _snapshot_token(self, asked: Asked) -> str:
        """The token that a GetSnapshot of several pages ends with; empty if it did not come to that."""
        request = contract.GetSnapshotRequest(selection=_selection(asked), page_size=SNAPSHOT_PAGE)
        began_ns = time.monotonic_ns()
        quotes: list[ToldQuote] = []
        try:
            while True:
                answer = await self._get_snapshot(request.SerializeToString(), timeout=2.0)
                page = contract.GetSnapshotResponse.FromString(answer)
                quotes += _quotes(answer)
                if not page.next_page_token:
                    break
                request.page_token = page.next_page_token
        except grpc.aio.AioRpcError:
            return ""
        token = str(page.resume_token)
        self._writer.write(SnapshotTaken(began_ns, self.kind.name, asked, token, tuple(quotes)))
        return token


def decoded(response: bytes, at_ns: int, client: str, call: int, number: int) -> Received:
    """A response as a record.

    Raises:
        DecodeError: the bytes are no message.
        ValueError: the same.
    """
    message = contract.SubscribeResponse.FromString(response)
    return Received(
        at_ns,
        client,
        call,
        number,
        _CONTINUITY[message.continuity],
        message.caught_up,
        message.conflated,
        message.going_away,
        message.resume_token,
        tuple(message.unmatched),
        tuple(
            ToldStatus(status.source, status.channel, _STATE[status.state], status.epoch)
            for status in message.source_statuses
        ),
        tuple(_quotes(response)),
        message.sent_at.ToNanoseconds(),
        len(response),
    )


def _quotes(response: bytes) -> Iterator[ToldQuote]:
    """The quotes of a response, of a stream or a snapshot."""
    for field, payload in wire.fields(response):
        if field == 1:
            quote = quote_pb2.Quote.FromString(payload)
            yield ToldQuote(
                quote.source,
                quote.symbol,
                quote.channel,
                quote.epoch,
                quote.revision,
                wire.digest(payload),
                quote_pb2.QUOTE_FLAG_STALE in quote.flags,
            )


def _selection(asked: Asked) -> contract.Selection:
    return contract.Selection(symbols=asked.symbols, sources=asked.sources)


def _request(asked: Asked, token: str) -> bytes:
    request = contract.SubscribeRequest(
        selection=_selection(asked), delivery=contract.Delivery.Value(f"DELIVERY_{asked.delivery}")
    )
    if token:
        request.resume_token = token
    if asked.min_interval_s:
        request.min_interval.FromNanoseconds(round(asked.min_interval_s * 1e9))
    request.heartbeat_interval.FromNanoseconds(round(asked.heartbeat_s * 1e9))
    return request.SerializeToString()


async def outcome(call: Any) -> tuple[str, str, float | None, str]:
    """Code, reason, delay before a retry, and token of a call that the server has ended."""
    code: grpc.StatusCode = await call.code()
    reason, retry_s, token = "", None, ""
    for key, value in await call.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for packed in status_pb2.Status.FromString(value).details:
                if any_pb2.Any.Is(packed, error_details_pb2.ErrorInfo.DESCRIPTOR):
                    info = error_details_pb2.ErrorInfo.FromString(packed.value)
                    reason, token = info.reason, info.metadata.get("resume_token", "")
                elif any_pb2.Any.Is(packed, error_details_pb2.RetryInfo.DESCRIPTOR):
                    delay = error_details_pb2.RetryInfo.FromString(packed.value).retry_delay
                    retry_s = delay.ToNanoseconds() / 1e9
    return code.name, reason, retry_s, token
