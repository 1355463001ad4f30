"""Numbering, batching and news."""

import pytest
from tests.server.feed import Feed, ManualClock

from tickmux.v1 import instrument_pb2, quote_pb2
from tickmux_adapters.model import BudgetStatus, Instrument, InstrumentState, QuoteUpdate, SourceState
from tickmux_server.log import InstrumentEntry, QuoteEntry, StatusEntry
from tickmux_server.publisher import BATCH_ENTRIES_MAX, Publisher


def test_revisions_start_at_1_and_rise_by_1_in_each_epoch(feed: Feed) -> None:
    feed.start()
    for price in (1.0, 2.0, 3.0):
        feed.bid(price)
    feed.publisher.begin_chain("binance", "0")
    feed.bid(4.0)
    quotes = feed.quotes()
    assert [quote.revision for quote in quotes] == [1, 2, 3, 1]
    assert quotes[0].epoch == quotes[2].epoch < quotes[3].epoch


def test_an_epoch_is_the_unix_time_in_milliseconds_and_rises_even_when_the_clock_steps_back(feed: Feed) -> None:
    feed.start()
    feed.bid(1.0)
    feed.clock.wall -= 3_600_000_000_000
    feed.publisher.begin_chain("binance", "0")
    feed.bid(2.0)
    first, second = (quote.epoch for quote in feed.quotes())
    assert first == 1_790_000_000_123
    assert second == first + 1


def test_a_new_epoch_empties_the_quotes_of_its_own_slot_only(feed: Feed) -> None:
    feed.start("kraken", "BTCUSD", channel="0")
    feed.start("kraken", "ETHUSD", channel="1")
    feed.bid(1.0, "BTCUSD", "kraken")
    feed.bid(2.0, "ETHUSD", "kraken")
    feed.publisher.begin_chain("kraken", "0")
    for symbol in ("BTCUSD", "ETHUSD"):
        feed.publisher.quote(
            QuoteUpdate(instrument=("kraken", symbol), received_at_ns=1, received_monotonic_ns=1, ask_price=9.0)
        )
    feed.publisher.flush()
    btc, eth = feed.quotes()[-2:]
    assert (btc.revision, btc.HasField("bid_price")) == (1, False)
    assert (eth.revision, eth.bid_price) == (2, 2.0)


def test_a_new_epoch_is_told_by_a_status_before_its_first_quote(feed: Feed) -> None:
    feed.start()
    feed.bid(1.0)
    feed.publisher.begin_chain("binance", "0")
    feed.bid(2.0)
    status, quote = feed.entries[-2:]
    assert isinstance(status, StatusEntry)
    assert isinstance(quote, QuoteEntry)
    assert status.epoch == quote.epoch


def test_what_makes_a_source_live_is_told_as_the_word_of_a_live_source(feed: Feed) -> None:
    feed.start("binance", "BTCUSDT", "ETHUSDT")
    feed.status("kraken", SourceState.LIVE)
    feed.status("binance", SourceState.DOWN)
    before = len(feed.entries)
    publisher = feed.publisher
    publisher.flush = lambda: None  # type: ignore[method-assign] # everything in one moment, as a frame of the venue does
    feed.bid(1.0)
    publisher.begin_chain("binance", "0")
    feed.bid(2.0)
    feed.bid(3.0, "ETHUSDT")
    feed.status("kraken", SourceState.LIVE, messages=1)
    feed.status("binance", SourceState.LIVE)
    feed.status("binance", SourceState.STALE)
    feed.status("binance", SourceState.LIVE)
    Publisher.flush(publisher)
    told = [
        entry.state.name if isinstance(entry, StatusEntry) else entry.revision
        for entry in feed.entries[before:]
        if not (isinstance(entry, StatusEntry) and entry.source == "kraken")
        if not isinstance(entry, InstrumentEntry)
    ]
    assert told == [1, "DOWN", "LIVE", 1, 1, "STALE", "LIVE"]
    assert feed.hub.head == feed.log.head


def test_only_a_change_of_something_else_than_counters_is_news(feed: Feed) -> None:
    feed.status("binance", SourceState.LIVE, messages=1)
    feed.status("binance", SourceState.LIVE, messages=2)
    feed.status("binance", SourceState.STALE, messages=2)
    first, repeated, changed = (entry for entry in feed.entries if isinstance(entry, StatusEntry))
    assert first.change == repeated.change < changed.change


