"""One connection to a feed: who it is, what it subscribed to, and the answers. No sockets here."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from tickmux_simulators import wire
from tickmux_simulators.alpaca.accounts import Account, account_of
from tickmux_simulators.alpaca.codecs import JSON, Codec, DecodeError
from tickmux_simulators.alpaca.feeds import ALL, CHANNELS, COUNTED, FOLLOWERS, UNLISTED_WHILE_EMPTY, Feed
from tickmux_simulators.faults import Fault, FaultBoard
from tickmux_simulators.venue import Close, Counters, Limits, Session

ERRORS: Final = {
    400: "invalid syntax",
    401: "not authenticated",
    402: "auth failed",
    403: "already authenticated",
    404: "auth timeout",
    405: "symbol limit exceeded",
    406: "connection limit exceeded",
    407: "slow client",
    409: "insufficient subscription",
    410: "invalid subscribe action for this feed",
    411: "insufficient scope",
    500: "internal error",
}
ENDING: Final = frozenset({402, 404, 406, 407, 409, 411, 500})
"""Errors after which the connection is closed."""
AUTH_FAULTS: Final = {
    Fault.AUTH_FAILED_402: 402,
    Fault.CONNECTION_LIMIT_406: 406,
    Fault.INSUFFICIENT_SUBSCRIPTION_409: 409,
    Fault.INSUFFICIENT_SCOPE_411: 411,
}


class RequestError(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(ERRORS[code])


class Outgoing(NamedTuple):
    """A data message for one kind of connection: to be put into the next frame, or as frames of its own."""

    message: bytes | None
    frames: tuple[bytes, ...] = ()


class Desk(NamedTuple):
    """What a session needs of the venue."""

    board: FaultBoard
    limits: Limits
    counters: Counters
    is_taken: Callable[["AlpacaSession", Account], bool]
    """Whether another connection of an account is on the session's feed."""
    subscribe: Callable[["AlpacaSession", str, str], None]
    """(session, channel, symbol or asterisk)"""
    unsubscribe: Callable[["AlpacaSession", str, str], None]


