"""One Binance stream connection: control messages, its limits, and keeping it alive. No sockets here."""

import json
import math
import re
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from tickmux_simulators import wire
from tickmux_simulators.faults import Fault, FaultBoard
from tickmux_simulators.venue import Close, Counters, Limits, Session

METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
STREAM_NAME: Final = re.compile(
    r"(?:[^@!/\s]+@(?:bookTicker|trade|aggTrade|miniTicker|ticker|depth(?:5|10|20)?(?:@(?:100|1000)ms)?))"
    r"|!miniTicker@arr"
)
STRING_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,36}")
TOO_MANY_REQUESTS: Final = Close(1008, "Too many requests")


def is_stream_name(name: object) -> bool:
    """Whether it is well-formed; that its symbol exists is another matter."""
    return isinstance(name, str) and STREAM_NAME.fullmatch(name) is not None


class RequestError(Exception):
    """A control message that is answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(message)


class BinanceSession(Session):
    """One connection to `/ws` or `/stream`."""

    def __init__(
        self,
        opened_s: float,
        *,
        limits: Limits,
        board: FaultBoard,
        counters: Counters,
        subscribe: Callable[["BinanceSession", str], None],
        unsubscribe: Callable[["BinanceSession", str], None],
        is_combined: bool,
        is_micro: bool,
    ) -> None:
        super().__init__(opened_s)
        self.streams: dict[str, None] = {}
        self.is_combined = is_combined
        self.is_micro = is_micro
        self.cut_at_s = math.inf
        """When a scripted shutdown cuts it."""
        self._limits = limits
        self._board = board
        self._counters = counters
        self._subscribe = subscribe
        self._unsubscribe = unsubscribe
        self._received: deque[float] = deque()
        self._ping_due_s = opened_s + limits.ping_interval_s
        self._awaited: dict[bytes, float] = {}
        """Pings without their pong, by payload, and when they were sent."""

    @property
    def variant(self) -> int:
        """Which of the four forms of a payload the connection gets: bit 0 microseconds, bit 1 combined."""
        return int(self.is_micro) + 2 * int(self.is_combined)

    def on_text(self, text: str, now_s: float) -> None:
        """Answer a control message."""
        if not self._count(now_s):
            return
        request_id: Any = None
        try:
            request = _decoded(text)
            request_id = _request_id(request)
            result = self._perform(request, text)
        except RequestError as error:
            body = {"code": error.code, "msg": error.message}
            is_flat = self._board.strike(Fault.FLAT_ERRORS) is not None
            self.send(_compact(body if is_flat else {"error": body, "id": request_id}))
            return
        if result is not LOST:
            self.send(_compact({"result": result, "id": request_id}))

    def on_ping(self, payload: bytes, now_s: float) -> None:
        """A client's ping counts as a message and is answered."""
        if self._count(now_s):
            self.outbox.append(wire.frame(wire.PONG, payload))

    def on_pong(self, payload: bytes, now_s: float) -> None:
        """A pong counts as a message; only the copy of a ping's payload keeps the connection alive."""
        if self._count(now_s) and payload in self._awaited:
            # An answered ping answers for the earlier ones too.
            sent_s = self._awaited[payload]
            self._awaited = {held: at for held, at in self._awaited.items() if at > sent_s}

    def on_timer(self, now_s: float) -> None:
        """Ping, and drop what did not answer or is too old."""
        oldest = next(iter(self._awaited.values()), None)
        if oldest is not None and now_s - oldest >= self._limits.pong_timeout_s:
            self.is_dropped = True
        elif now_s >= min(self.opened_s + self._limits.connection_life_s, self.cut_at_s):
            self.closing = Close(1000, "")
        if now_s >= self._ping_due_s:
            self._ping_due_s = now_s + self._limits.ping_interval_s
            if not self._board.strike(Fault.NO_PINGS):
                payload = str(int(now_s * 1000)).encode()
                self._awaited[payload] = now_s
                self._counters.pings_sent += 1
                self.outbox.append(wire.frame(wire.PING, payload))

    def _count(self, now_s: float) -> bool:
        """Count an incoming message; False once the connection is over the limit."""
        if self.closing is not None:
            return False
        received = self._received
        received.append(now_s)
        while received[0] <= now_s - 1.0:
            received.popleft()
        if len(received) > self._limits.messages_per_s:
            self.closing = TOO_MANY_REQUESTS
            return False
        return True

    def _perform(self, request: dict[str, Any], text: str) -> object:
        method = request.get("method")
        if method not in METHODS:
            known = ", ".join(f"`{name}`" for name in METHODS)
            # serde names the column where the value ended.
            column = text.find(json.dumps(method)) + len(json.dumps(method))
            raise RequestError(
                2, f"Invalid request: unknown variant {method}, expected one of {known} at line 1 column {column}"
            )
        params = request.get("params", [])
        if not isinstance(params, list):
            raise RequestError(2, "Invalid request: params must be an array")
        match method:
            case "SUBSCRIBE":
                return self._add(params)
            case "UNSUBSCRIBE":
                for name in _stream_names(params):
                    if name in self.streams:
                        del self.streams[name]
                        self._unsubscribe(self, name)
                return None
            case "LIST_SUBSCRIPTIONS":
                return list(self.streams)
            case "SET_PROPERTY":
                self._set_property(params)
                return None
            case _:
                if params != ["combined"]:
                    raise RequestError(0, "Unknown property")
                return self.is_combined

    def _add(self, params: list[Any]) -> object:
        names = _stream_names(params)
        lost = self._board.active(Fault.LARGE_SUBSCRIBE_LOST)
        if lost is not None and len(names) > lost.number("streams"):
            self._board.strike(Fault.LARGE_SUBSCRIBE_LOST)
            return LOST
        new = [name for name in dict.fromkeys(names) if name not in self.streams]
        if len(self.streams) + len(new) > self._limits.streams_max:
            raise RequestError(2, f"Invalid request: more than {self._limits.streams_max} streams on a connection")
        for name in new:
            self.streams[name] = None
            self._subscribe(self, name)
        return None

    def _set_property(self, params: list[Any]) -> None:
        if len(params) != 2 or params[0] != "combined":
            raise RequestError(0, "Unknown property")
        if not isinstance(params[1], bool):
            raise RequestError(1, "Invalid value type: expected Boolean")
        self.is_combined = params[1]


LOST: Final = object()
"""In place of a result: the request is not answered."""


def _compact(body: object) -> str:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def _decoded(text: str) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except json.JSONDecodeError as error:
        problem = "EOF while parsing a value" if not text else "expected value"
        raise RequestError(3, f"Invalid JSON: {problem} at line {error.lineno} column {max(error.colno, 1)}") from error
    if not isinstance(request, dict):
        raise RequestError(2, "Invalid request: expected an object")
    return request


def _request_id(request: dict[str, Any]) -> int | str | None:
    request_id = request.get("id")
    is_number = isinstance(request_id, int) and not isinstance(request_id, bool) and -(2**63) <= request_id < 2**63
    is_text = isinstance(request_id, str) and STRING_ID.fullmatch(request_id) is not None
    if not (request_id is None or is_number or is_text):
        raise RequestError(2, "Invalid request: id must be an int64, an alphanumeric string of at most 36, or null")
    return request_id


def _stream_names(params: list[Any]) -> list[str]:
    if not params or not all(is_stream_name(name) for name in params):
        raise RequestError(2, "Invalid request: invalid stream")
    return params
