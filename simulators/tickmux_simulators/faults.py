"""Everything that can be made to go wrong, by name; switched at the start or while the simulator runs."""

import difflib
import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

BINANCE: Final = frozenset({"binance"})
KRAKEN: Final = frozenset({"kraken"})
BOTH: Final = BINANCE | KRAKEN
ALPACA: Final = frozenset({"alpaca"})
STREAMING: Final = BOTH | ALPACA

# The venues that are polled, and the faults further down that they have in common with the others.
COINGECKO: Final = frozenset({"coingecko"})
ALPHAVANTAGE: Final = frozenset({"alphavantage"})
POLLED: Final = COINGECKO | ALPHAVANTAGE
OF_POLLED_TOO: Final = frozenset(
    {
        *("frozen_socket", "data_mute", "malformed", "truncated", "non_json", "oversized"),
        *("rest_429", "rest_403", "rest_451", "rest_500", "rest_503", "slow_rest"),
    }
)

Parameter = str | int | float | bool
NONE: Final[Mapping[str, Parameter]] = {}
DATA: Final[Mapping[str, Parameter]] = {"symbol": "", "every": 1}
REST: Final[Mapping[str, Parameter]] = {"retry_after_s": 5, "path": ""}


class Fault(enum.Enum):
    """A switch: name, what it does, which venues have it, and its parameters with their defaults.

    Every fault also takes `count`: after so many applications it switches itself off (0: never). Where there is a
    `symbol`, empty means all, and commas separate several; where there is `every`, only each n-th occasion is hit.
    """

    explanation: str
    venues: frozenset[str]
    parameters: Mapping[str, Parameter]

    def __new__(
        cls, name: str, explanation: str, venues: frozenset[str], parameters: Mapping[str, Parameter]
    ) -> "Fault":
        """Make the member; its value is its name."""
        member = object.__new__(cls)
        member._value_ = name
        member.explanation = explanation
        member.venues = venues | POLLED if name in OF_POLLED_TOO else venues
        member.parameters = parameters
        return member

    # Connections.
    CUT_OLD_CONNECTIONS = (
        "cut_old_connections",
        (
            "Close every connection older than older_than_s seconds, as the 24 h limit does. Without `once` this goes "
            "on: each connection is cut when it gets that old, and so are those that replace it."
        ),
        STREAMING,
        {"older_than_s": 0.0, "code": 1000},
    )
    SERVER_SHUTDOWN = (
        "server_shutdown",
        "Announce serverShutdown on every connection and cut those connections after_s seconds later.",
        BINANCE,
        {"after_s": 5.0},
    )
    DROP_CONNECTIONS = ("drop_connections", "Reset every open connection without a close frame, now.", STREAMING, NONE)
    CLOSE_CONNECTIONS = (
        "close_connections",
        "Close every open connection with a code and a reason, now; 1013 is seen on Kraken.",
        STREAMING,
        {"code": 1013, "reason": "Market data unavailable"},
    )
    REFUSE_CONNECTIONS = (
        "refuse_connections",
        "Answer WebSocket handshakes with an HTTP status (503; 451 is the geographic block, 429 too many).",
        STREAMING,
        {"status": 503},
    )
    FROZEN_SOCKET = (
        "frozen_socket",
        (
            "Stop reading and writing while TCP stays open: no data, no pings, no answers, until switched off. What "
            "would have been sent is lost. new_connections: handshakes hang too; rest: so do REST requests."
        ),
        STREAMING,
        {"new_connections": False, "rest": False},
    )
    NO_PINGS = ("no_pings", "Send no WebSocket pings (they came every 3 minutes once).", BINANCE, NONE)

    # Data.
    DATA_MUTE = (
        "data_mute",
        (
            "Send no data, and on Kraken no heartbeats; pings are still sent and answered, and subscriptions "
            "acknowledged. A polled venue takes a request for prices and never answers it, until this is off."
        ),
        STREAMING,
        {"symbol": ""},
    )
    DATA_MUTE_WITH_HEARTBEATS = (
        "data_mute_with_heartbeats",
        "Send no data, but go on with heartbeats: the connection looks alive and its prices stand still.",
        KRAKEN,
        {"symbol": ""},
    )
    ACK_THEN_SILENCE = (
        "ack_then_silence",
        "Acknowledge new subscriptions and never deliver on them, snapshot included.",
        STREAMING,
        {"symbol": ""},
    )
    GAP = ("gap", "Leave data frames out, so that update and trade numbers jump.", STREAMING, DATA)
    DUPLICATE = ("duplicate", "Send a data frame twice.", STREAMING, DATA)
    OUT_OF_ORDER = ("out_of_order", "Send a data frame after the one that follows it on its stream.", STREAMING, DATA)
    MALFORMED = ("malformed", "Valid JSON of a wrong shape instead of a data frame.", STREAMING, DATA)
    TRUNCATED = ("truncated", "Half of a data frame instead of the whole.", STREAMING, DATA)
    NON_JSON = (
        "non_json",
        "A bare line of text before a data frame, as a proxy in front of a venue sends.",
        STREAMING,
        DATA,
    )
    OVERSIZED = (
        "oversized",
        "A text frame of `bytes` bytes, over 1 MiB, before a data frame.",
        STREAMING,
        {**DATA, "bytes": 1_200_000},
    )
    CORRUPTED_CHECKSUM = ("corrupted_checksum", "A wrong checksum in book messages.", KRAKEN, DATA)

    # Instruments and the state of the venue.
    HALT = (
        "halt",
        (
            "Halt a symbol: its market stands still. Binance shows `status` in exchangeInfo only (HALT, BREAK, "
            "CANCEL_ONLY); Kraken pushes it on the instrument channel (maintenance, cancel_only, post_only, "
            "limit_only, reduce_only, delisted); Alpaca pushes a status of a stock (2 or H; M or P is a volatility "
            "pause) and none of a coin. Off: it resumes. A recording goes on playing."
        ),
        STREAMING,
        {"symbol": "", "status": ""},
    )
    MAINTENANCE = ("maintenance", "Push the status maintenance, in its frame without connection_id.", KRAKEN, NONE)
    CANCEL_ONLY = ("cancel_only", "Push the status cancel_only.", KRAKEN, NONE)
    POST_ONLY = ("post_only", "Push the status post_only.", KRAKEN, NONE)
    UPCOMING_MAINTENANCE = (
        "upcoming_maintenance",
        "Push a status that announces maintenance starting in starts_in_s seconds.",
        KRAKEN,
        {"starts_in_s": 300},
    )
    PLAIN_STATUS = (
        "plain_status",
        "Send status frames without upcoming_maintenance and emergency, as until 2026.",
        KRAKEN,
        NONE,
    )

    # Control messages.
    RATE_LIMIT_ERROR = (
        "rate_limit_error",
        'Answer a request with {"Error":"Exceeded msg rate"} instead of doing it.',
        KRAKEN,
        {"every": 1},
    )
    ALREADY_SUBSCRIBED = (
        "already_subscribed",
        "Answer subscribe requests with the error `Already subscribed`, though they take effect.",
        KRAKEN,
        {"symbol": ""},
    )
    FLAT_ERRORS = ("flat_errors", "Send errors in the flat shape of the documentation's table.", BINANCE, NONE)
    LARGE_SUBSCRIBE_LOST = (
        "large_subscribe_lost",
        "Ignore, without an answer, a SUBSCRIBE of more than `streams` streams.",
        BINANCE,
        {"streams": 400},
    )

    # REST.
    REST_429 = ("rest_429", "REST answers 429 with Retry-After.", STREAMING, REST)
    REST_418 = ("rest_418", "REST answers 418, an address ban, with Retry-After.", BINANCE, REST)
    REST_403 = ("rest_403", "REST answers 403, as a web application firewall does.", STREAMING, {"path": ""})
    REST_451 = ("rest_451", "REST answers 451, the geographic block.", BOTH, {"path": ""})
    REST_500 = ("rest_500", "REST answers 500: outcome unknown.", STREAMING, {"path": ""})
    REST_503 = ("rest_503", "REST answers 503.", STREAMING, REST)
    REST_ERROR = (
        "rest_error",
        "REST answers 200 with an error list, e.g. `EAPI:Rate limit exceeded` or `EService:Throttled`.",
        KRAKEN,
        {"path": "", "text": "EService:Unavailable"},
    )
    SLOW_REST = ("slow_rest", "REST answers after delay_s seconds.", STREAMING, {"path": "", "delay_s": 3.0})

    # Alpaca.
    QUIET_MARKET = (
        "quiet_market",
        (
            "Nothing trades and nobody quotes, as when the market is closed: no data at all while pings and requests "
            "are answered. The test feed goes on. Alpha Vantage answers with the prices of the first request since."
        ),
        ALPACA | ALPHAVANTAGE,
        NONE,
    )
    SLOW_CLIENT_407 = (
        "slow_client_407",
        "Cut every authenticated connection, now, as one that does not read; after the error 407 if `announced`.",
        ALPACA,
        {"announced": True},
    )
    AUTH_TIMEOUT = (
        "auth_timeout",
        "Do not hear who authenticates, so that 404 comes and the connection is closed after auth_timeout_s.",
        ALPACA,
        NONE,
    )
    AUTH_FAILED_402 = ("auth_failed_402", "Answer 402 to whoever authenticates, and close.", ALPACA, NONE)
    CONNECTION_LIMIT_406 = (
        "connection_limit_406",
        "Answer 406 to whoever authenticates, and close, as while an old connection of the key has not died yet.",
        ALPACA,
        NONE,
    )
    INSUFFICIENT_SUBSCRIPTION_409 = (
        "insufficient_subscription_409",
        "Answer 409 to whoever authenticates, and close: the plan does not have this feed.",
        ALPACA,
        NONE,
    )
    INSUFFICIENT_SCOPE_411 = (
        "insufficient_scope_411",
        "Answer 411 to whoever authenticates, and close: the token is not for market data.",
        ALPACA,
        NONE,
    )
    INVALID_ACTION_410 = (
        "invalid_action_410",
        "Answer 410 to subscribe requests, which then change nothing.",
        ALPACA,
        NONE,
    )
    INTERNAL_ERROR_500 = (
        "internal_error_500",
        "Answer 500 to requests and close; action names those that are hit (auth, subscribe, unsubscribe).",
        ALPACA,
        {"action": ""},
    )
    ONE_SIDED_QUOTES = (
        "one_sided_quotes",
        "Quote one side alone: the other (side: bid or ask) is price 0, size 0.",
        ALPACA,
        {"symbol": "", "side": "bid"},
    )
    CORRECTION = (
        "correction",
        "Correct the latest trade of a stock (of all without `symbol`) to one cent more, now.",
        ALPACA,
        {"symbol": ""},
    )
    CANCEL = ("cancel", "Cancel the latest trade of a stock (of all without `symbol`), now.", ALPACA, {"symbol": ""})
    CONDITION_STRING = (
        "condition_string",
        'Send the conditions of stock quotes ("c":"R") and trades ("c":"@") as a bare string instead of a list.',
        ALPACA,
        {"symbol": ""},
    )

    # Polled venues: what answers instead of the venue. `path` is any part of a request's path and query.
    REST_408 = ("rest_408", "REST answers 408: the request took too long.", POLLED, {"path": ""})
    HTML_PAGE = ("html_page", "An HTML page with HTTP 200 instead of JSON.", POLLED, {"path": ""})
    EMPTY_BODY = ("empty_body", "HTTP 200 with an empty body.", POLLED, {"path": ""})
    REDIRECT = (
        "redirect",
        "302 to the same request at the host name localhost, unless it came by that name; there it is answered.",
        POLLED,
        {"path": ""},
    )
    KEY_REJECTED = ("key_rejected", "Every key is refused as wrong, whatever it is.", POLLED, NONE)
    KEY_LEAKED = (
        "key_leaked",
        "An error that repeats the key and the whole URL, as JSON or as a page; status 0: as the venue's errors have.",
        POLLED,
        {"path": "", "status": 0, "html": False},
    )
    CLOCK_SKEW = ("clock_skew", "The venue's clock is ahead by so many hours, or behind.", POLLED, {"hours": 3.0})

    # CoinGecko.
    CACHE_FROZEN = ("cache_frozen", "What is cached stays cached for ever, and grows older.", COINGECKO, NONE)
    NOT_MODIFIED = ("not_modified", "304 where If-None-Match names the cached answer's etag.", COINGECKO, NONE)
    MISSING_IDS = ("missing_ids", "Coins are left out of the answer.", COINGECKO, {"symbol": ""})
    NULL_FIELDS = ("null_fields", "Every number of a coin is null.", COINGECKO, {"symbol": ""})
    STALE_TICKERS = (
        "stale_tickers",
        "Tickers of exchanges are marked stale, or anomalous.",
        COINGECKO,
        {"symbol": "", "is_anomaly": False},
    )
    ERROR_SHAPE = (
        "error_shape",
        (
            "All errors in one shape: flat {error: text}, status {status: {…}}, nested {error: {status: {…}}}, or "
            "split {error_code, status: {error_message}}."
        ),
        COINGECKO,
        {"shape": "flat"},
    )
    HTML_429 = ("html_429", "429 comes as a page of Cloudflare's instead of JSON.", COINGECKO, NONE)

    # Alpha Vantage; all of these arrive with HTTP 200.
    DASH_PRICES = (
        "dash_prices",
        "Bid and ask of an exchange rate are `-`; price: so are the rate, and the price of a quote.",
        ALPHAVANTAGE,
        {"symbol": "", "price": False},
    )
    EMPTY_QUOTE = ("empty_quote", "The quote is {}, as for an unknown symbol.", ALPHAVANTAGE, {"symbol": ""})
    DAY_SPENT = (
        "day_spent",
        "The requests of the day are spent; echo: in the text that repeats the key.",
        ALPHAVANTAGE,
        {"path": "", "echo": True},
    )
    BURST_LIMIT = ("burst_limit", "More than 1 request a second.", ALPHAVANTAGE, {"path": ""})
    LEGACY_NOTE = ("legacy_note", "The rate limit in the words of before 2023, as a Note.", ALPHAVANTAGE, {"path": ""})
    PREMIUM_ENDPOINT = ("premium_endpoint", "The function is for premium keys only.", ALPHAVANTAGE, {"path": ""})
    NOT_ENTITLED = ("not_entitled", "The key has no entitlement to market data.", ALPHAVANTAGE, {"path": ""})
    ARTIFICIAL_SAMPLE = (
        "artificial_sample",
        "Bulk quotes are the artificial sample, even for a premium key.",
        ALPHAVANTAGE,
        NONE,
    )
    DECORATED_KEYS = (
        "decorated_keys",
        "The top key says ` - DATA DELAYED BY 15 MINUTES`, as for delayed data.",
        ALPHAVANTAGE,
        NONE,
    )


