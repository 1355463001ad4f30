"""The peers' environment, and the drivers that run in it."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.simulators.process import ROOT

DRIVERS = Path(__file__).parent / "drivers"
PEERS_PYTHON = ROOT / ".venv" / "peers" / "bin" / "python"
DRIVER_S = 60.0
RATE = "600"


def need_peers() -> None:
    """Skip the test that calls this where there is no such environment; fail it with CI=true."""
    if not PEERS_PYTHON.exists():
        problem = "the peers' environment .venv/peers is missing; `make peers` builds it"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(problem)
        pytest.skip(problem)


async def drive(driver: str, *arguments: str) -> list[dict[str, Any]]:
    """The results that a driver prints, one a line."""
    process = await asyncio.create_subprocess_exec(
        str(PEERS_PYTHON),
        str(DRIVERS / f"{driver}.py"),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DRIVER_S):
            out, error = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, error.decode()[-2000:]
    return [json.loads(line) for line in out.splitlines()]


def of_kind(results: list[dict[str, Any]], kind: str) -> list[Any]:
    return [result["values"] for result in results if result["kind"] == kind]
