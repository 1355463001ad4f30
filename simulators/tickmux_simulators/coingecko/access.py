"""Keys, the roots that they belong to, and the shapes of errors."""

import datetime as dt
import json
import math
from typing import Any, Final

from tickmux_simulators.polled import SECOND_NS, Request
from tickmux_simulators.venue import Answer

DEMO_KEY: Final = "CG-simulateddemokey00000001"
PRO_KEY: Final = "CG-simulatedprokey000000001"
DEMO_NAME: Final = "x-cg-demo-api-key"
PRO_NAME: Final = "x-cg-pro-api-key"
PRICING: Final = "https://www.coingecko.com/en/api/pricing"
TOO_MANY: Final = (
    f"You've exceeded the Rate Limit. Please visit {PRICING} to subscribe to our API plans for higher rate limits."
)
MISSING: Final = "API Key Missing"
PLAN: Final = f"This request is limited to paid plan subscribers. Please visit {PRICING} to subscribe."
PRO_ON_DEMO: Final = (
    "If you are using Pro API key, please change your root URL from api.coingecko.com to pro-api.coingecko.com"
)
DEMO_ON_PRO: Final = (
    "If you are using Demo API key, please change your root URL from pro-api.coingecko.com to api.coingecko.com"
)
FLAT, STATUS, NESTED, SPLIT = "flat", "status", "nested", "split"
SHAPES: Final = (FLAT, STATUS, NESTED, SPLIT)


class ApiError(Exception):
    """A request that is answered with an error."""

    def __init__(
        self, status: int, message: str, *, code: int = 0, shape: str = FLAT, retry_after_s: float = 0.0
    ) -> None:
        self.status = status
        self.message = message
        self.code = code or status
        self.shape = shape
        self.retry_after_s = retry_after_s
        super().__init__(message)

    def answer(self, now_ns: int, shape: str = "") -> Answer:
        """The answer, in the error's own shape or in another."""
        clock = dt.datetime.fromtimestamp(now_ns / SECOND_NS, dt.UTC)
        stamp = clock.isoformat(timespec="milliseconds")
        body: dict[str, Any]
        match shape or self.shape:
            case "status" if self.status == 429:
                body = {"status": {"error_code": self.code, "error_message": self.message}}
            case "status":
                body = {"status": {"timestamp": stamp, "error_code": self.code, "error_message": self.message}}
            case "nested":
                inner = {"timestamp": stamp, "error_code": self.code, "error_message": self.message}
                body = {"error": {"status": inner}}
            case "split":
                body = {"timestamp": stamp, "error_code": self.code, "status": {"error_message": self.message}}
            case _:
                body = {"error": self.message}
        headers = {"retry-after": str(math.ceil(self.retry_after_s))} if self.retry_after_s else {}
        return Answer(self.status, json.dumps(body, separators=(",", ":")), headers)


def keys(request: Request) -> tuple[str, str]:
    """The demo key and the paid key that a request carries, in a header or in the query; empty for none."""
    demo, pro = (
        request.header(name) or request.query.get(name.replace("-", "_"), "") for name in (DEMO_NAME, PRO_NAME)
    )
    return demo, pro


def admit(request: Request, *, is_pro: bool) -> str:
    """Whose requests this one counts with: keyless, demo or pro. Raises ApiError for a key that does not fit the root.

    A key is told by the name it is sent under as much as by its text: either one alone shows whose it is.
    """
    demo, pro = keys(request)
    if is_pro:
        if demo or pro == DEMO_KEY:
            raise ApiError(400, DEMO_ON_PRO, code=10011, shape=NESTED)
        if pro != PRO_KEY:
            raise refused()
        return "pro"
    if pro or demo == PRO_KEY:
        raise ApiError(400, PRO_ON_DEMO, code=10010, shape=NESTED)
    if not demo:
        return "keyless"
    if demo != DEMO_KEY:
        raise refused()
    return "demo"


def refused() -> ApiError:
    """The key is missing, or nobody's."""
    return ApiError(401, MISSING, code=10002, shape=STATUS)


def too_many(retry_after_s: float) -> ApiError:
    """More requests than the plan allows."""
    return ApiError(429, TOO_MANY, shape=STATUS, retry_after_s=retry_after_s)


def plan() -> ApiError:
    """The endpoint needs a better plan."""
    return ApiError(401, PLAN, code=10005, shape=STATUS)