DATA_FAULTS: Final = frozenset(
    {
        Fault.DATA_MUTE,
        Fault.DATA_MUTE_WITH_HEARTBEATS,
        Fault.GAP,
        Fault.DUPLICATE,
        Fault.OUT_OF_ORDER,
        Fault.MALFORMED,
        Fault.TRUNCATED,
        Fault.NON_JSON,
        Fault.OVERSIZED,
    }
)


class FaultError(ValueError):
    """A switch that does not exist, or cannot be set so."""


@dataclass(slots=True)
class ActiveFault:
    """A switch that is on."""

    fault: Fault
    parameters: dict[str, Parameter]
    left: int | None = None
    """Applications before it switches itself off; None: it stays on."""
    occasions: int = 0
    applied: int = 0

    def text(self, name: str) -> str:
        """A parameter, as text."""
        return str(self.parameters[name])

    def number(self, name: str) -> float:
        """A parameter, as a number."""
        return float(self.parameters[name])

    def matches(self, symbol: str) -> bool:
        """Whether it concerns a symbol; faults without one concern all."""
        wanted = plain_symbol(str(self.parameters.get("symbol", "")))
        return not wanted or plain_symbol(symbol) in wanted.split(",")


def plain_symbol(symbol: str) -> str:
    """A symbol without the venue's punctuation: `BTC/USD` and `btcusd` are the same."""
    return symbol.replace("/", "").upper()


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the known word that was probably meant, or nothing."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {matches[0]!r}?" if matches else ""


