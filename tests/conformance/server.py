"""A real server of the contract that plays a scenario, step by step, to one program."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import grpc.aio
from google.protobuf.message import Message
from grpc_status import rpc_status
from tests.client.scripted_server import Fail, rich_status
from tests.conformance.record import Received, Record, Strayed
from tests.conformance.scenario import Abort, AnyStep, Call, Cut, End, Heartbeats, Send, Silence, Tear
from tests.relay import Relay

from tickmux.v1 import market_data_service_pb2 as pb

SERVICE = "tickmux.v1.MarketDataService"
BEAT_S = 1.0

Context = grpc.aio.ServicerContext[Message, Message]


@asynccontextmanager
async def serving(record: Record) -> AsyncIterator[str]:
    """The scenario of a record on a port of its own, behind a relay that can cut the connection."""
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    async with Relay(f"127.0.0.1:{port}") as relay:
        script = _Script(record, relay)
        server.add_generic_rpc_handlers((script.handlers(),))
        await server.start()
        try:
            yield relay.target
        finally:
            await server.stop(None)


class _Script:
    """Plays each call in turn."""

    def __init__(self, record: Record, relay: Relay) -> None:
        self._record = record
        self._relay = relay
        self._pages_asked = 0
        self._calls_made = 0
        self._lines_due = 0
        # On the safe side of what the client can know: the limits are lower ones.
        self._sent_at_s: float | None = None
        self._ended_at_s: float | None = None

    def handlers(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Subscribe": grpc.unary_stream_rpc_method_handler(
                    self._subscribe, request_deserializer=pb.SubscribeRequest.FromString
                ),
                "GetSnapshot": grpc.unary_unary_rpc_method_handler(
                    self._page,
                    request_deserializer=pb.GetSnapshotRequest.FromString,
                    response_serializer=pb.GetSnapshotResponse.SerializeToString,
                ),
            },
        )

    async def _page(self, request: pb.GetSnapshotRequest, context: Context) -> pb.GetSnapshotResponse:
        self._receive(request, context)
        pages = self._record.scenario.pages
        self._pages_asked += 1
        if self._pages_asked > len(pages):
            await self._refuse(
                f"the server had to be asked for {len(pages)} pages, and was asked for one more", context
            )
        page = pages[self._pages_asked - 1]
        if request.page_token != page.page_token:
            await self._refuse(
                f"page {self._pages_asked} had to be asked for with page_token={page.page_token!r}, and was with "
                f"{request.page_token!r}",
                context,
            )
        self._lines_due += len(page.sees)
        if isinstance(page.response, Fail):
            await context.abort_with_status(rpc_status.to_status(rich_status(page.response)))
            raise AssertionError("abort raises")  # noqa: TRY004 - not about the type
        self._record.sent.extend(page.response.quotes)
        return page.response

    async def _subscribe(self, request: pb.SubscribeRequest, context: Context) -> AsyncIterator[bytes]:
        record = self._record
        self._receive(request, context)
        calls = record.scenario.calls
        self._calls_made += 1
        number = self._calls_made
        if number > len(calls):
            await self._refuse(f"the server had to see {len(calls)} calls of Subscribe, and saw one more", context)
        call = calls[number - 1]
        await self._check(call, number, request, context)
        try:
            for step in call.steps:
                async for response in self._play(step, context):
                    yield response
                if isinstance(step, End):
                    return
                await record.until_seen(self._lines_due)
            if number == len(calls):
                # Open until the program leaves.
                await asyncio.Event().wait()
        except Strayed:
            return

    async def _check(self, call: Call, number: int, request: pb.SubscribeRequest, context: Context) -> None:
        if request.resume_token != call.resume_token:
            await self._refuse(
                f"call {number} had to hold resume_token={call.resume_token!r}, and held {request.resume_token!r}",
                context,
            )
        if self._ended_at_s is not None:
            waited_s = time.monotonic() - self._ended_at_s
            if waited_s > call.waited_s_max:
                await self._record.fail(
                    "waits",
                    f"call {number} had to come within {call.waited_s_max:g} s of the end of the one before, "
                    f"and came after {waited_s:.3f} s",
                )
            if waited_s < call.waited_s_min:
                await self._record.fail(
                    "waits",
                    f"call {number} had to come {call.waited_s_min:g} s or more after the end of the one before, "
                    f"and came after {waited_s:.3f} s",
                )

    async def _play(self, step: AnyStep, context: Context) -> AsyncIterator[bytes]:
        self._lines_due += len(step.sees)
        match step:
            case Send(bytes(malformed)):
                yield malformed
            case Send(pb.SubscribeResponse() as response):
                self._record.sent.extend(response.quotes)
                self._sent_at_s = time.monotonic()
                yield response.SerializeToString()
            case Silence():
                self._ended_at_s = self._sent_at_s
                await asyncio.Event().wait()
            case Heartbeats(response, count):
                for _ in range(count):
                    await asyncio.sleep(BEAT_S)
                    yield response.SerializeToString()
            case Abort(fail):
                self._ended_at_s = time.monotonic()
                await context.abort_with_status(rpc_status.to_status(rich_status(fail)))
            case End():
                self._ended_at_s = time.monotonic()
            case Tear(response):
                self._ended_at_s = time.monotonic()
                self._relay.cut_after(response.ByteSize() // 2)
                yield response.SerializeToString()
                await asyncio.Event().wait()
            case Cut():
                self._ended_at_s = time.monotonic()
                self._relay.cut()
                await asyncio.Event().wait()

    def _receive(self, request: pb.SubscribeRequest | pb.GetSnapshotRequest, context: Context) -> None:
        self._record.received.append(Received(request, dict(context.invocation_metadata() or ())))

    async def _refuse(self, text: str, context: Context) -> None:
        await self._record.fail("requests", text)
        await context.abort(grpc.StatusCode.ABORTED, "the scenario is over")
