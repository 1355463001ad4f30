"""What a simulated venue is to the server that carries it: sessions, REST answers, a tick. No sockets here."""

import abc
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from tickmux_simulators import wire
from tickmux_simulators.data_faults import TEXT_FORM, DataFaults
from tickmux_simulators.faults import ActiveFault, FaultBoard, plain_symbol
from tickmux_simulators.market import Event, Instrument

SENT_KEPT: Final = 2_000


class Close(NamedTuple):
    """A connection is to be closed."""

    code: int
    reason: str


class Answer(NamedTuple):
    """What a REST request, or a refused handshake, is answered with."""

    status: int
    text: str
    headers: Mapping[str, str] = {}
    content_type: str = "application/json"


@dataclass(kw_only=True, slots=True)
class Limits:
    """What a venue allows and how it keeps connections alive; seconds throughout."""

    ping_interval_s: float = 20.0
    """Binance: between the pings that the server sends."""
    pong_timeout_s: float = 60.0
    """Binance: without the answering pong the connection is dropped."""
    messages_per_s: int = 5
    """Binance: incoming messages a second on a connection, pings and pongs included."""
    streams_max: int = 1024
    """Binance: streams on a connection."""
    connects_max: int = 300
    """Connection attempts within connects_window_s."""
    connects_window_s: float = 300.0
    connection_life_s: float = 86_400.0
    """Age at which a connection is closed."""
    weight_max: int = 6_000
    """Binance: REST request weight a minute."""
    heartbeat_interval_s: float = 1.0
    """Kraken: silence after which a heartbeat is sent."""
    idle_timeout_s: float = 60.0
    """Kraken: a connection without a subscription and without a message is closed after this."""
    auth_timeout_s: float = 10.0
    """Alpaca: without authentication a connection is ended after this."""
    symbols_max: int = 30
    """Alpaca: symbols of trades, quotes and order books on a connection of a basic key."""
    requests_per_minute: int = 200
    """Alpaca: REST requests a minute with a basic key; 50 times as many with a plus key."""
    minute_bar_s: int = 60
    """Alpaca: length of the bars on the channel bars."""
    daily_bar_interval_s: float = 60.0
    """Alpaca: between two daily bars of a symbol that traded."""
    price_band_interval_s: float = 30.0
    """Alpaca: between two price bands of a stock on the channel lulds."""
    error_close_code: int = 1000
    """Alpaca: WebSocket code of a close that follows an error; the venue documents none."""
    server_ping_s: float = 0.0
    """Alpaca: between pings of the server; 0 sends none, as none are documented."""
    unsent_bytes_max: int = 8 << 20
    """A client that leaves more than this unread is disconnected, as venues do."""
    cache_s: float = 60.0
    """CoinGecko: for how long an answer stays as it is; 20 on the root for paying users."""
    keyless_per_minute: int = 30
    """CoinGecko: requests of everyone who sends no key, together."""
    demo_per_minute: int = 100
    """CoinGecko: requests of a demo key."""
    pro_per_minute: int = 500
    """CoinGecko: requests of a paid key."""
    free_per_day: int = 25
    """Alpha Vantage: requests of a free key within day_window_s."""
    day_window_s: float = 86_400.0
    """Alpha Vantage: how long a day lasts; it begins with a key's first request."""
    free_per_s: float = 1.0
    """Alpha Vantage: requests a second of a free key."""
    premium_per_minute: int = 75
    """Alpha Vantage: requests of a premium key."""


class Session(abc.ABC):
    """One connection, seen from the venue. Frames to send gather in `outbox`."""

    def __init__(self, opened_s: float) -> None:
        self.opened_s = opened_s
        self.outbox: list[bytes] = []
        self.closing: Close | None = None
        """Set once the venue wants the connection closed, after what is in the outbox."""
        self.is_dropped = False
        """Set once the venue wants the connection reset, without a close frame."""

    def send(self, text: str) -> None:
        """Queue a text frame."""
        self.outbox.append(wire.text_frame(text))

    @abc.abstractmethod
    def on_text(self, text: str, now_s: float) -> None:
        """A text message arrived."""

    def on_binary(self, data: bytes, now_s: float) -> None:
        """A binary message arrived; to a venue that speaks text it is text all the same."""
        self.on_text(data.decode("utf-8", "replace"), now_s)

    def on_slow(self) -> None:
        """The client leaves too much unread: end the connection, at once unless the venue has a last word."""
        self.is_dropped = True

    @abc.abstractmethod
    def on_ping(self, payload: bytes, now_s: float) -> None:
        """A WebSocket ping arrived."""

    @abc.abstractmethod
    def on_pong(self, payload: bytes, now_s: float) -> None:
        """A WebSocket pong arrived."""

    @abc.abstractmethod
    def on_timer(self, now_s: float) -> None:
        """Some time passed: do what is due."""


