"""A program in some language that prints what the user of its client sees, and what it has printed so far."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from tests.e2e.processes import ChildProcess

REACHED_S = 30.0

Instrument = tuple[str, str]
Position = tuple[int, int]


class Follower(ChildProcess):
    """The program, and what it has seen."""

    def __init__(self, command: Sequence[str]) -> None:
        super().__init__()
        self._command = command
        self.events: list[dict[str, Any]] = []
        self.reached: dict[Instrument, Position] = {}
        self._changed = asyncio.Condition()

    async def follow(self, target: str, variables: Mapping[str, str] = MappingProxyType({})) -> None:
        """Start it; FOLLOW_CA and FOLLOW_TOKEN of its environment say how it connects."""
        program, *arguments = self._command
        await self.spawn(*arguments, target, program=program, variables=variables)

    async def read(self) -> None:
        assert self.running.stdout is not None
        async for line in self.running.stdout:
            event = json.loads(line)
            async with self._changed:
                self.events.append(event)
                if event["event"] == "Quote":
                    self.reached[event["source"], event["symbol"]] = (event["epoch"], event["revision"])
                self._changed.notify_all()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(REACHED_S), self._changed:
            await self._changed.wait_for(condition)

    def count(self, event: str) -> int:
        return len(self.all(event))

    def all(self, event: str) -> list[dict[str, Any]]:
        return [seen for seen in self.events if seen["event"] == event]


@asynccontextmanager
async def following(
    command: Sequence[str], target: str, variables: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[Follower]:
    """The program follows everything of a server; on leaving it ends when it is told to, without an error."""
    follower = Follower(command)
    try:
        await follower.follow(target, variables)
        reading = asyncio.create_task(follower.read())
        yield follower
        assert await follower.terminate() == 0, follower.log
        await reading
    finally:
        await follower.stop()


def assert_every_revision_once_or_told(events: list[dict[str, Any]]) -> None:
    """Within an epoch each revision of an instrument comes once and in order, unless a Reset came before it."""
    stands: dict[Instrument, Position] = {}
    for event in events:
        if event["event"] == "Reset":
            stands.clear()
        elif event["event"] == "Quote":
            instrument, position = (event["source"], event["symbol"]), (event["epoch"], event["revision"])
            if instrument in stands:
                epoch, revision = stands[instrument]
                assert position in {(epoch, revision + 1), (position[0], 1)}, (instrument, stands[instrument], position)
                assert position[0] >= epoch
            stands[instrument] = position
