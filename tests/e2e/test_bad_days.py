"""Venues die, freeze and come back; the stream says so, and the other venue loses nothing."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.e2e.processes import ServerProcess, VenueProcess, free_port
from tests.e2e.watcher import Watcher

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux.v1 import quote_pb2

VENUES = ("binance", "kraken")
LIVE_S = 30.0
STALE_DEADLINE_S = 5.0
SLACK_S = 5.0
"""A loaded machine may be late; the deadline itself is tested under an injected clock."""


@pytest.fixture
async def watcher(server: ServerProcess) -> AsyncIterator[Watcher]:
    watcher = Watcher(server.target)
    await watcher.until(lambda: all(watcher.state(name) == "LIVE" for name in VENUES), LIVE_S)
    await watcher.until(lambda: all(watcher.updates.get(name, 0) > 20 for name in VENUES), LIVE_S)
    yield watcher
    await watcher.close()


def other(name: str) -> str:
    return VENUES[1 - VENUES.index(name)]


async def snapshot(target: str, source: str) -> list[quote_pb2.Quote]:
    async with grpc.aio.insecure_channel(target, options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
        stub: Any = stubs.MarketDataServiceStub(channel)
        request = contract.GetSnapshotRequest(selection=contract.Selection(sources=[source]))
        return list((await stub.GetSnapshot(request, timeout=10)).quotes)


@pytest.mark.parametrize("name", VENUES)
async def test_a_killed_venue_is_down_and_comes_back_with_a_new_epoch(
    name: str, server: ServerProcess, venues: dict[str, VenueProcess], watcher: Watcher
) -> None:
    epoch, bystander_epoch = watcher.epoch(name), watcher.epoch(other(name))
    venues[name].send(signal.SIGKILL)
    await venues[name].exit_code()
    await watcher.until(lambda: watcher.state(name) == "DOWN", STALE_DEADLINE_S + SLACK_S)
    assert [status.last_error for status in watcher.statuses if status.source == name][-1]
    assert all(quote_pb2.QUOTE_FLAG_STALE in quote.flags for quote in await snapshot(server.target, name))
    assert not any(quote_pb2.QUOTE_FLAG_STALE in quote.flags for quote in await snapshot(server.target, other(name)))

    seen = watcher.updates[other(name)]
    await venues[name].start()
    await watcher.until(lambda: watcher.state(name) == "LIVE" and watcher.epoch(name) > epoch, LIVE_S)
    await watcher.until(lambda: watcher.updates[other(name)] > seen + 20, LIVE_S)
    fresh = [quote for quote in await snapshot(server.target, name) if quote.epoch == watcher.epoch(name)]
    assert fresh
    assert not any(quote_pb2.QUOTE_FLAG_STALE in quote.flags for quote in fresh)
    assert watcher.holes == []
    assert watcher.epoch(other(name)) == bystander_epoch


@pytest.mark.parametrize("name", VENUES)
async def test_a_frozen_venue_is_stale_within_its_deadline(
    name: str, server: ServerProcess, venues: dict[str, VenueProcess], watcher: Watcher
) -> None:
    epoch = watcher.epoch(name)
    venues[name].send(signal.SIGSTOP)
    await watcher.until(lambda: watcher.state(name) in {"STALE", "DOWN"}, STALE_DEADLINE_S + SLACK_S)
    seen = watcher.updates[other(name)]
    await watcher.until(lambda: watcher.updates[other(name)] > seen + 20, LIVE_S)
    # Long enough for the connection to be given up: what comes after that is another chain.
    await server.logged(f"{name}/0: 127.0.0.1:{venues[name].port} is connected but has sent no data")
    venues[name].send(signal.SIGCONT)
    await watcher.until(lambda: watcher.state(name) == "LIVE" and watcher.epoch(name) > epoch, LIVE_S + SLACK_S)
    assert watcher.holes == []


async def test_a_server_that_stood_still_does_not_take_the_backlog_for_the_present(
    server: ServerProcess, watcher: Watcher
) -> None:
    epochs = {name: watcher.epoch(name) for name in VENUES}
    server.send(signal.SIGSTOP)
    # A stopped process tells nobody how long it has been stopped.
    await asyncio.sleep(STALE_DEADLINE_S + 1.5)
    server.send(signal.SIGCONT)
    await watcher.until(lambda: all(watcher.epoch(name) > epochs[name] for name in VENUES), LIVE_S)
    assert any("stood still" in status.last_error for status in watcher.statuses)
    assert watcher.holes == []


async def test_sigterm_sends_clients_away_and_exits_0(server: ServerProcess, watcher: Watcher) -> None:
    server.send(signal.SIGTERM)
    await watcher.until(lambda: watcher.error is not None, 10.0)
    assert watcher.going_away
    assert watcher.error is grpc.StatusCode.UNAVAILABLE
    assert await asyncio.wait_for(server.exit_code(), 10.0) == 0
    assert watcher.holes == []
    assert not any("Traceback" in line for line in server.log)


async def test_without_any_venue_the_server_starts_and_says_why(tmp_path: Path) -> None:
    nowhere = {name: VenueProcess(name, free_port()) for name in VENUES}
    server = ServerProcess(tmp_path, nowhere)
    await server.start()
    watcher = Watcher(server.target)
    try:
        await watcher.until(lambda: all(watcher.state(name) == "DOWN" for name in VENUES), LIVE_S)
        errors = {status.source: status.last_error for status in watcher.statuses}
        assert all(str(venue.port) in errors[name] for name, venue in nowhere.items())
        assert watcher.revisions == {}
        assert await snapshot(server.target, "binance") == []
        for venue in nowhere.values():
            await venue.start()
        await watcher.until(lambda: all(watcher.state(name) == "LIVE" for name in VENUES), LIVE_S)
    finally:
        await watcher.close()
        await server.stop()
        for venue in nowhere.values():
            await venue.stop()
