"""`tickmux watch` on a terminal rides through what happens to its server and to the way there."""

import asyncio
import json
import re
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from pathlib import Path

import pytest
from tests.e2e.processes import ChildProcess, ServerProcess, VenueProcess
from tests.e2e.terminal import Picture, WatchOnTerminal
from tests.relay import Relay

SYMBOLS = ("BTCUSD", "BTCUSDT", "ETHUSD", "ETHUSDT")
LIMIT_S = 40.0


@pytest.fixture
async def watch() -> AsyncIterator[WatchOnTerminal]:
    watch = WatchOnTerminal()
    yield watch
    assert await watch.stop() == 0


def is_whole(picture: Picture) -> bool:
    return [row.symbol for row in picture.rows] == list(SYMBOLS)


def is_current(picture: Picture) -> bool:
    return is_whole(picture) and not any(picture.is_marked)


def says_so(picture: Picture) -> bool:
    return all(picture.is_marked) and any(line.startswith("no stream, trying again: ") for line in picture.lines)


def places(picture: Picture) -> list[tuple[int, int, str]]:
    return [(row.line, row.column, row.symbol) for row in picture.rows]


def has_moved_since(before: Picture) -> Callable[[Picture], bool]:
    """Whether another price is shown."""

    def prices(picture: Picture) -> list[str]:
        return re.findall(r"\d+\.\d{2,}", "".join(picture.lines[row.line] for row in picture.rows))

    return lambda picture: prices(picture) != prices(before)


def assert_columns_stay(shown: list[Picture]) -> None:
    """None comes or moves to the left; while the server is away none moves at all."""
    for before, after in pairwise(shown):
        for was, now in zip(before.headings, after.headings, strict=True):
            where = dict(was)
            assert [title for title, _ in now if title not in where] == []
            if len(was) == len(now):
                assert [title for title, column in now if column < where[title]] == []
        if all(after.is_marked):
            assert after.headings == before.headings


@pytest.mark.parametrize("columns", [80, 120])
async def test_kill_and_restart_of_the_server_moves_nothing(
    server: ServerProcess, watch: WatchOnTerminal, columns: int
) -> None:
    await watch.start(server.target, *SYMBOLS, columns=columns)
    first = await watch.until(is_current, LIMIT_S)
    assert await server.terminate() == 0
    await watch.until(says_so, LIMIT_S)
    await server.start()
    last = await watch.until(is_current, LIMIT_S)
    shown = watch.pictures[first : last + 1]
    assert {str(places(picture)) for picture in shown} == {str(places(shown[0]))}
    marked = [sum(row.is_marked for row in picture.rows) for picture in shown]
    away = marked.index(len(SYMBOLS))
    assert marked[:away] == [0] * away
    assert marked[away:] == sorted(marked[away:], reverse=True), "each row turns current once, in its place"
    assert not any("Traceback" in line for picture in shown for line in picture.lines)
    assert_columns_stay(shown)
    assert {len(picture.headings) for picture in shown} == {2}
    reasons = {picture.lines[1].strip() for picture in shown if all(picture.is_marked)}
    assert "no stream, trying again: Connection refused" in reasons


async def test_a_server_that_hangs_is_marked_and_moves_nothing(server: ServerProcess, watch: WatchOnTerminal) -> None:
    await watch.start(server.target, *SYMBOLS)
    first = await watch.until(is_current, LIMIT_S)
    server.send(signal.SIGSTOP)
    told = watch.pictures[await watch.until(says_so, LIMIT_S)]
    assert "3 heartbeats were missed" in told.lines[1]
    server.send(signal.SIGCONT)
    last = await watch.until(is_current, LIMIT_S)
    shown = watch.pictures[first : last + 1]
    assert {str(places(picture)) for picture in shown} == {str(places(shown[0]))}


def assert_undisturbed(shown: list[Picture]) -> None:
    assert {str(places(picture)) for picture in shown} == {str(places(shown[0]))}
    assert not any(any(picture.is_marked) for picture in shown)
    assert all("connected" in picture.lines[0] for picture in shown)


async def test_a_cut_of_the_connection_is_not_seen(server: ServerProcess, watch: WatchOnTerminal) -> None:
    async with Relay(server.target) as relay:
        await watch.start(relay.target, *SYMBOLS)
        first = await watch.until(is_current, LIMIT_S)
        for _ in range(3):
            opened_anew = relay.opened_anew()
            relay.cut()
            async with asyncio.timeout(LIMIT_S):
                await opened_anew.wait()
            before = watch.pictures[await watch.until(is_whole, LIMIT_S)]
            # Nothing else on a picture tells that the stream is back.
            await watch.until(has_moved_since(before), LIMIT_S)
        last = await watch.until(is_current, LIMIT_S)
    assert_undisturbed(watch.pictures[first : last + 1])


async def test_streams_that_reach_their_age_are_not_seen(
    venues: dict[str, VenueProcess], tmp_path: Path, watch: WatchOnTerminal
) -> None:
    server = ServerProcess(tmp_path, venues, variables={"TICKMUX_STREAM_AGE_S": "1"})
    await server.start()
    try:
        await watch.start(server.target, *SYMBOLS)
        first = await watch.until(is_current, LIMIT_S)
        # The age of a stream is in no log and on no picture: in so many pictures, four a second, a few pass.
        for _ in range(16):
            await watch.until(has_moved_since(watch.pictures[-1]), LIMIT_S)
        last = await watch.until(is_current, LIMIT_S)
        assert_undisturbed(watch.pictures[first : last + 1])
    finally:
        await server.stop()


async def test_lines_go_on_after_a_cut_and_none_is_repeated(server: ServerProcess) -> None:
    async with Relay(server.target) as relay:
        process = ChildProcess()
        await process.spawn("-m", "tickmux_server.cli", "watch", "--json", *SYMBOLS, "--target", relay.target)
        try:
            lines = [json.loads(await process.line()) for _ in range(50)]
            for _ in range(2):
                relay.cut()
                lines += [json.loads(await process.line()) for _ in range(100)]
            process.send(signal.SIGINT)
            assert await process.exit_code() == 0
        finally:
            await process.stop()
    chains = defaultdict(list)
    for told in lines:
        assert not told["gap_before"]
        chains[told["source"], told["symbol"]].append((told["epoch"], told["revision"], told["is_stale"]))
    assert len(chains) == len(SYMBOLS)
    for chain in chains.values():
        for (epoch, revision, was_stale), now in pairwise(chain):
            # The next update, stale while it was missed; or the same one, because it is vouched for no longer,
            # or again.
            assert now in [
                (epoch, revision + 1, False),
                (epoch, revision + 1, was_stale),
                (epoch, revision, not was_stale),
            ]
    assert not any("lost" in line or "missing" in line for line in process.log)
    assert sum("connected again" in line for line in process.log) == 2
