"""An adapter at work under the eyes of a case, and its clocks, sockets and logs."""

import asyncio
import contextlib
import logging
import os
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from tests.adapters.conformance.rig import FIELDS, HOST, Listed, VenueRig
from tests.adapters.recorder import Recorder

from tickmux_adapters.model import Clock, SourceState, SystemClock

SOURCE: Final = "under-test"
"""The source's name, which is not the adapter's."""
LOOK_S: Final = 0.005
"""How often a counter is looked at that no event tells of."""
CANCELS_MAX: Final = 100
UNTROUBLED: Final = frozenset({SourceState.CONNECTING, SourceState.LIVE})
SETTLING_TURNS: Final = 50
"""Turns of the event loop that transports get to report that they are closed."""


class Watched:
    """The adapter, and everything that it delivered."""

    def __init__(self, rig: VenueRig, symbols: Sequence[str], clock: Clock, settings: dict[str, Any]) -> None:
        kind = rig.adapter_type()
        self.source = SOURCE
        self.sink = Recorder()
        self.adapter = kind.create(SOURCE, kind.settings(**{**rig.settings(symbols), **settings}), self.sink, clock)
        self.is_cancelled = False
        self._patience_s = rig.patience_s
        self.task = asyncio.create_task(self.adapter.run())

    async def until(self, condition: Callable[[], object], wanted: str) -> None:
        """Wait until something holds.

        Raises:
            AssertionError: it did not come in time, or the adapter has ended; says what was `wanted` and what there is.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._patience_s
        while not condition():
            assert not self.task.done(), f"run() has ended {self.ended} instead of {wanted}"
            assert loop.time() < give_up_at, f"not within {self._patience_s:g} s: {wanted}; {self.described()}"
            await asyncio.wait({self.task}, timeout=LOOK_S)

    async def until_live(self, *, since: int = 0) -> None:
        """Wait for LIVE among the statuses announced, from the one with this number on."""
        await self.until(lambda: any(status.state is SourceState.LIVE for status in self.sink.statuses[since:]), "LIVE")

    async def until_in_trouble(self, *, since: int = 0) -> None:
        """Wait for a state that is neither CONNECTING nor LIVE, from the status with this number on."""
        await self.until(
            lambda: any(status.state not in UNTROUBLED for status in self.sink.statuses[since:]),
            "a state that tells of the trouble",
        )

    async def until_more(self, listed: Listed, count: int = 1) -> None:
        """Wait for further quotes of an instrument that carry a number."""
        before = len(self.quoted(listed))
        await self.until(lambda: len(self.quoted(listed)) >= before + count, f"{count} more quotes of {listed.symbol}")

    def quoted(self, listed: Listed) -> list[Any]:
        """The quotes of an instrument that carry a number."""
        return [quote for quote in self.sink.of(listed.symbol) if numbers(quote)]

    def described(self) -> str:
        """What has come so far, for a message."""
        states = ", ".join(state.name for state in self.sink.states) or "none"
        quotes = len(self.sink.quotes)
        return f"states: {states}; last error: {self.sink.last_error or 'none'}; quotes: {quotes}"

    @property
    def ended(self) -> str:
        """How it came to its end."""
        if self.task.cancelled():
            return "by cancellation"
        error = self.task.exception()
        return "by returning" if error is None else f"with {type(error).__name__}: {error}"

    async def until_hung_up(self, hole: "BlackHole") -> None:
        """Wait until every connection to a hole has been closed from this side."""
        try:
            async with asyncio.timeout(self._patience_s):
                await hole.deserted.wait()
        except TimeoutError:
            raise AssertionError(f"{hole.open} connections are open after run() has ended") from None

    async def cancel(self) -> bool:
        """Cancel it once; whether it ended of that."""
        self.is_cancelled = True
        self.task.cancel()
        await asyncio.wait({self.task}, timeout=self._patience_s)
        return self.task.done()

    async def force(self) -> None:
        """End it whatever it does, so that no case disturbs the next."""
        if not self.task.done() and not self.is_cancelled:
            await self.cancel()
        for _ in range(CANCELS_MAX):
            if self.task.done():
                return
            # In quick succession, so that one of them meets it while it waits for something else.
            self.task.cancel()
            await asyncio.sleep(0)
        await asyncio.wait({self.task}, timeout=self._patience_s)
        assert self.task.done(), f"run() cannot be ended by {CANCELS_MAX} cancellations"


@contextlib.asynccontextmanager
async def watched(
    rig: VenueRig, *, symbols: Sequence[str] | None = None, clock: Clock | None = None, **settings: Any
) -> AsyncIterator[Watched]:
    """An adapter that runs for as long as the block, and then has to end when it is cancelled, without a key told."""
    wanted = [each.symbol for each in rig.symbols] if symbols is None else symbols
    secrets = list(rig.secrets)
    with variables(rig.environment), kept_logs() as logs:
        work = Watched(rig, wanted, clock or SystemClock(), settings)
        try:
            yield work
            if not work.is_cancelled:
                assert not work.task.done(), f"run() has ended by itself {work.ended}"
                assert await work.cancel(), "run() goes on after it was cancelled"
        finally:
            await work.force()
    said = [*map(repr, work.sink.statuses), *map(repr, work.adapter.statuses()), *logs.lines]
    leaks = [line for line in said if any(secret in line for secret in secrets)]
    assert not leaks, f"a key is in a status or a log: {leaks[0]}"


def numbers(quote: object) -> dict[str, float]:
    """The fields of an update that carry a number."""
    values = {field: getattr(quote, field) for field in FIELDS}
    return {field: value for field, value in values.items() if isinstance(value, float)}


class SkewedClock:
    """A wall clock that is hours behind the venue's."""

    SKEW_NS: Final = 3 * 3_600_000_000_000
    monotonic_ns = staticmethod(time.monotonic_ns)

    def wall_ns(self) -> int:
        return time.time_ns() - self.SKEW_NS


class BlackHole:
    """A port that accepts connections, takes what is said, and never answers."""

    def __init__(self) -> None:
        self.port = 0
        self.heard = asyncio.Event()
        """Something was said: a request is in flight."""
        self.deserted = asyncio.Event()
        """No connection is open any more."""
        self.open = 0

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["BlackHole"]:
        """Listen for as long as the block."""
        server = await asyncio.start_server(self._swallow, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()

    async def _swallow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.deserted.clear()
        try:
            while await reader.read(65_536):
                self.heard.set()
        except ConnectionError:
            pass
        finally:
            self.open -= 1
            if not self.open:
                self.deserted.set()
            writer.close()


@contextlib.contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Environment variables for as long as the block."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


class KeptLogs(logging.Handler):
    """Everything that is logged while it is attached."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextlib.contextmanager
def kept_logs() -> Iterator[KeptLogs]:
    """Keep what is logged, at any level."""
    handler, root = KeptLogs(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def open_sockets() -> set[tuple[int, int]]:
    """The sockets that this process holds, as (descriptor, inode)."""
    found = set()
    for descriptor in Path("/dev/fd").iterdir():
        # The descriptor of the listing itself is gone by now.
        with contextlib.suppress(OSError):
            status = os.fstat(int(descriptor.name))
            if stat.S_ISSOCK(status.st_mode):
                found.add((int(descriptor.name), status.st_ino))
    return found


async def settle() -> None:
    """Let the event loop finish what is due: transports report their end in a later turn."""
    for _ in range(SETTLING_TURNS):
        await asyncio.sleep(0)
