"""Carries a venue on one port: WebSocket, REST and control. The only module that does I/O."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from tickmux_simulators.control import Control
from tickmux_simulators.faults import ActiveFault, Fault
from tickmux_simulators.venue import Answer, Close, Session, Venue

TICK_S: Final = 0.01
IDLE_TICK_S: Final = 0.02
BUSY_RATE: Final = 500.0
CLOSE_TIMEOUT_S: Final = 1.0

log = logging.getLogger("tickmux_simulators")


class Connection:
    """One WebSocket, joined to its session."""

    def __init__(self, socket: web.WebSocketResponse, transport: asyncio.Transport, session: Session) -> None:
        self.socket = socket
        self.transport = transport
        self.session = session
        self.is_ending = False

    def flush(self) -> None:
        """Write what the session queued, in one call."""
        outbox = self.session.outbox
        if outbox and not self.transport.is_closing():
            self.transport.write(b"".join(outbox))
        outbox.clear()


class Server:
    """One venue, listening."""

    def __init__(self, venue: Venue, *, rate: float) -> None:
        self.venue = venue
        self._tick_s = TICK_S if rate > BUSY_RATE else IDLE_TICK_S
        self._control = Control(venue)
        self._connections: set[Connection] = set()
        self._closers: set[asyncio.Task[None]] = set()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._mute_thrown = asyncio.Event()
        """Set, and replaced, whenever data_mute is switched on or off."""
        self._frozen: set[Connection] = set()
        switched = venue.board.on_switch

        def on_switch(active: ActiveFault, on: bool) -> None:  # noqa: FBT001 - the board's callback
            switched(active, on)
            self._switched(active, on=on)

        venue.board.on_switch = on_switch

    async def serve(self, host: str, port: int, stop: asyncio.Event, *, on_listening: Callable[[int], None]) -> None:
        """Listen until `stop` is set. Raises OSError if the address cannot be had."""
        app = web.Application(client_max_size=64 << 10)
        app.router.add_get("/_control", self._state)
        app.router.add_post("/_control", self._switch)
        app.router.add_get("/_control/sent", self._sent)
        app.router.add_get("/{path:.*}", self._venue_request)
        runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=0.1,
            # An answer that is held back waits no longer than its client does. A WebSocket sees its end by itself.
            handler_cancellation=not self.venue.has_websocket,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port, reuse_address=True).start()
            on_listening(runner.addresses[0][1])
            ticking = asyncio.create_task(self._tick_for_ever())
            stopping = asyncio.create_task(stop.wait())
            try:
                # Were the ticking to fail, the process must not look healthy.
                await asyncio.wait({ticking, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if ticking.done():
                    ticking.result()
            finally:
                for task in (ticking, stopping):
                    task.cancel()
                await asyncio.gather(ticking, stopping, return_exceptions=True)
        finally:
            for connection in list(self._connections):
                connection.transport.abort()
            self._thawed.set()
            await runner.cleanup()

    # Time.

    async def _tick_for_ever(self) -> None:
        while True:
            self.tick()
            await asyncio.sleep(self._tick_s)

    def tick(self) -> None:
        """Move the venue on to now and write what it has to say."""
        now_s = time.monotonic()
        self.venue.tick(time.time_ns(), now_s)
        cut = self.venue.board.active(Fault.CUT_OLD_CONNECTIONS)
        for connection in list(self._connections):
            session = connection.session
            if cut is not None and now_s - session.opened_s >= cut.number("older_than_s") and not session.closing:
                self.venue.board.strike(Fault.CUT_OLD_CONNECTIONS)
                session.closing = Close(int(cut.number("code")), "")
            self._write(connection)

    def _write(self, connection: Connection) -> None:
        session = connection.session
        if connection in self._frozen:
            session.outbox.clear()
            return
        if connection.is_ending:
            return
        connection.flush()
        if connection.transport.get_write_buffer_size() > self.venue.limits.unsent_bytes_max:
            log.info("a connection does not read")
            session.on_slow()
            connection.flush()
        if session.is_dropped:
            log.info("dropped a connection")
            connection.is_ending = True
            connection.transport.abort()
        elif session.closing is not None:
            self._close(connection, session.closing)

    def _close(self, connection: Connection, close: Close) -> None:
        connection.is_ending = True
        task = asyncio.create_task(_closed(connection, close))
        self._closers.add(task)
        task.add_done_callback(self._closers.discard)

    # Faults that concern sockets.

    def _switched(self, active: ActiveFault, *, on: bool) -> None:
        match active.fault:
            case Fault.FROZEN_SOCKET:
                self._freeze(active, on=on)
            case Fault.DATA_MUTE:
                self._mute_thrown.set()
                self._mute_thrown = asyncio.Event()
            case Fault.DROP_CONNECTIONS if on:
                for connection in list(self._connections):
                    connection.transport.abort()
                self.venue.board.strike(Fault.DROP_CONNECTIONS)
                self.venue.board.switch(Fault.DROP_CONNECTIONS.value, {}, on=False)
            case Fault.CLOSE_CONNECTIONS if on:
                for connection in list(self._connections):
                    connection.session.closing = Close(int(active.number("code")), active.text("reason"))
                self.venue.board.strike(Fault.CLOSE_CONNECTIONS)
                self.venue.board.switch(Fault.CLOSE_CONNECTIONS.value, {}, on=False)

    def _freeze(self, active: ActiveFault, *, on: bool) -> None:
        if on:
            for connection in self._connections:
                self._freeze_one(connection)
            if active.parameters["new_connections"] or active.parameters["rest"]:
                self._thawed.clear()
            return
        self._thawed.set()
        for connection in self._frozen:
            if not connection.transport.is_closing():
                connection.transport.resume_reading()
        self._frozen.clear()

    def _freeze_one(self, connection: Connection) -> None:
        if connection not in self._frozen and not connection.transport.is_closing():
            connection.transport.pause_reading()
            self._frozen.add(connection)

    async def _frozen_for(self, parameter: str) -> None:
        frozen = self.venue.board.active(Fault.FROZEN_SOCKET)
        if frozen is not None and frozen.parameters[parameter]:
            await self._thawed.wait()

    # Requests.

    async def _state(self, _request: web.Request) -> web.Response:
        return _response(self._control.state(len(self._connections)))

    async def _switch(self, request: web.Request) -> web.Response:
        return _response(self._control.switch(await request.text()))

    async def _sent(self, request: web.Request) -> web.Response:
        return _response(self._control.sent(request.query))

    async def _venue_request(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._websocket(request)
        self.venue.count_request(request.path, request.query)
        await self._frozen_for("rest")
        slow = self.venue.board.active(Fault.SLOW_REST)
        if slow is not None and slow.text("path") in request.path_qs:
            self.venue.board.strike(Fault.SLOW_REST)
            await asyncio.sleep(slow.number("delay_s"))
        while self.venue.is_held(request.path, request.query):
            await self._mute_thrown.wait()
        return _response(self.venue.rest(request.path, request.query, request.headers, time.time_ns()))

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        await self._frozen_for("new_connections")
        session = self.venue.connect(request.rel_url.raw_path, request.query_string, request.headers, time.monotonic())
        if isinstance(session, Answer):
            self.venue.counters.refused += 1
            return _response(session)
        self.venue.counters.connections += 1
        # Pings and pongs must be seen, since they count as messages; frames are written past aiohttp, as bytes.
        socket = web.WebSocketResponse(autoping=False, compress=False, timeout=CLOSE_TIMEOUT_S, max_msg_size=1 << 20)
        connection = None
        try:
            await socket.prepare(request)
            transport = request.transport
            if not isinstance(transport, asyncio.Transport):
                return socket
            connection = Connection(socket, transport, session)
            self._connections.add(connection)
            self._write(connection)
            await self._read(connection)
        finally:
            if connection is not None:
                self._connections.discard(connection)
                self._frozen.discard(connection)
            self.venue.disconnect(session)
        return socket

    async def _read(self, connection: Connection) -> None:
        session, counters = connection.session, self.venue.counters
        while True:
            message = await connection.socket.receive()
            now_s = time.monotonic()
            if message.type is WSMsgType.TEXT:
                counters.messages_received += 1
                session.on_text(message.data, now_s)
            elif message.type is WSMsgType.BINARY:
                counters.messages_received += 1
                session.on_binary(message.data, now_s)
            elif message.type is WSMsgType.PING:
                counters.pings_received += 1
                session.on_ping(bytes(message.data), now_s)
            elif message.type is WSMsgType.PONG:
                counters.pongs_received += 1
                session.on_pong(bytes(message.data), now_s)
            else:
                break
            self._write(connection)
        if connection.socket.close_code == WSCloseCode.ABNORMAL_CLOSURE:
            log.info("a connection was lost without a close frame")


async def _closed(connection: Connection, close: Close) -> None:
    try:
        # The frame of the close waits in line behind what the client does not read.
        async with asyncio.timeout(2 * CLOSE_TIMEOUT_S):
            await connection.socket.close(code=close.code, message=close.reason.encode())
    except TimeoutError:
        log.info("a connection that was closed did not answer")
    connection.transport.abort()


def _response(answer: Answer) -> web.Response:
    return web.Response(
        status=answer.status,
        text=answer.text,
        headers=answer.headers,
        content_type=answer.content_type,
        charset="utf-8",
    )
