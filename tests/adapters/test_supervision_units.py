import copy
import logging
import math
from itertools import pairwise
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.recorder import Recorder

from tickmux_adapters.backoff import REJECTED_RETRY_S, Backoff
from tickmux_adapters.errors import SettingsError, VenueError, VenueRejected
from tickmux_adapters.failures import refusal, retry_after, transport_error
from tickmux_adapters.health import SAMPLES_PER_WINDOW, ChannelHealth, MalformedSampler
from tickmux_adapters.model import SourceState, SystemClock
from tickmux_adapters.pacing import SlidingWindow
from tickmux_adapters.registry import registered
from tickmux_adapters.supervision import WebSocketSettings, check_settings, points_elsewhere, wanted_symbols
from tickmux_adapters.watchdog import Verdict, Watchdog

S = 1_000_000_000


def highest(_low: float, high: float) -> float:
    return high


def test_backoff_doubles_its_ceiling_up_to_the_cap() -> None:
    backoff = Backoff(base_s=0.5, cap_s=30, uniform=highest)
    assert [backoff.after_failure(VenueError("x")) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_backoff_jitter_is_full() -> None:
    backoff = Backoff(base_s=0.5, cap_s=30, uniform=lambda low, _high: low)
    assert [backoff.after_failure(VenueError("x")) for _ in range(3)] == [0, 0, 0]


def test_backoff_starts_anew_after_a_stable_minute_only() -> None:
    backoff = Backoff(base_s=0.5, cap_s=30, uniform=highest)
    for _ in range(5):
        backoff.after_failure(VenueError("x"))
    assert backoff.after_failure(VenueError("x"), connected_ns=59 * S) == 16
    assert backoff.after_failure(VenueError("x"), connected_ns=60 * S) == 0.5


@given(st.floats(min_value=0, max_value=1e6), st.integers(min_value=0, max_value=40))
def test_backoff_never_waits_less_than_the_venue_asked(asked_s: float, failures: int) -> None:
    backoff = Backoff()
    for _ in range(failures):
        backoff.after_failure(VenueError("x"))
    assert asked_s <= backoff.after_failure(VenueError("x", retry_after_s=asked_s)) <= asked_s + 30
    assert asked_s <= backoff.after_failure(VenueRejected("x", retry_after_s=asked_s)) <= asked_s + 30


def test_a_refusal_without_a_wish_waits_minutes() -> None:
    assert Backoff(uniform=lambda low, _high: low).after_failure(VenueRejected("x")) == REJECTED_RETRY_S


@given(
    st.integers(min_value=1, max_value=5),
    st.lists(st.tuples(st.integers(min_value=0, max_value=3 * S), st.integers(min_value=1, max_value=5)), max_size=60),
)
def test_a_window_never_holds_more_than_its_limit(limit: int, asks: list[tuple[int, int]]) -> None:
    window = SlidingWindow(limit=limit, window_s=1.0)
    now_ns = 0
    spent: list[tuple[int, int]] = []
    for wait_ns, units in asks:
        units = min(units, limit)  # noqa: PLW2901 - more never fit
        now_ns += wait_ns
        delay_s = window.delay_s(now_ns, units)
        assert 0 <= delay_s <= 1.0
        if delay_s == 0:
            window.spend(now_ns, units)
            spent.append((now_ns, units))
        else:
            # One nanosecond before the delay is over they do not fit.
            assert copy.deepcopy(window).delay_s(now_ns + round(delay_s * S) - 1, units) > 0
        assert sum(amount for at_ns, amount in spent if at_ns > now_ns - S) <= limit


def test_a_window_says_how_much_is_left() -> None:
    window = SlidingWindow(limit=4, window_s=1.0)
    window.spend(0, 3)
    assert (window.left(0), window.left(S - 1), window.left(S)) == (1, 1, 4)
    window.spend(S, 9)
    assert window.left(S) == 0
    assert window.delay_s(S, 99) == 1.0


def test_the_watchdog_tells_quiet_from_stale_from_mute() -> None:
    watchdog = Watchdog(stale_after_s=5, reconnect_after_s=15, now_ns=0)
    assert watchdog.verdict(5 * S - 1) is Verdict.FRESH
    assert watchdog.verdict(5 * S) is Verdict.STALE
    assert watchdog.verdict(15 * S) is Verdict.MUTE
    watchdog.heard_at_ns = 15 * S
    assert watchdog.verdict(16 * S) is Verdict.FRESH


@given(st.integers(min_value=0, max_value=20 * S))
def test_the_next_check_is_when_the_verdict_gets_worse(silent_ns: int) -> None:
    watchdog = Watchdog(stale_after_s=5, reconnect_after_s=15, now_ns=0)
    verdict = watchdog.verdict(silent_ns)
    due_ns = silent_ns + round(watchdog.next_check_s(silent_ns) * S)
    if verdict is Verdict.MUTE:
        assert due_ns == silent_ns
    else:
        assert watchdog.verdict(due_ns - 1) is verdict
        assert watchdog.verdict(due_ns) is not verdict


def test_a_reconnect_deadline_before_the_stale_one_is_the_stale_one() -> None:
    watchdog = Watchdog(stale_after_s=5, reconnect_after_s=1, now_ns=0)
    assert watchdog.verdict(2 * S) is Verdict.FRESH
    assert watchdog.verdict(5 * S) is Verdict.MUTE


def test_health_announces_changes_only_and_keeps_what_stays_wrong() -> None:
    sink = Recorder()
    health = ChannelHealth(source="s", channel="0", sink=sink, clock=SystemClock())
    health.enter(SourceState.DOWN, "first\nline")
    health.enter(SourceState.DOWN, "first line")
    health.note("X is not listed")
    health.note("X is not listed")
    health.enter(SourceState.LIVE)
    health.messages += 1
    assert [status.state for status in sink.statuses] == [SourceState.DOWN, SourceState.DOWN, SourceState.LIVE]
    assert sink.statuses[-1].last_error == "first line; X is not listed"
    assert health.status().messages == 1
    health.note("")
    assert health.status().last_error == "first line"


def test_since_is_kept_while_only_the_error_changes() -> None:
    sink = Recorder()
    health = ChannelHealth(source="s", channel="0", sink=sink, clock=SystemClock())
    for error in ("one", "two"):
        health.enter(SourceState.DOWN, error)
    first, second = sink.statuses
    assert first.since_ns == second.since_ns


def test_samples_are_bounded_and_the_rest_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    sampler = MalformedSampler("s/0")
    with caplog.at_level(logging.WARNING):
        for _ in range(1_000):
            sampler.note("bad", b"\x00\xff" * 500, 0)
        sampler.note("bad", b"x", 11 * S)
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == SAMPLES_PER_WINDOW + 1
    assert "995 more were not logged" in texts[-1]
    assert "\x00" not in texts[0]


def test_retry_after_as_number_date_or_nonsense() -> None:
    assert retry_after("120") == 120
    assert retry_after(None) is None
    assert retry_after("soon") is None
    assert retry_after("-5") is None
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert retry_after("Wed, 21 Oct 2099 07:28:00 GMT") == 86_400
    assert retry_after("9999999999") == 86_400


@pytest.mark.parametrize("status", [401, 403, 418, 451])
def test_refusing_statuses_are_rejections(status: int) -> None:
    error = refusal(status, {"Retry-After": "7"}, "venue:443", "banned")
    assert isinstance(error, VenueRejected)
    assert error.retry_after_s == 7
    assert f"venue:443 answered HTTP {status}" in str(error)


@pytest.mark.parametrize(
    ("status", "asked", "waits_s"),
    [
        (429, None, 60),
        (429, "0", 5),
        (429, "7", 7),
        (429, "Wed, 21 Oct 2015 07:28:00 GMT", 5),
        (429, "9" * 400, 86_400),
        (418, "0", 5),
        (418, None, None),
        (403, "1", 5),
        (451, "999999999", 86_400),
        (451, "Wed, 21 Oct 2099 07:28:00 GMT", 86_400),
        (503, None, None),
        (503, "0", 0),
        (503, "999999999", 86_400),
    ],
)
def test_what_a_venue_asks_us_to_wait_is_bounded_both_ways(
    status: int, asked: str | None, waits_s: float | None
) -> None:
    headers = {} if asked is None else {"Retry-After": asked}
    assert refusal(status, headers, "venue").retry_after_s == waits_s


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TimeoutError(), "no answer from venue:443 within 10 s"),
        (ConnectionResetError(), "connection to venue:443 lost"),
        (aiohttp.ServerDisconnectedError(), "connection to venue:443 lost"),
        (OSError(113, "No route to host"), "connection to venue:443 failed: No route to host"),
        (ValueError(""), "connection to venue:443 failed: ValueError"),
    ],
)
def test_transport_errors_are_one_clear_line(error: Exception, text: str) -> None:
    assert str(transport_error(error, "venue:443", 10)) == text


