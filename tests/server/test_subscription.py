"""The responses of one stream, step by step."""

import pytest
from tests.server.feed import Feed, ManualClock

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import source_pb2
from tickmux_adapters.model import Instrument, SourceState
from tickmux_server.hub import STATUS_SILENCE_S
from tickmux_server.log import QuoteEntry
from tickmux_server.route import CHUNK_BYTES_MAX, CHUNK_FRAMES
from tickmux_server.selection import Selection
from tickmux_server.subscription import Delivery, Subscription

ALL = Selection()


def subscribe(feed: Feed, selection: Selection = ALL, **options: object) -> Subscription:
    return Subscription(feed.hub, feed.clock, selection, **options)  # type: ignore[arg-type] # checked by the callee


def response(subscription: Subscription) -> contract.SubscribeResponse:
    raw = subscription.next_response()
    assert raw is not None
    return contract.SubscribeResponse.FromString(raw)


def drain(subscription: Subscription) -> list[contract.SubscribeResponse]:
    responses = []
    while (raw := subscription.next_response()) is not None:
        responses.append(contract.SubscribeResponse.FromString(raw))
    return responses


def test_the_first_response_comes_at_once_even_when_there_is_nothing(feed: Feed) -> None:
    first = response(subscribe(feed, Selection(symbols=frozenset({"XUSD"})), symbols=["x/usd"]))
    assert first.continuity == contract.CONTINUITY_SNAPSHOT
    assert first.caught_up
    assert list(first.unmatched) == ["x/usd"]
    assert first.sent_at.ToNanoseconds() == feed.clock.wall
    assert not first.quotes


def test_state_comes_with_every_status_first_and_in_chunks(feed: Feed) -> None:
    symbols = [f"S{number:05}" for number in range(4000)]
    feed.start("binance", *symbols)
    for symbol in symbols:
        feed.bid(1.0, symbol)
    responses = drain(subscribe(feed))
    assert len(responses) > 1
    assert [status.source for status in responses[0].source_statuses] == ["binance"]
    assert not any(later.source_statuses for later in responses[1:])
    assert [later.continuity for later in responses[1:]] == [contract.CONTINUITY_UNSPECIFIED] * (len(responses) - 1)
    assert [part.caught_up for part in responses] == [False] * (len(responses) - 1) + [True]
    assert all(len(part.SerializeToString()) <= CHUNK_BYTES_MAX + 1024 for part in responses)
    assert [quote.symbol for part in responses for quote in part.quotes] == symbols


def test_state_and_live_quotes_are_never_mixed(feed: Feed) -> None:
    feed.start()
    feed.bid(1.0)
    subscription = subscribe(feed)
    feed.bid(2.0)
    state, live = drain(subscription)
    assert ([quote.bid_price for quote in state.quotes], state.caught_up) == ([1.0], True)
    assert ([quote.bid_price for quote in live.quotes], live.caught_up) == ([2.0], False)


def test_a_batch_is_cut_where_a_status_follows_a_quote(feed: Feed) -> None:
    feed.start()
    subscription = subscribe(feed)
    drain(subscription)
    feed.bid(1.0)
    feed.status("binance", SourceState.STALE)
    feed.bid(2.0)
    feed.bid(3.0)
    feed.status("binance", SourceState.LIVE)
    shapes = [
        ([status.state for status in part.source_statuses], [quote.bid_price for quote in part.quotes])
        for part in drain(subscription)
    ]
    assert shapes == [
        ([], [1.0]),
        ([source_pb2.SOURCE_STATE_STALE], [2.0, 3.0]),
        ([source_pb2.SOURCE_STATE_LIVE], []),
    ]


def test_a_status_that_only_counts_is_not_sent_but_with_the_heartbeat(feed: Feed) -> None:
    feed.start()
    subscription = subscribe(feed, heartbeat_interval_s=5.0)
    drain(subscription)
    since = feed.clock.wall
    feed.status("binance", SourceState.LIVE, messages=7, since_ns=since)
    assert drain(subscription) == []
    feed.clock.advance(4.9)
    feed.status("binance", SourceState.LIVE, messages=8, since_ns=since)
    assert drain(subscription) == []
    feed.clock.advance(0.1)
    (heartbeat,) = drain(subscription)
    assert [status.messages for status in heartbeat.source_statuses] == [8]
    assert not heartbeat.quotes


