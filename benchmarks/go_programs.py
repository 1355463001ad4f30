"""The programs of benchmarks/go, built where Go is at hand."""

import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which
from typing import Final

from benchmarks.building import build

MISSING: Final = "Go is not installed"


def has_go() -> bool:
    """Whether this machine can build them."""
    return which("go") is not None


@asynccontextmanager
async def go_programs(*names: str) -> AsyncIterator[Mapping[str, Path] | None]:
    """Build programs for as long as the context lasts; None without Go.

    Raises:
        WorkerFailed: One of them cannot be built.
    """
    if not has_go():
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="tickmux-go-") as text:
        folder = Path(text)
        packages = [f"./benchmarks/go/{name}" for name in names]
        # The module may be a clone without its history.
        await build("go", "build", "-buildvcs=false", "-o", f"{folder}{os.sep}", *packages)
        yield {name: folder / name for name in names}
