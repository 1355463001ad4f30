"""A program in any language loses nothing, however often and wherever its connection to the server is cut."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.processes import ServerProcess
from tests.e2e.watcher import Watcher
from tests.followers.follower import REACHED_S, Position, assert_every_revision_once_or_told, following
from tests.followers.languages import BUILD_S, LANGUAGES, follow
from tests.relay import Relay

CUTTING_S = 20.0


@pytest.mark.timeout(BUILD_S + CUTTING_S + 4 * REACHED_S)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_random_cuts_lose_nothing(server: ServerProcess, tmp_path: Path, language: str) -> None:
    command = await follow(language, tmp_path)
    chance = random.Random(5)
    async with Relay(server.target) as relay, following(command, relay.target) as follower:
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
    resumed = [event.get("resumed", False) for event in follower.all("Reconnected")]
    # The first state was complete before the first cut, so that every return can go on.
    assert cuts > 20
    assert len(resumed) > 5
    assert all(resumed)
    assert follower.count("Reset") == 0
    assert follower.count("Quote") > 200


@pytest.mark.timeout(BUILD_S + 4 * REACHED_S)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_restart_of_the_server_is_told(server: ServerProcess, tmp_path: Path, language: str) -> None:
    async with following(await follow(language, tmp_path), server.target) as follower:
        await follower.until(lambda: follower.count("CaughtUp") > 0 and len(follower.reached) > 4)
        assert await server.terminate() == 0
        await server.start()
        await follower.until(lambda: follower.count("CaughtUp") > 1 and follower.events[-1]["event"] == "Quote")
    assert_every_revision_once_or_told(follower.events)
    assert follower.count("GoingAway") == follower.count("Reset") == follower.count("Reconnected") == 1
    assert not follower.all("Reconnected")[0].get("resumed")
    reset = [event["event"] for event in follower.events].index("Reset")
    anew = [event for event in follower.events[reset:] if event["event"] == "Quote"]
    first = {(event["source"], event["symbol"]): event for event in reversed(anew)}
    assert all(event.get("gap") for event in first.values())


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
