"""The simulated Alpaca: connections, feeds and REST around one market of stocks and coins."""

from collections.abc import Mapping
from itertools import chain
from typing import Final

from tickmux_simulators.alpaca.accounts import BASIC, Account, credentials
from tickmux_simulators.alpaca.codecs import JSON, MSGPACK
from tickmux_simulators.alpaca.feeds import FEEDS, STOCKS
from tickmux_simulators.alpaca.rest import AlpacaRest
from tickmux_simulators.alpaca.session import AlpacaSession, Desk
from tickmux_simulators.alpaca.streams import Streams, kind_of
from tickmux_simulators.faults import ActiveFault, Fault
from tickmux_simulators.listings import ALPACA_CRYPTO_LISTINGS, ALPACA_STOCK_LISTINGS, ALPACA_TEST_LISTINGS
from tickmux_simulators.market import Market
from tickmux_simulators.venue import Answer, Limits, Session, Venue

TEST_RATE: Final = 10.0
"""Events a second of the test feed, whatever the market does."""


class AlpacaVenue(Venue):
    """Alpaca's market data of US stocks and coins."""

    name = "alpaca"

    def __init__(self, limits: Limits, *, seed: int, rate: float, start_ns: int) -> None:
        super().__init__(limits)
        listings = ALPACA_STOCK_LISTINGS + ALPACA_CRYPTO_LISTINGS
        self._market = Market(self.name, listings, seed=seed, rate=rate, start_ns=start_ns)
        self._test = Market(f"{self.name} test", ALPACA_TEST_LISTINGS, seed=seed, rate=TEST_RATE, start_ns=start_ns)
        instruments = self._market.instruments | self._test.instruments
        self.now_ns = start_ns
        self.sessions: set[AlpacaSession] = set()
        self.streams = Streams(instruments, self.board, self.data_faults, limits, self._record)
        self._rest = AlpacaRest(self._market.instruments, self.board, limits, self.streams.minute_bars)
        self._desk = Desk(
            self.board, limits, self.counters, self._is_taken, self.streams.subscribe, self.streams.unsubscribe
        )

    @property
    def announced_extras(self) -> Mapping[str, str]:
        """A simulated basic key."""
        return {"key": BASIC.key, "secret": BASIC.secret}

    def connect(self, path: str, query: str, headers: Mapping[str, str], now_s: float) -> Session | Answer:  # noqa: ARG002
        """Open a feed; the venue speaks first. A key in the handshake's headers authenticates at once."""
        if not self.admits(now_s):
            return Answer(429, "Too Many Requests", {}, "text/plain")
        refuse = self.board.strike(Fault.REFUSE_CONNECTIONS)
        if refuse is not None:
            return Answer(int(refuse.number("status")), "Service Unavailable", {}, "text/plain")
        feed = FEEDS.get(path)
        if feed is None:
            return Answer(404, "404 page not found", {}, "text/plain")
        is_msgpack = headers.get("Content-Type", "").partition(";")[0].strip() == "application/msgpack"
        session = AlpacaSession(now_s, feed, MSGPACK if is_msgpack else JSON, self._desk)
        self.sessions.add(session)
        shown = credentials(headers)
        if shown is not None:
            session.authenticate(*shown)
        return session

    def disconnect(self, session: Session) -> None:
        """Forget a connection and its subscriptions."""
        if isinstance(session, AlpacaSession) and session in self.sessions:
            self.sessions.discard(session)
            self.streams.forget(session)

    @property
    def subscriptions(self) -> int:
        """Subscriptions that are delivered, over all connections."""
        return self.streams.count

    def tick(self, now_ns: int, now_s: float) -> None:
        """Move the markets on, and send what follows."""
        self.now_ns, self.now_s = now_ns, now_s
        self.streams.publish(chain(self._market.advance(now_ns), self._test.advance(now_ns)), now_ns)
        for session in self.sessions:
            session.on_timer(now_s)

    def rest(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now_ns: int) -> Answer:
        """Answer a GET request."""
        return self._rest.answer(path, query, headers, now_ns)

    def switched(self, active: ActiveFault, on: bool) -> None:  # noqa: FBT001 - the board's callback
        """Halts and the end of trading stop the market; what is to happen now, happens."""
        match active.fault:
            case Fault.HALT | Fault.QUIET_MARKET:
                is_quiet = self.board.active(Fault.QUIET_MARKET) is not None
                for instrument in self._market.instruments.values():
                    halt = self.board.active(Fault.HALT, instrument.symbol)
                    instrument.is_halted = is_quiet or halt is not None
                self.streams.push_statuses(self.now_ns)
            case Fault.SLOW_CLIENT_407 if on:
                for session in self.sessions:
                    if session.account is not None:
                        session.cut_as_slow(is_announced=bool(active.parameters["announced"]))
                self._happened(active)
            case Fault.CORRECTION | Fault.CANCEL if on:
                act = self.streams.correct if active.fault is Fault.CORRECTION else self.streams.cancel
                for instrument in self._market.instruments.values():
                    if kind_of(instrument) == STOCKS and active.matches(instrument.symbol):
                        act(instrument, self.now_ns)
                self._happened(active)

    def _happened(self, active: ActiveFault) -> None:
        """A switch that acts once is off again."""
        self.board.strike(active.fault)
        self.board.switch(active.fault.value, {}, on=False)

    def _is_taken(self, session: AlpacaSession, account: Account) -> bool:
        return any(
            other is not session and other.account == account and other.feed is session.feed for other in self.sessions
        )

    def _record(self, symbol: str, channel: str, text: str) -> None:
        self.sent.add(symbol, channel, text, self.now_ns)
        self.counters.data_frames += 1
