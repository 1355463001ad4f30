"""Simulator processes for tests: started, asked, and stopped."""

import asyncio
import contextlib
import json
import os
import sys
import types
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import websockets

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT.parent / "shared" / "recordings"
PATIENCE_S = 20.0


class Simulator:
    """A running simulator."""

    def __init__(self, process: asyncio.subprocess.Process, announced: dict[str, Any]) -> None:
        self.process = process
        self.websocket_url: str = announced["websocket_url"]
        self.rest_url: str = announced["rest_url"]
        self.control_url: str = announced["control_url"]
        self.announced = announced

    async def get(
        self, path: str, *, headers: Mapping[str, str] | None = None, timeout_s: float = PATIENCE_S
    ) -> tuple[int, str, dict[str, str]]:
        """(status, body, headers) of a GET, whatever the status."""
        return await asyncio.to_thread(_request, self.rest_url + path, None, timeout_s, headers or {})

    async def get_json(self, path: str) -> Any:
        status, body, _ = await self.get(path)
        assert status == 200, body
        return json.loads(body)

    async def switch(self, fault: str, **parameters: Any) -> dict[str, Any]:
        status, body, _ = await asyncio.to_thread(
            _request, self.control_url, json.dumps({"fault": fault, **parameters}), PATIENCE_S
        )
        assert status == 200, body
        result: dict[str, Any] = json.loads(body)
        return result

    async def refused_switch(self, request: object) -> str:
        status, body, _ = await asyncio.to_thread(_request, self.control_url, json.dumps(request), PATIENCE_S)
        assert status == 400
        return str(json.loads(body)["error"])

    async def state(self) -> Any:
        status, body, _ = await asyncio.to_thread(_request, self.control_url, None, PATIENCE_S)
        assert status == 200, body
        return json.loads(body)

    async def all_faults_off(self) -> None:
        for name, fault in (await self.state())["faults"].items():
            if fault["on"]:
                await self.switch(name, on=False)

    async def sent(self, symbol: str, limit: int = 2000) -> list[str]:
        url = f"{self.control_url}/sent?symbol={urllib.parse.quote(symbol)}&limit={limit}"
        status, body, _ = await asyncio.to_thread(_request, url, None, PATIENCE_S)
        assert status == 200, body
        return [frame["text"] for frame in json.loads(body)["frames"]]

    @contextlib.asynccontextmanager
    async def connect(self, path: str = "", **options: Any) -> AsyncIterator["Raw"]:
        """A raw WebSocket by an implementation that is not the simulator's."""
        defaults: dict[str, Any] = {"max_size": None, "ping_interval": None, "close_timeout": 1}
        async with websockets.connect(self.websocket_url + path, **(defaults | options)) as socket:
            yield Raw(socket)


class Raw:
    """A raw connection with patient reads."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket

    async def send(self, message: object) -> None:
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def text(self, *, timeout_s: float = PATIENCE_S) -> str:
        async with asyncio.timeout(timeout_s):
            received = await self.socket.recv()
        assert isinstance(received, str)
        return received

    async def json(self) -> Any:
        return json.loads(await self.text())

    async def until(self, wanted: Any) -> Any:
        """The first message, decoded, of which `wanted` says yes."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                received = await self.json()
                if wanted(received):
                    return received

    async def answer(self, request: dict[str, Any]) -> Any:
        """Send a request and read the answer that carries its id."""
        await self.send(request)
        key = "id" if "id" in request else "req_id"
        return await self.until(lambda one: isinstance(one, dict) and one.get(key) == request[key])

    async def closed(self) -> tuple[int | None, str | None]:
        """(code, reason) once the other side closed; code 1006 if it went without a close frame."""
        async with asyncio.timeout(PATIENCE_S):
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    await self.socket.recv()
        return self.socket.close_code, self.socket.close_reason


@contextlib.asynccontextmanager
async def simulator(venue: str, *arguments: str) -> AsyncIterator[Simulator]:
    """A simulator process that ends with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tickmux_simulators",
        venue,
        "--until-stdin-closes",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT / "simulators")},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            line = await process.stdout.readline()
        assert line, "the simulator ended before it listened"
        yield Simulator(process, json.loads(line))
    finally:
        process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()


def _request(
    url: str, body: str | None, timeout_s: float, headers: Mapping[str, str] = types.MappingProxyType({})
) -> tuple[int, str, dict[str, str]]:
    request = urllib.request.Request(url, data=body.encode() if body is not None else None, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return response.status, response.read().decode(), dict(response.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)
