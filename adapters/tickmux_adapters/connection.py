"""One WebSocket to a venue, from handshake to close."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn

import aiohttp

from tickmux_adapters.conversation import Conversation, Heard
from tickmux_adapters.errors import VenueError
from tickmux_adapters.failures import host_of, refusal, transport_error
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Clock
from tickmux_adapters.pacing import SlidingWindow, wait_for_room
from tickmux_adapters.supervision import WebSocketSettings
from tickmux_adapters.watchdog import NS_PER_S, Verdict, Watchdog

FRAME_BYTES_MAX: Final = 1 << 20
"""A larger frame is counted malformed and skipped; no venue message of ours comes near."""
SOCKET_BYTES_MAX: Final = 8 << 20
"""A frame beyond this is not even read: the connection is replaced."""
BURST_FRAMES_MAX: Final = 64
"""Frames read before other tasks get a turn, when they arrive faster than we read."""
POLL_S: Final = 0.1
"""How often a conversation is asked for what time has made due."""
STOOD_STILL_NS_MAX: Final = 5_000_000_000
"""After a pause of our own process as long as this, what has queued up meanwhile is no longer the present."""
LATE_GRACE_S: Final = 0.05
"""Time for the reader to catch up before a connection is called mute: it may be our own process that stood still."""

CODES_THAT_ASK_TO_WAIT: Final = frozenset({aiohttp.WSCloseCode.POLICY_VIOLATION, aiohttp.WSCloseCode.TRY_AGAIN_LATER})
"""Binance closes with the first on too many messages, Kraken with the second when it has no market data."""
ASKED_TO_WAIT_S: Final = 5.0

WebSocket = aiohttp.ClientWebSocketResponse[Literal[False]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Observer:
    """Who is told of what happens on a connection."""

    spoke: Callable[[], None]
    """The venue sent its first frame, which is about to be read."""
    live: Callable[[], None]
    """Data flows: for the first time, or again after the connection was stale."""
    stale: Callable[[str], None]
    """Nothing that counts has come for too long, says the text."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """What a venue wants of a WebSocket beyond the plain one."""

    headers: Mapping[str, str]
    """Sent with the handshake."""
    ping_interval_s: float | None = None
    """Time between pings of ours, whose pongs count as data: for a venue whose feed may rightly be silent, so that
    nothing else tells a quiet market from a dead connection. None where the venue itself never falls silent."""


PLAIN: Final = Dialect(headers={})


class Connection:
    """Connects, says the opening, reads, answers pings and watches for silence, until something ends it."""

    def __init__(
        self,
        *,
        http: aiohttp.ClientSession,
        url: str,
        settings: WebSocketSettings,
        conversation: Conversation,
        health: ChannelHealth,
        clock: Clock,
        control: SlidingWindow,
        observer: Observer,
        dialect: Dialect = PLAIN,
    ) -> None:
        self.conversation = conversation
        self.delivering = asyncio.Event()
        """Set once every subscription is answered and data has come."""
        self.rotation = asyncio.Event()
        """Set once the venue has announced that it will cut this connection."""
        self.reading_ended = asyncio.Event()
        """Set once no frame is read any more, before the close handshake."""
        self._http = http
        self._url = url
        self._host = host_of(url)
        self._settings = settings
        self._health = health
        self._clock = clock
        self._control = control
        self._observer = observer
        self._dialect = dialect
        self._outbox: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._flowing = False
        self._has_data = False
        self._opened_ns: int | None = None
        self._watchdog = self._new_watchdog()

    @property
    def up_ns(self) -> int:
        """How long the connection has been open, in nanoseconds; 0 before that."""
        return 0 if self._opened_ns is None else self._clock.monotonic_ns() - self._opened_ns

    @property
    def flowing(self) -> bool:
        """Data comes within its deadline."""
        return self._flowing

    async def run(self) -> NoReturn:
        """Serve the connection until it ends.

        Raises:
            VenueError: what ended it, in one clear line.
        """
        socket = await self._open()
        self._opened_ns = self._beat_ns = self._clock.monotonic_ns()
        self._watchdog = self._new_watchdog()
        try:
            tasks = [self._read(socket), self._speak(socket), self._watch(), self._keep_appointments()]
            if self._dialect.ping_interval_s is not None:
                tasks.append(self._ping(socket, self._dialect.ping_interval_s))
            await _until_one_fails(*tasks)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise transport_error(error, self._host, self._settings.answer_timeout_s) from error
        finally:
            self.reading_ended.set()
            await socket.close()

    def _new_watchdog(self) -> Watchdog:
        return Watchdog(
            stale_after_s=self._settings.stale_after_s,
            reconnect_after_s=self._settings.reconnect_after_s,
            now_ns=self._clock.monotonic_ns(),
        )

    async def _open(self) -> WebSocket:
        timeout_s = self._settings.connect_timeout_s
        try:
            async with asyncio.timeout(timeout_s), _unredirected(self._http) as http:
                return await http.ws_connect(
                    self._url,
                    headers=self._dialect.headers,
                    # Pongs count among the messages a venue allows us, so we answer pings ourselves and count them.
                    autoping=False,
                    decode_text=False,
                    max_msg_size=SOCKET_BYTES_MAX,
                    timeout=aiohttp.ClientWSTimeout(ws_close=0.5),
                )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise transport_error(error, self._host, timeout_s) from error

    async def _read(self, socket: WebSocket) -> NoReturn:
        receive, feed = socket.receive, self.conversation.feed
        wall_ns, monotonic_ns = self._clock.wall_ns, self._clock.monotonic_ns
        health, watchdog = self._health, self._watchdog
        text = aiohttp.WSMsgType.TEXT
        spoken = False
        burst = 0
        while True:
            message = await receive()
            if message.type is not text and message.type is not aiohttp.WSMsgType.BINARY:
                await self._attend(socket, message.type, message.data, message.extra)
                continue
            read_wall_ns, read_ns = wall_ns(), monotonic_ns()
            if read_ns - self._beat_ns > STOOD_STILL_NS_MAX:
                raise self._stood_still(read_ns)
            if not spoken:
                spoken = True
                self._observer.spoke()
            frame = message.data
            health.messages += 1
            health.last_message_ns = read_wall_ns
            if len(frame) > FRAME_BYTES_MAX:
                health.count_malformed(f"{len(frame)} bytes, more than {FRAME_BYTES_MAX}", frame)
                continue
            heard = feed(frame, read_wall_ns, read_ns)
            if heard:
                watchdog.heard_at_ns = read_ns
                if not self._flowing or heard is Heard.ALIVE:
                    self._take_notice(heard)
            burst += 1
            if burst == BURST_FRAMES_MAX:
                burst = 0
                await asyncio.sleep(0)

    def _take_notice(self, heard: Heard) -> None:
        if self.conversation.rotation_wanted:
            self.rotation.set()
        if self._flowing:
            return
        if heard is Heard.DATA:
            self._has_data = True
        if not self.delivering.is_set() and not (self._has_data and self.conversation.ready):
            return
        self._flowing = True
        self.delivering.set()
        self._observer.live()

    async def _attend(self, socket: WebSocket, kind: aiohttp.WSMsgType, data: Any, extra: object) -> None:
        """Handle what is not a frame of text.

        Raises:
            VenueError: the connection has ended.
        """
        if kind is not aiohttp.WSMsgType.PING and kind is not aiohttp.WSMsgType.PONG:
            # What the venue said before it hung up is the better reason, and may be a refusal.
            self.conversation.due(self._clock.monotonic_ns())
        if kind is aiohttp.WSMsgType.PING:
            self._control.spend(self._clock.monotonic_ns())
            await socket.pong(data)
        elif kind is aiohttp.WSMsgType.CLOSE:
            said = f" {extra}" if extra else ""
            # Whoever comes back at once after these is banned, or finds the venue as it was.
            pause_s = ASKED_TO_WAIT_S if data in CODES_THAT_ASK_TO_WAIT else None
            raise VenueError(f"{self._host} closed the connection: code {data}{said}", retry_after_s=pause_s)
        elif kind is aiohttp.WSMsgType.ERROR:
            if isinstance(data, aiohttp.WebSocketError):
                if data.code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                    self._health.count_malformed(f"more than {SOCKET_BYTES_MAX} bytes", b"")
                raise VenueError(f"{self._host} broke the WebSocket protocol: {data}")
            raise VenueError(f"connection to {self._host} failed: {data}")
        elif kind is aiohttp.WSMsgType.PONG:
            if self._dialect.ping_interval_s is not None:
                self._watchdog.heard_at_ns = self._clock.monotonic_ns()
                self._take_notice(Heard.DATA)
        else:
            raise VenueError(f"connection to {self._host} lost")

    async def _speak(self, socket: WebSocket) -> NoReturn:
        for text in self.conversation.opening():
            self._outbox.put_nowait(text)
        while True:
            message = await self._outbox.get()
            await wait_for_room(self._control, self._clock)
            async with asyncio.timeout(self._settings.answer_timeout_s):
                if isinstance(message, bytes):
                    await socket.send_bytes(message)
                else:
                    await socket.send_str(message)

    async def _ping(self, socket: WebSocket, interval_s: float) -> NoReturn:
        while True:
            self._control.spend(self._clock.monotonic_ns())
            async with asyncio.timeout(self._settings.answer_timeout_s):
                await socket.ping()
            await asyncio.sleep(interval_s)

    async def _watch(self) -> NoReturn:
        watchdog = self._watchdog
        while True:
            now_ns = self._clock.monotonic_ns()
            if watchdog.verdict(now_ns) is not Verdict.FRESH:
                await asyncio.sleep(LATE_GRACE_S)
                now_ns = self._clock.monotonic_ns()
            verdict = watchdog.verdict(now_ns)
            if verdict is not Verdict.FRESH:
                silent = f"{self._host} is connected but has sent no data for {watchdog.silent_s(now_ns):.1f} s"
                if self._flowing:
                    self._flowing = False
                    self._observer.stale(silent)
                if verdict is Verdict.MUTE:
                    raise VenueMute(silent)
            await asyncio.sleep(watchdog.next_check_s(now_ns))

    async def _keep_appointments(self) -> NoReturn:
        while True:
            await asyncio.sleep(POLL_S)
            now_ns = self._clock.monotonic_ns()
            if now_ns - self._beat_ns > STOOD_STILL_NS_MAX:
                # Without a new beat, so that the reader stops too should it come first.
                raise self._stood_still(now_ns)
            self._beat_ns = now_ns
            for text in self.conversation.due(now_ns):
                self._outbox.put_nowait(text)

    def _stood_still(self, now_ns: int) -> VenueError:
        still_s = (now_ns - self._beat_ns) / NS_PER_S
        return VenueError(f"this process stood still for {still_s:.1f} s: what {self._host} sent meanwhile is old")


class VenueMute(VenueError):
    """A connection was open but brought nothing for too long."""


def _unredirected(http: aiohttp.ClientSession) -> aiohttp.ClientSession:
    """A session over the connections and cookies of another, for a handshake that must lead where it was meant to.

    `ws_connect` follows redirects and cannot be told not to, while what follows a handshake may be our keys.
    """
    return aiohttp.ClientSession(
        connector=http.connector, connector_owner=False, cookie_jar=http.cookie_jar, middlewares=(_refuse_redirect,)
    )


async def _refuse_redirect(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    response = await handler(request)
    if 300 <= response.status < 400:
        response.close()
        raise refusal(response.status, response.headers, host_of(str(request.url)))
    return response


async def _until_one_fails(*coroutines: Coroutine[object, object, NoReturn]) -> NoReturn:
    """Run them together until one raises; raise that after the others have ended."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    done.pop().result()
    raise AssertionError("a task that never returns has returned")
