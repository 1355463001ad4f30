"""What the venues that are polled have in common: no WebSocket, and faults of a request or of its body."""

import abc
import email.utils
import json
import urllib.parse
from collections.abc import Mapping
from typing import Final, NamedTuple

from tickmux_simulators.data_faults import NON_JSON_TEXT, malformed
from tickmux_simulators.faults import ActiveFault, Fault
from tickmux_simulators.venue import Answer, Limits, SentLog, Session, Venue

SECOND_NS: Final = 1_000_000_000
HOUR_NS: Final = 3_600 * SECOND_NS
OTHER: Final = "other"
BODIES_KEPT: Final = 200
HTML: Final = "text/html"
PAGE: Final = (
    "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
)
# Instead of an answer of the venue, in this order; each has the parameter `path`.
INSTEAD: Final = (
    Fault.REST_429,
    Fault.REST_403,
    Fault.REST_451,
    Fault.REST_408,
    Fault.REST_500,
    Fault.REST_503,
    Fault.HTML_PAGE,
    Fault.EMPTY_BODY,
    Fault.KEY_LEAKED,
)


class Request(NamedTuple):
    """A GET request."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    now_ns: int
    """Wall time, by the clock of the simulator."""

    @property
    def now_s(self) -> float:
        """Wall time, Unix seconds."""
        return self.now_ns / SECOND_NS

    @property
    def target(self) -> str:
        """Path and query, as in the request line."""
        return f"{self.path}?{urllib.parse.urlencode(self.query)}" if self.query else self.path

    def header(self, name: str) -> str:
        """A header by its name in any case; empty where there is none."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")


class Subject(NamedTuple):
    """What a request asks for."""

    name: str
    """The endpoint, by which requests are counted: `/simple/price`, or the function."""
    symbols: tuple[str, ...] = ()
    """The venue's names of the instruments asked for, those that it knows."""
    is_data: bool = False
    """Whether the answer has prices."""


