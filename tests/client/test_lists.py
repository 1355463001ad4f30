"""Snapshots, instruments and sources, asked of a scripted server by both flavours of the client."""

import asyncio
from collections.abc import Callable

import grpc
import pytest
from tests.client.flavours import FLAVOURS, LIMIT_S, OPTIONS, Flavour, ask, serving
from tests.client.scripted_server import Fail, Hang, Script, error_info, quote, status

from tickmux.v1 import instrument_pb2, quote_pb2, source_pb2
from tickmux.v1 import market_data_service_pb2 as pb
from tickmux_client import (
    InstrumentState,
    InvalidRequestError,
    SourceState,
    TickmuxClientError,
    UnavailableError,
    connect,
    sync,
)

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)


def paged(pages: list[pb.GetSnapshotResponse]) -> Callable[[pb.GetSnapshotRequest], pb.GetSnapshotResponse]:
    for number, page in enumerate(pages[:-1], 1):
        page.next_page_token = str(number)
    return lambda request: pages[int(request.page_token or 0)]


async def test_a_snapshot_is_all_its_pages(flavour: Flavour) -> None:
    requests: list[pb.GetSnapshotRequest] = []
    stale = quote("B", 1)
    stale.flags.append(quote_pb2.QUOTE_FLAG_STALE)
    down = status(source_pb2.SOURCE_STATE_DOWN, source="kraken")
    answer = paged(
        [
            pb.GetSnapshotResponse(quotes=[quote("A", 3), stale], source_statuses=[status(), down], unmatched=["NOPE"]),
            pb.GetSnapshotResponse(quotes=[quote("A", 3, epoch=0), quote("A", 1, source="kraken")], resume_token="t"),
        ]
    )

    def keeping(request: pb.GetSnapshotRequest) -> pb.GetSnapshotResponse:
        requests.append(pb.GetSnapshotRequest.FromString(request.SerializeToString()))
        return answer(request)

    async with serving(Script(snapshot=keeping)) as target:
        snapshot = await ask(flavour, target, "snapshot", ["A", "NOPE"], types="crypto", page_size=2)
    assert [(item.source, item.symbol, item.is_stale) for item in snapshot.quotes] == [
        ("binance", "A", False),
        ("binance", "B", True),
        ("binance", "A", True),
        ("kraken", "A", True),
    ]
    assert [item.state for item in snapshot.source_statuses] == [SourceState.LIVE, SourceState.DOWN]
    assert snapshot.unmatched == ("NOPE",)
    assert snapshot.resume_token == "t"
    assert [request.page_token for request in requests] == ["", "1"]
    for request in requests:
        assert request.selection == pb.Selection(symbols=["A", "NOPE"], types=["crypto"])
        assert request.page_size == 2


@pytest.mark.parametrize("method", ["snapshot", "instruments"])
async def test_pages_without_an_end_are_refused(flavour: Flavour, method: str) -> None:
    script = Script(
        snapshot=lambda _: pb.GetSnapshotResponse(next_page_token="again"),
        instruments=lambda request: pb.ListInstrumentsResponse(next_page_token=request.page_token + "x"),
    )
    async with serving(script) as target:
        with pytest.raises(TickmuxClientError, match="does not end its list after"):
            await ask(flavour, target, method)


async def test_a_refused_snapshot_is_a_typed_error(flavour: Flavour) -> None:
    bad = Fail(grpc.StatusCode.INVALID_ARGUMENT, "a star in the middle", [error_info("BAD_PATTERN")])
    async with serving(Script(snapshot=lambda _: bad)) as target:
        with pytest.raises(InvalidRequestError, match="a star in the middle") as caught:
            await ask(flavour, target, "snapshot", "B*C")
    assert caught.value.reason == "BAD_PATTERN"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("method", ["snapshot", "instruments", "sources"])
