"""The asyncio client: moves bytes and waits. What they mean is decided in `_session`."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, Unpack

import grpc
import grpc.aio

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1.market_data_service_pb2_grpc import MarketDataServiceStub
from tickmux_client import _access, _arguments, _options, _pages
from tickmux_client._answers import Instruments, Snapshot
from tickmux_client._arguments import Names
from tickmux_client._errors import TickmuxClientError, UnavailableError, closed, from_rpc
from tickmux_client._events import Event
from tickmux_client._loop_silence import LoopSilenceWatch
from tickmux_client._model import Quote, SourceStatus
from tickmux_client._options import (
    TIMEOUT_S,
    ConnectOptions,
    Metadata,
    SelectionOptions,
    SubscribeOptions,
    subscribe_request,
)
from tickmux_client._session import Session
from tickmux_client._subscription import Subscription

if TYPE_CHECKING:
    from tickmux.v1.market_data_service_pb2_grpc import MarketDataServiceAsyncStub

    SubscribeCall = grpc.aio.UnaryStreamCall[pb.SubscribeRequest, pb.SubscribeResponse]

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


def connect(target: str, **options: Unpack[ConnectOptions]) -> "Client":
    """Make a client of the server at `target`.

    Use it as `async with connect("127.0.0.1:50051") as client`.
    Nothing is sent before the first call, so an unreachable server is that call's news.

    Args:
        target: Where the server listens: `host:port`, or any gRPC target.
        **options: See ConnectOptions.

    Raises:
        OSError: a file of the `tls` options cannot be read.
        TypeError: an option has an unknown name, or a value of a type that it does not take.
        ValueError: no server can listen at `target`, a number is out of bounds, options do not go together, or the
            token would travel in clear text.
    """
    _arguments.target(target)
    for_channel = _options.for_channel(options)
    credentials = _access.credentials(options)
    metadata = _access.call_metadata(target, options, is_encrypted=credentials is not None)
    channel = (
        grpc.aio.insecure_channel(target, options=for_channel)
        if credentials is None
        else grpc.aio.secure_channel(target, credentials, options=for_channel)
    )
    return Client(channel, target, options, metadata)


class Client:
    """A client on one channel, made by `connect`. Any number of subscriptions and requests may run at a time."""

    def __init__(self, channel: grpc.aio.Channel, target: str, options: ConnectOptions, metadata: Metadata) -> None:
        self.target = target
        """Where the server listens."""
        self.channel = channel
        """The gRPC channel, for other services of the same server."""
        self.stub: MarketDataServiceAsyncStub = MarketDataServiceStub(channel)
        """The generated stub: every call, as the contract has it."""
        self._metadata = metadata
        self._options = options
        self._closing = asyncio.Event()
        self._calls: set[grpc.aio.Call] = set()

    @property
    def metadata(self) -> Metadata:
        """What is sent with every call, the token included: give it to calls of `stub` and `channel` as well."""
        return self._metadata

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End every subscription, whose iteration just stops, and close the channel."""
        self._closing.set()
        for call in tuple(self._calls):
            call.cancel()
        await self.channel.close()

    def subscribe(self, symbols: Names = (), **options: Unpack[SubscribeOptions]) -> Subscription[Event]:
        """Stream events: the present state first, then every update, for ever, over reconnects.

        After a cut the stream goes on where it stood, with Reconnected and what was missed. Where the server cannot
        do that, Reset and the full state say so. `Subscription.resume_token` says where it stands, for a program that
        goes on after its own restart.

        Args:
            symbols: Canonical names or patterns such as `BTC*`; none means every symbol.
            **options: See SubscribeOptions.

        Raises:
            TypeError: an option has an unknown name, or a value of a type that it does not take.
            ValueError: an interval is not positive, or both `after` and `resume_token` are given.
            TickmuxClientError: while iterating, for errors that trying again cannot heal; its `resume_token` says
                where the stream stood.
        """
        session = self._session(symbols, options)
        return Subscription(self._events(session), session.position)

    def quotes(self, symbols: Names = (), **options: Unpack[SubscribeOptions]) -> Subscription[Quote]:
        """Stream quotes alone, as `subscribe` does: loss shows as `gap_before`, trouble as `is_stale`."""
        session = self._session(symbols, options)
        return Subscription(self._quotes(session), session.position)

    def responses(
        self, symbols: Names = (), **options: Unpack[SubscribeOptions]
    ) -> AsyncGenerator[pb.SubscribeResponse, None]:
        """Stream the raw messages of one call. Arguments as `subscribe`; every end but the server's own OK raises."""
        return self._responses(self._session(symbols, options))

    async def snapshot(
        self, symbols: Names = (), *, page_size: int = 0, **options: Unpack[SelectionOptions]
    ) -> Snapshot:
        """Ask for the present state; all pages of `page_size` quotes (0: as the server likes) are fetched.

        Raises:
            TypeError: an option has an unknown name, or a value of a type that it does not take.
            ValueError: `page_size` is not 0 to 10 000.
            TickmuxClientError: the server cannot be reached, or refuses.
        """
        request = _options.snapshot_request(symbols, page_size, options)
        pages = _pages.Pages[pb.GetSnapshotRequest, pb.GetSnapshotResponse](request)
        while not pages.is_complete:
            pages.add(await self._ask(self.stub.GetSnapshot, pages.request))
        return _pages.snapshot(pages.pages)

    async def instruments(
        self, symbols: Names = (), *, page_size: int = 0, **options: Unpack[SelectionOptions]
    ) -> Instruments:
        """Ask what can be quoted. Arguments and errors as `snapshot`."""
        request = _options.instruments_request(symbols, page_size, options)
        pages = _pages.Pages[pb.ListInstrumentsRequest, pb.ListInstrumentsResponse](request)
        while not pages.is_complete:
            pages.add(await self._ask(self.stub.ListInstruments, pages.request))
        return _pages.instruments(pages.pages)

    async def sources(self) -> tuple[SourceStatus, ...]:
        """Ask for the health of every source.

        Raises:
            TickmuxClientError: the server cannot be reached, or refuses.
        """
        response = await self._ask(self.stub.ListSources, pb.ListSourcesRequest())
        return tuple(SourceStatus(status) for status in response.source_statuses)

    async def _ask(self, method: "grpc.aio.UnaryUnaryMultiCallable[_Request, _Answer]", request: _Request) -> _Answer:
        if self._closing.is_set():
            raise closed(self.target)
        call = method(request, timeout=self._options.get("timeout_s", TIMEOUT_S), metadata=self._metadata)
        self._calls.add(call)
        try:
            return await call
        except grpc.aio.AioRpcError as failure:
            raise from_rpc(failure, self.target) from None
        except asyncio.CancelledError:
            if self._was_closed():
                raise closed(self.target) from None
            raise
        finally:
            self._calls.discard(call)

    def _session(self, symbols: Names, options: SubscribeOptions) -> Session:
        if self._closing.is_set():
            raise closed(self.target)
        request = subscribe_request(symbols, options)
        return Session(request, self.target, self._options, after=options.get("after"))

    async def _events(self, session: Session) -> AsyncGenerator[Event, None]:
        async with aclosing(self._batches(session)) as batches:
            async for batch in batches:
                for event in session.give(batch):
                    yield event

    async def _quotes(self, session: Session) -> AsyncGenerator[Quote, None]:
        async with aclosing(self._batches(session)) as batches:
            async for batch in batches:
                quotes = [event for event in batch if isinstance(event, Quote)]
                for quote in session.give(quotes):
                    yield quote

    async def _batches(self, session: Session) -> AsyncGenerator[list[Event], None]:
        try:
            while not self._closing.is_set():
                failure: TickmuxClientError = session.ended()
                try:
                    async with aclosing(self._responses(session)) as responses:
                        async for response in responses:
                            if session.is_leaving:
                                # The one before said that it was the last.
                                break
                            yield session.receive(response)
                            if rest := session.rest():
                                yield rest
                except TickmuxClientError as error:
                    failure = error
                if self._closing.is_set():
                    return
                yield session.lost(failure)
                await self._pause(session.wait_s)
        finally:
            session.end()

    async def _responses(self, session: Session) -> AsyncGenerator[pb.SubscribeResponse, None]:
        if self._closing.is_set():
            return
        call = self.stub.Subscribe(session.open(), metadata=self._metadata)
        self._calls.add(call)
        watch = LoopSilenceWatch(session.silence_s_max, call.cancel)
        try:
            while (response := await self._read(call, watch, session)) is not None:
                yield response
        finally:
            watch.stop()
            # An abandoned call would go on receiving: grpc does not end it when it is forgotten.
            call.cancel()
            self._calls.discard(call)

    async def _read(
        self, call: "SubscribeCall", watch: LoopSilenceWatch, session: Session
    ) -> pb.SubscribeResponse | None:
        watch.begin(session.read_s_max)
        try:
            response = await call.read()
        except grpc.aio.AioRpcError as failure:
            raise from_rpc(failure, self.target) from None
        except asyncio.CancelledError:
            if self._was_closed():
                return None
            if watch.is_silent and not _is_task_cancelled():
                raise session.silence() from None
            raise
        finally:
            watch.end()
        if response is grpc.aio.EOF:
            return None
        if not isinstance(response, pb.SubscribeResponse):
            # What grpc hands out, without an error, for bytes that are no message.
            raise UnavailableError(f"{self.target} sent a malformed message", reason="MALFORMED_RESPONSE")
        return response

    def _was_closed(self) -> bool:
        """Whether a call was cancelled by our own `close`, and not its task by someone else."""
        return self._closing.is_set() and not _is_task_cancelled()

    async def _pause(self, wait_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._closing.wait()


def _is_task_cancelled() -> bool:
    """Whether someone else wants our task to end, and not we one of its calls."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