class SentFrame(NamedTuple):
    """One data frame as it went out."""

    number: int
    at_ns: int
    stream: str
    text: str


@dataclass(slots=True)
class Counters:
    """Totals since the start."""

    connections: int = 0
    refused: int = 0
    messages_received: int = 0
    pings_sent: int = 0
    pings_received: int = 0
    pongs_received: int = 0
    data_frames: int = 0
    """Distinct data frames; each may have gone to many connections."""
    rest_requests: int = 0
    requests: dict[str, int] = field(default_factory=dict)
    """REST requests of a polled venue by path or function; what it does not know counts as `other`."""


@dataclass(slots=True)
class SentLog:
    """The newest data frames of each symbol."""

    number: int = 0
    kept: int = SENT_KEPT
    """Frames of a symbol."""
    _frames: dict[str, deque[SentFrame]] = field(default_factory=dict)

    def add(self, symbol: str, stream: str, text: str, at_ns: int) -> None:
        """Remember a frame."""
        self.number += 1
        frames = self._frames.get(symbol)
        if frames is None:
            frames = self._frames[symbol] = deque(maxlen=self.kept)
        frames.append(SentFrame(self.number, at_ns, stream, text))

    def last(self, symbol: str, count: int) -> list[SentFrame]:
        """The newest frames of a symbol, or of all for an empty one, oldest first."""
        wanted = plain_symbol(symbol)
        found = [
            frame
            for name, frames in self._frames.items()
            if not wanted or plain_symbol(name) == wanted
            for frame in frames
        ]
        found.sort()
        return found[-count:] if count else []


class Source(Protocol):
    """Where events come from: the seeded market, or a recording."""

    instruments: dict[str, Instrument]
    is_recording: bool
    """Whether frames come from a recording, so that none may be made up beside them."""

    def advance(self, now_ns: int) -> Iterable[Event]:
        """What happened since the last call, each when it has just happened."""


class Venue(abc.ABC):
    """One simulated venue. Times are passed in: wall time in nanoseconds for data, monotonic seconds for deadlines."""

    name: str
    websocket_path = ""
    has_websocket = True
    """Whether it has one; a venue without is polled."""
    rest_path = ""
    """What a client's base URL ends with."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.board = FaultBoard(self.name, self.switched)
        self.data_faults = DataFaults(self.board)
        self.sent = SentLog()
        self.counters = Counters()
        self._connects: deque[float] = deque()
        self.now_ns = 0
        """Wall time of the current tick, Unix nanoseconds."""
        self.now_s = 0.0
        """Monotonic time of the current tick."""

    @abc.abstractmethod
    def connect(self, path: str, query: str, headers: Mapping[str, str], now_s: float) -> Session | Answer:
        """A client asks for a WebSocket; an Answer refuses it. `headers` are the handshake's, by name in any case."""

    @abc.abstractmethod
    def disconnect(self, session: Session) -> None:
        """A connection is gone."""

    @property
    @abc.abstractmethod
    def subscriptions(self) -> int:
        """How many there are, over all connections."""

    @abc.abstractmethod
    def tick(self, now_ns: int, now_s: float) -> None:
        """Move the market on and queue what follows from it."""

    @abc.abstractmethod
    def rest(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now_ns: int) -> Answer:
        """Answer a GET request."""

    @abc.abstractmethod
    def switched(self, active: ActiveFault, on: bool) -> None:  # noqa: FBT001 - the board's callback
        """A fault switch was thrown: do at once what it asks for at once."""

    @property
    def announced_extras(self) -> Mapping[str, str]:
        """What the announced line says beside the URLs, such as a simulated key."""
        return {}

    def count_request(self, path: str, query: Mapping[str, str]) -> None:  # noqa: ARG002 - a venue may tell by them
        """Count a GET request that came in."""
        self.counters.rest_requests += 1

    def is_held(self, path: str, query: Mapping[str, str]) -> bool:  # noqa: ARG002 - a venue may tell by them
        """Whether a GET request gets no answer until data_mute is switched off."""
        return False

    def admits(self, now_s: float) -> bool:
        """Count a connection attempt; whether it is within the limit."""
        connects = self._connects
        while connects and connects[0] <= now_s - self.limits.connects_window_s:
            connects.popleft()
        if len(connects) >= self.limits.connects_max:
            return False
        connects.append(now_s)
        return True

    def data_frames(self, sequence: str, symbol: str, stream: str, text: str) -> list[bytes]:
        """The frames of one data message, after the faults; recorded as sent."""
        if self.board.has_data_faults or self.data_faults.is_holding:
            texts = self.data_faults.apply(sequence, symbol, text, TEXT_FORM)
        else:
            texts = [text]
        frames = []
        for each in texts:
            self.sent.add(symbol, stream, each, self.now_ns)
            self.counters.data_frames += 1
            frames.append(wire.text_frame(each))
        return frames
