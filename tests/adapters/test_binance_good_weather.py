import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.adapters.binance_server import BinanceServer, book, mini, trade
from tests.adapters.recorder import Recorder, Running, eventually

from tickmux_adapters.binance import ADAPTER
from tickmux_adapters.binance.settings import BinanceSettings
from tickmux_adapters.model import UNCHANGED, Adapter, InstrumentState, SourceState, SystemClock


@pytest.fixture
async def server() -> AsyncIterator[BinanceServer]:
    async with BinanceServer() as server:
        yield server


def make(server: BinanceServer, sink: Recorder, **settings: Any) -> Adapter:
    values: dict[str, Any] = {
        "adapter": "binance",
        "symbols": ["BTCUSDT", "ETHUSDT"],
        "websocket_url": server.websocket_url,
        "rest_url": server.rest_url,
        "retry_cap_s": 0.1,
        **settings,
    }
    return ADAPTER.create("binance", BinanceSettings(**values), sink, SystemClock())


async def test_listing_chain_live_and_seed_in_order(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        await sink.until(lambda: len(sink.of("ETHUSDT")) >= 2)
    kinds = [type(event).__name__ for event in sink.events]
    assert kinds[:4] == ["ChannelStatus", "Instrument", "Instrument", "Chain"]
    assert sink.states == [SourceState.CONNECTING, SourceState.LIVE]
    assert [instrument.symbol for instrument in sink.instruments] == ["BTCUSDT", "ETHUSDT"]
    first = sink.instruments[0]
    assert (first.venue_symbol, first.base, first.quote, first.state) == (
        "BTCUSDT",
        "BTC",
        "USDT",
        InstrumentState.TRADING,
    )
    assert (first.price_increment, first.size_increment) == (0.01, 0.00001)
    book_seed, day_seed = sink.of("ETHUSDT")
    assert (book_seed.bid_price, book_seed.bid_size, book_seed.ask_price, book_seed.ask_size) == (99.0, 9.0, 99.5, 9.5)
    assert book_seed.venue_time_ns is None
    assert (day_seed.last_price, day_seed.volume) == (99.25, 1234.5)
    assert day_seed.bid_price is UNCHANGED


async def test_streams_become_updates(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        await sink.until(lambda: len(sink.of("ETHUSDT")) == 2)
        await server.send("ethusdt@bookTicker", book("ETHUSDT", 7, "4000.12", "4000.13"))
        await server.send("ethusdt@trade", trade("ETHUSDT", 1, "4000.10", 1790446152678123))
        await server.send("ethusdt@miniTicker", mini("ETHUSDT", 1790446153000000, "4000.00", "0.00000000"))
        await sink.until(lambda: len(sink.of("ETHUSDT")) == 5)
    top, last, day = sink.of("ETHUSDT")[2:]
    assert (top.bid_price, top.bid_size, top.ask_price, top.ask_size) == (4000.12, 1.5, 4000.13, 2.0)
    assert (top.venue_time_ns, top.last_price, top.volume) == (None, UNCHANGED, UNCHANGED)
    assert (last.last_price, last.venue_time_ns, last.bid_price) == (4000.1, 1790446152678123000, UNCHANGED)
    assert (day.last_price, day.volume, day.venue_time_ns) == (UNCHANGED, 0.0, 1790446153000000000)
    status = adapter.statuses()[0]
    assert (status.malformed, status.duplicates, status.inexact, status.last_error) == (0, 0, 0, "")
    assert status.lag_ns is not None


async def test_a_seed_never_overwrites_what_the_stream_said(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        await sink.until(lambda: len(sink.of("ETHUSDT")) == 2)
    assert sink.of("BTCUSDT")[0].bid_price == 50000.0
    assert 99.0 not in [quote.bid_price for quote in sink.of("BTCUSDT")]


async def test_a_lost_connection_begins_a_new_chain(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        for connection in list(server.streams):
            await connection.close(1001, "restarting")
        await sink.until_live(times=2)
        assert adapter.statuses()[0].reconnects == 1
    assert sink.states == [SourceState.CONNECTING, SourceState.LIVE, SourceState.DOWN, SourceState.LIVE]
    assert "code 1001 restarting" in adapter.statuses()[0].last_error
    assert len(sink.chains) == 2
    # What a chain brought before the new one was begun is not delivered after it.
    second = sink.events.index(sink.chains[1], sink.events.index(sink.chains[0]) + 1)
    live = [index for index, event in enumerate(sink.events) if getattr(event, "state", None) is SourceState.LIVE]
    assert live[0] < second < live[1]


def ours() -> set[str]:
    """The tasks that the adapters or their HTTP library run."""
    names = (repr(task.get_coro()) for task in asyncio.all_tasks())
    return {name for name in names if "BinanceAdapter" in name or "Slot." in name or "Connection." in name}


async def test_cancelling_leaves_nothing_behind(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        assert ours()
    assert ours() == set()
    await eventually(lambda: not server.streams)


async def test_cancelling_while_two_connections_overlap_leaves_nothing_behind(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, rotate_after_s=0.2, overlap_s=30, stale_after_s=60)):
        await eventually(lambda: len(server.streams) == 2)
    assert ours() == set()
    await eventually(lambda: not server.streams)


async def test_cancelling_while_nothing_answers_leaves_nothing_behind() -> None:
    sink = Recorder()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = BinanceSettings(
            adapter="binance",
            websocket_url=f"ws://127.0.0.1:{listener.getsockname()[1]}",
            rest_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
        )
        async with Running(ADAPTER.create("binance", settings, sink, SystemClock())):
            await sink.until(lambda: sink.statuses)
    assert ours() == set()
