import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.recordings import path_of

from tickmux_adapters.coingecko.freshness import fresh_for_s
from tickmux_adapters.coingecko.refusals import refused, said_by
from tickmux_adapters.coingecko.settings import CoinGeckoSettings, resolved
from tickmux_adapters.errors import BudgetSpent, VenueError, VenueRejected
from tickmux_adapters.rest import Answer
from tickmux_adapters.secrets import hide

KEY = "CG-a-key-of-these-tests"
SETTINGS = resolved("coingecko", CoinGeckoSettings(adapter="coingecko", plan="demo"), {})


def answer_of(body: str | bytes, status: int = 200, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else body.encode()
    return Answer(status, {name.replace("_", "-").title(): value for name, value in headers.items()}, raw, 0, 0)


def test_the_recorded_errors() -> None:
    errors = []
    for line in path_of("coingecko", "errors__bodies.jsonl").read_text().splitlines():
        each = json.loads(line)
        headers = {name.replace("-", "_"): value for name, value in each.get("headers", {}).items()}
        errors.append(refused(answer_of(json.dumps(each["body"]), each["http"], **headers), SETTINGS))
    limit, missing_coin, no_key, bad_request = errors
    assert isinstance(limit, BudgetSpent)
    assert (limit.retry_after_s, limit.is_dated) == (7.0, True)
    assert "You've exceeded the Rate Limit" in str(limit)
    assert type(missing_coin) is type(bad_request) is VenueError
    assert "HTTP 404: coin not found" in str(missing_coin)
    assert "HTTP 400: Missing parameter vs_currencies" in str(bad_request)
    assert isinstance(no_key, VenueRejected)
    assert "set COINGECKO_API_KEY" in str(no_key)


SHAPES = {
    "flat": '{"error":"TEXT"}',
    "status": '{"status":{"timestamp":"2024-01-01T00:00:00.000+00:00","error_code":CODE,"error_message":"TEXT"}}',
    "nested": '{"error":{"status":{"timestamp":"2024-01-01","error_code":CODE,"error_message":"TEXT"}}}',
    "split": '{"timestamp":"2024-01-01","error_code":CODE,"status":{"error_message":"TEXT"}}',
}


def error_body(shape: str, code: int, text: str = "it says") -> str:
    return SHAPES[shape].replace("CODE", str(code)).replace("TEXT", text)


@pytest.mark.parametrize("shape", ["status", "nested", "split"])
@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        (10002, 401, "set COINGECKO_API_KEY to one, and plan to its kind"),
        (10005, 401, "check COINGECKO_API_KEY and plan"),
        (10010, 400, 'set plan = "pro"'),
        (10010, 200, 'set plan = "pro"'),
        (10011, 400, 'unset rest_url, or set plan to the kind of the key, which is "demo" now'),
        (401, 401, "check COINGECKO_API_KEY"),
    ],
)
def test_what_is_wrong_with_the_key_says_what_to_set(shape: str, code: int, status: int, advice: str) -> None:
    error = refused(answer_of(error_body(shape, code), status), SETTINGS)
    assert isinstance(error, VenueRejected)
    assert str(error).startswith("api.coingecko.com ")
    assert "it says" in str(error)
    assert str(error).endswith(advice)


@pytest.mark.parametrize("shape", SHAPES)
def test_too_many_requests_in_every_shape(shape: str) -> None:
    error = refused(answer_of(error_body(shape, 429), 429, retry_after="17"), SETTINGS)
    assert isinstance(error, BudgetSpent)
    assert (error.retry_after_s, error.is_dated) == (17.0, True)
    undated = refused(answer_of(error_body(shape, 429), 429), SETTINGS)
    assert isinstance(undated, BudgetSpent)
    assert (undated.retry_after_s, undated.is_dated) == (60.0, False)


