"""One Kraken v2 connection: requests, their answers, and heartbeats. No sockets here."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from tickmux_simulators import wire
from tickmux_simulators.faults import Fault, FaultBoard
from tickmux_simulators.kraken.encoding import rfc3339
from tickmux_simulators.venue import Close, Limits, Session

DEPTHS: Final = (10, 25, 100, 500, 1000)
SYMBOL_CHANNELS: Final = ("ticker", "book", "trade")
PRIVATE_CHANNELS: Final = ("executions", "balances", "level3")
HEARTBEAT: Final = '{"channel":"heartbeat"}'
EXCEEDED: Final = '{"Error":"Exceeded msg rate"}'
TICK_SIZE_WARNING: Final = "tick_size is deprecated, use price_increment"


class Subscription(NamedTuple):
    """What is delivered: a channel, its symbol (empty for instrument and heartbeat), and how."""

    channel: str
    symbol: str = ""
    event_trigger: str = ""
    depth: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """What makes two of them the same one."""
        return self.channel, self.symbol

    def described(self) -> dict[str, Any]:
        """As acknowledgements name it."""
        result: dict[str, Any] = {"channel": self.channel}
        if self.symbol:
            result["symbol"] = self.symbol
        if self.event_trigger:
            result["event_trigger"] = self.event_trigger
        if self.depth:
            result["depth"] = self.depth
        return result


class RequestError(Exception):
    """A request, or one symbol of it, that is answered with an error."""

    def __init__(self, message: str, symbol: str = "") -> None:
        self.message = message
        self.symbol = symbol
        super().__init__(message)


class Desk:
    """What a session needs of the venue."""

    def __init__(
        self,
        *,
        board: FaultBoard,
        limits: Limits,
        symbols: Mapping[str, object],
        wall_ns: Callable[[], int],
        subscribe: Callable[["KrakenSession", Subscription, bool], None],
        unsubscribe: Callable[["KrakenSession", Subscription], None],
    ) -> None:
        self.board = board
        self.limits = limits
        self.symbols = symbols
        self.wall_ns = wall_ns
        self.subscribe = subscribe
        """(session, subscription, whether a snapshot is wanted)"""
        self.unsubscribe = unsubscribe


class KrakenSession(Session):
    """One connection to `/v2`."""

    def __init__(self, opened_s: float, desk: Desk, order: random.Random) -> None:
        super().__init__(opened_s)
        self.subscriptions: dict[tuple[str, str], Subscription] = {}
        self.connection_id = order.randrange(2**63, 2**64)
        self._desk = desk
        self._order = order
        self._sent_s = opened_s
        self._heard_s = opened_s

    def on_text(self, text: str, now_s: float) -> None:
        """Answer a request."""
        self._heard_s = now_s
        time_in_ns = self._desk.wall_ns()
        if self._desk.board.strike(Fault.RATE_LIMIT_ERROR):
            self.send(EXCEEDED)
            return
        method, req_id = "subscribe", None
        try:
            request = _decoded(text)
            method, req_id = str(request.get("method")), request.get("req_id")
            self._perform(method, request, req_id, time_in_ns)
        except RequestError as error:
            self._refuse(error, method if method in {"ping", "unsubscribe"} else "subscribe", req_id, time_in_ns)
        self._sent_s = now_s

    def on_ping(self, payload: bytes, now_s: float) -> None:
        """Answer a WebSocket ping."""
        self._heard_s = now_s
        self.outbox.append(wire.frame(wire.PONG, payload))

    def on_pong(self, payload: bytes, now_s: float) -> None:  # noqa: ARG002 - Kraken sends no pings
        """Note a sign of life."""
        self._heard_s = now_s

    def on_timer(self, now_s: float) -> None:
        """Send a heartbeat where nothing else was sent; close what is idle or too old."""
        limits = self._desk.limits
        if self.outbox:
            self._sent_s = now_s
        elif self.subscriptions and now_s - self._sent_s >= limits.heartbeat_interval_s:
            self._sent_s = now_s
            mute = self._desk.board.active(Fault.DATA_MUTE)
            if mute is None or mute.text("symbol"):
                self.send(HEARTBEAT)
        is_idle = not self.subscriptions and now_s - self._heard_s >= limits.idle_timeout_s
        if is_idle or now_s - self.opened_s >= limits.connection_life_s:
            self.closing = Close(1000, "")

    def _perform(self, method: str, request: dict[str, Any], req_id: object, time_in_ns: int) -> None:
        if req_id is not None and (not isinstance(req_id, int) or isinstance(req_id, bool)):
            raise RequestError("Malformed request: req_id must be an integer")
        params = request.get("params")
        if method == "ping":
            if params is not None:
                raise RequestError("Unsupported field: 'params' for the given msg type: ping")
            self._answer({"method": "pong"}, req_id, time_in_ns)
        elif method in {"subscribe", "unsubscribe"}:
            if not isinstance(params, dict):
                raise RequestError("Malformed request: params must be an object")
            self._each(method, params, req_id, time_in_ns)
        else:
            raise RequestError("Unsupported event")

    def _each(self, method: str, params: dict[str, Any], req_id: object, time_in_ns: int) -> None:
        """One answer for each symbol, in any order; one that is wrong fails alone."""
        channel = params.get("channel")
        if channel in PRIVATE_CHANNELS:
            raise RequestError("ESession:Invalid session")
        if channel in {"instrument", "heartbeat"}:
            symbols: list[Any] = [""]
        elif channel in SYMBOL_CHANNELS:
            symbols = params.get("symbol", [])
            if not isinstance(symbols, list) or not symbols:
                raise RequestError("Malformed request: symbol must be a list of pairs")
            symbols = list(dict.fromkeys(map(str, symbols)))
            self._order.shuffle(symbols)
        else:
            raise RequestError("Unsupported event")
        one = self._subscribe if method == "subscribe" else self._unsubscribe
        for symbol in symbols:
            try:
                one(symbol, params, req_id, time_in_ns)
            except RequestError as error:
                self._refuse(error, "subscribe", req_id, time_in_ns)

    def _subscribe(self, symbol: str, params: dict[str, Any], req_id: object, time_in_ns: int) -> None:
        channel = params["channel"]
        if symbol and symbol not in self._desk.symbols:
            raise RequestError(f"Currency pair not supported {symbol}", symbol)
        subscription = _subscription(symbol, params)
        if subscription.key in self.subscriptions:
            raise RequestError("Already subscribed", symbol)
        wants_snapshot = params.get("snapshot", True)
        if not isinstance(wants_snapshot, bool):
            raise RequestError("Malformed request: snapshot must be a boolean", symbol)
        self.subscriptions[subscription.key] = subscription
        if self._desk.board.strike(Fault.ALREADY_SUBSCRIBED, symbol or channel):
            self._refuse(RequestError("Already subscribed", symbol), "subscribe", req_id, time_in_ns)
        else:
            result = subscription.described()
            if channel != "heartbeat":
                result["snapshot"] = wants_snapshot
            if channel == "instrument":
                result["warnings"] = [TICK_SIZE_WARNING]
            self._answer({"method": "subscribe", "result": result, "success": True}, req_id, time_in_ns)
        if not self._desk.board.strike(Fault.ACK_THEN_SILENCE, symbol or channel):
            self._desk.subscribe(self, subscription, wants_snapshot)

    def _unsubscribe(self, symbol: str, params: dict[str, Any], req_id: object, time_in_ns: int) -> None:
        subscription = self.subscriptions.pop((params["channel"], symbol), None)
        if subscription is None:
            raise RequestError("Subscription Not Found", symbol)
        self._desk.unsubscribe(self, subscription)
        self._answer({"method": "unsubscribe", "result": subscription.described(), "success": True}, req_id, time_in_ns)

    def _refuse(self, error: RequestError, method: str, req_id: object, time_in_ns: int) -> None:
        body: dict[str, Any] = {"error": error.message, "method": method, "success": False}
        if error.symbol:
            body["symbol"] = error.symbol
        if error.message.startswith("ESession"):
            body["status"] = "error"
        self._answer(body, req_id, time_in_ns)

    def _answer(self, body: dict[str, Any], req_id: object, time_in_ns: int) -> None:
        # Kraken writes the keys of its answers in alphabetical order.
        if req_id is not None:
            body["req_id"] = req_id
        body["time_in"] = rfc3339(time_in_ns)
        body["time_out"] = rfc3339(max(self._desk.wall_ns(), time_in_ns))
        self.send(json.dumps(body, separators=(",", ":"), sort_keys=True))


def _decoded(text: str) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except json.JSONDecodeError as error:
        raise RequestError("Malformed request: not JSON") from error
    if not isinstance(request, dict):
        raise RequestError("Malformed request: not an object")
    return request


def _subscription(symbol: str, params: dict[str, Any]) -> Subscription:
    channel = params["channel"]
    if channel == "ticker":
        trigger = params.get("event_trigger", "trades")
        if trigger not in {"trades", "bbo"}:
            raise RequestError(f"Event trigger not supported {trigger}", symbol)
        return Subscription(channel, symbol, event_trigger=trigger)
    if channel == "book":
        depth = params.get("depth", 10)
        if depth not in DEPTHS:
            raise RequestError(f"Depth not supported {depth}", symbol)
        return Subscription(channel, symbol, depth=depth)
    return Subscription(channel, symbol)
