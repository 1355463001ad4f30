"""A real server of the contract that plays a script, for both flavours of the client."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import grpc
import grpc.aio
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import market_data_service_pb2_grpc, quote_pb2, source_pb2
from tickmux_client import Snapshot
from tickmux_client._pages import snapshot


@dataclass(frozen=True)
class Fail:
    """Ends a call with an error."""

    code: grpc.StatusCode
    message: str = "scripted"
    details: Sequence[Message] = ()


@dataclass(frozen=True)
class Hang:
    """Keeps a call open without a word."""


Step = pb.SubscribeResponse | Fail | Hang
CUT = Fail(grpc.StatusCode.UNAVAILABLE)


def quote(
    symbol: str, revision: int, *, epoch: int = 1, source: str = "binance", channel: str = "0", **fields: float
) -> quote_pb2.Quote:
    return quote_pb2.Quote(
        symbol=symbol, source=source, epoch=epoch, revision=revision, channel=channel, bid_price=fields.get("bid")
    )


def status(
    state: source_pb2.SourceState.ValueType = source_pb2.SOURCE_STATE_LIVE,
    *,
    epoch: int = 1,
    source: str = "binance",
    channel: str = "0",
    messages: int = 0,
) -> source_pb2.SourceStatus:
    return source_pb2.SourceStatus(source=source, channel=channel, state=state, epoch=epoch, messages=messages)


def opening(*quotes: quote_pb2.Quote, token: str = "") -> pb.SubscribeResponse:
    """One response that opens a phase, holds its whole state, and completes it."""
    return pb.SubscribeResponse(
        continuity=pb.CONTINUITY_SNAPSHOT,
        source_statuses=[status()],
        quotes=quotes,
        caught_up=True,
        resume_token=token,
    )


def live(*quotes: quote_pb2.Quote, conflated: int = 0, token: str = "") -> pb.SubscribeResponse:
    return pb.SubscribeResponse(quotes=quotes, conflated=conflated, resume_token=token)


def snapshot_of(*quotes: quote_pb2.Quote, token: str = "") -> Snapshot:
    """One page of present state, as a client hands it out."""
    return snapshot([pb.GetSnapshotResponse(quotes=quotes, source_statuses=[status()], resume_token=token)])


def rich_status(fail: Fail) -> status_pb2.Status:
    rich = status_pb2.Status(code=fail.code.value[0], message=fail.message)
    for detail in fail.details:
        rich.details.add().Pack(detail)
    return rich


def error_info(reason: str) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(reason=reason, domain="tickmux")


def _set(event: asyncio.Event) -> asyncio.Event:
    event.set()
    return event


@dataclass
class Script(market_data_service_pb2_grpc.MarketDataServiceServicer):
    """What each Subscribe does, in turn; the last one repeats. Every request is kept."""

    calls: Sequence[Sequence[Step]] = ((Hang(),),)
    snapshot: Callable[[pb.GetSnapshotRequest], pb.GetSnapshotResponse | Fail | Hang] = lambda _: (
        pb.GetSnapshotResponse()
    )
    instruments: Callable[[pb.ListInstrumentsRequest], pb.ListInstrumentsResponse] = lambda _: (
        pb.ListInstrumentsResponse()
    )
    statuses: Sequence[source_pb2.SourceStatus] = ()
    requests: list[pb.SubscribeRequest] = field(default_factory=list)
    metadata: list[dict[str, str | bytes]] = field(default_factory=list)
    open_calls: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    all_closed: asyncio.Event = field(default_factory=lambda: _set(asyncio.Event()))

    async def Subscribe(  # noqa: N802 - named by the contract
        self, request: pb.SubscribeRequest, context: grpc.aio.ServicerContext[Message, Message]
    ) -> AsyncIterator[pb.SubscribeResponse]:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata() or ()))
        self.open_calls += 1
        self.all_closed.clear()
        try:
            for step in self.calls[min(len(self.requests), len(self.calls)) - 1]:
                if isinstance(step, Fail):
                    await context.abort_with_status(rpc_status.to_status(rich_status(step)))
                elif isinstance(step, Hang):
                    await asyncio.Event().wait()
                else:
                    yield step
        finally:
            self.open_calls -= 1
            if not self.open_calls:
                self.all_closed.set()

    async def GetSnapshot(  # noqa: N802 - named by the contract
        self, request: pb.GetSnapshotRequest, context: grpc.aio.ServicerContext[Message, Message]
    ) -> pb.GetSnapshotResponse:
        answer = self.snapshot(request)
        if isinstance(answer, Fail):
            await context.abort_with_status(rpc_status.to_status(rich_status(answer)))
            raise AssertionError("abort raises")  # noqa: TRY004 - not about the type
        if isinstance(answer, Hang):
            self.asked.set()
            await asyncio.Event().wait()
        return cast("pb.GetSnapshotResponse", answer)

    async def ListInstruments(  # noqa: N802 - named by the contract
        self, request: pb.ListInstrumentsRequest, context: grpc.aio.ServicerContext[Message, Message]
    ) -> pb.ListInstrumentsResponse:
        return self.instruments(request)

    async def ListSources(  # noqa: N802 - named by the contract
        self, request: pb.ListSourcesRequest, context: grpc.aio.ServicerContext[Message, Message]
    ) -> pb.ListSourcesResponse:
        return pb.ListSourcesResponse(source_statuses=self.statuses)
