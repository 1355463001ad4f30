"""Heavy steps of many streams are spread over iterations of the loop, and everyone gets their turn."""

import asyncio

import pytest
from tests.server.feed import Feed

from tickmux_adapters.model import SystemClock
from tickmux_server.selection import Selection
from tickmux_server.streams import WAKES_PER_ITERATION, Streams
from tickmux_server.subscription import Subscription
from tickmux_server.turns import TURNS_MAX, Turns


class Iterations:
    """Counts iterations of the loop for as long as it is asked to."""

    def __init__(self) -> None:
        self.count = 0
        self._stopped = False

    def __enter__(self) -> "Iterations":
        self._next()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopped = True

    def _next(self) -> None:
        self.count += 1
        if not self._stopped:
            asyncio.get_running_loop().call_soon(self._next)


async def test_a_single_stream_takes_its_turns_at_once() -> None:
    turns = Turns()
    with Iterations() as iterations:
        await turns.take()
        assert iterations.count == 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        before = iterations.count
        await turns.take()
        assert iterations.count == before


async def test_many_streams_take_turns_in_order_and_few_in_an_iteration() -> None:
    turns = Turns()
    taken: list[tuple[int, int]] = []

    async def work(number: int) -> None:
        await turns.take()
        taken.append((iterations.count, number))

    with Iterations() as iterations:
        await asyncio.gather(*(work(number) for number in range(300)))
    assert [number for _, number in taken] == list(range(300))
    of_each = [sum(at == iteration for at, _ in taken) for iteration, _ in taken]
    assert max(of_each) <= TURNS_MAX
    assert len(turns) == 0


async def test_a_stream_that_ends_while_it_waits_hinders_nobody() -> None:
    turns = Turns()
    waiting = [asyncio.create_task(turns.take()) for _ in range(10)]
    await asyncio.sleep(0)
    for task in waiting[1:9]:
        task.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(*waiting, return_exceptions=True)
    assert [task.cancelled() for task in waiting] == [False] + [True] * 8 + [False]
    async with asyncio.timeout(10):
        await turns.take()


async def test_wakes_are_spread_and_news_meanwhile_is_not_missed(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    feed.start()
    streams = Streams(feed.hub, SystemClock(), stream_age_s=1800.0)
    woken: list[int] = []
    count = 2 * WAKES_PER_ITERATION + 10

    def wake(number: int) -> None:
        if number == 5:
            raise RuntimeError("a defect")
        if number == 6 and woken.count(6) == 0:
            feed.bid(2.0)
        woken.append(number)

    for number in range(count):
        Subscription(feed.hub, feed.clock, Selection(), wake=lambda number=number: wake(number))  # type: ignore[misc] # mypy does not see the default
    feed.bid(1.0)
    assert len(woken) == 0
    async with asyncio.timeout(10):
        while len(woken) < 2 * (count - 1):  # noqa: ASYNC110 - the loop itself is what is awaited
            await asyncio.sleep(0)
    assert sorted(woken) == sorted(2 * [number for number in range(count) if number != 5])
    assert caplog.text.count("RuntimeError: a defect") == 2
    assert len(streams) == 0