def test_configured_symbols_are_canonical_and_each_once() -> None:
    assert wanted_symbols(["xbt/usd", "BTC-USD", "ETH/XBT", "xdgusd"], ()) == ["BTCUSD", "ETHBTC", "DOGEUSD"]
    assert wanted_symbols([], ("BTCUSD",)) == ["BTCUSD"]


@pytest.mark.parametrize(
    ("times", "overlap_s"),
    [({}, 1.0), ({"stale_after_s": 1.0}, 0.2), ({"stale_after_s": 1.0, "overlap_s": 0.5}, 0.5)],
)
def test_an_overlap_is_well_below_the_stale_deadline(times: dict[str, Any], overlap_s: float) -> None:
    settings = WebSocketSettings(adapter="x", websocket_url="wss://venue", rest_url="https://venue", **times)
    check_settings("one", settings)
    assert settings.overlap_or_default_s == overlap_s


def test_an_overlap_that_could_hide_silence_is_refused() -> None:
    settings = WebSocketSettings(
        adapter="x", websocket_url="wss://venue", rest_url="https://venue", stale_after_s=5.0, overlap_s=2.6
    )
    with pytest.raises(SettingsError, match=r"sources\.one\.overlap_s: 2\.6 s .* at most 2\.5 s"):
        check_settings("one", settings)


