"""The synchronous client: moves bytes and waits. What they mean is decided in `_session`.

It stands on grpc's own synchronous stubs, not on a hidden event loop.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from types import TracebackType
from typing import Self, TypeVar, Unpack, cast

import grpc

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1.market_data_service_pb2_grpc import MarketDataServiceStub
from tickmux_client import _access, _arguments, _options, _pages
from tickmux_client._answers import Instruments, Snapshot
from tickmux_client._arguments import Names
from tickmux_client._errors import TickmuxClientError, closed, from_rpc
from tickmux_client._events import Event
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
from tickmux_client._silence import SilenceWatch
from tickmux_client._sync_subscription import Subscription

_Request = TypeVar("_Request")
_Answer = TypeVar("_Answer")


def connect(target: str, **options: Unpack[ConnectOptions]) -> "Client":
    """Make a client of the server at `target`.

    Use it as `with connect("127.0.0.1:50051") as client`.
    Nothing is sent before the first call. Arguments and errors as `tickmux_client.connect`.
    """
    _arguments.target(target)
    for_channel = _options.for_channel(options)
    credentials = _access.credentials(options)
    metadata = _access.call_metadata(target, options, is_encrypted=credentials is not None)
    channel = (
        grpc.insecure_channel(target, options=for_channel)
        if credentials is None
        else grpc.secure_channel(target, credentials, options=for_channel)
    )
    return Client(channel, target, options, metadata)


class Client:
    """A client on one channel, made by `connect`. It may be used, and closed, from any thread."""

    def __init__(self, channel: grpc.Channel, target: str, options: ConnectOptions, metadata: Metadata) -> None:
        self.target = target
        """Where the server listens."""
        self.channel = channel
        """The gRPC channel, for other services of the same server."""
        self.stub = MarketDataServiceStub(channel)
        """The generated stub: every call, as the contract has it."""
        self._metadata = metadata
        self._options = options
        self._closing = threading.Event()

    @property
    def metadata(self) -> Metadata:
        """What is sent with every call, the token included: give it to calls of `stub` and `channel` as well."""
        return self._metadata

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every subscription, whose iteration just stops, and close the channel."""
        self._closing.set()
        self.channel.close()

    def subscribe(self, symbols: Names = (), **options: Unpack[SubscribeOptions]) -> Subscription[Event]:
        """Stream events, as `tickmux_client.Client.subscribe`."""
        session = self._session(symbols, options)
        return Subscription(self._events(session), session.position)

    def quotes(self, symbols: Names = (), **options: Unpack[SubscribeOptions]) -> Subscription[Quote]:
        """Stream quotes alone, as `tickmux_client.Client.quotes`."""
        session = self._session(symbols, options)
        return Subscription(self._quotes(session), session.position)

    def responses(
        self, symbols: Names = (), **options: Unpack[SubscribeOptions]
    ) -> Generator[pb.SubscribeResponse, None, None]:
        """Stream the raw messages of one call, as `tickmux_client.Client.responses`."""
        return self._responses(self._session(symbols, options))

    def snapshot(self, symbols: Names = (), *, page_size: int = 0, **options: Unpack[SelectionOptions]) -> Snapshot:
        """Ask for the present state, as `tickmux_client.Client.snapshot`."""
        request = _options.snapshot_request(symbols, page_size, options)
        pages = _pages.Pages[pb.GetSnapshotRequest, pb.GetSnapshotResponse](request)
        while not pages.is_complete:
            pages.add(self._ask(self.stub.GetSnapshot, pages.request))
        return _pages.snapshot(pages.pages)

    def instruments(
        self, symbols: Names = (), *, page_size: int = 0, **options: Unpack[SelectionOptions]
    ) -> Instruments:
        """Ask what can be quoted, as `tickmux_client.Client.instruments`."""
        request = _options.instruments_request(symbols, page_size, options)
        pages = _pages.Pages[pb.ListInstrumentsRequest, pb.ListInstrumentsResponse](request)
        while not pages.is_complete:
            pages.add(self._ask(self.stub.ListInstruments, pages.request))
        return _pages.instruments(pages.pages)

    def sources(self) -> tuple[SourceStatus, ...]:
        """Ask for the health of every source, as `tickmux_client.Client.sources`."""
        response = self._ask(self.stub.ListSources, pb.ListSourcesRequest())
        return tuple(SourceStatus(status) for status in response.source_statuses)

    def _ask(self, method: "grpc.UnaryUnaryMultiCallable[_Request, _Answer]", request: _Request) -> _Answer:
        if self._closing.is_set():
            raise closed(self.target)
        try:
            return method(request, timeout=self._options.get("timeout_s", TIMEOUT_S), metadata=self._metadata)
        except grpc.RpcError as failure:
            if self._closing.is_set():
                raise closed(self.target) from None
            raise from_rpc(failure, self.target) from None
        except ValueError:
            # What grpc raises when another thread has closed the channel meanwhile.
            if self._closing.is_set():
                raise closed(self.target) from None
            raise

    def _session(self, symbols: Names, options: SubscribeOptions) -> Session:
        if self._closing.is_set():
            raise closed(self.target)
        request = subscribe_request(symbols, options)
        return Session(request, self.target, self._options, after=options.get("after"))

    def _events(self, session: Session) -> Generator[Event, None, None]:
        with closing(self._batches(session)) as batches:
            for batch in batches:
                yield from session.give(batch)

    def _quotes(self, session: Session) -> Generator[Quote, None, None]:
        with closing(self._batches(session)) as batches:
            for batch in batches:
                quotes = [event for event in batch if isinstance(event, Quote)]
                yield from session.give(quotes)

    def _batches(self, session: Session) -> Generator[list[Event], None, None]:
        try:
            while not self._closing.is_set():
                failure: TickmuxClientError = session.ended()
                try:
                    with closing(self._responses(session)) as responses:
                        for response in responses:
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
                self._closing.wait(session.wait_s)
        finally:
            session.end()

    def _responses(self, session: Session) -> Generator[pb.SubscribeResponse, None, None]:
        try:
            call = self.stub.Subscribe(session.open(), metadata=self._metadata)
        except ValueError:
            # What grpc raises when another thread has closed the channel meanwhile.
            if self._closing.is_set():
                return
            raise
        watch = SilenceWatch(session.silence_s_max, cast("Callable[[], object]", call.cancel))
        try:
            while (response := self._read(call, watch, session)) is not None:
                yield response
        finally:
            watch.stop()
            call.cancel()

    def _read(
        self, call: Iterator[pb.SubscribeResponse], watch: SilenceWatch, session: Session
    ) -> pb.SubscribeResponse | None:
        watch.begin(session.read_s_max)
        try:
            return next(call, None)
        except grpc.RpcError as failure:
            if self._closing.is_set():
                return None
            if watch.is_silent:
                raise session.silence() from None
            raise from_rpc(failure, self.target) from None
        finally:
            watch.end()