class AlpacaSession(Session):
    """One connection."""

    def __init__(self, opened_s: float, feed: Feed, codec: Codec, desk: Desk) -> None:
        super().__init__(opened_s)
        self.feed = feed
        self.codec = codec
        self.account: Account | None = None
        self.subscribed: dict[str, dict[str, None]] = {
            channel: {} for channel in feed.channels if channel not in FOLLOWERS
        }
        self._desk = desk
        self._batch: list[bytes] = []
        self._pinged_s = opened_s
        self._control({"T": "success", "msg": "connected"})

    def take(self, outgoing: Outgoing) -> None:
        """Queue a data message."""
        if outgoing.message is not None:
            self._batch.append(outgoing.message)
        else:
            self.flush_batch()
            self.outbox += outgoing.frames

    def flush_batch(self) -> None:
        """Make a frame of the messages that have gathered."""
        if self._batch:
            self.outbox.append(self.codec.frame(self.codec.joined(self._batch)))
            self._batch.clear()

    def on_text(self, text: str, now_s: float) -> None:  # noqa: ARG002 - nothing here depends on the time
        """Answer a request in JSON, which is understood whatever the connection's encoding."""
        self._answer(JSON, text.encode())

    def on_binary(self, data: bytes, now_s: float) -> None:  # noqa: ARG002 - nothing here depends on the time
        """Answer a request in the connection's encoding."""
        self._answer(self.codec, data)

    def on_ping(self, payload: bytes, now_s: float) -> None:  # noqa: ARG002 - nothing here depends on the time
        """Answer a WebSocket ping."""
        self.outbox.append(wire.frame(wire.PONG, payload))

    def on_pong(self, payload: bytes, now_s: float) -> None:
        """Nothing is asked of the answer to a ping."""

    def on_timer(self, now_s: float) -> None:
        """End what has not authenticated, and what is too old; ping if that is wanted."""
        limits = self._desk.limits
        if self.closing is not None:
            return
        if self.account is None and now_s - self.opened_s >= limits.auth_timeout_s:
            self.fail(404)
        elif now_s - self.opened_s >= limits.connection_life_s:
            self.closing = Close(1000, "")
        elif limits.server_ping_s and now_s - self._pinged_s >= limits.server_ping_s:
            self._pinged_s = now_s
            self._desk.counters.pings_sent += 1
            self.outbox.append(wire.frame(wire.PING, b""))

    def on_slow(self) -> None:
        """Say why, and close; the client may not live to read it."""
        if self.closing is None:
            self.fail(407)

    def cut_as_slow(self, *, is_announced: bool) -> None:
        """Cut the connection as that of a client that does not read."""
        if is_announced:
            self._control({"T": "error", "code": 407, "msg": ERRORS[407]})
        self.is_dropped = True

    def authenticate(self, key: object, secret: object) -> None:
        """Take or refuse credentials, from a message or the handshake."""
        if self._desk.board.strike(Fault.AUTH_TIMEOUT):
            return
        try:
            self._authenticate(key, secret)
        except RequestError as error:
            self.fail(error.code)

    def fail(self, code: int) -> None:
        """Send an error, and close the connection if it is one of those that end it."""
        self._control({"T": "error", "code": code, "msg": ERRORS[code]})
        if code in ENDING:
            self.closing = Close(self._desk.limits.error_close_code, "")

    def _answer(self, codec: Codec, data: bytes) -> None:
        if self.closing is not None:
            return
        try:
            request = codec.decode(data)
        except DecodeError:
            self.fail(400)
            return
        try:
            self._perform(request)
        except RequestError as error:
            self.fail(error.code)

    def _perform(self, request: Any) -> None:
        action = request.get("action") if isinstance(request, dict) else None
        if not isinstance(action, str):
            raise RequestError(400)
        broken = self._desk.board.active(Fault.INTERNAL_ERROR_500)
        if broken is not None and broken.text("action") in {"", action}:
            self._desk.board.strike(Fault.INTERNAL_ERROR_500)
            raise RequestError(500)
        if action == "auth":
            self.authenticate(request.get("key"), request.get("secret"))
        elif action in {"subscribe", "unsubscribe"}:
            if self.account is None:
                raise RequestError(401)
            self._change(action, self._wanted(request))
        else:
            raise RequestError(400)

    def _authenticate(self, key: object, secret: object) -> None:
        if self.account is not None:
            raise RequestError(403)
        for fault, code in AUTH_FAULTS.items():
            if self._desk.board.strike(fault):
                raise RequestError(code)
        account = account_of(key, secret)
        if account is None:
            raise RequestError(402)
        if self.feed.is_plus_only and not account.is_plus:
            raise RequestError(409)
        if self._desk.is_taken(self, account):
            raise RequestError(406)
        self.account = account
        self._control({"T": "success", "msg": "authenticated"})

    def _wanted(self, request: dict[str, Any]) -> list[tuple[str, str]]:
        """The channels and symbols of a request. Raises RequestError."""
        wanted: list[tuple[str, str]] = []
        for channel, symbols in request.items():
            if channel == "action":
                continue
            if channel not in CHANNELS:
                raise RequestError(400)
            if channel not in self.feed.channels:
                raise RequestError(410)
            if not isinstance(symbols, list) or not all(self.feed.takes(symbol) for symbol in symbols):
                raise RequestError(400)
            if channel not in FOLLOWERS:
                wanted += ((channel, symbol) for symbol in symbols)
        return wanted

    def _change(self, action: str, wanted: list[tuple[str, str]]) -> None:
        if action == "unsubscribe":
            self._unsubscribe(wanted)
            self._list()
            return
        added = self._added(wanted)
        for channel, symbol in added:
            self.subscribed[channel][symbol] = None
        self._list()
        for channel, symbol in added:
            self._desk.subscribe(self, channel, symbol)

    def _added(self, wanted: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """What a subscribe request adds. Raises RequestError."""
        if self._desk.board.strike(Fault.INVALID_ACTION_410):
            raise RequestError(410)
        counted = {symbol for channel, symbol in wanted if channel in COUNTED}
        counted.update(*(self.subscribed[channel] for channel in COUNTED & self.subscribed.keys()))
        is_limited = self.account is not None and not self.account.is_plus
        if is_limited and (ALL in counted or len(counted) > self._desk.limits.symbols_max):
            raise RequestError(405)
        return [one for one in dict.fromkeys(wanted) if one[1] not in self.subscribed[one[0]]]

    def _unsubscribe(self, wanted: list[tuple[str, str]]) -> None:
        for channel, symbol in wanted:
            if symbol in self.subscribed[channel]:
                del self.subscribed[channel][symbol]
                self._desk.unsubscribe(self, channel, symbol)

    def _list(self) -> None:
        """Answer with everything that is subscribed now."""
        listed: dict[str, Any] = {"T": "subscription"}
        for channel in self.feed.channels:
            symbols = list(self.subscribed["trades" if channel in FOLLOWERS else channel])
            if symbols or channel not in UNLISTED_WHILE_EMPTY:
                listed[channel] = symbols
        self._control(listed)

    def _control(self, message: dict[str, Any]) -> None:
        self.flush_batch()
        self.outbox.append(self.codec.frame(self.codec.joined([self.codec.encode(message)])))
