"""Tokens, and how a stream opens with one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.feed import Feed, ManualClock
from tests.server.test_subscription import drain, response, subscribe

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import source_pb2
from tickmux_adapters.model import SourceState
from tickmux_server import resume
from tickmux_server.errors import ClientTooFarBehind, InvalidRequest
from tickmux_server.log import QuoteEntry
from tickmux_server.resume import ANY_DELIVERY, ResumeTokens
from tickmux_server.selection import Selection
from tickmux_server.subscription import Delivery

EVERYTHING = Selection()
BITCOIN = Selection(symbols=frozenset({"BTCUSDT"}))


@given(st.text(max_size=20), st.integers(0, 2**64 - 1), st.integers(0, 3))
def test_a_token_comes_back_as_it_was(log: str, position: int, delivery: int) -> None:
    tokens = ResumeTokens(log, BITCOIN, delivery)
    token = resume.decode(tokens.text(position))
    assert (token.position, token.delivery) == (position, delivery)
    assert tokens.own(token)
    assert ResumeTokens(log, Selection(prefixes=("BTCUSDT",)), delivery).own(token) is False
    assert ResumeTokens(log + "x", BITCOIN, delivery).own(token) is False
    assert ResumeTokens(log, BITCOIN, delivery + 1).own(token) is (delivery == ANY_DELIVERY)


@given(st.integers(0, 2**64 - 1), st.integers(0, 43), st.sampled_from("Aa0-_z"))
def test_a_token_with_another_letter_is_no_other_position(position: int, at: int, letter: str) -> None:
    text = ResumeTokens("log", BITCOIN).text(position)
    changed = text[:at] + letter + text[at + 1 :]
    if changed != text:
        with pytest.raises(InvalidRequest):
            resume.decode(changed)


@pytest.mark.parametrize(
    "text",
    ["?", "abc", "A" * 44, "A" * 43 + "=", "é" * 44, "A" * 100_000, base64.urlsafe_b64encode(b"\x02" * 33).decode()],
)
def test_what_is_no_token_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        resume.decode(text)
    assert [violation.field for violation in caught.value.violations] == ["resume_token"]


@given(st.text(max_size=60))
def test_no_text_does_worse_than_be_refused(text: str) -> None:
    try:
        resume.decode(text)
    except InvalidRequest:
        return


def reopened(
    feed: Feed, token: str, selection: Selection = EVERYTHING, **options: object
) -> list[contract.SubscribeResponse]:
    return drain(subscribe(feed, selection, resume=resume.decode(token), **options))


def test_there_is_no_token_before_the_state_is_complete(feed: Feed) -> None:
    symbols = [f"S{number:05}" for number in range(4000)]
    feed.start("binance", *symbols)
    for symbol in symbols:
        feed.bid(1.0, symbol)
    subscription = subscribe(feed)
    states = drain(subscription)
    assert len(states) > 1
    assert [bool(part.resume_token) for part in states] == [False] * (len(states) - 1) + [True]
    feed.bid(2.0, symbols[7])
    assert response(subscription).resume_token != states[-1].resume_token


def test_a_stream_goes_on_with_exactly_the_missed_updates(feed: Feed) -> None:
    feed.start("binance", "BTCUSDT", "ETHUSDT")
    feed.bid(1.0)
    (state,) = drain(subscribe(feed, BITCOIN))
    for price in (2.0, 3.0):
        feed.bid(price)
        feed.bid(price, "ETHUSDT")
    (resumed,) = reopened(feed, state.resume_token, BITCOIN)
    assert resumed.continuity == contract.CONTINUITY_RESUMED
    assert [status.state for status in resumed.source_statuses] == [source_pb2.SOURCE_STATE_LIVE]
    assert [quote.bid_price for quote in resumed.quotes] == [2.0, 3.0]
    assert (resumed.caught_up, resumed.conflated) == (True, 0)
    (nothing,) = reopened(feed, resumed.resume_token, BITCOIN)
    assert (nothing.continuity, nothing.caught_up, len(nothing.quotes)) == (contract.CONTINUITY_RESUMED, True, 0)


def test_what_comes_while_a_stream_catches_up_is_live(feed: Feed) -> None:
    feed.start()
    (state,) = drain(subscribe(feed))
    feed.bid(1.0)
    subscription = subscribe(feed, resume=resume.decode(state.resume_token))
    feed.status("binance", SourceState.STALE)
    feed.bid(2.0)
    missed, live = drain(subscription)
    assert ([quote.bid_price for quote in missed.quotes], missed.caught_up) == ([1.0], True)
    assert ([quote.bid_price for quote in live.quotes], live.caught_up) == ([2.0], False)
    assert [status.state for status in live.source_statuses] == [source_pb2.SOURCE_STATE_STALE]


def test_a_heartbeat_carries_the_cursor_and_not_the_head(feed: Feed) -> None:
    feed.start()
    subscription = subscribe(feed, min_interval_s=10.0, heartbeat_interval_s=1.0)
    (state,) = drain(subscription)
    feed.bid(1.0)
    feed.clock.advance(1.0)
    (heartbeat,) = drain(subscription)
    assert not heartbeat.quotes
    assert heartbeat.resume_token == state.resume_token
    (resumed,) = reopened(feed, heartbeat.resume_token)
    assert [quote.bid_price for quote in resumed.quotes] == [1.0]


@pytest.mark.parametrize("delivery", list(Delivery))
def test_a_token_of_another_log_selection_or_delivery_begins_anew(feed: Feed, delivery: Delivery) -> None:
    feed.start()
    feed.bid(1.0)
    (state,) = drain(subscribe(feed, BITCOIN, delivery=delivery))
    other = Feed(ManualClock())
    other.start()
    other.bid(1.0)
    for where, selection, kind in (
        (other, BITCOIN, delivery),
        (feed, Selection(), delivery),
        *((feed, BITCOIN, another) for another in Delivery if another is not delivery),
    ):
        (reset,) = reopened(where, state.resume_token, selection, delivery=kind)
        assert reset.continuity == contract.CONTINUITY_RESET
        assert ([quote.bid_price for quote in reset.quotes], reset.caught_up) == ([1.0], True)
        assert reset.resume_token


def test_a_position_beyond_the_head_begins_anew(feed: Feed) -> None:
    feed.start()
    beyond = ResumeTokens(feed.log.identity, Selection()).text(feed.log.head + 1)
    (reset,) = reopened(feed, beyond)
    assert reset.continuity == contract.CONTINUITY_RESET


def test_before_the_history_all_begins_anew_and_latest_goes_on(clock: ManualClock) -> None:
    feed = Feed(clock, history_age_s=10)
    feed.start("binance", "BTCUSDT", "ETHUSDT", "SOLUSDT")
    feed.bid(0.5, "SOLUSDT")
    token = ResumeTokens(feed.log.identity, Selection()).text(feed.log.head)
    feed.bid(1.0)
    feed.bid(2.0)
    clock.advance(11)
    feed.bid(3.0, "ETHUSDT")
    (reset,) = reopened(feed, token)
    assert reset.continuity == contract.CONTINUITY_RESET
    assert len(reset.quotes) == 3
    (resumed,) = reopened(feed, token, delivery=Delivery.LATEST)
    assert resumed.continuity == contract.CONTINUITY_RESUMED
    assert [(quote.symbol, quote.bid_price) for quote in resumed.quotes] == [("BTCUSDT", 2.0), ("ETHUSDT", 3.0)]
    assert resumed.caught_up


def test_eviction_of_other_instruments_does_not_keep_a_stream_from_going_on(clock: ManualClock) -> None:
    feed = Feed(clock, history_age_s=10)
    feed.start("binance", "BTCUSDT", "ETHUSDT")
    (state,) = drain(subscribe(feed, BITCOIN))
    feed.bid(1.0, "ETHUSDT")
    clock.advance(11)
    feed.bid(2.0)
    (resumed,) = reopened(feed, state.resume_token, BITCOIN)
    assert (resumed.continuity, [quote.bid_price for quote in resumed.quotes]) == (contract.CONTINUITY_RESUMED, [2.0])


def test_latest_goes_on_with_the_newest_and_counts_the_rest(feed: Feed) -> None:
    feed.start()
    (state,) = drain(subscribe(feed, delivery=Delivery.LATEST))
    for price in (1.0, 2.0, 3.0):
        feed.bid(price)
    (resumed,) = reopened(feed, state.resume_token, delivery=Delivery.LATEST)
    assert ([quote.bid_price for quote in resumed.quotes], resumed.conflated) == ([3.0], 2)


def test_all_or_end_ends_rather_than_pass_over_an_update(clock: ManualClock) -> None:
    feed = Feed(clock, history_age_s=10)
    feed.start()
    subscription = subscribe(feed, delivery=Delivery.ALL_OR_END, heartbeat_interval_s=3600.0)
    drain(subscription)
    feed.bid(1.0)
    (live,) = drain(subscription)
    feed.bid(2.0)
    clock.advance(11)
    feed.bid(3.0)
    with pytest.raises(ClientTooFarBehind) as caught:
        drain(subscription)
    assert caught.value.resume_token == live.resume_token


def test_a_hole_in_the_log_begins_every_stream_anew(feed: Feed) -> None:
    feed.start("binance", "BTCUSDT", "ETHUSDT")
    feed.bid(1.0)
    feed.bid(1.0, "ETHUSDT")
    woken: list[bool] = []
    subscription = subscribe(feed, wake=lambda: woken.append(True))
    (state,) = drain(subscription)
    feed.wake()
    woken.clear()
    (last,) = [entry for entry in feed.entries if isinstance(entry, QuoteEntry)][-1:]
    feed.log.head += 3
    feed.log.append([QuoteEntry(last.instrument, last.epoch, 5, last.frame)])
    feed.wake()
    assert woken
    (reset,) = drain(subscription)
    assert (reset.continuity, reset.caught_up, reset.conflated) == (contract.CONTINUITY_RESET, True, 0)
    assert [(quote.symbol, 5 in quote.flags) for quote in reset.quotes] == [("BTCUSDT", True), ("ETHUSDT", False)]
    (reset,) = reopened(feed, state.resume_token)
    assert reset.continuity == contract.CONTINUITY_RESET
    feed.bid(2.0)
    (live,) = drain(subscription)
    assert (live.continuity, [quote.bid_price for quote in live.quotes]) == (contract.CONTINUITY_UNSPECIFIED, [2.0])


def test_going_away_says_where_to_go_on(feed: Feed) -> None:
    feed.start()
    subscription = subscribe(feed)
    drain(subscription)
    feed.bid(1.0)
    subscription.go_away()
    (last,) = drain(subscription)
    assert last.going_away
    (resumed,) = reopened(feed, last.resume_token)
    assert [quote.bid_price for quote in resumed.quotes] == [1.0]


def test_a_stream_that_resumes_opens_before_it_goes_away(feed: Feed) -> None:
    feed.start()
    (state,) = drain(subscribe(feed))
    subscription = subscribe(feed, resume=resume.decode(state.resume_token))
    subscription.go_away()
    first, last = drain(subscription)
    assert (first.continuity, last.going_away) == (contract.CONTINUITY_RESUMED, True)


def test_a_paced_stream_sends_quotes_at_its_pace_and_news_of_sources_at_once(feed: Feed) -> None:
    feed.start()
    woken: list[bool] = []
    subscription = subscribe(feed, min_interval_s=1.0, wake=lambda: woken.append(True))
    drain(subscription)
    feed.wake()
    woken.clear()
    feed.bid(1.0)
    feed.bid(2.0)
    feed.wake()
    assert (drain(subscription), woken) == ([], [])
    assert subscription.quotes_due_ns == feed.clock.monotonic + 1_000_000_000
    feed.status("binance", SourceState.DOWN)
    feed.wake()
    assert woken
    (news,) = drain(subscription)
    assert ([status.state for status in news.source_statuses], len(news.quotes)) == ([source_pb2.SOURCE_STATE_DOWN], 0)
    feed.clock.advance(1.0)
    assert subscription.quotes_due_ns == feed.clock.monotonic, "overdue, until it was asked for"
    (paced,) = drain(subscription)
    assert ([quote.bid_price for quote in paced.quotes], paced.conflated) == ([1.0, 2.0], 0)
    assert not paced.source_statuses
    feed.clock.advance(1.0)
    assert subscription.quotes_due_ns is None
    woken.clear()
    feed.bid(3.0)
    feed.wake()
    assert woken
