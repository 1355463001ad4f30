"""The simulated Kraken: connections, channels and REST around one market."""

import random
import time
from collections.abc import Mapping
from typing import Final

from tickmux_simulators.faults import ActiveFault, Fault
from tickmux_simulators.kraken import encoding
from tickmux_simulators.kraken.channels import Channels
from tickmux_simulators.kraken.rest import KrakenRest
from tickmux_simulators.kraken.session import Desk, KrakenSession
from tickmux_simulators.venue import Answer, Limits, Session, Source, Venue

SYSTEM_STATES: Final = (Fault.MAINTENANCE, Fault.CANCEL_ONLY, Fault.POST_ONLY)
STANDSTILLS: Final = (Fault.MAINTENANCE, Fault.CANCEL_ONLY)


class KrakenVenue(Venue):
    """Kraken spot market data, WebSocket v2."""

    name = "kraken"
    websocket_path = "/v2"

    def __init__(self, source: Source, limits: Limits, *, seed: int) -> None:
        super().__init__(limits)
        self.source = source
        self.sessions: set[KrakenSession] = set()
        self.channels = Channels(source.instruments, self.board, self.data_frames)
        self._rest = KrakenRest(
            source.instruments, self.board, system=self.system, statuses=lambda: self.channels.statuses
        )
        self._random = random.Random(f"{seed}:sessions")  # noqa: S311 - a simulation, not a secret
        self._desk = Desk(
            board=self.board,
            limits=limits,
            symbols=source.instruments,
            wall_ns=time.time_ns,
            subscribe=self.channels.subscribe,
            unsubscribe=self.channels.unsubscribe,
        )

    def connect(self, path: str, query: str, headers: Mapping[str, str], now_s: float) -> Session | Answer:  # noqa: ARG002
        """Open `/v2`; the status comes first."""
        if not self.admits(now_s):
            return Answer(429, "error code: 1015", {"Retry-After": "600"}, "text/plain")
        refuse = self.board.strike(Fault.REFUSE_CONNECTIONS)
        if refuse is not None:
            status = int(refuse.number("status"))
            return Answer(status, f"error code: {status}", {}, "text/plain")
        if path != self.websocket_path:
            return Answer(404, "<html><body>404 Not Found</body></html>", {}, "text/html")
        session = KrakenSession(now_s, self._desk, self._random)
        session.send(self._status(session))
        self.sessions.add(session)
        return session

    def disconnect(self, session: Session) -> None:
        """Forget a connection and its subscriptions."""
        if isinstance(session, KrakenSession) and session in self.sessions:
            self.sessions.discard(session)
            for subscription in session.subscriptions.values():
                self.channels.unsubscribe(session, subscription)

    @property
    def subscriptions(self) -> int:
        """Subscriptions that are delivered, over all connections."""
        return self.channels.count

    def tick(self, now_ns: int, now_s: float) -> None:
        """Move the market on, and send what follows."""
        self.now_ns, self.now_s = now_ns, now_s
        self.channels.publish(self.source.advance(now_ns))
        for session in self.sessions:
            session.on_timer(now_s)

    def rest(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now_ns: int) -> Answer:  # noqa: ARG002
        """Answer a GET request."""
        return self._rest.answer(path, query, now_ns)

    def system(self) -> str:
        """The state of the trading engine, as status frames name it."""
        return next((fault.value for fault in SYSTEM_STATES if self.board.active(fault)), "online")

    def switched(self, active: ActiveFault, on: bool) -> None:  # noqa: FBT001, ARG002 - the board's callback
        """Halts and states of the engine are pushed, and stop the market where they would."""
        fault = active.fault
        if fault in SYSTEM_STATES or fault in {Fault.UPCOMING_MAINTENANCE, Fault.PLAIN_STATUS}:
            for session in self.sessions:
                session.send(self._status(session))
        if fault is Fault.HALT or fault in STANDSTILLS:
            is_standing = any(self.board.active(standstill) for standstill in STANDSTILLS)
            for instrument in self.source.instruments.values():
                halt = self.board.active(Fault.HALT, instrument.symbol)
                instrument.is_halted = is_standing or halt is not None
            self.channels.push_statuses()

    def _status(self, session: KrakenSession) -> str:
        upcoming = self.board.active(Fault.UPCOMING_MAINTENANCE)
        announced = []
        if upcoming is not None:
            announced.append(encoding.upcoming_maintenance(time.time_ns(), int(upcoming.number("starts_in_s"))))
        return encoding.status(
            self.system(),
            session.connection_id,
            has_arrays=self.board.active(Fault.PLAIN_STATUS) is None,
            maintenance=announced,
        )