def test_latest_sends_the_newest_of_what_changed_and_counts_the_rest(feed: Feed) -> None:
    feed.start("binance", "BTCUSDT", "ETHUSDT")
    subscription = subscribe(feed, delivery=Delivery.LATEST)
    drain(subscription)
    for price in (1.0, 2.0, 3.0):
        feed.bid(price, "BTCUSDT")
    feed.bid(9.0, "ETHUSDT")
    (part,) = drain(subscription)
    assert [(quote.symbol, quote.bid_price) for quote in part.quotes] == [("BTCUSDT", 3.0), ("ETHUSDT", 9.0)]
    assert part.conflated == 2


def test_who_fell_off_the_history_gets_the_latest_once_and_the_count(clock: ManualClock) -> None:
    feed = Feed(clock, history_age_s=10)
    feed.start("binance", "BTCUSDT", "ETHUSDT")
    subscription = subscribe(feed, heartbeat_interval_s=3600.0)
    drain(subscription)
    for price in (1.0, 2.0):
        feed.bid(price)
    clock.advance(11)
    feed.bid(3.0)
    feed.bid(4.0, "ETHUSDT")
    (part,) = drain(subscription)
    assert [quote.bid_price for quote in part.quotes] == [3.0, 4.0]
    assert part.conflated == 2
    feed.bid(5.0)
    (part,) = drain(subscription)
    assert ([quote.bid_price for quote in part.quotes], part.conflated) == ([5.0], 0)


def test_eviction_of_other_instruments_conflates_nothing(clock: ManualClock) -> None:
    feed = Feed(clock, history_age_s=10)
    feed.start("binance", "BTCUSDT", "ETHUSDT")
    subscription = subscribe(feed, Selection(symbols=frozenset({"ETHUSDT"})), heartbeat_interval_s=3600.0)
    drain(subscription)
    feed.bid(1.0, "BTCUSDT")
    clock.advance(11)
    feed.bid(2.0, "ETHUSDT")
    (part,) = drain(subscription)
    assert ([quote.bid_price for quote in part.quotes], part.conflated) == ([2.0], 0)


def test_a_long_backlog_is_walked_in_parts_and_loses_nothing(clock: ManualClock) -> None:
    feed = Feed(clock, history_bytes_max=64 << 20)
    feed.start("binance", "BTCUSDT", "ETHUSDT", "SOLUSDT")
    subscription = subscribe(feed)
    drain(subscription)
    count = 4 * CHUNK_FRAMES + 17
    for number in range(count):
        feed.bid(float(number), ("BTCUSDT", "ETHUSDT", "SOLUSDT")[number % 3])
    responses = drain(subscription)
    assert len(responses) >= 3
    assert [quote.bid_price for part in responses for quote in part.quotes] == [float(n) for n in range(count)]
    assert all(len(part.SerializeToString()) <= CHUNK_BYTES_MAX + 1024 for part in responses)


def test_subscriptions_at_the_same_cursor_share_one_batch(feed: Feed) -> None:
    feed.start()
    first, second = subscribe(feed), subscribe(feed)
    for subscription in (first, second):
        drain(subscription)
    feed.bid(1.0)
    for subscription in (first, second):
        subscription._advance()
    assert first._batches[0] is second._batches[0]


def test_an_instrument_listed_later_is_streamed_to_those_who_select_it(feed: Feed) -> None:
    feed.start()
    named = subscribe(feed, Selection(symbols=frozenset({"NEWUSDT"})))
    other = subscribe(feed, Selection(symbols=frozenset({"BTCUSDT"})))
    drain(named)
    drain(other)
    feed.publisher.instrument(Instrument(source="binance", symbol="NEWUSDT", type="crypto", exchange="Binance"))
    feed.bid(1.0, "NEWUSDT")
    assert [quote.symbol for part in drain(named) for quote in part.quotes] == ["NEWUSDT"]
    assert [quote.symbol for part in drain(other) for quote in part.quotes] == []


