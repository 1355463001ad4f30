"""`tickmux watch` on a terminal rides through what happens to its server and to the way there."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable

import pytest
from tests.e2e.processes import ServerProcess
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


async def test_kill_and_restart_of_the_server_moves_nothing(server: ServerProcess, watch: WatchOnTerminal) -> None:
    await watch.start(server.target, *SYMBOLS)
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
    shown = watch.pictures[first : last + 1]
    assert {str(places(picture)) for picture in shown} == {str(places(shown[0]))}
    assert not any(any(picture.is_marked) for picture in shown)
    assert all("connected" in picture.lines[0] for picture in shown)
