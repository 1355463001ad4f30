"""The open streams: their limits, their wakers, and the one task that watches all of them."""

import asyncio
import functools
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from tickmux_adapters.model import Clock
from tickmux_server.counting import counted
from tickmux_server.ending import Ending
from tickmux_server.errors import ClientTooSlow, GoingAway, RequestError, TooManyStreams
from tickmux_server.hub import Hub
from tickmux_server.pacing import FlushPacer
from tickmux_server.subscription import Subscription
from tickmux_server.turns import Turns

logger = logging.getLogger(__name__)

STREAMS_PER_CONNECTION_MAX: Final = 64
"""Below the transport's limit of concurrent calls, so that one too many is told instead of hanging in its queue."""
STREAMS_MAX: Final = 10_000
WRITE_DEADLINE_S: Final = 10.0
WRITE_DEADLINE_DRAINING_S: Final = 2.0
STREAM_AGE_JITTER: Final = 0.2
"""Ages are spread over +-20 %, so that clients that came together do not leave together."""
RECONNECTS_PER_S: Final = 1000
"""Clients that are sent away together are told to come back at times of their own, about so many a second."""
RECONNECT_SPREAD_S_MIN: Final = 0.1
RECONNECT_SPREAD_S_MAX: Final = 10.0

WAKES_PER_ITERATION: Final = 64
"""At about 25 us a write, so many streams keep the event loop busy for less than two milliseconds."""

_SWEEP_INTERVAL_S: Final = 0.25
_WATCH_INTERVAL_S: Final = 1.0


def reconnect_spread_s(streams: int) -> float:
    """Over how long a time so many streams that are sent away together are to come back."""
    return min(max(streams / RECONNECTS_PER_S, RECONNECT_SPREAD_S_MIN), RECONNECT_SPREAD_S_MAX)


class Stream:
    """One Subscribe call: what it waits for, and how the server ends it. To be made by the task that serves it."""

    __slots__ = ("ending", "expires_ns", "news", "subscription", "writing_since_ns")

    def __init__(self, expires_ns: int) -> None:
        self.ending: Final = Ending()
        self.expires_ns = expires_ns
        self.news = asyncio.Event()
        """Set when the subscription has something to say."""
        self.subscription: Subscription | None = None
        self.writing_since_ns: int | None = None
        """When the write that is under way began."""

    async def wait(self, due_ns: int | None, now_ns: int) -> None:
        """Wait for news, but not beyond a monotonic time if one is given."""
        if due_ns is None:
            await self.news.wait()
            return
        # Rounded up: timers of the event loop are as coarse as milliseconds, and one that comes too early asks in vain.
        delay_ms = max(due_ns - now_ns, 0) // 1_000_000 + 1
        timer = asyncio.get_running_loop().call_later(delay_ms / 1000, self.news.set)
        try:
            await self.news.wait()
        finally:
            timer.cancel()


