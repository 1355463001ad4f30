"""What happened in one run: the lines that came, held against those that must come, and what the server was asked."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.conformance.lines import Line, Pattern, fault_of_form, shown
from tests.conformance.scenario import Scenario

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import quote_pb2


@dataclass(frozen=True)
class Failure:
    """A broken rule, and what was expected and came."""

    rule: str
    text: str


@dataclass(frozen=True)
class Received:
    """A call that reached the server."""

    request: pb.SubscribeRequest | pb.GetSnapshotRequest
    metadata: Mapping[str, str | bytes]


class Strayed(Exception):
    """The run is over; `Record.failures` says why."""


@dataclass
class Record:
    """The run of one scenario so far. The first failure ends it."""

    scenario: Scenario
    lines: list[Line] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    sent: list[quote_pb2.Quote] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    """What the program wrote to stderr."""
    failures: list[Failure] = field(default_factory=list)
    matched: int = 0
    """So many of the lines that must come have come."""
    has_ended: bool = False
    """The program has closed its output."""

    def __post_init__(self) -> None:
        self.expected: list[Pattern] = self.scenario.sees
        self._changed = asyncio.Condition()

    @property
    def is_complete(self) -> bool:
        """Whether every line that must come has come."""
        return self.matched == len(self.expected)

    async def add(self, line: object) -> None:
        """Take a line that the program printed."""
        if fault := fault_of_form(line):
            await self.fail("form", f"a line is not well-formed: {line!r:.300}: {fault:.300}")
            return
        assert isinstance(line, dict)
        self.lines.append(line)
        if self.matched and self.expected[self.matched - 1].is_repeated_by(line):
            return
        number = len(self.lines)
        if self.is_complete:
            await self.fail("lines", f"nothing more was to be seen, and line {number} came: {shown(line)}")
            return
        pattern = self.expected[self.matched]
        if problem := pattern.mismatch(line):
            await self.fail("lines", f"line {number} had to be {pattern}, and what came is {shown(line)}: {problem}")
            return
        self.matched += 1
        await self._notify()

    async def end(self) -> None:
        """The program prints nothing more."""
        self.has_ended = True
        await self._notify()

    async def fail(self, rule: str, text: str) -> None:
        """A rule is broken."""
        self.failures.append(Failure(rule, text))
        await self._notify()

    async def until_seen(self, count: int) -> None:
        """Wait for so many of the lines that must come.

        Raises:
            Strayed: the run is over before they came.
        """
        await self._until(lambda: self.matched >= count or self.has_ended)
        if self.failures or self.matched < count:
            raise Strayed

    async def until_over(self) -> None:
        """Wait until all lines have come, or none will any more."""
        await self._until(lambda: self.is_complete or self.has_ended)

    def missing(self) -> str:
        """What was to come next."""
        after = f"line {len(self.lines)} ({shown(self.lines[-1])})" if self.lines else "the start"
        return f"after {after}, {self.expected[self.matched]} had to come"

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self.failures) or condition())

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
