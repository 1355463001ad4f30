"""The programs of benchmarks/go, built where Go is at hand."""

import asyncio
import os
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which
from typing import Final

from benchmarks.workers import ROOT, WorkerFailed

MISSING: Final = "Go is not installed"
BUILD_S: Final = 600.0
"""The first build compiles gRPC."""


@asynccontextmanager
async def go_programs(*names: str) -> AsyncIterator[Mapping[str, Path] | None]:
    """Build programs for as long as the context lasts; None without Go.

    Raises:
        WorkerFailed: One of them cannot be built.
    """
    if which("go") is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="tickmux-go-") as text:
        folder = Path(text)
        await _build(folder, names)
        yield {name: folder / name for name in names}


async def _build(folder: Path, names: tuple[str, ...]) -> None:
    packages = [f"./benchmarks/go/{name}" for name in names]
    # The module may be a clone without its history.
    process = await asyncio.create_subprocess_exec(
        "go", "build", "-buildvcs=false", "-o", f"{folder}{os.sep}", *packages, cwd=ROOT, stdout=PIPE, stderr=STDOUT
    )
    try:
        async with asyncio.timeout(BUILD_S):
            output, _ = await process.communicate()
    except TimeoutError:
        raise WorkerFailed("go build", f"it did not end within {BUILD_S:.0f} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise WorkerFailed("go build", f"it ended with {process.returncode}:\n{output.decode(errors='replace')}")
