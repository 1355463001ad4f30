"""Heavy steps of many streams are spread over iterations of the loop, and everyone gets their turn."""

import asyncio
import weakref
from collections import Counter

import pytest
from tests.server.feed import Feed

from tickmux_adapters.model import SystemClock
from tickmux_server.errors import ClientTooFarBehind
from tickmux_server.selection import Selection
from tickmux_server.streams import WAKES_PER_ITERATION, Streams
from tickmux_server.subscription import Subscription
from tickmux_server.turns import SLICE_S, Turns


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


class SetLoop(asyncio.SelectorEventLoop):
    """A loop whose time a test can set forward."""

    offset_s = 0.0

    def time(self) -> float:
        return super().time() + self.offset_s


async def test_a_single_stream_takes_its_turns_at_once() -> None:
    turns = Turns()
    with Iterations() as iterations:
        for _ in range(5):
            before = iterations.count
            assert await turns.run(lambda: iterations.count) == before
            await asyncio.sleep(0)
            await asyncio.sleep(0)


def test_many_streams_take_turns_in_order_and_a_slice_in_each_iteration() -> None:
    turns = Turns()
    taken: list[tuple[int, int]] = []

    async def main() -> None:
        def step(number: int) -> None:
            taken.append((iterations.count, number))
            loop.offset_s += SLICE_S / 4

        with Iterations() as iterations:
            await asyncio.gather(*(turns.run(lambda number=number: step(number)) for number in range(100)))  # type: ignore[misc] # mypy does not see the default

    loop = SetLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())
    assert [number for _, number in taken] == list(range(100))
    of_each = Counter(iteration for iteration, _ in taken)
    assert max(of_each.values()) <= 5, "four fill a slice, and the one that a caller ran by itself"
    assert len(turns) == 0


async def test_what_a_step_raises_is_its_callers() -> None:
    turns = Turns()

    def fail() -> None:
        raise KeyError("a defect")

    results = await asyncio.gather(turns.run(lambda: 1), turns.run(fail), turns.run(lambda: 2), return_exceptions=True)
    assert [results[0], results[2]] == [1, 2]
    assert isinstance(results[1], KeyError)


async def test_what_a_step_raised_is_freed_without_the_garbage_collector(uncollected: None) -> None:
    turns = Turns()
    raised: list[weakref.ref[ClientTooFarBehind]] = []

    def marked() -> ClientTooFarBehind:
        error = ClientTooFarBehind("too far", resume_token="")
        raised.append(weakref.ref(error))
        return error

    def fail() -> None:
        raise marked()

    async def work() -> None:
        try:
            await turns.run(fail)
        except ClientTooFarBehind:
            return

    await asyncio.gather(*(work() for _ in range(3)))
    await asyncio.sleep(0)
    assert [error() for error in raised] == [None] * 3


async def test_a_stream_that_ends_while_it_waits_hinders_nobody() -> None:
    turns = Turns()
    ran: list[int] = []
    waiting = [asyncio.create_task(turns.run(lambda number=number: ran.append(number))) for number in range(10)]  # type: ignore[misc] # mypy does not see the default
    await asyncio.sleep(0)
    for task in waiting[1:9]:
        task.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(*waiting, return_exceptions=True)
        await turns.run(lambda: ran.append(10))
    assert ran == [0, 9, 10]


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
