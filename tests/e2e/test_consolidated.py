"""The best of two simulated venues: one is killed, leaves the quote within its deadline, and comes back."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.e2e.processes import ServerProcess, VenueProcess, free_port

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux.v1 import quote_pb2

LIVE_S = 30.0
STALE_DEADLINE_S = 5.0
SLACK_S = 5.0
"""A loaded machine may be late; the deadline itself is tested under an injected clock."""


@pytest.fixture
async def venues() -> AsyncIterator[dict[str, VenueProcess]]:
    running = {name: VenueProcess(name, free_port()) for name in ("alpaca", "kraken")}
    yield running
    for venue in running.values():
        await venue.stop()


@pytest.fixture
async def server(venues: dict[str, VenueProcess], tmp_path: Path) -> AsyncIterator[ServerProcess]:
    ready = await venues["alpaca"].start()
    await venues["kraken"].start()
    section = f"""
[sources.alpaca-crypto]
adapter = "alpaca-crypto"
symbols = ["BTCUSD"]
websocket_url = "{ready["websocket_url"]}"
rest_url = "{ready["rest_url"]}"
trading_url = "{ready["rest_url"]}"
retry_cap_s = 1.0
"""
    variables = {
        "APCA_API_KEY_ID": ready["key"],
        "APCA_API_SECRET_KEY": ready["secret"],
        "TICKMUX_SOURCES__KRAKEN__SYMBOLS": "BTCUSD",
    }
    server = ServerProcess(tmp_path, {"kraken": venues["kraken"]}, more_sections=section, variables=variables)
    await server.start()
    yield server
    await server.stop()


class Stream:
    """Every revision of one consolidated quote."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        stub: Any = stubs.MarketDataServiceStub(channel)
        selection = contract.Selection(symbols=["BTCUSD"], sources=["consolidated"])
        self._call = stub.Subscribe(contract.SubscribeRequest(selection=selection))
        self._quotes: list[quote_pb2.Quote] = []
        self._revision = 0

    async def until(self, condition: Callable[[quote_pb2.Quote], bool], timeout_s: float) -> quote_pb2.Quote:
        """Read on to the first revision that meets a condition; no revision may be missing before it."""
        async with asyncio.timeout(timeout_s):
            while True:
                while not self._quotes:
                    self._quotes += (await self._call.read()).quotes
                quote = self._quotes.pop(0)
                assert self._revision in (0, quote.revision - 1)
                self._revision = quote.revision
                if condition(quote):
                    return quote


def exchanges(quote: quote_pb2.Quote) -> set[str]:
    return {quote.bid_exchange, quote.ask_exchange, quote.last_exchange}


async def test_a_killed_venue_leaves_the_quote_within_its_deadline_and_comes_back(
    server: ServerProcess, venues: dict[str, VenueProcess]
) -> None:
    async with grpc.aio.insecure_channel(server.target) as channel:
        stream = Stream(channel)
        for name in ("Kraken", "Alpaca"):
            await stream.until(lambda quote, name=name: name in exchanges(quote), LIVE_S)  # type: ignore[misc] # bound early
        venues["kraken"].send(signal.SIGKILL)
        await venues["kraken"].exit_code()
        left = await stream.until(lambda quote: exchanges(quote) <= {"Alpaca", ""}, STALE_DEADLINE_S + SLACK_S)
        assert (left.source, left.exchange, list(left.flags)) == ("consolidated", "", [quote_pb2.QUOTE_FLAG_SIMULATED])
        still = await stream.until(lambda quote: quote.revision >= left.revision + 3, LIVE_S)
        assert exchanges(still) <= {"Alpaca", ""}
        await venues["kraken"].start()
        await stream.until(lambda quote: "Kraken" in exchanges(quote), LIVE_S)

        venues["alpaca"].send(signal.SIGKILL)
        venues["kraken"].send(signal.SIGKILL)
        none = await stream.until(lambda quote: exchanges(quote) == {""}, 2 * (STALE_DEADLINE_S + SLACK_S))
        assert not any(none.HasField(name) for name in ("bid_price", "ask_price", "last_price", "timestamp"))