def test_a_publisher_that_falls_silent_is_unknown(feed: Feed) -> None:
    feed.start()
    since_ns = feed.clock.wall
    feed.bid(1.0)
    subscription = subscribe(feed, heartbeat_interval_s=3600.0)
    drain(subscription)
    feed.clock.advance(STATUS_SILENCE_S)
    feed.hub.watch()
    assert drain(subscription) == []
    feed.clock.advance(0.1)
    feed.hub.watch()
    (part,) = drain(subscription)
    assert [status.state for status in part.source_statuses] == [source_pb2.SOURCE_STATE_UNKNOWN]
    assert part.source_statuses[0].epoch > 0
    (state,) = drain(subscribe(feed))
    assert 5 in state.quotes[0].flags
    feed.status("binance", SourceState.LIVE, since_ns=since_ns)
    (part,) = drain(subscription)
    assert [status.state for status in part.source_statuses] == [source_pb2.SOURCE_STATE_LIVE]


def test_who_missed_more_status_changes_than_are_kept_is_told_how_things_stand(feed: Feed) -> None:
    feed.start()
    subscription = subscribe(feed)
    drain(subscription)
    for number in range(feed.hub.changes.KEPT_MAX + 1):
        feed.status("binance", SourceState.LIVE if number % 2 else SourceState.DOWN)
    statuses = [status.state for part in drain(subscription) for status in part.source_statuses]
    assert statuses == [source_pb2.SOURCE_STATE_DOWN]


def test_going_away_is_the_last_response(feed: Feed) -> None:
    feed.start()
    woken: list[bool] = []
    subscription = subscribe(feed, wake=lambda: woken.append(True))
    drain(subscription)
    subscription.go_away()
    assert woken
    (last,) = drain(subscription)
    assert last.going_away
    assert subscription.ended
    feed.bid(1.0)
    assert drain(subscription) == []


def test_what_was_walked_is_written_before_going_away(feed: Feed) -> None:
    feed.start()
    subscription = subscribe(feed)
    drain(subscription)
    feed.bid(1.0)
    feed.status("binance", SourceState.STALE)
    feed.bid(2.0)
    first = response(subscription)
    subscription.go_away()
    second, last = drain(subscription)
    assert [quote.bid_price for part in (first, second) for quote in part.quotes] == [1.0, 2.0]
    assert last.going_away


def test_only_routes_with_news_are_woken_and_once(feed: Feed) -> None:
    feed.start("binance", "BTCUSDT", "ETHUSDT")
    woken: list[str] = []
    for symbol in ("BTCUSDT", "ETHUSDT"):
        subscribe(feed, Selection(symbols=frozenset({symbol})), wake=lambda symbol=symbol: woken.append(symbol))
    feed.wake()
    woken.clear()
    news: list[bool] = []
    feed.hub.on_news = lambda: news.append(True)
    feed.bid(1.0, "BTCUSDT")
    feed.bid(2.0, "BTCUSDT")
    assert len(news) == 1
    assert feed.wake() == 1
    assert woken == ["BTCUSDT"]
    assert feed.wake() == 0


def test_an_entry_that_fails_does_not_put_the_others_to_sleep(feed: Feed) -> None:
    feed.start()
    woken: list[bool] = []
    news: list[bool] = []
    subscription = subscribe(feed, wake=lambda: woken.append(True))
    drain(subscription)
    feed.wake()
    feed.hub.on_news = lambda: news.append(True)
    feed.bid(1.0)
    (good,) = (entry for entry in feed.entries if isinstance(entry, QuoteEntry))
    unknown = QuoteEntry(("binance", "NEVER"), good.epoch, 1, b"")
    with pytest.raises(KeyError):
        feed.log.append([QuoteEntry(good.instrument, good.epoch, 2, good.frame), unknown])
    feed.wake()
    feed.log.append([QuoteEntry(good.instrument, good.epoch, 3, good.frame)])
    assert len(news) == 2
    assert feed.hub.head == feed.log.head
    # What came behind the failed one is lost, for all that the hub knows.
    (reset,) = drain(subscription)
    assert (reset.continuity, len(reset.quotes)) == (contract.CONTINUITY_RESET, 1)