@pytest.mark.parametrize(
    ("body", "status", "kind", "text"),
    [
        ("<html><title>Error 1020</title>", 403, VenueRejected, "the venue's firewall refuses us: Error 1020"),
        ("<html><title>Error 1015</title>", 429, BudgetSpent, "HTTP 429, too many requests: Error 1015"),
        ("", 401, VenueRejected, "the venue refuses our key: check COINGECKO_API_KEY"),
        ('{"error":"Request Timeout"}', 408, VenueError, "HTTP 408: Request Timeout"),
        ("<html>", 502, VenueError, "HTTP 502"),
        ("Internal", 500, VenueError, "HTTP 500: Internal"),
        ("", 304, VenueError, "HTTP 304, not modified"),
        ('{"error":"a bad day"}', 200, VenueError, "answered with an error (a bad day)"),
    ],
)
def test_other_failures(body: str, status: int, kind: type[VenueError], text: str) -> None:
    error = refused(answer_of(body, status), SETTINGS)
    assert type(error) is kind
    assert text in str(error)


@pytest.mark.parametrize("shape", [*SHAPES, "page", "text"])
def test_an_echoed_key_is_hidden_wherever_it_stands(shape: str) -> None:
    hide(KEY)
    text = "x" * 190 + f" key {KEY} is bad"
    body = {"page": f"<title>{text[-60:]}</title>", "text": text}.get(shape) or error_body(shape, 10002, text)
    for status in (200, 400, 401, 403, 429, 500):
        error = str(refused(answer_of(body if shape != "page" else "<html>" + body, status), SETTINGS))
        assert KEY not in error
        assert KEY[:6] not in error


def test_a_coin_may_be_called_status() -> None:
    assert said_by(b'{"status":{"usd":0.02,"last_updated_at":1779092258}}') is None
    assert said_by(b'{"error":{"usd":1}}') is None
    assert said_by(b'{"bitcoin":{"usd":1}}') is None


# Caches.


def test_every_recorded_cache_gives_a_time_to_wait() -> None:
    lines = path_of("coingecko", "rotki__coingecko_vcr_dev.jsonl").read_text().splitlines()
    waits = [
        fresh_for_s(each["response_headers"] | _titled(each["response_headers"]))
        for each in map(json.loads, lines)
        if "/simple/price" in each["uri"]
    ]
    assert None not in waits
    assert {wait for wait in waits if wait is not None} <= {60.0, 120.0, 30.0, 25.0, 24.0, 36.0, 15.0, 7.0}


def _titled(headers: dict[str, str]) -> dict[str, str]:
    return {name.title(): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"Cache-Control": "max-age=30, public, must-revalidate, s-maxage=60"}, 60.0),
        ({"Cache-Control": "max-age=30, public, must-revalidate, s-maxage=60", "Age": "24"}, 36.0),
        ({"Cache-Control": "public, max-age=120", "Age": "20"}, 100.0),
        ({"Cache-Control": "S-MaxAge = 40"}, 40.0),
        ({"Cache-Control": 's-maxage="40"'}, 40.0),
        # About to be renewed, and about to be for a while already: neither is asked again at once.
        ({"Cache-Control": "s-maxage=60", "Age": "59"}, 15.0),
        ({"Cache-Control": "s-maxage=60", "Age": "60"}, 60.0),
        ({"Cache-Control": "s-maxage=60", "Age": "253"}, 60.0),
        ({"Cache-Control": "s-maxage=31536000"}, 300.0),
        ({"Cache-Control": "s-maxage=60", "Age": "soon"}, 60.0),
        ({"Cache-Control": "s-maxage=60", "Age": "-5"}, 60.0),
        ({"Cache-Control": "no-store"}, None),
        ({"Cache-Control": "max-age=0"}, None),
        ({"Cache-Control": "s-maxage=-1"}, None),
    ],
)
def test_how_long_a_copy_stays_as_it_is(headers: dict[str, str], wait_s: float | None) -> None:
    assert fresh_for_s(headers) == wait_s


@given(
    st.binary(max_size=40)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: st.dictionaries(st.sampled_from(["error", "status", "error_code", "error_message"]), inner),
    ).map(lambda value: json.dumps(value).encode()),
    st.sampled_from([200, 304, 302, 400, 401, 403, 404, 408, 429, 500]),
)
def test_any_body_makes_one_line(body: bytes, status: int) -> None:
    error = refused(answer_of(body, status), SETTINGS)
    assert "\n" not in str(error)
    assert len(str(error)) < 500
