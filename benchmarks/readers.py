"""The programs that consume quotes, one for each client that Tickmux has."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.go_programs import MISSING as GO_MISSING
from benchmarks.java_reader import MISSING as JAVA_MISSING
from benchmarks.java_reader import java_reader
from benchmarks.workers import Worker, program, worker


@dataclass(frozen=True, slots=True)
class Reader:
    """A client that can be measured here."""

    name: str
    start: Callable[[int], AbstractAsyncContextManager[Worker]]
    """Starts it on a core, by number."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A client that cannot."""

    name: str
    why: str


@asynccontextmanager
async def all_readers(go: Mapping[str, Path] | None) -> AsyncIterator[tuple[Reader | Missing, ...]]:
    """Every client, built for as long as the context lasts.

    Args:
        go: The programs of benchmarks/go; None without Go.

    Raises:
        WorkerFailed: One of them cannot be built.
    """
    async with java_reader() as java:
        yield (
            Reader("Python, asyncio", lambda core: worker("benchmarks.reader", "asyncio", core=core)),
            Reader("Python, synchronous", lambda core: worker("benchmarks.reader", "sync", core=core)),
            Missing("Go", GO_MISSING) if go is None else _reader("Go", go["reader"]),
            Missing("Java", JAVA_MISSING) if java is None else _reader("Java", *java),
        )


def _reader(name: str, *command: str | Path) -> Reader:
    return Reader(name, lambda core: program(name, *command, core=core))