def test_each_poll_of_a_budget_is_no_news_but_why_it_holds_back_is(feed: Feed) -> None:
    for left, next_ns, reason in ((20, 100, ""), (19, 200, ""), (0, 300, "all 25 requests of a day are made")):
        budget = BudgetStatus(window_s=86_400.0, limit=25, left=left, next_request_at_ns=next_ns, reason=reason)
        feed.status("alphavantage", SourceState.LIVE, budgets=(budget,))
    first, polled, held_back = (entry for entry in feed.entries if isinstance(entry, StatusEntry))
    assert first.change == polled.change < held_back.change
    assert polled.frame != first.frame, "whoever asks is told all the same"


def say_halted(feed: Feed, *, halted: bool) -> None:
    feed.publisher.quote(
        QuoteUpdate(
            instrument=("binance", "BTCUSDT"),
            received_at_ns=feed.clock.wall,
            received_monotonic_ns=feed.clock.monotonic,
            halted=halted,
        )
    )
    feed.publisher.flush()


def test_a_halt_and_a_resume_each_make_a_revision(feed: Feed) -> None:
    feed.start()
    feed.bid(1.0)
    say_halted(feed, halted=True)
    feed.bid(2.0)
    say_halted(feed, halted=False)
    flags = [list(quote.flags) for quote in feed.quotes()]
    halted = [quote_pb2.QUOTE_FLAG_HALTED]
    assert flags == [[], halted, halted, []]
    assert [quote.revision for quote in feed.quotes()] == [1, 2, 3, 4]


def test_a_change_of_an_instrument_alone_neither_halts_nor_resumes_it(feed: Feed) -> None:
    feed.start()
    say_halted(feed, halted=True)
    for state in (InstrumentState.TRADING, InstrumentState.RESTRICTED, InstrumentState.HALTED):
        feed.publisher.instrument(
            Instrument(source="binance", symbol="BTCUSDT", type="crypto", exchange="Binance", state=state)
        )
    feed.publisher.flush()
    assert sum(isinstance(entry, InstrumentEntry) for entry in feed.entries) == 4
    assert instrument_pb2.INSTRUMENT_STATE_HALTED in feed.entries[-1].frame
    feed.bid(1.0)
    assert [list(quote.flags) for quote in feed.quotes()] == [[quote_pb2.QUOTE_FLAG_HALTED]] * 2


def test_a_new_epoch_knows_of_no_halt_until_it_is_told(feed: Feed) -> None:
    feed.start()
    say_halted(feed, halted=True)
    feed.publisher.begin_chain("binance", "0")
    feed.bid(1.0)
    assert list(feed.quotes()[-1].flags) == []


def test_what_an_instrument_is_cannot_change(feed: Feed) -> None:
    feed.start()
    with pytest.raises(ValueError, match="never change"):
        feed.publisher.instrument(Instrument(source="binance", symbol="BTCUSDT", type="stock", exchange="Binance"))


def test_a_quote_before_the_chain_or_of_an_unknown_instrument_is_refused(feed: Feed) -> None:
    feed.publisher.instrument(Instrument(source="binance", symbol="BTCUSDT", type="crypto"))
    for symbol in ("BTCUSDT", "ETHUSDT"):
        with pytest.raises(KeyError):
            feed.bid(1.0, symbol)


def test_what_comes_in_one_turn_of_the_loop_is_one_batch_up_to_a_bound(clock: ManualClock) -> None:
    feed = Feed(clock)
    batches: list[int] = []
    feed.log.read(lambda _, entries: batches.append(len(entries)))
    feed.start()
    batches.clear()
    feed.scheduled.clear()
    for number in range(BATCH_ENTRIES_MAX + 3):
        feed.publisher.quote(
            QuoteUpdate(
                instrument=("binance", "BTCUSDT"), received_at_ns=1, received_monotonic_ns=1, bid_price=float(number)
            )
        )
    assert batches == [BATCH_ENTRIES_MAX]
    feed.scheduled[-1]()
    assert batches == [BATCH_ENTRIES_MAX, 3]