async def test_no_server_is_one_clear_line(flavour: Flavour, method: str) -> None:
    async with serving(Script()) as target:
        pass
    with pytest.raises(UnavailableError) as caught:
        await ask(flavour, target, method)
    assert str(caught.value).startswith(f"UNAVAILABLE from {target}: ")
    assert "\n" not in str(caught.value)


async def test_instruments(flavour: Flavour) -> None:
    listed = instrument_pb2.Instrument(
        source="kraken", symbol="BTCUSD", type="crypto", exchange="Kraken", venue_symbol="XBT/USD", base="BTC",
        quote="USD", state=instrument_pb2.INSTRUMENT_STATE_RESTRICTED, price_increment=0.1,
    )  # fmt: skip
    answer = pb.ListInstrumentsResponse(instruments=[listed], unmatched=["NOPE"])
    async with serving(Script(instruments=lambda _: answer)) as target:
        found = await ask(flavour, target, "instruments")
    (instrument,) = found.instruments
    assert (instrument.source, instrument.symbol, instrument.venue_symbol) == ("kraken", "BTCUSD", "XBT/USD")
    assert instrument.state is InstrumentState.RESTRICTED
    assert instrument.price_increment == 0.1
    assert instrument.size_increment is None
    assert found.unmatched == ("NOPE",)


async def test_sources(flavour: Flavour) -> None:
    async with serving(Script(statuses=[status(messages=7)])) as target:
        (found,) = await ask(flavour, target, "sources")
    assert (found.source, found.channel, found.state, found.message.messages) == ("binance", "0", SourceState.LIVE, 7)


async def test_an_unknown_option_is_named(flavour: Flavour) -> None:
    with pytest.raises(TypeError, match="unknown option 'source'; known are exchanges, sources, types"):
        await ask(flavour, "127.0.0.1:1", "snapshot", source="binance")


async def test_closing_ends_a_request_under_way_and_refuses_later_ones(flavour: Flavour) -> None:
    script = Script(snapshot=lambda _: Hang())
    async with serving(script) as target, asyncio.timeout(LIMIT_S):
        client = connect(target, **OPTIONS)
        sync_client = sync.connect(target, **OPTIONS)
        asking = asyncio.create_task(
            client.snapshot() if flavour == "asyncio" else asyncio.to_thread(sync_client.snapshot)
        )
        await script.asked.wait()
        sync_client.close()
        await client.close()
        with pytest.raises(TickmuxClientError, match="is closed"):
            await asking
        with pytest.raises(TickmuxClientError, match="is closed"):
            await (client.sources() if flavour == "asyncio" else asyncio.to_thread(sync_client.sources))
        for method in ("subscribe", "quotes", "responses"):
            with pytest.raises(TickmuxClientError, match="is closed"):
                getattr(client if flavour == "asyncio" else sync_client, method)()


async def test_what_was_begun_before_closing_and_is_read_after_it_just_stops(flavour: Flavour) -> None:
    async with serving(Script()) as target, asyncio.timeout(LIMIT_S):
        client, sync_client = connect(target, **OPTIONS), sync.connect(target, **OPTIONS)
        methods = ("subscribe", "quotes", "responses")
        begun = [getattr(client if flavour == "asyncio" else sync_client, method)() for method in methods]
        sync_client.close()
        await client.close()
        for stream in begun:
            read = [item async for item in stream] if flavour == "asyncio" else await asyncio.to_thread(list, stream)
            assert read == []


async def test_a_request_that_takes_too_long_is_given_up(flavour: Flavour) -> None:
    script = Script(snapshot=lambda _: Hang())
    options = {**OPTIONS, "timeout_s": 0.05}
    async with serving(script) as target, connect(target, **options) as client, asyncio.timeout(LIMIT_S):
        with sync.connect(target, **options) as sync_client:
            asking = client.snapshot() if flavour == "asyncio" else asyncio.to_thread(sync_client.snapshot)
            with pytest.raises(UnavailableError, match="DEADLINE_EXCEEDED"):
                await asking