class PolledVenue(Venue):
    """A venue without a WebSocket."""

    has_websocket = False

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.sent = SentLog(kept=BODIES_KEPT)

    # What a venue says.

    @abc.abstractmethod
    def subject(self, path: str, query: Mapping[str, str]) -> Subject:
        """What a request asks for."""

    @abc.abstractmethod
    def answer(self, request: Request, subject: Subject) -> Answer:
        """The venue's own answer, its faults included."""

    @abc.abstractmethod
    def key_of(self, request: Request) -> str:
        """The key that a request carries; empty for none."""

    @abc.abstractmethod
    def failure(self, fault: ActiveFault) -> Answer:
        """How the venue says what a REST fault says: 429, 403, 451, 408, 500, 503."""

    @abc.abstractmethod
    def error(self, text: str) -> Answer:
        """An error of the venue's with a text of ours."""

    # The way of a request.

    def count_request(self, path: str, query: Mapping[str, str]) -> None:
        """Count a request that came in, by what it asks for."""
        super().count_request(path, query)
        name = self.subject(path, query).name
        self.counters.requests[name] = self.counters.requests.get(name, 0) + 1

    def rest(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now_ns: int) -> Answer:
        """Answer a GET request."""
        request = Request(path, query, headers, now_ns)
        subject = self.subject(path, query)
        answer = self._instead(request)
        if answer is None:
            answer = self.answer(request, subject)
            if answer.status == 200:
                answer = self._as_sent(answer, subject, now_ns)
        if self.board.active(Fault.CLOCK_SKEW):
            date = email.utils.formatdate(self.clock_ns(now_ns) // SECOND_NS, usegmt=True)
            answer = answer._replace(headers={**answer.headers, "Date": date})
        return answer

    def clock_ns(self, now_ns: int) -> int:
        """What the venue's clock shows, Unix nanoseconds."""
        skew = self.board.active(Fault.CLOCK_SKEW)
        return now_ns if skew is None else now_ns + int(skew.number("hours") * HOUR_NS)

    def is_held(self, path: str, query: Mapping[str, str]) -> bool:
        """Whether data_mute keeps a request for prices without an answer."""
        subject = self.subject(path, query)
        if not subject.is_data:
            return False
        return self._struck(Fault.DATA_MUTE, subject.symbols) is not None

    def _struck(self, fault: Fault, symbols: tuple[str, ...]) -> ActiveFault | None:
        """The switch, if it is to be applied to a request, which counts once whatever it asks for."""
        active = self.board.active(fault)
        if active is None or (active.parameters["symbol"] and not any(map(active.matches, symbols))):
            return None
        return self.board.strike(fault)

    def _instead(self, request: Request) -> Answer | None:
        for fault in INSTEAD:
            active = self.board.active(fault)
            if active is not None and active.text("path") in request.target:
                self.board.strike(fault)
                return self._instead_of(active, request)
        redirect = self.board.active(Fault.REDIRECT)
        if redirect is not None and redirect.text("path") in request.target:
            name, _, port = request.header("Host").partition(":")
            if name != "localhost":
                self.board.strike(Fault.REDIRECT)
                return Answer(302, "", {"Location": f"http://localhost:{port}{request.target}"}, HTML)
        return None

    def _instead_of(self, active: ActiveFault, request: Request) -> Answer:
        match active.fault:
            case Fault.HTML_PAGE:
                text = "We are checking your browser before you go on."
                return Answer(200, PAGE.format(title="Just a moment", text=text), {}, HTML)
            case Fault.EMPTY_BODY:
                return Answer(200, "")
            case Fault.KEY_LEAKED:
                url = f"http://{request.header('Host')}{request.target}"
                text = f"Your key {self.key_of(request)} cannot be used for {url}"
                answer = self.error(text)
                if active.parameters["html"]:
                    answer = answer._replace(text=PAGE.format(title="Error", text=text), content_type=HTML)
                return answer._replace(status=int(active.number("status")) or answer.status)
            case _:
                return self.failure(active)

    def _as_sent(self, answer: Answer, subject: Subject, now_ns: int) -> Answer:
        """The answer after the faults of its body; what has prices is recorded as it goes out."""
        text = answer.text
        if subject.is_data and self.board.has_data_faults:
            if self._struck(Fault.MALFORMED, subject.symbols):
                text = _malformed(text)
            elif self._struck(Fault.TRUNCATED, subject.symbols):
                text = text[: len(text) // 2]
            elif self._struck(Fault.NON_JSON, subject.symbols):
                text = NON_JSON_TEXT
            else:
                oversized = self._struck(Fault.OVERSIZED, subject.symbols)
                if oversized:
                    text = json.dumps({"padding": "x" * int(oversized.number("bytes"))})
        if subject.is_data:
            self.counters.data_frames += 1
            for symbol in subject.symbols or (subject.name,):
                self.sent.add(symbol, subject.name, text, now_ns)
        return answer._replace(text=text)

    # What there is no WebSocket for.

    def connect(self, path: str, query: str, headers: Mapping[str, str], now_s: float) -> Session | Answer:  # noqa: ARG002
        """Refuse."""
        return Answer(404, PAGE.format(title="404 Not Found", text="There is no WebSocket here."), {}, HTML)

    def disconnect(self, session: Session) -> None:
        """Nothing was connected."""

    @property
    def subscriptions(self) -> int:
        """None."""
        return 0

    def tick(self, now_ns: int, now_s: float) -> None:
        """Prices are a function of time: there is nothing to move on."""
        self.now_ns, self.now_s = now_ns, now_s

    def switched(self, active: ActiveFault, on: bool) -> None:  # noqa: FBT001 - the board's callback
        """Every switch is looked at when a request comes."""


def _malformed(text: str) -> str:
    if text.startswith(("{", "[")):
        return malformed(text)
    return "\r\n".join(line.replace(",", ";") for line in text.splitlines())


class TokenBucket:
    """So many requests at once, and as many more as time gives back."""

    def __init__(self, most: float, per_s: float) -> None:
        self._most = most
        self._per_s = per_s
        self._held = most
        self._at_s: float | None = None

    def take(self, now_s: float) -> float:
        """Take one: 0 if it was there, else for how many seconds there is none."""
        if self._at_s is not None:
            self._held = min(self._most, self._held + max(now_s - self._at_s, 0.0) * self._per_s)
        self._at_s = now_s
        if self._held >= 1.0:
            self._held -= 1.0
            return 0.0
        return (1.0 - self._held) / self._per_s
