"""Builds the programs that a part measures and that are not in Python."""

import asyncio
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Final

from benchmarks.workers import ROOT, WorkerFailed

BUILD_S: Final = 600.0
"""The first build fetches and compiles what the programs stand on."""


async def build(*command: str | Path) -> None:
    """Run a compiler at the root of the repository.

    Raises:
        WorkerFailed: It takes too long or ends with an error, which the exception holds.
    """
    name = str(command[0])
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(BUILD_S):
            output, _ = await process.communicate()
    except TimeoutError:
        raise WorkerFailed(name, f"it did not end within {BUILD_S:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise WorkerFailed(name, f"it ended with {process.returncode}:\n{output.decode(errors='replace')}")