class Streams:
    """Every open stream of this server."""

    def __init__(
        self, hub: Hub, clock: Clock, *, stream_age_s: float, draw: Callable[[], float] = random.random
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._stream_age_s = stream_age_s
        self._draw = draw
        self._streams: dict[Stream, None] = {}
        self._by_connection: Counter[str] = Counter()
        self._pacer = FlushPacer()
        self._flush: asyncio.Handle | None = None
        """The flush that is scheduled or under way."""
        self._has_more_news = False
        """Whether there was news during a flush, which it may have missed."""
        self._writers = 0
        """Streams that the flush which is under way has found able to write."""
        self._flush_began_ns = self._flushed_ns = 0
        """When the latest flush and the one before it began."""
        self.turns = Turns()
        self._draining = False
        self._spread_s = reconnect_spread_s(1)
        """Of the times at which clients are told to come back: short for streams that end one by one, by their age."""
        hub.on_news = self._schedule_flush

    def __len__(self) -> int:
        return len(self._streams)

    @contextmanager
    def open(self, connection: str) -> Iterator[Stream]:
        """Register a stream of a connection for as long as it lasts. To be entered by the task that serves it.

        Raises:
            TooManyStreams: The connection, or the server, holds as many as it may.
            GoingAway: The server is shutting down.
        """
        self.admit()
        if len(self._streams) >= STREAMS_MAX:
            raise TooManyStreams(
                f"this server holds its {STREAMS_MAX} streams already; use another", retry_after_s=30.0
            )
        if self._by_connection[connection] >= STREAMS_PER_CONNECTION_MAX:
            raise TooManyStreams(
                f"this connection holds its {STREAMS_PER_CONNECTION_MAX} streams already; "
                "widen a selection, or open another connection"
            )
        age_s = self._stream_age_s * (1 + STREAM_AGE_JITTER * (2 * self._draw() - 1))
        stream = Stream(self._clock.monotonic_ns() + round(age_s * 1e9))
        self._streams[stream] = None
        self._by_connection[connection] += 1
        try:
            yield stream
        finally:
            del self._streams[stream]
            self._by_connection[connection] -= 1
            if not self._by_connection[connection]:
                del self._by_connection[connection]

    def wake(self, stream: Stream) -> None:
        """Have a stream look for what it has to say."""
        stream.news.set()
        # One that has not come to the end of its write since the last flush writes nothing after this one either, most
        # likely: it stalls, and the others need not wait for company on its account.
        if stream.writing_since_ns is None or stream.writing_since_ns >= self._flushed_ns:
            self._writers += 1

    def admit(self) -> None:
        """Refuse new work while shutting down.

        Raises:
            GoingAway: The server is shutting down.
        """
        if self._draining:
            raise self.going_away()

    def going_away(self) -> GoingAway:
        """The error that sends a client away, with its own time to come back."""
        return GoingAway("the server is ending this stream; reconnect", retry_after_s=self._draw() * self._spread_s)

    async def drain(self, limit_s: float) -> None:
        """Ask every stream to end, and wait until they have, or the limit is over."""
        self._draining = True
        self._spread_s = reconnect_spread_s(len(self._streams))
        until_ns = self._clock.monotonic_ns() + round(limit_s * 1e9)
        while self._streams and self._clock.monotonic_ns() < until_ns:
            self.sweep()
            await asyncio.sleep(0.02)
        if self._streams:
            logger.warning("cutting %s still open", counted(len(self._streams), "stream"))

    async def watch(self) -> None:
        """Serve heartbeats, write deadlines and stream ages, and the hub's own deadlines, until cancelled."""
        loop = asyncio.get_running_loop()
        next_watch_s = loop.time()
        while True:
            self.sweep()
            if loop.time() >= next_watch_s:
                next_watch_s += _WATCH_INTERVAL_S
                self._hub.watch()
            await asyncio.sleep(_SWEEP_INTERVAL_S)

    def sweep(self) -> None:
        """Look once at every stream: wake those with a heartbeat due, end those whose write or life is too long."""
        now_ns = self._clock.monotonic_ns()
        deadline_s = WRITE_DEADLINE_DRAINING_S if self._draining else WRITE_DEADLINE_S
        stalled_ns = now_ns - round(deadline_s * 1e9)
        due: list[Callable[[], None]] = []
        for stream in list(self._streams):
            subscription = stream.subscription
            # Also one that is in a write whenever it is looked at: it reads this at the end of it.
            if subscription is not None and (self._draining or now_ns >= stream.expires_ns):
                subscription.go_away()
            if stream.writing_since_ns is not None:
                if stream.writing_since_ns < stalled_ns:
                    stream.ending.begin(self._too_slow(deadline_s))
            elif subscription is not None and subscription.heartbeat_due(now_ns):
                due.append(stream.news.set)
        self._call_in_slices(due)

    def _too_slow(self, deadline_s: float) -> RequestError:
        if self._draining:
            return self.going_away()
        return ClientTooSlow(f"the client read nothing for {deadline_s:.0f} s", retry_after_s=1.0)

    def _call_in_slices(
        self, calls: list[Callable[[], None]], done: Callable[[], None] = lambda: None, *, begin: int = 0
    ) -> None:
        """Wake some streams in each iteration of the loop: all at once would keep everything else waiting."""
        end = begin + WAKES_PER_ITERATION
        for call in calls[begin:end]:
            try:
                call()
            except Exception:  # a defect of one stream must not put the others to sleep
                logger.exception("a stream cannot be woken")
        if end < len(calls):
            asyncio.get_running_loop().call_soon(functools.partial(self._call_in_slices, calls, done, begin=end))
        else:
            done()

    def _schedule_flush(self) -> None:
        if self._flush is not None:
            self._has_more_news = True
            return
        loop = asyncio.get_running_loop()
        delay_s = self._pacer.delay_s(loop.time())
        # A timer has millisecond resolution; a shorter wait is no wait.
        if delay_s < 0.001:
            self._flush = loop.call_soon(self._flush_now)
        else:
            self._flush = loop.call_later(delay_s, self._flush_now)

    def _flush_now(self) -> None:
        self._writers = 0
        self._flushed_ns, self._flush_began_ns = self._flush_began_ns, self._clock.monotonic_ns()
        self._call_in_slices(self._hub.take_wakers(), self._end_flush)

    def _end_flush(self) -> None:
        self._pacer.flushed(asyncio.get_running_loop().time(), self._writers)
        self._flush = None
        if self._has_more_news:
            self._has_more_news = False
            self._schedule_flush()