@dataclass(slots=True)
class FaultBoard:
    """The switches of one simulator."""

    venue: str
    on_switch: Callable[[ActiveFault, bool], None] = lambda _active, _on: None
    """Called with every switch that is thrown, and whether it is on now."""
    applied: dict[Fault, int] = field(default_factory=dict)
    has_data_faults: bool = False
    """Whether any switch is on that touches data frames; lets the hot path skip the rest."""
    _active: dict[Fault, ActiveFault] = field(default_factory=dict)

    def find(self, name: str) -> Fault:
        """The venue's fault of a name. Raises FaultError, with the nearest name."""
        known = {fault.value: fault for fault in Fault if self.venue in fault.venues}
        if name not in known:
            raise FaultError(f"{self.venue} has no fault {name!r}{nearest(name, known)}")
        return known[name]

    def switch(self, name: str, parameters: Mapping[str, Any], *, on: bool = True, once: bool = False) -> None:
        """Throw a switch. Raises FaultError for an unknown name or parameter, or a value of a wrong type."""
        fault = self.find(name)
        known: dict[str, Parameter] = {**fault.parameters, "count": 0}
        for key, value in parameters.items():
            if key not in known:
                raise FaultError(f"fault {name} has no parameter {key!r}{nearest(key, known)}")
            known[key] = _converted(name, key, value, known[key])
        count = int(known.pop("count")) or (1 if once else 0)
        if not on:
            active = self._active.pop(fault, None)
        else:
            active = ActiveFault(fault, known, count or None)
            self._active[fault] = active
        self.has_data_faults = bool(DATA_FAULTS & self._active.keys())
        if active is not None:
            self.on_switch(active, on)

    def active(self, fault: Fault, symbol: str = "") -> ActiveFault | None:
        """The switch, if it is on and concerns a symbol; this is not counted as an application."""
        active = self._active.get(fault)
        return active if active is not None and (not symbol or active.matches(symbol)) else None

    def strike(self, fault: Fault, symbol: str = "") -> ActiveFault | None:
        """The switch, if it is to be applied to this occasion, which is counted."""
        active = self.active(fault, symbol)
        if active is None:
            return None
        active.occasions += 1
        every = int(active.parameters.get("every", 1))
        if every > 1 and active.occasions % every:
            return None
        active.applied += 1
        self.applied[fault] = self.applied.get(fault, 0) + 1
        if active.left is not None:
            active.left -= 1
            if active.left <= 0:
                self.switch(fault.value, {}, on=False)
        return active

    def describe(self) -> dict[str, Any]:
        """All switches, as `GET /_control` answers them."""
        return {
            fault.value: {
                "explanation": fault.explanation,
                "parameters": dict(fault.parameters) | {"count": 0},
                "on": fault in self._active,
                "set_to": self._active[fault].parameters if fault in self._active else None,
                "applied": self.applied.get(fault, 0),
            }
            for fault in Fault
            if self.venue in fault.venues
        }


def _converted(fault: str, key: str, value: object, default: Parameter) -> Parameter:
    """A parameter in the type of its default; text from a command line is read."""
    if isinstance(default, bool):
        if isinstance(value, bool):
            return value
        if value in {"true", "false"}:
            return value == "true"
    elif isinstance(default, int | float) and isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            return type(default)(value)
        except ValueError:
            pass
    elif isinstance(default, str) and isinstance(value, str):
        return value
    raise FaultError(f"fault {fault}: {key} is {value!r}, must be like {default!r}")
