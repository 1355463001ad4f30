"""A Go program on the Go client loses nothing, however often and wherever its connection to the server is cut."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.clients_go.toolchain import BUILD_S, build, require_go
from tests.e2e.processes import ChildProcess, ServerProcess
from tests.e2e.watcher import Watcher
from tests.relay import Relay

CUTTING_S = 20.0
REACHED_S = 30.0

Instrument = tuple[str, str]
Position = tuple[int, int]


class Follower(ChildProcess):
    """The program, and what it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.reached: dict[Instrument, Position] = {}
        self._changed = asyncio.Condition()

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
        return sum(seen["event"] == event for seen in self.events)


@asynccontextmanager
async def following(program: Path, target: str) -> AsyncIterator[Follower]:
    follower = Follower()
    try:
        await follower.spawn(target, program=program)
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


@pytest.mark.timeout(BUILD_S + CUTTING_S + 4 * REACHED_S)
async def test_random_cuts_lose_nothing(server: ServerProcess, tmp_path: Path) -> None:
    require_go()
    program = await asyncio.to_thread(build, "./tests/clients_go/follow", tmp_path)
    chance = random.Random(5)
    async with Relay(server.target) as relay, following(program, relay.target) as follower:
        uncut = Watcher(server.target)
        await follower.until(lambda: follower.count("CaughtUp") > 0 and len(follower.reached) > 4)
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + CUTTING_S
        cuts = 0
        while loop.time() < ends_s:
            # Some fall into the midst of a resume, some into live updates.
            await asyncio.sleep(chance.choice([0.02, 0.1, 0.5, 1.0]) * chance.random())
            relay.cut()
            cuts += 1
        await uncut.until(lambda: len(uncut.revisions) > 4, REACHED_S)
        published = dict(uncut.revisions)
        await follower.until(
            lambda: all(follower.reached.get(instrument, (0, 0)) >= head for instrument, head in published.items())
        )
        await uncut.close()
    assert uncut.holes == []
    assert_every_revision_once_or_told(follower.events)
    assert follower.count("Hole") == follower.count("Conflated") == 0
    resumed = [event.get("resumed", False) for event in follower.events if event["event"] == "Reconnected"]
    # The first state was complete before the first cut, so that every return can go on.
    assert cuts > 20
    assert len(resumed) > 5
    assert all(resumed)
    assert follower.count("Reset") == 0
    assert follower.count("Quote") > 200


def test_the_check_itself_sees_a_loss_a_repeat_and_a_step_back() -> None:
    def quotes(*positions: Position) -> list[dict[str, Any]]:
        return [
            {"event": "Quote", "source": "binance", "symbol": "A", "epoch": epoch, "revision": revision}
            for epoch, revision in positions
        ]

    assert_every_revision_once_or_told(quotes((1, 7), (1, 8), (2, 1)))
    assert_every_revision_once_or_told([*quotes((1, 7)), {"event": "Reset"}, *quotes((1, 9))])
    for positions in ([(1, 7), (1, 9)], [(1, 7), (1, 7)], [(2, 1), (1, 1)], [(1, 7), (2, 2)]):
        with pytest.raises(AssertionError):
            assert_every_revision_once_or_told(quotes(*positions))
