"""Processes that a test starts, waits for by what they print, and ends by id."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

START_S = 30.0
STOP_S = 15.0


def free_port() -> int:
    """A port that is free now; the next one that binds it is the process that the test starts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def lines_of(output: asyncio.StreamReader) -> AsyncIterator[bytes | None]:
    """What a process writes, by lines; None in the place of what is too long for one, of which the rest follows."""
    while True:
        try:
            line = await output.readline()
        except ValueError:
            yield None
            continue
        if not line:
            return
        yield line


class ChildProcess:
    """One process, which may be started anew; its stderr is kept for the report of a failed test."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._errors: asyncio.Task[None] | None = None
        self.log: list[str] = []
        self._logged = asyncio.Condition()

    @property
    def running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "not started"
        return self._process

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def spawn(
        self,
        *arguments: str,
        program: str | Path = sys.executable,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("TICKMUX_")}
        environment = {**kept, **variables}
        self.log.clear()
        self._process = await asyncio.create_subprocess_exec(
            program,
            *arguments,
            # A process that watches it ends with this one.
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
        )
        self._errors = asyncio.create_task(self._keep_errors(self._process))

    async def line(self) -> str:
        """The next line that it prints."""
        assert self.running.stdout is not None
        async with asyncio.timeout(START_S):
            line = await self.running.stdout.readline()
        assert line, f"ended instead of printing a line: {self.log}"
        return line.decode()

    async def logged(self, text: str) -> None:
        """Wait until a record with some text is on stderr."""
        async with asyncio.timeout(START_S), self._logged:
            await self._logged.wait_for(lambda: any(text in line for line in self.log))

    def send(self, number: signal.Signals) -> None:
        self.running.send_signal(number)

    async def exit_code(self) -> int:
        async with asyncio.timeout(STOP_S):
            code = await self.running.wait()
        if self._errors is not None:
            await self._errors
        return code

    async def terminate(self) -> int:
        """End it in order; its exit code."""
        self.send(signal.SIGTERM)
        return await self.exit_code()

    async def stop(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)
                self._process.terminate()
            try:
                await self.exit_code()
            except TimeoutError:
                self._process.kill()
                await self.exit_code()
            self._process = None

    async def _keep_errors(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in lines_of(process.stderr):
            async with self._logged:
                self.log.append("(too long)" if line is None else line.decode(errors="replace").rstrip())
                self._logged.notify_all()


class VenueProcess(ChildProcess):
    """A simulated venue."""

    def __init__(self, name: str, port: int) -> None:
        super().__init__()
        self.name = name
        self.port = port
        self.websocket_url = f"ws://127.0.0.1:{port}" + ("/v2" if name == "kraken" else "")
        self.rest_url = f"http://127.0.0.1:{port}"

    async def start(self, *arguments: str) -> dict[str, Any]:
        """Start it; what it says of itself."""
        await self.spawn("-m", "tickmux_simulators", self.name, "--port", str(self.port), "--seed", "7", *arguments)
        ready: dict[str, Any] = json.loads(await self.line())
        assert ready["port"] == self.port
        return ready


class ServerProcess(ChildProcess):
    """`tickmux serve` on a port of its own."""

    def __init__(
        self,
        folder: Path,
        venues: Mapping[str, VenueProcess],
        *,
        more_sections: str = "",
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self.target = f"127.0.0.1:{free_port()}"
        self._config = folder / "tickmux.toml"
        self._variables = variables
        sections = [
            f"[sources.{name}]\n"
            f'adapter = "{name}"\n'
            f'websocket_url = "{venue.websocket_url}"\n'
            f'rest_url = "{venue.rest_url}"\n'
            "retry_cap_s = 1.0\n"
            for name, venue in venues.items()
        ]
        self._config.write_text("\n".join([*sections, more_sections]))

    async def start(self) -> None:
        serve = ("serve", "--no-table", "--config", str(self._config), "--listen", self.target)
        await self.spawn("-m", "tickmux_server.cli", *serve, variables=self._variables)
        await self.logged("listening on")
