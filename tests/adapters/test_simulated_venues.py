"""The adapters against the simulated venues, which share no code with them."""

import json
import os
import signal
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from tests.adapters.recorder import Recorder, Running, eventually
from tests.simulators.process import Simulator, simulator

from tickmux_adapters.model import UNCHANGED, Adapter, SourceState, SystemClock
from tickmux_adapters.registry import registered

LIVE, STALE, DOWN = SourceState.LIVE, SourceState.STALE, SourceState.DOWN


@pytest.fixture(params=["binance", "kraken"])
async def venue(request: pytest.FixtureRequest) -> AsyncIterator[Simulator]:
    async with simulator(request.param, "--rate", "400") as running:
        yield running


@pytest.fixture
async def binance() -> AsyncIterator[Simulator]:
    async with simulator("binance", "--rate", "400") as running:
        yield running


@pytest.fixture
async def kraken() -> AsyncIterator[Simulator]:
    async with simulator("kraken", "--rate", "400") as running:
        yield running


def make(venue: Simulator, sink: Recorder, **settings: Any) -> Adapter:
    kind = registered()[venue.announced["venue"]]
    values = {
        "adapter": kind.name,
        "websocket_url": venue.websocket_url,
        "rest_url": venue.rest_url,
        "retry_cap_s": 0.2,
        **settings,
    }
    configured = kind.settings(**values)
    assert kind.is_simulated(configured)
    return kind.create(kind.name, configured, sink, SystemClock())


async def test_everything_configured_by_default_is_listed_and_quoted(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink)) as adapter:
        await sink.until_live()
        await sink.until(
            lambda: len({quote.instrument for quote in sink.quotes if quote.volume is not UNCHANGED}) == 10
        )
        (status,) = adapter.statuses()
    assert (status.state, status.malformed, status.duplicates, status.last_error) == (LIVE, 0, 0, "")
    assert len(sink.instruments) == 10


async def test_binance_what_is_received_is_what_was_sent(binance: Simulator) -> None:
    sink = Recorder()
    async with Running(make(binance, sink, symbols=["ETHUSDT"])):
        await sink.until_live()
        await sink.until(lambda: len(sink.of("ETHUSDT")) > 100)
        await binance.switch("data_mute", on=True)
        sent = [json.loads(text) for text in await binance.sent("ETHUSDT")]
        books = [frame["data"] for frame in sent if frame["stream"] == "ethusdt@bookTicker"]
        trades = [frame["data"] for frame in sent if frame["stream"] == "ethusdt@trade"]
        await sink.until(lambda: len(_books(sink)) >= len(books) and len(_trades(sink)) >= len(trades))
    assert len(books) > 50
    assert _books(sink)[-len(books) :] == [tuple(float(data[key]) for key in ("b", "B", "a", "A")) for data in books]
    assert _trades(sink)[-len(trades) :] == [(float(data["p"]), data["T"] * 1_000) for data in trades]


def _books(sink: Recorder) -> list[tuple[Any, ...]]:
    return [
        (quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size)
        for quote in sink.of("ETHUSDT")
        if quote.bid_price is not UNCHANGED
    ]


def _trades(sink: Recorder) -> list[tuple[Any, ...]]:
    return [
        (quote.last_price, quote.venue_time_ns)
        for quote in sink.of("ETHUSDT")
        if quote.last_price is not UNCHANGED and quote.volume is UNCHANGED
    ]


async def test_kraken_what_is_received_is_what_was_sent(kraken: Simulator) -> None:
    sink = Recorder()
    async with Running(make(kraken, sink, symbols=["ETHUSD"])):
        await sink.until_live()
        await sink.until(lambda: len(sink.of("ETHUSD")) > 30)
        await kraken.switch("data_mute", on=True)
        sent = [json.loads(text, parse_float=Decimal) for text in await kraken.sent("ETH/USD")]
        tickers = [frame["data"][0] for frame in sent if frame["channel"] == "ticker"]
        await sink.until(lambda: len(sink.of("ETHUSD")) >= len(tickers))
    received = [
        (quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size, quote.last_price, quote.volume)
        for quote in sink.of("ETHUSD")
    ]
    keys = ("bid", "bid_qty", "ask", "ask_qty", "last", "volume")
    assert received == [tuple(float(data[key]) for key in keys) for data in tickers]


async def test_bad_frames_are_counted_and_the_stream_goes_on(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink)) as adapter:
        await sink.until_live()
        for fault, counter in (
            ("malformed", "malformed"),
            ("truncated", "malformed"),
            ("non_json", "malformed"),
            ("oversized", "malformed"),
            ("duplicate", "duplicates"),
            ("out_of_order", "duplicates"),
        ):
            counted = getattr(adapter.statuses()[0], counter)
            # A megabyte before each frame would be a test of the machine.
            await venue.switch(fault, on=True, every=20 if fault == "oversized" else 1)
            await eventually(lambda: getattr(adapter.statuses()[0], counter) >= counted + 2)  # noqa: B023
            await venue.switch(fault, on=False)
            before = len(sink.quotes)
            await sink.until(lambda: len(sink.quotes) > before + 20)  # noqa: B023
        status = adapter.statuses()[0]
        assert (status.state, status.reconnects, status.last_error) == (LIVE, 0, "")
    if venue.announced["venue"] == "kraken":
        times = [quote.venue_time_ns for quote in sink.of("ETHUSD") if quote.venue_time_ns is not None]
        assert times == sorted(times)


