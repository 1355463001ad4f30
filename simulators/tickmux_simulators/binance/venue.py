"""The simulated Binance: connections, streams and REST around one market."""

import urllib.parse
from collections.abc import Mapping

from tickmux_simulators.binance.rest import LEGAL, BinanceRest, RestError
from tickmux_simulators.binance.session import BinanceSession
from tickmux_simulators.binance.streams import Streams
from tickmux_simulators.faults import ActiveFault, Fault
from tickmux_simulators.venue import Answer, Limits, Session, Source, Venue


class BinanceVenue(Venue):
    """Binance spot market data."""

    name = "binance"

    def __init__(self, source: Source, limits: Limits) -> None:
        super().__init__(limits)
        self.source = source
        self.sessions: set[BinanceSession] = set()
        self.streams = Streams(source, self.board, self.data_frames)
        self._rest = BinanceRest(source.instruments, self.board, weight_max=limits.weight_max)

    def connect(self, path: str, query: str, headers: Mapping[str, str], now_s: float) -> Session | Answer:  # noqa: ARG002
        """Open `/ws`, `/ws/<stream>/<stream>…` or `/stream?streams=<stream>/<stream>…`.

        A name in the URL that is no stream is accepted and never delivered: clients open `/ws/0` and then subscribe.
        """
        if not self.admits(now_s):
            return RestError(-1003, "Too many requests; current limit of connection attempts is reached.", 429).answer
        refuse = self.board.strike(Fault.REFUSE_CONNECTIONS)
        if refuse is not None:
            status = int(refuse.number("status"))
            return RestError(0, LEGAL if status == 451 else "Service unavailable.", status).answer
        parameters = urllib.parse.parse_qs(query, keep_blank_values=True)
        is_combined = path == "/stream"
        if not is_combined and path != "/ws" and not path.startswith("/ws/"):
            return Answer(404, "<html><body>404 Not Found</body></html>", {}, "text/html")
        listed = parameters.get("streams", [""])[0] if is_combined else urllib.parse.unquote(path[len("/ws/") :])
        names = list(dict.fromkeys(name for name in listed.split("/") if name))
        if len(names) > self.limits.streams_max:
            return Answer(400, '{"error":{"code":2,"msg":"Invalid request: too many streams"}}')
        session = BinanceSession(
            now_s,
            limits=self.limits,
            board=self.board,
            counters=self.counters,
            subscribe=self.streams.subscribe,
            unsubscribe=self.streams.unsubscribe,
            is_combined=is_combined,
            is_micro=parameters.get("timeUnit", [""])[0].upper() == "MICROSECOND",
        )
        for name in names:
            session.streams[name] = None
            self.streams.subscribe(session, name)
        self.sessions.add(session)
        return session

    def disconnect(self, session: Session) -> None:
        """Forget a connection and its subscriptions."""
        if isinstance(session, BinanceSession) and session in self.sessions:
            self.sessions.discard(session)
            for name in session.streams:
                self.streams.unsubscribe(session, name)

    @property
    def subscriptions(self) -> int:
        """Streams that are delivered, over all connections."""
        return self.streams.count

    def tick(self, now_ns: int, now_s: float) -> None:
        """Move the market on, and send what follows."""
        self.now_ns, self.now_s = now_ns, now_s
        self.streams.publish(self.source.advance(now_ns), now_ns)
        for session in self.sessions:
            session.on_timer(now_s)

    def rest(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now_ns: int) -> Answer:
        """Answer a GET request."""
        return self._rest.answer(path, query, headers, now_ns)

    def switched(self, active: ActiveFault, on: bool) -> None:  # noqa: FBT001 - the board's callback
        """Halts take effect on the market; a scripted shutdown is announced to everyone."""
        if active.fault is Fault.HALT:
            for instrument in self.source.instruments.values():
                instrument.is_halted = self.board.active(Fault.HALT, instrument.symbol) is not None
        elif active.fault is Fault.SERVER_SHUTDOWN and on:
            frame = f'{{"e":"serverShutdown","E":{self.now_ns // 1_000_000}}}'
            for session in self.sessions:
                session.send(f'{{"stream":"!serverShutdown","data":{frame}}}' if session.is_combined else frame)
                session.cut_at_s = self.now_s + active.number("after_s")
