"""Measurements in processes of their own, asked by lines of JSON over their stdin and stdout.

Standard library only: workers of another environment import it.
"""

import asyncio
import contextlib
import gc
import json
import resource
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PEERS_PYTHON: Final = ROOT / ".venv" / "peers" / "bin" / "python"
ANSWER_TIMEOUT_S: Final = 60.0
END_TIMEOUT_S: Final = 5.0
_LINE_BYTES_MAX: Final = 64 * 1024 * 1024

Message = dict[str, Any]


class WorkerFailed(Exception):
    """A worker ended, or did not answer in time. Its own words are on stderr."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"{name}: {problem}")


class Worker:
    """The asking side of one process."""

    def __init__(self, name: str, process: Process) -> None:
        self._name = name
        self._process = process

    async def ask(self, timeout_s: float = ANSWER_TIMEOUT_S, **request: Any) -> Message:
        """Send a request and return its answer.

        Raises:
            WorkerFailed: It ended, or did not answer in time.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            async with asyncio.timeout(timeout_s):
                stdin.write(json.dumps(request).encode() + b"\n")
                await stdin.drain()
                line = await stdout.readline()
        except TimeoutError:
            raise WorkerFailed(self._name, f"no answer within {timeout_s:.0f} s") from None
        except ConnectionError:
            line = b""
        if not line:
            raise WorkerFailed(self._name, "it ended before it answered")
        answer: Message = json.loads(line)
        return answer


def worker(
    module: str,
    *arguments: str,
    python: str = sys.executable,
    environment: Mapping[str, str] | None = None,
    core: int | None = None,
) -> AbstractAsyncContextManager[Worker]:
    """Run `python -m module` as `program` runs a command."""
    return program(module, python, "-m", module, *arguments, environment=environment, core=core)


@asynccontextmanager
async def program(
    name: str, *command: str | Path, environment: Mapping[str, str] | None = None, core: int | None = None
) -> AsyncIterator[Worker]:
    """Run a command for as long as the context lasts; it ends when its stdin closes.

    Args:
        name: What errors call it.
        command: The program and its arguments.
        environment: In place of this process's own.
        core: The only one that it may use, by number; any if none is given.
    """
    if core is not None:
        command = (sys.executable, "-m", "benchmarks.pinned", str(core), *command)
    process = await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, cwd=ROOT, env=environment, limit=_LINE_BYTES_MAX
    )
    try:
        yield Worker(name, process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def ask_all(workers: Sequence[Worker], requests: Sequence[Message]) -> list[Message]:
    """Send each worker its own request, all at once, and return their answers.

    Raises:
        WorkerFailed: One of them ended, or did not answer in time.
    """
    return await asyncio.gather(*(one.ask(**request) for one, request in zip(workers, requests, strict=True)))


def dealt(items: Sequence[Any], hands: int) -> list[Sequence[Any]]:
    """The items dealt out one by one to so many hands."""
    return [items[hand::hands] for hand in range(hands)]


def serve(answer: Callable[[Message], Message]) -> None:
    """Answer requests until stdin closes."""
    for line in sys.stdin:
        _send(answer(json.loads(line)))


async def serve_async(answer: Callable[[Message], Awaitable[Message]]) -> None:
    """Answer requests until stdin closes, on an event loop that goes on meanwhile."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        _send(await answer(json.loads(line)))


async def within(limit_s: float, waiting: Iterable[Awaitable[object]]) -> None:
    """Wait for all, or until the limit: what has come by then is the answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(limit_s):
            await asyncio.gather(*waiting)


def settle_garbage_collector() -> None:
    """Set the collector as the server does once it listens, so that it costs a measurement as little."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 5, 100)


def raise_file_limit() -> int:
    """Let this process have as many files open as it may, which is returned: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def chunks(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """The items in slices of one size, the last of which may be shorter."""
    return [items[at : at + size] for at in range(0, len(items), size)]


def _send(answer: Message) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