@pytest.mark.parametrize("fault", ["data_mute", "frozen_socket"])
async def test_both_kinds_of_mute(venue: Simulator, fault: str) -> None:
    sink = Recorder()
    async with Running(make(venue, sink, stale_after_s=1.5, reconnect_after_s=2.0)):
        await sink.until_live()
        await venue.switch(fault, on=True)
        await sink.until(lambda: STALE in sink.states)
        assert "has sent no data for" in sink.last_error
        await sink.until(lambda: len(sink.chains) == 2 or sink.state is DOWN)
        await venue.switch(fault, on=False)
        await sink.until_live(times=2)
    assert len(sink.chains) >= 2


async def test_a_stopped_venue_is_stale_and_live_again_in_a_new_chain(venue: Simulator) -> None:
    sink = Recorder()
    settings = {"stale_after_s": 1.5, "reconnect_after_s": 1.5, "connect_timeout_s": 0.5}
    async with Running(make(venue, sink, **settings)):
        await sink.until_live()
        os.kill(venue.process.pid, signal.SIGSTOP)
        try:
            await sink.until(lambda: sink.state is STALE)
            await sink.until(lambda: sink.state is DOWN)
        finally:
            os.kill(venue.process.pid, signal.SIGCONT)
        assert "within 0.5 s" in sink.last_error
        await sink.until_live(times=2)
    assert len(sink.chains) >= 2


async def test_a_killed_venue_is_down_at_once(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink)):
        await sink.until_live()
        venue.process.kill()
        await sink.until(lambda: sink.state is DOWN)
        await sink.until(lambda: "connection refused" in sink.last_error)


async def test_a_cut_connection_is_a_new_chain(venue: Simulator) -> None:
    sink = Recorder()
    async with Running(make(venue, sink)):
        for number, fault in enumerate(("drop_connections", "close_connections", "cut_old_connections"), 1):
            await sink.until_live(times=number)
            # Any code but 1008 and 1013, which ask for a pause.
            await venue.switch(fault, once=True, **({"code": 1001} if fault == "close_connections" else {}))
        await sink.until_live(times=4)
    assert len(sink.chains) == 4
    assert sink.states == [SourceState.CONNECTING, LIVE, DOWN, LIVE, DOWN, LIVE, DOWN, LIVE]


async def test_binance_announces_its_shutdown_and_nothing_is_lost(binance: Simulator) -> None:
    sink = Recorder()
    async with Running(make(binance, sink, symbols=["ETHUSDT"], overlap_s=0.5)) as adapter:
        await sink.until_live()
        await sink.until(lambda: len(sink.of("ETHUSDT")) > 20)
        await binance.switch("server_shutdown", once=True)
        await eventually(lambda: adapter.statuses()[0].reconnects == 1)
        before = len(sink.of("ETHUSDT"))
        await sink.until(lambda: len(sink.of("ETHUSDT")) > before + 20)
        await binance.switch("data_mute", on=True)
        sent = [json.loads(text) for text in await binance.sent("ETHUSDT")]
        trades = {frame["data"]["t"]: frame["data"]["p"] for frame in sent if frame["stream"] == "ethusdt@trade"}
        await sink.until(lambda: len(_trades(sink)) >= len(trades))
    assert [price for price, _ in _trades(sink)] == [float(trades[number]) for number in sorted(trades)]
    assert len(sink.chains) == 1
    assert sink.states == [SourceState.CONNECTING, LIVE]


async def test_binance_halt_is_found(binance: Simulator) -> None:
    sink = Recorder()
    async with Running(make(binance, sink, symbols=["ETHUSDT"], states_poll_s=0.2)):
        await sink.until_live()
        await binance.switch("halt", on=True, symbol="ETHUSDT")
        await sink.until(lambda: any(quote.halted is True for quote in sink.quotes))
        await binance.switch("halt", on=False)
        await sink.until(lambda: any(quote.halted is False for quote in sink.quotes))


async def test_kraken_heartbeats_without_quotes_are_found_out(kraken: Simulator) -> None:
    sink = Recorder()
    async with Running(make(kraken, sink, quiet_probe_s=1.0, snapshot_timeout_s=0.5)):
        await sink.until_live()
        await kraken.switch("data_mute_with_heartbeats", on=True)
        await sink.until(lambda: sink.state is DOWN)
        assert "heartbeats but no quotes" in sink.last_error
        await kraken.switch("data_mute_with_heartbeats", on=False)
        await sink.until_live(times=2)


async def test_kraken_states_are_pushed(kraken: Simulator) -> None:
    sink = Recorder()
    async with Running(make(kraken, sink, symbols=["ETHUSD"])) as adapter:
        await sink.until_live()
        for fault in ("maintenance", "cancel_only", "post_only"):
            count = sum(quote.halted is False for quote in sink.quotes)
            await kraken.switch(fault, on=True)
            await sink.until(lambda: [q.halted for q in sink.quotes if q.halted is not UNCHANGED][-1:] == [True])
            assert f"the venue is in state {fault}" in adapter.statuses()[0].last_error
            await kraken.switch(fault, on=False)
            await sink.until(lambda: sum(quote.halted is False for quote in sink.quotes) > count)  # noqa: B023
