"""`serve --demo`: every venue simulated, each by a process of its own, in place of the live feeds."""

import asyncio
import contextlib
import json
import logging
import os
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from typing import IO, Any, Final

import msgspec

from tickmux_adapters.registry import SourceSettings
from tickmux_server.children import end, start_module
from tickmux_server.config import Config
from tickmux_server.errors import TickmuxError

logger = logging.getLogger(__name__)

MODULE: Final = "tickmux_simulators"
VENUES: Final[Mapping[str, str]] = {
    "binance": "binance",
    "kraken": "kraken",
    "alpaca": "alpaca",
    "alpaca-crypto": "alpaca",
    "coingecko": "coingecko",
    "alphavantage": "alphavantage",
}
"""The simulated venue of each adapter that has one."""
ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {"coingecko": ("--cache-s", "15")}
"""What a simulator is told beside its venue: who watches a demo does not wait a minute for a price to move."""
DEMO_SOURCES: Final[Mapping[str, Mapping[str, Any]]] = {
    "binance": {
        "adapter": "binance",
        "symbols": ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "AVAXUSDT", "LINKUSDT"],
    },
    "kraken": {
        "adapter": "kraken",
        "symbols": ["BTCUSD", "ETHUSD", "SOLUSD", "XRPUSD", "DOGEUSD", "ADAUSD", "AVAXUSD", "LINKUSD"],
    },
    "alpaca": {
        "adapter": "alpaca",
        "symbols": ["AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "JPM", "IBM", "BRK.B"],
    },
    "alpaca-crypto": {"adapter": "alpaca-crypto", "symbols": ["BTCUSD", "ETHUSD", "SOLUSD", "DOGEUSD"]},
    "coingecko": {"adapter": "coingecko", "symbols": ["BTCUSD", "ETHUSD", "SOLUSD", "XRPUSD", "DOGEUSD"]},
    "alphavantage": {"adapter": "alphavantage", "symbols": ["AAPL", "MSFT", "IBM", "EUR/USD", "BTC/USD"]},
}
"""What is quoted without a file: stocks and coins, streams and slow polls, some from more than one source."""
READY_S: Final = 10.0
"""How long a simulator may take to listen."""
RESTART_S: Final = 2.0
"""How long a venue stays away when its process was killed: long enough to see its source go DOWN."""


class SimulatorFailed(TickmuxError):
    """A simulated venue did not start."""

    def __init__(self, venue: str, problem: str) -> None:
        self.venue = venue
        super().__init__(f"the simulated venue {venue} did not start: {problem}; see `python -m {MODULE} --help`")


class SimulatedVenue:
    """One simulator process, started anew on the same port whenever it ends by itself."""

    def __init__(self, venue: str, stderr: IO[str] | None) -> None:
        self.venue = venue
        self._stderr = stderr
        self._port = 0
        self._process: Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> Mapping[str, Any]:
        """Start it and wait until it listens.

        Returns:
            What it says of itself: `websocket_url` (empty where the venue is polled), `rest_url`, `port`, `pid`, keys.

        Raises:
            SimulatorFailed: it ended, or was not ready in time.
        """
        ready = await self._start_process()
        self._port = ready["port"]
        self._keeping = asyncio.create_task(self._keep_running())
        return ready

    async def stop(self) -> None:
        """End the process and wait for it."""
        if self._keeping:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._process:
            await end(self._process)

    async def _start_process(self) -> dict[str, Any]:
        self._process = process = await start_module(
            MODULE,
            self.venue,
            *("--port", str(self._port), "--until-stdin-closes"),
            *ARGUMENTS.get(self.venue, ()),
            reads_stdout=True,
            stderr=self._stderr,
            own_session=True,
        )
        assert process.stdout is not None  # noqa: S101 - for the type checker: it was asked for
        try:
            async with asyncio.timeout(READY_S):
                line = await process.stdout.readline()
            ready: dict[str, Any] = json.loads(line)
        except TimeoutError as error:
            raise SimulatorFailed(self.venue, f"it was not ready in {READY_S:.0f} s") from error
        except json.JSONDecodeError as error:
            raise SimulatorFailed(self.venue, "it ended, or printed no address") from error
        url = ready["websocket_url"] or ready["rest_url"]
        logger.info("simulated %s: pid %d, %s", self.venue, process.pid, url)
        return ready

    async def _keep_running(self) -> None:
        while self._process:
            code = await self._process.wait()
            logger.warning("simulated %s ended with %d; starting it anew in %.0f s", self.venue, code, RESTART_S)
            await end(self._process)
            await asyncio.sleep(RESTART_S)
            try:
                await self._start_process()
            except SimulatorFailed as error:
                logger.warning("%s", error)
                # One that hangs without being ready would be waited for in vain.
                await end(self._process)


@contextlib.asynccontextmanager
async def simulated_venues(config: Config, stderr: IO[str] | None) -> AsyncIterator[Config]:
    """Run the venues of the configured sources, which then point at them.

    A source keeps its settings but the URLs, where its keys come from and where it remembers what they have spent;
    every quote carries the flag SIMULATED.

    Raises:
        SimulatorFailed: one did not start.
    """
    adapters = {settings.adapter for settings in config.sources.values()}
    names = sorted({VENUES[adapter] for adapter in adapters if adapter in VENUES})
    venues = [SimulatedVenue(name, stderr) for name in names]
    try:
        started = dict(zip(names, await asyncio.gather(*(venue.start() for venue in venues)), strict=True))
        sources = {
            name: _pointed_at(settings, started[VENUES[settings.adapter]])
            for name, settings in config.sources.items()
            if settings.adapter in VENUES
        }
        for name in config.sources.keys() - sources.keys():
            logger.warning("source %s is left out: its venue is not simulated", name)
        yield msgspec.structs.replace(config, sources=sources)
    finally:
        await asyncio.gather(*(venue.stop() for venue in venues))


def _pointed_at(settings: SourceSettings, ready: Mapping[str, Any]) -> SourceSettings:
    """The settings with the simulated venue's addresses and keys in place of the real ones."""
    changes: dict[str, Any] = {"simulated": True}
    fields = settings.__struct_fields__
    for setting, said in (("websocket_url", "websocket_url"), ("rest_url", "rest_url"), ("trading_url", "rest_url")):
        if setting in fields:
            changes[setting] = ready[said]
    for setting, said in (("key_variable", "key"), ("secret_variable", "secret")):
        if setting in fields:
            # Keys come from the environment, these too; the name is none of the settings'.
            variable = f"SIMULATED_{ready['venue']}_{said}".upper()
            os.environ[variable] = ready[said]
            changes[setting] = variable
    if "budget_file" in fields:
        # Nothing that is simulated counts against a real key, and a demo forgets.
        changes["budget_file"] = None
    return msgspec.structs.replace(settings, **changes)
