import asyncio
from collections.abc import AsyncIterator, Sequence

import aiohttp
import pytest
from tests.adapters.recorder import Recorder, eventually
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tickmux_adapters.conversation import Heard
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Moment, SourceState, SystemClock
from tickmux_adapters.pacing import SlidingWindow
from tickmux_adapters.slot import Slot
from tickmux_adapters.supervision import WebSocketSettings


class Venue:
    """Sends what it is told to every connection."""

    def __init__(self) -> None:
        self.connections: list[ServerConnection] = []
        self.handshakes = 0
        self.port = 0

    async def talk(self, connection: ServerConnection) -> None:
        self.handshakes += 1
        self.connections.append(connection)
        try:
            await connection.send("hello")
            await connection.wait_closed()
        except ConnectionClosed:
            pass
        finally:
            self.connections.remove(connection)


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    venue = Venue()
    async with serve(venue.talk, "127.0.0.1", 0, ping_interval=None, close_timeout=0.2) as server:
        venue.port = next(iter(server.sockets)).getsockname()[1]
        yield venue


@pytest.fixture
def goodbye(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Until it is set, every close handshake of ours takes its time: half a second, as with a venue that is slow."""
    allowed = asyncio.Event()
    close = aiohttp.ClientWebSocketResponse.close

    async def close_slowly(socket: aiohttp.ClientWebSocketResponse[bool]) -> bool:
        try:
            async with asyncio.timeout(0.5):
                await allowed.wait()
        except TimeoutError:
            pass
        finally:
            await close(socket)
        return True

    monkeypatch.setattr(aiohttp.ClientWebSocketResponse, "close", close_slowly)
    return allowed


class EveryFrame:
    """A conversation to which every frame is data, delivered to a list."""

    ready = True

    def __init__(self, delivered: list[str]) -> None:
        self.rotation_wanted = False
        self._delivered = delivered
        self._held: list[str] | None = None

    def opening(self) -> Sequence[str]:
        return ()

    def due(self, now_ns: int) -> Sequence[str]:
        return ()

    def feed(self, frame: bytes, wall_ns: int, monotonic_ns: int) -> Heard:
        (self._delivered if self._held is None else self._held).append(frame.decode())
        return Heard.ALIVE if self.rotation_wanted else Heard.DATA

    def hold(self) -> None:
        self._held = []

    def release(self) -> None:
        held, self._held = self._held, None
        self._delivered += held or []


class EveryFrameFeed:
    def __init__(self) -> None:
        self.delivered: list[str] = []
        self.conversations: list[EveryFrame] = []
        self.seed_error: Exception | None = None

    def converse(self) -> EveryFrame:
        self.conversations.append(EveryFrame(self.delivered))
        return self.conversations[-1]

    def begin_chain(self, moment: Moment) -> None:
        self.delivered.append("chain")

    async def seed(self) -> None:
        if self.seed_error is not None:
            raise self.seed_error


class Served:
    """A slot at work against the venue."""

    def __init__(self, venue: Venue, *, stale_after_s: float = 5.0, overlap_s: float = 0.1) -> None:
        self.venue = venue
        self.feed = EveryFrameFeed()
        self.sink = Recorder()
        url = f"ws://127.0.0.1:{venue.port}"
        self._settings = WebSocketSettings(
            adapter="test",
            websocket_url=url,
            rest_url="",
            stale_after_s=stale_after_s,
            overlap_s=overlap_s,
            retry_cap_s=0.1,
        )

    async def __aenter__(self) -> "Served":
        self._http = aiohttp.ClientSession()
        clock = SystemClock()
        slot = Slot(
            http=self._http,
            url=self._settings.websocket_url,
            settings=self._settings,
            feed=self.feed,
            health=ChannelHealth(source="s", channel="0", sink=self.sink, clock=clock),
            sink=self.sink,
            clock=clock,
            connects=SlidingWindow(limit=100, window_s=60),
            control_limit=(4, 1.0),
        )
        self.task = asyncio.create_task(slot.run())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self._http.close()

    async def begin_rotation(self) -> None:
        """The first connection is about to be replaced."""
        await self.sink.until_live()
        self.feed.conversations[0].rotation_wanted = True
        await self.venue.connections[0].send("old")

    def connections(self) -> int:
        return sum("Connection.run" in repr(task.get_coro()) for task in asyncio.all_tasks())


async def test_what_was_held_back_does_not_wait_for_the_goodbye_of_the_old_connection(
    venue: Venue, goodbye: asyncio.Event
) -> None:
    async with Served(venue) as served:
        await served.begin_rotation()
        await eventually(lambda: len(served.feed.delivered) == 4)
        await venue.connections[0].send("too late")
        await venue.connections[1].send("new")
        await eventually(lambda: served.feed.delivered[-1] == "new")
        assert served.connections() == 2
        goodbye.set()
        await eventually(lambda: served.connections() == 1)
    assert served.feed.delivered == ["chain", "hello", "old", "hello", "new"]
    assert served.sink.states == [SourceState.LIVE]


@pytest.mark.usefixtures("goodbye")
async def test_cancelling_while_the_old_connection_says_goodbye_leaves_nothing_behind(venue: Venue) -> None:
    async with Served(venue) as served:
        await served.begin_rotation()
        await eventually(lambda: len(venue.connections) == 2)
        await eventually(lambda: len(served.feed.delivered) == 4)
        assert served.connections() == 2
        served.task.cancel()
        await asyncio.wait({served.task})
        assert served.connections() == 0
        await eventually(lambda: not venue.connections)


async def test_a_successor_that_has_fallen_silent_is_stale_when_it_takes_over(venue: Venue) -> None:
    async with Served(venue, stale_after_s=0.3, overlap_s=0.6) as served:
        await served.begin_rotation()

        async def keep_the_old_one_delivering() -> None:
            old = venue.connections[0]
            while True:
                await old.send("old")
                await asyncio.sleep(0.05)

        delivering = asyncio.create_task(keep_the_old_one_delivering())
        await served.sink.until(lambda: served.sink.state is SourceState.STALE)
        delivering.cancel()
        assert "took over has fallen silent" in served.sink.last_error
        await venue.connections[-1].send("new")
        await served.sink.until_live(times=2)
    assert served.feed.delivered.count("chain") == 1


async def test_a_defect_while_seeding_ends_the_run(venue: Venue) -> None:
    async with Served(venue) as served:
        served.feed.seed_error = IndexError("a defect")
        with pytest.raises(IndexError, match="a defect"):
            async with asyncio.timeout(5):
                await served.task
        assert served.connections() == 0
