"""Keeps one upstream slot delivering: connect, watch, reconnect, seed, and replace a connection without a hole."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn

import aiohttp

from tickmux_adapters.backoff import Backoff
from tickmux_adapters.connection import PLAIN, Connection, Dialect, Observer, VenueMute
from tickmux_adapters.conversation import Feed
from tickmux_adapters.errors import VenueError, VenueRejected
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Clock, Moment, Sink, SourceState
from tickmux_adapters.pacing import SlidingWindow, wait_for_room
from tickmux_adapters.supervision import WebSocketSettings

logger = logging.getLogger(__name__)

ROTATION_JITTER: Final = 0.05
"""Share of the rotation age by which it varies, so that slots do not rotate together."""


class Slot:
    """The supervision of one slot. Runs until cancelled; venue trouble never ends it."""

    def __init__(
        self,
        *,
        http: aiohttp.ClientSession,
        url: str,
        settings: WebSocketSettings,
        feed: Feed,
        health: ChannelHealth,
        sink: Sink,
        clock: Clock,
        connects: SlidingWindow,
        control_limit: tuple[int, float],
        exclusive: bool = False,
        dialect: Dialect = PLAIN,
    ) -> None:
        """Prepare; no I/O.

        `connects` counts connection attempts and is shared by all slots of a source. `control_limit` is what we may
        send on one connection, as (messages, seconds). `exclusive` says that the venue allows no second connection.
        """
        self._http = http
        self._url = url
        self._settings = settings
        self._feed = feed
        self._health = health
        self._sink = sink
        self._clock = clock
        self._connects = connects
        self._control_limit = control_limit
        self._exclusive = exclusive
        self._dialect = dialect
        self._backoff = Backoff(cap_s=settings.retry_cap_s, base_s=min(0.5, settings.retry_cap_s))
        self._primary: Connection | None = None
        self._open: set[_Running] = set()
        """Every connection that has not been stopped, so that none is left behind whatever ends the chain."""
        self._chains = 0
        self._name = f"{health.source}/{health.channel}"

    async def run(self) -> NoReturn:
        """Serve chain after chain."""
        while True:
            try:
                await self._serve_chain()
            except VenueError as error:
                connected_ns = 0 if self._primary is None else self._primary.up_ns
                delay_s = self._backoff.after_failure(error, connected_ns=connected_ns)
                self._enter_failure(error)
                logger.warning("%s: %s; trying again in %.1f s", self._name, error, delay_s)
                self._primary = None
                await asyncio.sleep(delay_s)

    def _enter_failure(self, error: VenueError) -> None:
        if isinstance(error, VenueRejected):
            self._health.enter(SourceState.REJECTED, str(error))
        elif isinstance(error, VenueMute) and self._health.state is SourceState.STALE:
            # What was last said stands, old as it is, until connecting anew fails or succeeds.
            self._health.enter(SourceState.STALE, str(error))
        else:
            self._health.enter(SourceState.DOWN, str(error))

    async def _serve_chain(self) -> NoReturn:
        """One unbroken chain of quotes: a connection, and those that replace it with overlap.

        Raises:
            VenueError: the chain broke. Anything else is a defect of ours, and ends the source's run.
        """
        tasks: list[asyncio.Task[Any]] = []
        try:
            running = await self._start(self._begin_chain)
            self._primary = running.connection
            seeding = asyncio.create_task(self._seed(running.connection))
            keeping = asyncio.create_task(self._keep(running))
            tasks += [seeding, keeping]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if seeding.done():
                seeding.result()
            await keeping
            raise AssertionError("a task that never returns has returned")
        finally:
            await _cancel(*tasks, *(each.task for each in self._open))
            self._open.clear()

    async def _keep(self, running: "_Running") -> NoReturn:
        """Replace the connection whenever it is to be replaced.

        Raises:
            VenueError: it ended before that.
        """
        while True:
            await self._until_rotation(running)
            successor = await self._successor(running)
            # What was held back is due as soon as the old connection is read no more, not when it has said goodbye.
            await running.stop_reading()
            self._take_over(successor.connection)
            await running.stop()
            self._open.discard(running)
            running = successor

    async def _start(self, spoke: Callable[[], None]) -> "_Running":
        await wait_for_room(self._connects, self._clock)
        limit, window_s = self._control_limit
        connection: Connection | None = None

        def tell_if_primary(tell: Callable[[], None]) -> None:
            if self._primary is connection:
                tell()

        connection = Connection(
            http=self._http,
            url=self._url,
            settings=self._settings,
            conversation=self._feed.converse(),
            health=self._health,
            clock=self._clock,
            control=SlidingWindow(limit=limit, window_s=window_s),
            observer=Observer(
                spoke=spoke,
                live=lambda: tell_if_primary(self._announce_live),
                stale=lambda why: tell_if_primary(lambda: self._health.enter(SourceState.STALE, why)),
            ),
            dialect=self._dialect,
        )
        running = _Running(connection)
        self._open.add(running)
        return running

    def _begin_chain(self) -> None:
        if self._chains:
            self._health.reconnects += 1
        self._chains += 1
        self._sink.begin_chain(self._health.source, self._health.channel)
        self._feed.begin_chain(Moment(self._clock.wall_ns(), self._clock.monotonic_ns()))

    def _announce_live(self) -> None:
        self._health.enter(SourceState.LIVE)

    async def _seed(self, connection: Connection) -> None:
        """Seed the chain once it delivers; a failure is tried again and never disturbs the stream."""
        await connection.delivering.wait()
        backoff = Backoff(cap_s=self._settings.retry_cap_s, base_s=min(1.0, self._settings.retry_cap_s))
        while True:
            try:
                return await self._feed.seed()
            except VenueError as error:
                delay_s = backoff.after_failure(error)
                self._health.enter(self._health.state, f"cannot fetch the present state: {error}")
                logger.warning("%s: cannot fetch the present state: %s; again in %.1f s", self._name, error, delay_s)
                await asyncio.sleep(delay_s)

    async def _until_rotation(self, running: "_Running") -> None:
        """Wait until the connection is to be replaced while it still delivers.

        Raises:
            VenueError: it ended before that.
        """
        age_s = self._settings.rotate_after_s
        if age_s is not None:
            age_s *= random.uniform(1 - ROTATION_JITTER, 1)  # noqa: S311 - spreads load
        await running.first_of(_at_most(running.connection.rotation.wait(), age_s))
        if self._exclusive:
            raise VenueError("the connection reached its end and the venue allows no second one beside it")
        logger.info("%s: replacing the connection while it delivers", self._name)

    async def _successor(self, running: "_Running") -> "_Running":
        """A second connection that delivers, and did so for a while beside the first.

        Its frames are held back meanwhile: taken at once, the faster connection would make the sequence filter drop
        what the slower one alone still brings.

        Raises:
            VenueError: the first ended before the second delivered: there is a hole.
        """
        backoff = Backoff(cap_s=self._settings.retry_cap_s, base_s=min(0.5, self._settings.retry_cap_s))
        while True:
            successor = await self._start(lambda: None)
            successor.connection.conversation.hold()
            try:
                await running.first_of(successor.first_of(successor.connection.delivering.wait()))
                await asyncio.wait({running.task, successor.task}, timeout=self._settings.overlap_or_default_s)
                if successor.ended:
                    successor.task.result()
            except VenueError as error:
                await successor.stop()
                self._open.discard(successor)
                if running.ended:
                    raise
                delay_s = backoff.after_failure(error)
                logger.warning("%s: the replacement failed: %s; again in %.1f s", self._name, error, delay_s)
                await running.first_of(asyncio.sleep(delay_s))
            else:
                return successor

    def _take_over(self, connection: Connection) -> None:
        connection.conversation.release()
        self._primary = connection
        self._health.reconnects += 1
        if connection.flowing:
            self._announce_live()
        else:
            # It said so itself when nobody listened.
            self._health.enter(SourceState.STALE, "the connection that took over has fallen silent")


class _Running:
    """A connection and the task that serves it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.task: asyncio.Task[NoReturn] = asyncio.create_task(connection.run())
        self._is_stopping = False

    @property
    def ended(self) -> bool:
        return self.task.done()

    async def first_of(self, waited: Awaitable[object]) -> None:
        """Wait for something, unless the connection ends first, whose error is then raised."""
        other = asyncio.ensure_future(waited)
        try:
            await asyncio.wait({self.task, other}, return_when=asyncio.FIRST_COMPLETED)
            if self.task.done():
                self.task.result()
            other.result()
        finally:
            await _cancel(other)

    async def stop_reading(self) -> None:
        """End it, and wait until it reads no more; it may still be saying goodbye."""
        self._end()
        reading_ended = asyncio.create_task(self.connection.reading_ended.wait())
        try:
            await asyncio.wait({self.task, reading_ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(reading_ended)

    async def stop(self) -> None:
        """End it, without raising what it raised."""
        self._end()
        await asyncio.wait({self.task})
        if not self.task.cancelled():
            self.task.exception()

    def _end(self) -> None:
        # Once only: another cancellation would cut the goodbye short.
        if not self._is_stopping:
            self._is_stopping = True
            self.task.cancel()


async def _at_most(awaitable: Awaitable[object], timeout_s: float | None) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await awaitable
    except TimeoutError:
        return


async def _cancel(*tasks: asyncio.Future[Any]) -> None:
    """End tasks and wait until they have ended, without raising what they raised."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()