def test_reported_times_of_a_window_never_go_back() -> None:
    window = SlidingWindow(limit=2, window_s=1.0)
    delays: list[float] = []
    for _ in range(4):
        window.spend(0)
        delays.append(window.delay_s(0))
    assert all(later >= earlier for earlier, later in pairwise(delays))


@pytest.mark.parametrize("seconds", [math.inf, -math.inf, math.nan, 0.0, -1.0, 31 * 86_400.0])
def test_no_time_of_any_adapter_is_endless_or_none(seconds: float) -> None:
    times = [
        (kind, field.encode_name)
        for kind in registered().values()
        for field in msgspec.structs.fields(kind.settings)
        if field.encode_name.endswith("_s")
    ]
    assert len(times) > 30
    for kind, name in times:
        with pytest.raises(msgspec.ValidationError, match=f"Expected `float` (>|<=) .* at `\\$.{name}`"):
            msgspec.convert({"adapter": kind.name, name: seconds}, kind.settings)


@pytest.mark.parametrize("setting", ["websocket_url", "rest_url"])
def test_a_url_that_is_none_is_refused_by_name(setting: str) -> None:
    urls: dict[str, Any] = {"websocket_url": "wss://venue", "rest_url": "https://venue", setting: "wss://[::1"}
    settings = WebSocketSettings(adapter="x", **urls)
    assert points_elsewhere(settings, {"venue"})
    with pytest.raises(SettingsError, match=rf"sources\.one\.{setting}: 'wss://\[::1' is no URL of the form"):
        check_settings("one", settings)
