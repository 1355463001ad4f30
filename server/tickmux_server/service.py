"""MarketDataService: requests in, bytes out.

Handlers take and give raw bytes, so that nothing is encoded twice and a malformed request is answered by us.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux_adapters.model import Clock
from tickmux_server import paging, resume, selection, status
from tickmux_server.access.principal import permitted, visible
from tickmux_server.errors import InternalError, InvalidRequest, RequestError, Violation
from tickmux_server.frames import LISTED_FIELD, relabelled
from tickmux_server.hub import Hub
from tickmux_server.resume import ResumeTokens
from tickmux_server.route import InstrumentState
from tickmux_server.selection import Selection
from tickmux_server.streams import Stream, Streams
from tickmux_server.subscription import (
    HEARTBEAT_INTERVAL_S_DEFAULT,
    HEARTBEAT_INTERVAL_S_MIN,
    Delivery,
    Subscription,
)

logger = logging.getLogger(__name__)

SERVICE: Final = "tickmux.v1.MarketDataService"
HEARTBEAT_INTERVAL_S_MAX: Final = 3600.0
MIN_INTERVAL_S_MAX: Final = 3600.0

_DEFECT: Final = InternalError("this server failed to answer; its log says why")

Context = grpc.aio.ServicerContext[bytes, bytes]
_Request = TypeVar("_Request", bound=Message)


class MarketDataService:
    """The four calls, over a hub."""

    def __init__(self, hub: Hub, streams: Streams, clock: Clock, *, sources: Collection[str]) -> None:
        self._hub = hub
        self._streams = streams
        self._clock = clock
        self._sources = sources

    def handler(self) -> grpc.GenericRpcHandler:
        """What a gRPC server is given to serve the calls."""
        unary = grpc.unary_unary_rpc_method_handler
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "GetSnapshot": unary(_answering(self.get_snapshot)),
                "ListInstruments": unary(_answering(self.list_instruments)),
                "ListSources": unary(_answering(self.list_sources)),
                "Subscribe": grpc.unary_stream_rpc_method_handler(self.subscribe),
            },
        )

    def get_snapshot(self, request_bytes: bytes) -> bytes:
        """Answer the latest quotes of a selection, one page of them."""
        request = _parse(contract.GetSnapshotRequest, request_bytes)
        chosen = self._selection(request.selection)
        size = paging.page_size(request.page_size)
        response = contract.GetSnapshotResponse()
        first = not request.page_token
        page = self._page(chosen, size, request.page_token, quoted=True)
        frames: list[bytes] = []
        if first:
            response.unmatched.extend(self._unmatched(request.selection, chosen))
            frames += self._hub.statuses(chosen)
        frames += (self._hub.served_frame(state) for state in page.states)
        response.next_page_token = page.next_token
        if not page.next_token:
            response.resume_token = ResumeTokens(self._hub.log.identity, chosen).text(page.position)
        response.sent_at.FromNanoseconds(self._clock.wall_ns())
        return response.SerializeToString() + b"".join(frames)

    def list_instruments(self, request_bytes: bytes) -> bytes:
        """Answer the instruments of a selection, one page of them."""
        request = _parse(contract.ListInstrumentsRequest, request_bytes)
        chosen = self._selection(request.selection)
        size = paging.page_size(request.page_size)
        page = self._page(chosen, size, request.page_token, quoted=False)
        response = contract.ListInstrumentsResponse(next_page_token=page.next_token)
        if not request.page_token:
            response.unmatched.extend(self._unmatched(request.selection, chosen))
        return response.SerializeToString() + b"".join(state.listed for state in page.states)

    def list_sources(self, request_bytes: bytes) -> bytes:
        """Answer the health of every source that the caller may see."""
        _parse(contract.ListSourcesRequest, request_bytes)
        everything = visible(self._sources)
        return b"".join(relabelled(LISTED_FIELD, framed) for framed in self._hub.statuses(everything))

    async def subscribe(self, request_bytes: bytes, context: Context) -> None:
        """Stream state, then every update."""
        try:
            await self._stream(request_bytes, context)
        except RequestError as error:
            await status.abort(context, error)
        except grpc.aio.BaseError as error:
            # What a write meets when the connection is gone. gRPC logs it as a defect, but not a cancelled call, as
            # which it ends when gRPC notices first.
            raise asyncio.CancelledError from error
        except Exception:
            logger.exception("Subscribe failed")
            await status.abort(context, _DEFECT)

    async def _stream(self, request_bytes: bytes, context: Context) -> None:
        """Serve one stream until it ends.

        Raises:
            RequestError: What it ends with.
        """
        request = _parse(contract.SubscribeRequest, request_bytes)
        chosen = self._selection(request.selection)
        delivery = _DELIVERIES.get(request.delivery)
        if delivery is None:
            raise InvalidRequest([Violation("delivery", f"unknown value {request.delivery}")])
        min_interval_s = _interval_s(request, "min_interval", default_s=0.0, least_s=0.0, most_s=MIN_INTERVAL_S_MAX)
        heartbeat_s = _interval_s(
            request,
            "heartbeat_interval",
            default_s=HEARTBEAT_INTERVAL_S_DEFAULT,
            least_s=HEARTBEAT_INTERVAL_S_MIN,
            most_s=HEARTBEAT_INTERVAL_S_MAX,
        )
        token = resume.decode(request.resume_token) if request.resume_token else None
        await status.begin(context)
        with self._streams.open(context.peer()) as stream:

            def subscribe() -> Subscription:
                # Found by the stream, so that it is closed even if the call is cancelled in the very same moment.
                stream.subscription = Subscription(
                    self._hub,
                    self._clock,
                    chosen,
                    symbols=request.selection.symbols,
                    delivery=delivery,
                    min_interval_s=min_interval_s,
                    heartbeat_interval_s=heartbeat_s,
                    resume=token,
                    wake=functools.partial(self._streams.wake, stream),
                )
                return stream.subscription

            try:
                await self._write_all(stream, await self._streams.turns.run(subscribe), context)
            finally:
                if stream.subscription is not None:
                    stream.subscription.close()
        raise self._streams.going_away()

    async def _write_all(self, stream: Stream, subscription: Subscription, context: Context) -> None:
        """Write responses until the subscription ends.

        Raises:
            RequestError: The server ended the stream in the middle of a write.
        """
        monotonic_ns = self._clock.monotonic_ns
        try:
            while not subscription.ended:
                stream.news.clear()
                while (response := await self._next(subscription)) is not None:
                    stream.writing_since_ns = monotonic_ns()
                    await context.write(response)
                    stream.writing_since_ns = None
                if not subscription.ended:
                    await stream.wait(subscription.quotes_due_ns, monotonic_ns())
        except asyncio.CancelledError:
            stream.ending.claim()
            raise

    async def _next(self, subscription: Subscription) -> bytes | None:
        if subscription.is_behind:
            return await self._streams.turns.run(subscription.next_response)
        return subscription.next_response()

    def _selection(self, sent: contract.Selection) -> Selection:
        return permitted(sent, self._sources)

    def _unmatched(self, sent: contract.Selection, chosen: Selection) -> list[str]:
        if not sent.symbols:
            return []
        return selection.unmatched(sent.symbols, {state.key[1] for state in self._hub.select(chosen)})

    def _page(self, chosen: Selection, size: int, token: str, *, quoted: bool) -> "_Page":
        """One page of the selected instruments by source and symbol."""
        states = [state for state in self._hub.select(chosen) if state.frame or not quoted]
        position = self._hub.head
        log = self._hub.log.identity
        if token:
            previous = paging.decode(token, log=log, selection=chosen)
            position = previous.position
            states = [state for state in states if state.key > previous.last]
        states.sort(key=lambda state: state.key)
        page = states[:size]
        next_token = ""
        if len(states) > size:
            next_token = paging.encode(paging.PageToken(1, log, position, paging.digest(chosen), page[-1].key))
        return _Page(page, next_token, position)


@dataclass(frozen=True, slots=True)
class _Page:
    """Some of the selected instruments."""

    states: list[InstrumentState]
    next_token: str
    """Of the page after it; empty on the last."""
    position: int
    """The head of the log when the first page was served."""


_DELIVERIES: Final = {
    contract.DELIVERY_UNSPECIFIED: Delivery.ALL,
    contract.DELIVERY_ALL: Delivery.ALL,
    contract.DELIVERY_LATEST: Delivery.LATEST,
    contract.DELIVERY_ALL_OR_END: Delivery.ALL_OR_END,
}


def _interval_s(
    request: contract.SubscribeRequest,
    name: Literal["min_interval", "heartbeat_interval"],
    *,
    default_s: float,
    least_s: float,
    most_s: float,
) -> float:
    """An interval of a request, in seconds.

    Raises:
        InvalidRequest: It is out of bounds.
    """
    if not request.HasField(name):
        return default_s
    sent: Duration = getattr(request, name)
    interval_s = sent.seconds + sent.nanos / 1e9
    if not least_s <= interval_s <= most_s:
        raise InvalidRequest([Violation(name, f"{interval_s:g} s is not between {least_s:.0f} s and {most_s:.0f} s")])
    return interval_s


def _parse(kind: type[_Request], request_bytes: bytes) -> _Request:
    """A request from its bytes.

    Raises:
        InvalidRequest: They are no such message.
    """
    try:
        return kind.FromString(request_bytes)
    except DecodeError as error:
        raise InvalidRequest([Violation("", f"the bytes are no {kind.DESCRIPTOR.full_name}")]) from error


def _answering(call: Callable[[bytes], bytes]) -> Callable[[bytes, Context], Awaitable[bytes]]:
    async def answer(request_bytes: bytes, context: Context) -> bytes:
        try:
            return call(request_bytes)
        except RequestError as error:
            await status.abort(context, error)
        except Exception:
            logger.exception("%s failed", call.__name__)
            await status.abort(context, _DEFECT)
        return b""

    return answer
