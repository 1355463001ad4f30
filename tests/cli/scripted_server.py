"""A small gRPC server whose every answer a test decides; it speaks the contract, and knows nothing of our server."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from tickmux.v1 import instrument_pb2, quote_pb2, source_pb2
from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1.market_data_service_pb2_grpc import (
    MarketDataServiceServicer,
    add_MarketDataServiceServicer_to_server,
)

RECEIVED_AT = Timestamp(seconds=1_760_000_000, nanos=250_000_000)


def quote(symbol: str = "BTCUSDT", source: str = "binance", revision: int = 1, **fields: float) -> quote_pb2.Quote:
    """A quote of an instrument; prices by name."""
    return quote_pb2.Quote(
        symbol=symbol,
        type="crypto",
        exchange=source.title(),
        source=source,
        channel="0",
        epoch=7,
        revision=revision,
        received_at=RECEIVED_AT,
        bid_ask_age_ms=0,
        flags=[quote_pb2.QUOTE_FLAG_SIMULATED],
        **fields,  # type: ignore[arg-type]
    )


def status(
    source: str = "binance",
    state: source_pb2.SourceState.ValueType = source_pb2.SOURCE_STATE_LIVE,
    epoch: int = 7,
    last_error: str = "",
    messages: int = 10,
) -> source_pb2.SourceStatus:
    """The health of slot 0 of a source."""
    return source_pb2.SourceStatus(
        source=source, channel="0", state=state, epoch=epoch, last_error=last_error, messages=messages, reconnects=2
    )


class ScriptedServer(MarketDataServiceServicer):
    """Answers with what `quotes` and `statuses` hold; streams end when `release` is set."""

    def __init__(self) -> None:
        self.quotes = [
            quote(bid_price=63297.7, ask_price=63297.8, last_price=63297.75, volume=4182.59447976),
            quote("PEPEUSDT", bid_price=0.00001234),
        ]
        self.statuses = [status()]
        self.unmatched: list[str] = []
        self.unknown_source = ""
        self.selections: list[pb.Selection] = []
        self.streams_opened = 0
        self.release = asyncio.Event()
        self._later: asyncio.Queue[source_pb2.SourceStatus | None] = asyncio.Queue()
        self.is_serving = True

    async def GetSnapshot(  # noqa: N802 - the contract's name
        self, request: pb.GetSnapshotRequest, context: "grpc.aio.ServicerContext[object, object]"
    ) -> pb.GetSnapshotResponse:
        self.selections.append(request.selection)
        if self.unknown_source:
            await self._refuse(context)
        return pb.GetSnapshotResponse(quotes=self.quotes, source_statuses=self.statuses, unmatched=self.unmatched)

    async def Subscribe(  # noqa: N802
        self, request: pb.SubscribeRequest, context: "grpc.aio.ServicerContext[object, object]"
    ) -> AsyncGenerator[pb.SubscribeResponse, None]:
        self.streams_opened += 1
        self.selections.append(request.selection)
        yield pb.SubscribeResponse(
            continuity=pb.CONTINUITY_SNAPSHOT,
            quotes=self.quotes,
            source_statuses=self.statuses,
            unmatched=self.unmatched,
            caught_up=True,
        )
        ending = asyncio.create_task(self._end())
        try:
            while (told := await self._later.get()) is not None:
                yield pb.SubscribeResponse(source_statuses=[told])
        finally:
            ending.cancel()

    def say(self, told: source_pb2.SourceStatus) -> None:
        """Tell a status on the stream that is open."""
        self._later.put_nowait(told)

    async def _end(self) -> None:
        await self.release.wait()
        self.release.clear()
        self._later.put_nowait(None)

    async def ListInstruments(  # noqa: N802
        self, request: pb.ListInstrumentsRequest, context: "grpc.aio.ServicerContext[object, object]"
    ) -> pb.ListInstrumentsResponse:
        return pb.ListInstrumentsResponse(
            instruments=[
                instrument_pb2.Instrument(
                    source=quote.source,
                    symbol=quote.symbol,
                    type=quote.type,
                    exchange=quote.exchange,
                    venue_symbol=quote.symbol,
                    base=quote.symbol.removesuffix("USDT"),
                    quote="USDT",
                    state=instrument_pb2.INSTRUMENT_STATE_TRADING,
                    price_increment=1e-8,
                )
                for quote in self.quotes
            ]
        )

    async def ListSources(  # noqa: N802
        self, request: pb.ListSourcesRequest, context: "grpc.aio.ServicerContext[object, object]"
    ) -> pb.ListSourcesResponse:
        return pb.ListSourcesResponse(source_statuses=self.statuses)

    async def _refuse(self, context: "grpc.aio.ServicerContext[object, object]") -> None:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field="selection.sources[0]", description=self.unknown_source
        )
        detail = Any()
        detail.Pack(error_details_pb2.BadRequest(field_violations=[violation]))
        answer = rpc_status.to_status(
            Status(code=grpc.StatusCode.INVALID_ARGUMENT.value[0], message="the request is wrong", details=[detail])
        )
        await context.abort_with_status(answer)


@contextlib.asynccontextmanager
async def listening(servicer: ScriptedServer, port: int = 0) -> AsyncIterator[str]:
    """Serve on loopback; gives the address."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    add_MarketDataServiceServicer_to_server(servicer, server)
    health_servicer = health.aio.HealthServicer()
    states = health_pb2.HealthCheckResponse
    await health_servicer.set("", states.SERVING if servicer.is_serving else states.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    chosen = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{chosen}"
    finally:
        await server.stop(None)
