"""The parts of the polled venues that are a function of time: cache, bucket, clock, limits."""

from typing import Any

import pytest

from tickmux_simulators.alphavantage.accounts import Accounts
from tickmux_simulators.alphavantage.encoding import day_begin_s, eastern, trading_day
from tickmux_simulators.cli import make_venue, parser
from tickmux_simulators.coingecko.cache import Cache
from tickmux_simulators.polled import TokenBucket
from tickmux_simulators.venue import Limits

SECOND_NS = 1_000_000_000


def cached(cache: Cache, now_s: float, **options: Any) -> tuple[int, str, str, str]:
    answer = cache.answer("url", lambda: (str(now_s), {"total": "1"}), int(now_s * SECOND_NS), **options)
    headers = answer.headers
    return answer.status, answer.text, headers["cf-cache-status"], headers.get("age", "")


def test_the_cache_keeps_a_body_for_its_period_or_for_ever() -> None:
    cache = Cache(60.0)
    assert cached(cache, 100.0) == (200, "100.0", "MISS", "")
    assert cached(cache, 159.0) == (200, "100.0", "HIT", "59")
    assert cached(cache, 500.0, is_frozen=True) == (200, "100.0", "HIT", "400")
    assert cached(cache, 500.0) == (200, "500.0", "EXPIRED", "")
    etag = cache.answer("url", lambda: ("", {}), 501 * SECOND_NS).headers["etag"]
    assert cached(cache, 502.0, if_none_match=etag) == (304, "", "HIT", "2")
    assert cached(cache, 502.0, if_none_match='W/"other"') == (200, "500.0", "HIT", "2")


def test_the_cache_says_the_real_venues_words_at_its_period() -> None:
    headers = Cache(60.0).answer("url", lambda: ("{}", {}), 0).headers
    assert headers["cache-control"] == "max-age=30, public, must-revalidate, s-maxage=60"


def test_a_cache_of_less_than_a_second_does_not_promise_a_whole_one() -> None:
    headers = Cache(0.5).answer("url", lambda: ("{}", {}), 0).headers
    assert headers["cache-control"] == "max-age=0, public, must-revalidate, s-maxage=0"


def test_a_bucket_gives_back_with_time_and_never_more_than_it_holds() -> None:
    bucket = TokenBucket(2.0, 0.5)
    assert [bucket.take(0.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert bucket.take(1.0) == 1.0
    assert bucket.take(2.0) == 0.0
    assert bucket.take(2.0) == 2.0
    assert [bucket.take(1000.0) for _ in range(3)] == [0.0, 0.0, 2.0]
    assert bucket.take(500.0) == 2.0, "a clock that steps back gives nothing"


def test_the_pro_root_caches_for_a_third_of_the_time() -> None:
    def period_s(*arguments: str) -> float:
        return make_venue(parser().parse_args(["coingecko", *arguments])).limits.cache_s

    assert (period_s(), period_s("--pro"), period_s("--pro", "--cache-s", "1")) == (60.0, 20.0, 1.0)


@pytest.mark.parametrize(
    ("time_s", "clock"),
    [
        (1_772_953_199.0, "2026-03-08T01:59:59"),
        (1_772_953_200.0, "2026-03-08T03:00:00"),
        (1_793_512_799.0, "2026-11-01T01:59:59"),
        (1_793_512_800.0, "2026-11-01T01:00:00"),
        (1_767_225_600.0, "2025-12-31T19:00:00"),
    ],
)
def test_the_clock_of_new_york_changes_twice_a_year(time_s: float, clock: str) -> None:
    assert eastern(time_s).isoformat() == clock


def test_a_day_begins_at_midnight_in_new_york_and_its_name_is_a_weekday() -> None:
    sunday_noon = 1_795_366_800.0
    assert eastern(sunday_noon).isoformat() == "2026-11-22T12:00:00"
    assert eastern(day_begin_s(sunday_noon)).isoformat() == "2026-11-22T00:00:00"
    assert trading_day(sunday_noon) == "2026-11-20"
    assert trading_day(sunday_noon + 86_400) == "2026-11-23"


def said(accounts: Accounts, key: str, now_s: float) -> str:
    account = accounts.find(key)
    assert account is not None
    refusal = accounts.count(account, now_s)
    if refusal is None:
        return "answered"
    return "burst" if "1 request per second" in refusal.text else "day"


def test_what_is_too_fast_does_not_count_for_the_day_and_the_day_ends() -> None:
    accounts, key = Accounts(Limits(free_per_day=2, day_window_s=100.0)), "FREESIMULATED001"
    assert [said(accounts, key, 1000.0) for _ in range(3)] == ["answered", "burst", "burst"]
    assert [said(accounts, key, now_s) for now_s in (1001.0, 1001.5, 1002.5)] == ["answered", "burst", "day"]
    assert said(accounts, key, 1099.0) == "day"
    assert [said(accounts, key, now_s) for now_s in (1100.5, 1101.5, 1102.5)] == ["answered", "answered", "day"]


def test_a_free_key_has_25_requests_a_day_and_a_premium_key_has_no_day() -> None:
    accounts = Accounts(Limits())
    free = [said(accounts, "FREESIMULATED001", 2.0 * number) for number in range(26)]
    assert free == ["answered"] * 25 + ["day"]
    assert {said(accounts, "PREMSIMULATED001", 1.0 * number) for number in range(200)} == {"answered"}
    assert accounts.find("short") is None
