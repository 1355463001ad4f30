"""Keeps one upstream slot delivering: connect, watch, reconnect, seed, and replace a connection without a hole."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn

import aiohttp

from tickmux_adapters.backoff import Backoff
from tickmux_adapters.connection import Connection, Observer, VenueMute
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
        self._backoff = Backoff(cap_s=settings.retry_cap_s, base_s=min(0.5, settings.retry_cap_s))
        self._primary: Connection | None = None
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
                self._health.reconnects += 1

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
            VenueError: the chain broke.
        """
        running = await self._start(self._begin_chain)
        self._primary = running.connection
        seeding = asyncio.create_task(self._seed(running.connection))
        try:
            while True:
                await self._until_rotation(running)
                successor = await self._successor(running)
                await running.stop()
                running = successor
                self._take_over(running.connection)
        finally:
            await _cancel(seeding)
            await running.stop()

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
        )
        return _Running(connection)

    def _begin_chain(self) -> None:
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
                await asyncio.wait({running.task, successor.task}, timeout=self._settings.overlap_s)
                if successor.ended:
                    successor.task.result()
            except VenueError as error:
                await successor.stop()
                if running.ended:
                    raise
                delay_s = backoff.after_failure(error)
                logger.warning("%s: the replacement failed: %s; again in %.1f s", self._name, error, delay_s)
                await running.first_of(asyncio.sleep(delay_s))
            except BaseException:
                await successor.stop()
                raise
            else:
                return successor

    def _take_over(self, connection: Connection) -> None:
        connection.conversation.release()
        self._primary = connection
        self._health.reconnects += 1
        if connection.flowing:
            self._announce_live()


class _Running:
    """A connection and the task that serves it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.task: asyncio.Task[NoReturn] = asyncio.create_task(connection.run())

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

    async def stop(self) -> None:
        await _cancel(self.task)


async def _at_most(awaitable: Awaitable[object], timeout_s: float | None) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await awaitable
    except TimeoutError:
        return


async def _cancel(task: asyncio.Future[Any]) -> None:
    """End a task and wait until it has ended, without raising what it raised."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
