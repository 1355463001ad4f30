"""The simulated CoinGecko: who may ask, how often, and for how long an answer is kept."""

import functools
import json
import random
import uuid
from collections.abc import Mapping
from typing import Final

from tickmux_simulators.coingecko import access
from tickmux_simulators.coingecko.access import ApiError
from tickmux_simulators.coingecko.cache import Cache
from tickmux_simulators.coingecko.rest import (
    DATA,
    KEPT_LONGER,
    LISTS_KEPT_PERIODS,
    PAID,
    PREFIX,
    UNCACHED,
    CoinGeckoRest,
    Moment,
    coins_asked,
    endpoint,
)
from tickmux_simulators.faults import ActiveFault, Fault, FaultError
from tickmux_simulators.polled import HTML, OTHER, PAGE, PolledVenue, Request, Subject, TokenBucket
from tickmux_simulators.venue import Answer, Limits

MINUTE_S: Final = 60.0
MONTH_CREDIT: Final = 500_000
KEY_PARAMETERS: Final = frozenset({"x_cg_demo_api_key", "x_cg_pro_api_key"})


class CoinGeckoVenue(PolledVenue):
    """CoinGecko v3, as the root for demo keys or as the root for paid ones."""

    name = "coingecko"
    rest_path = PREFIX

    def __init__(self, limits: Limits, *, seed: int, is_pro: bool) -> None:
        super().__init__(limits)
        self._is_pro = is_pro
        self._rest = CoinGeckoRest(self.board, seed=seed, cache_s=limits.cache_s)
        self._cache = Cache(limits.cache_s)
        self._buckets = {
            name: TokenBucket(most, most / MINUTE_S)
            for name, most in (
                ("keyless", limits.keyless_per_minute),
                ("demo", limits.demo_per_minute),
                ("pro", limits.pro_per_minute),
            )
        }
        self._calls = 0
        self._random = random.Random(f"{seed}:requests")  # noqa: S311 - a simulation, not a secret

    @property
    def announced_extras(self) -> Mapping[str, str]:
        """The key that this root takes."""
        return {"key": access.PRO_KEY if self._is_pro else access.DEMO_KEY}

    def subject(self, path: str, query: Mapping[str, str]) -> Subject:
        """The endpoint and the coins asked for."""
        name, identifier = endpoint(path)
        return Subject(name or OTHER, coins_asked(name, identifier, query), name in DATA)

    def key_of(self, request: Request) -> str:
        """Of either kind."""
        demo, pro = access.keys(request)
        return demo or pro

    def switched(self, active: ActiveFault, on: bool) -> None:  # noqa: FBT001 - the board's callback
        """Take no shape of errors that there is none of. Raises FaultError for it."""
        if active.fault is Fault.ERROR_SHAPE and on and active.text("shape") not in access.SHAPES:
            self.board.switch(Fault.ERROR_SHAPE.value, {}, on=False)
            raise FaultError(f"fault error_shape: shape is {active.text('shape')!r}; one of {', '.join(access.SHAPES)}")

    def answer(self, request: Request, subject: Subject) -> Answer:
        """Check the key, count the request, and answer it."""
        moment = Moment(request.now_ns, self.clock_ns(request.now_ns) - request.now_ns)
        try:
            answer = self._admitted(request, subject, moment)
        except ApiError as error:
            answer = self._shaped(error)
        return answer._replace(headers={**self._headers(), **answer.headers})

    def _admitted(self, request: Request, subject: Subject, moment: Moment) -> Answer:
        if self.board.strike(Fault.KEY_REJECTED):
            raise access.refused()
        kind = access.admit(request, is_pro=self._is_pro)
        wait_s = self._buckets[kind].take(request.now_s)
        if wait_s:
            raise access.too_many(wait_s)
        if subject.name in PAID and not self._is_pro:
            raise access.plan()
        if subject.name == "/key":
            return self._key()
        answer = self._cached(request, subject, moment)
        self._calls += answer.status == 200
        return answer

    def _cached(self, request: Request, subject: Subject, moment: Moment) -> Answer:
        name, identifier = endpoint(request.path)
        make = functools.partial(self._rest.body, name, identifier, request.query, moment)
        if name in UNCACHED:
            return Answer(200, *make())
        asked = tuple((key, value) for key, value in request.query.items() if key not in KEY_PARAMETERS)
        frozen = self.board.strike(Fault.CACHE_FROZEN) if subject.is_data else None
        etag = request.header("If-None-Match") if self.board.strike(Fault.NOT_MODIFIED) else ""
        return self._cache.answer(
            (request.path.rstrip("/"), asked, self._rest.spoilers()),
            make,
            request.now_ns,
            periods=LISTS_KEPT_PERIODS if name in KEPT_LONGER else 1.0,
            is_frozen=frozen is not None,
            if_none_match=etag,
        )

    def _key(self) -> Answer:
        body = {
            "plan": "Analyst",
            "rate_limit_request_per_minute": self.limits.pro_per_minute,
            "monthly_call_credit": MONTH_CREDIT,
            "current_total_monthly_calls": self._calls,
            "current_remaining_monthly_calls": MONTH_CREDIT - self._calls,
        }
        return Answer(200, json.dumps(body, separators=(",", ":")))

    def failure(self, fault: ActiveFault) -> Answer:
        """What comes from CoinGecko is JSON; what the network before it says is a page."""
        match fault.fault:
            case Fault.REST_429:
                return self._shaped(access.too_many(fault.number("retry_after_s")))
            case Fault.REST_403:
                return _cloudflare(403, "Error 1020", "Access denied")
            case Fault.REST_451:
                return _cloudflare(451, "Error 451", "Unavailable for legal reasons")
            case Fault.REST_408:
                return self._shaped(ApiError(408, "Request Timeout"))
            case Fault.REST_503:
                wait_s = fault.number("retry_after_s")
                return self._shaped(ApiError(503, "Service Unavailable", shape=access.STATUS, retry_after_s=wait_s))
            case _:
                return self._shaped(ApiError(500, "Internal Server Error", shape=access.STATUS))

    def error(self, text: str) -> Answer:
        """A bad request."""
        return self._shaped(ApiError(400, text))

    def _shaped(self, error: ApiError) -> Answer:
        shape = self.board.strike(Fault.ERROR_SHAPE)
        answer = error.answer(self.clock_ns(self.now_ns), shape.text("shape") if shape else "")
        if error.status == 429 and self.board.strike(Fault.HTML_429):
            page = _cloudflare(429, "Error 1015", "You are being rate limited")
            return page._replace(headers={**page.headers, **answer.headers})
        return answer

    def _headers(self) -> dict[str, str]:
        return {
            "access-control-allow-origin": "*",
            "access-control-expose-headers": "link, per-page, total",
            "server": "cloudflare",
            "vary": "Accept-Encoding, Origin",
            "x-content-type-options": "nosniff",
            "x-request-id": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "x-runtime": f"{self._random.uniform(0.002, 0.03):.6f}",
        }


def _cloudflare(status: int, title: str, text: str) -> Answer:
    return Answer(status, PAGE.format(title=title, text=text), {"server": "cloudflare"}, HTML)
