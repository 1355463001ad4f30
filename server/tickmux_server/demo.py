"""`serve --demo`: both venues simulated, each by a process of its own, in place of the live feeds."""

import asyncio
import contextlib
import json
import logging
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from typing import IO, Any, Final

import msgspec

from tickmux_server.children import end, start_module
from tickmux_server.config import Config
from tickmux_server.errors import TickmuxError

logger = logging.getLogger(__name__)

VENUES: Final = ("binance", "kraken")
MODULE: Final = "tickmux_simulators"
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
            What it says of itself: `websocket_url`, `rest_url`, `port`, `pid`.

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
        logger.info("simulated %s: pid %d, %s", self.venue, process.pid, ready["websocket_url"])
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
    """Run every venue of the demo; the configuration's sources then point at them.

    A source of the configuration keeps its settings but the URLs; every quote carries the flag SIMULATED.

    Raises:
        SimulatorFailed: one did not start.
    """
    venues = [SimulatedVenue(venue, stderr) for venue in VENUES]
    try:
        started = await asyncio.gather(*(venue.start() for venue in venues))
        urls = {
            venue: {"websocket_url": ready["websocket_url"], "rest_url": ready["rest_url"], "simulated": True}
            for venue, ready in zip(VENUES, started, strict=True)
        }
        sources = {
            name: msgspec.structs.replace(settings, **urls[settings.adapter])
            for name, settings in config.sources.items()
            if settings.adapter in urls
        }
        for name in config.sources.keys() - sources.keys():
            logger.warning("source %s is left out: its venue is not simulated", name)
        yield msgspec.structs.replace(config, sources=sources)
    finally:
        await asyncio.gather(*(venue.stop() for venue in venues))
