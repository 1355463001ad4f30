"""The program of benchmarks/java, built with our client where a JDK and Maven are at hand."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which
from typing import Final

from benchmarks.building import build
from benchmarks.workers import ROOT

MISSING: Final = "a JDK or Maven is not installed"
CLIENT: Final = ROOT / "clients" / "java"
SOURCES: Final = (CLIENT / "src" / "main" / "java", ROOT / "generated" / "java", ROOT / "benchmarks" / "java")
MAIN: Final = "Reader"


@asynccontextmanager
async def java_reader() -> AsyncIterator[tuple[str, ...] | None]:
    """Build it for as long as the context lasts; what comes is its command, or None without a JDK or Maven.

    Raises:
        WorkerFailed: It cannot be built.
    """
    if which("javac") is None or which("mvn") is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="tickmux-java-") as text:
        classes, class_path = Path(text) / "classes", Path(text) / "class-path"
        await build(
            "mvn",
            *("--batch-mode", "--quiet", "-f", CLIENT, "dependency:build-classpath"),
            *(f"-Dmdep.outputFile={class_path}", "-DincludeScope=runtime"),
        )
        libraries = class_path.read_text(encoding="utf-8")
        # Apart from what Maven builds of the client, which others may be building at the same time.
        sources = sorted(source for root in SOURCES for source in root.rglob("*.java"))
        await build("javac", "-proc:none", "-nowarn", "-d", classes, "-cp", libraries, *sources)
        yield ("java", "-cp", os.pathsep.join([str(classes), libraries]), MAIN)
