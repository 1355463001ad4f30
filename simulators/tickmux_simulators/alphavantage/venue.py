"""The simulated Alpha Vantage: one path, and HTTP 200 for whatever it has to say."""

from collections.abc import Mapping
from typing import Final

from tickmux_simulators.alphavantage import texts
from tickmux_simulators.alphavantage.accounts import DELAYED_KEY, DEMO_KEY, FREE_KEY, PREMIUM_KEY, Accounts
from tickmux_simulators.alphavantage.rest import DATA, AlphaVantageRest, symbols_asked
from tickmux_simulators.faults import ActiveFault, Fault
from tickmux_simulators.polled import HTML, OTHER, PAGE, SECOND_NS, PolledVenue, Request, Subject
from tickmux_simulators.venue import Answer, Limits

PATH: Final = "/query"
DEMO_SYMBOLS: Final = ("IBM",)
# What is said instead of an answer; each has the parameter `path`.
REFUSALS: Final = (
    Fault.BURST_LIMIT,
    Fault.LEGACY_NOTE,
    Fault.DAY_SPENT,
    Fault.PREMIUM_ENDPOINT,
    Fault.NOT_ENTITLED,
)


class AlphaVantageVenue(PolledVenue):
    """Quotes of US stocks, exchange rates and bars."""

    name = "alphavantage"

    def __init__(self, limits: Limits, *, seed: int) -> None:
        super().__init__(limits)
        self._rest = AlphaVantageRest(self.board, seed=seed)
        self._accounts = Accounts(limits)
        self._closed_s: float | None = None
        """The instant whose prices stand while the market is quiet; None while it is not."""

    @property
    def announced_extras(self) -> Mapping[str, str]:
        """A key of each kind."""
        return {"key": FREE_KEY, "premium_key": PREMIUM_KEY, "delayed_key": DELAYED_KEY}

    def subject(self, path: str, query: Mapping[str, str]) -> Subject:
        """The function and the symbols."""
        function = query.get("function", "").upper()
        if path != PATH or function not in self._rest.functions:
            return Subject(OTHER)
        return Subject(function, symbols_asked(function, query), function in DATA)

    def key_of(self, request: Request) -> str:
        """As it was sent."""
        return request.query.get("apikey", "")

    def answer(self, request: Request, subject: Subject) -> Answer:
        """Check the key, count the request, and answer it."""
        if request.path != PATH:
            return Answer(404, PAGE.format(title="404 Not Found", text="There is nothing here."), {}, HTML)
        account = self._accounts.find(self.key_of(request))
        if account is None or self.board.strike(Fault.KEY_REJECTED):
            return texts.bad_key()
        refusal = self._refusal(request) or self._accounts.count(account, request.now_s)
        if refusal is not None:
            return refusal
        function = request.query.get("function", "").upper()
        if account.key == DEMO_KEY and subject.symbols != DEMO_SYMBOLS:
            return texts.demo_key()
        skew_s = (self.clock_ns(request.now_ns) - request.now_ns) / SECOND_NS
        return self._rest.answer(function, request.query, account, self._priced_s(request.now_s), skew_s)

    def _priced_s(self, now_s: float) -> float:
        """The instant whose prices are told now, Unix seconds."""
        if self.board.strike(Fault.QUIET_MARKET) is None:
            self._closed_s = None
            return now_s
        if self._closed_s is None:
            self._closed_s = now_s
        return self._closed_s

    def _refusal(self, request: Request) -> Answer | None:
        for fault in REFUSALS:
            active = self.board.active(fault)
            if active is not None and active.text("path") in request.target:
                self.board.strike(fault)
                return self._said(active, request)
        return None

    def _said(self, active: ActiveFault, request: Request) -> Answer:
        per_day = self.limits.free_per_day
        match active.fault:
            case Fault.BURST_LIMIT:
                return texts.burst(per_day)
            case Fault.LEGACY_NOTE:
                return texts.legacy_note()
            case Fault.DAY_SPENT:
                return texts.day_spent(self.key_of(request), per_day, has_key=bool(active.parameters["echo"]))
            case Fault.PREMIUM_ENDPOINT:
                return texts.premium_endpoint()
            case _:
                return texts.not_entitled(request.query.get("entitlement", "") or "realtime")

    def failure(self, fault: ActiveFault) -> Answer:
        """Alpha Vantage itself has no statuses but 200; these are pages of what stands before it."""
        status = int(fault.fault.value.removeprefix("rest_"))
        headers = {"Retry-After": fault.text("retry_after_s")} if "retry_after_s" in fault.parameters else {}
        return Answer(status, PAGE.format(title=f"Error {status}", text="Please try again later."), headers, HTML)

    def error(self, text: str) -> Answer:
        """A refusal, as the texts that repeat the key are."""
        return texts.information(text)
