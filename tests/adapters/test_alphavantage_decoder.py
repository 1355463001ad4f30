import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.alphavantage_bodies import (
    ARTIFICIAL,
    BURST,
    DELAYED_SUFFIX,
    INVALID,
    QUOTE_KEY,
    RATE_KEY,
    bulk,
    quote,
    rate,
)
from tests.adapters.recorder import DefectiveSink, Recorder
from tests.adapters.recordings import exact, path_of, same

from tickmux_adapters.alphavantage.catalogue import instruments_of
from tickmux_adapters.alphavantage.decoder import AlphaVantageDecoder
from tickmux_adapters.alphavantage.inquiries import Inquiry, inquiries_for
from tickmux_adapters.alphavantage.messages import time_ns
from tickmux_adapters.alphavantage.refusals import Refusal, Refused, classify, error_of
from tickmux_adapters.errors import BudgetSpent, MalformedMessage, SettingsError, VenueRejected
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import UNCHANGED, Moment, QuoteUpdate, SystemClock
from tickmux_adapters.poller import PolledChain
from tickmux_adapters.secrets import hide

S = 1_000_000_000
NOW = Moment(wall_ns=1_900_000_000 * S, monotonic_ns=1 * S)
RATE_TIME_NS = 1_784_728_985 * S
"""2026-07-22 14:03:05 UTC."""


class Taker:
    """A decoder with all that it delivers to."""

    def __init__(self, *symbols: str, bulk: bool = False, sink: Recorder | None = None) -> None:
        self.sink = sink or Recorder()
        self.health = ChannelHealth(source="av", channel="0", sink=self.sink, clock=SystemClock())
        self.chain = PolledChain(self.sink, self.health)
        self.decoder = AlphaVantageDecoder(self.sink.instrument, self.chain, self.health)
        self.inquiries = {each.name: each for each in inquiries_for(instruments_of("av", symbols), bulk=bulk)}

    def take(self, name: str, body: Any, *, at_s: float = 1.0) -> list[str]:
        """The symbols that the venue does not know."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        moment = Moment(NOW.wall_ns, int(at_s * S))
        return [each.venue_symbol for each in self.decoder.take(self.inquiries[name], raw, moment)]

    @property
    def quote(self) -> QuoteUpdate:
        return self.sink.quotes[-1]


def recording(name: str) -> bytes:
    return path_of("alphavantage", name).read_bytes()


# Recordings.


@pytest.mark.parametrize(
    ("name", "symbol", "is_delayed"),
    [
        ("alphavantage-java__timeseries_globalquote.json", "IBM", False),
        ("alphavantage_ruby__time_series_quote.json", "TSLA", False),
        ("ledgerframe__av_global_quote_entitled.json", "TSLA", True),
    ],
)
def test_recorded_quotes_of_stocks(name: str, symbol: str, *, is_delayed: bool) -> None:
    taker = Taker(symbol)
    assert taker.take(symbol, recording(name)) == []
    (fields,) = exact(recording(name)).values()
    assert same(taker.quote.last_price, fields["05. price"])
    assert same(taker.quote.volume, fields["06. volume"])
    assert (taker.quote.bid_price, taker.quote.ask_price) == (UNCHANGED, UNCHANGED)
    assert taker.quote.venue_time_ns is None
    assert (taker.quote.delayed is True) is is_delayed
    (instrument,) = taker.sink.instruments
    assert (instrument.type, instrument.exchange, instrument.is_indicative) == ("stock", "", True)


@pytest.mark.parametrize(
    ("name", "pair", "kind", "time_s"),
    [
        ("alphavantage-java__exchangerate_data.json", "BTC/CNY", "crypto", 1_588_537_940),
        ("alphavantage-java__exchangerate_data-with-no-bid-or-ask-price.json", "USD/JPY", "fx", 1_588_539_048),
        ("alphavantage_ruby__forex_exchange_rates.json", "USD/JPY", "fx", 1_619_317_319),
    ],
)
def test_recorded_rates(name: str, pair: str, kind: str, time_s: int) -> None:
    taker = Taker(pair)
    assert taker.take(pair, recording(name)) == []
    (fields,) = exact(recording(name)).values()
    assert same(taker.quote.last_price, fields["5. Exchange Rate"])
    for ours, theirs in (("bid_price", "8. Bid Price"), ("ask_price", "9. Ask Price")):
        assert same(getattr(taker.quote, ours), fields[theirs] if fields[theirs] != "-" else "0")
    assert taker.quote.volume is UNCHANGED
    assert taker.quote.venue_time_ns == time_s * S
    assert taker.health.lag_ns == NOW.wall_ns - time_s * S
    (instrument,) = taker.sink.instruments
    assert (instrument.type, instrument.symbol, instrument.is_indicative) == (kind, pair.replace("/", ""), False)


def test_the_recorded_sample_of_bulk_quotes_is_refused_though_it_looks_like_data() -> None:
    taker = Taker("MSFT", "AAPL", "IBM", bulk=True)
    with pytest.raises(Refused) as raised:
        taker.take("MSFT and 2 more", recording("alphavantage-java__timeseries_realtimebulkquote.json"))
    assert raised.value.refusal is Refusal.ENTITLEMENT
    assert taker.sink.events == []


def test_the_recorded_answer_about_an_unknown_symbol() -> None:
    taker = Taker("NOPE")
    assert taker.take("NOPE", recording("ledgerframe__av_global_quote_empty.json")) == ["NOPE"]
    assert taker.sink.events == []


CASES = {
    "daily_limit_v1": Refusal.DAY,
    "daily_limit_v2_key_echo": Refusal.DAY,
    "burst_1rps": Refusal.BURST,
    "premium_endpoint": Refusal.ENTITLEMENT,
    "demo_key": Refusal.DEMO,
    "legacy_note": Refusal.MINUTE,
    "invalid_call": Refusal.BAD_REQUEST,
    "bad_key": Refusal.BAD_KEY,
}


def recorded_cases() -> dict[str, Any]:
    lines = recording("errors__http200_bodies.jsonl").splitlines()
    return {case["case"]: case["body"] for case in map(json.loads, lines)}


def test_every_recorded_body_without_data_has_its_class() -> None:
    found = {}
    for case, body in recorded_cases().items():
        taker = Taker("IBM")
        if case == "unknown_symbol_quote":
            assert taker.take("IBM", body) == ["IBM"]
            continue
        with pytest.raises(Refused) as raised:
            taker.take("IBM", body)
        assert taker.sink.events == []
        found[case] = raised.value.refusal
    assert found == CASES


def test_every_other_recording_is_no_answer_to_what_we_ask() -> None:
    taker = Taker("IBM", "EUR/USD")
    names = [path.name for path in path_of("alphavantage", "").iterdir()]
    others = [name for name in names if any(word in name for word in ("intraday", "daily", "search", "marketstatus"))]
    assert len(others) == 9
    for name in others:
        for asked in ("IBM", "EUR/USD"):
            with pytest.raises(MalformedMessage):
                taker.take(asked, recording(name))
    assert taker.sink.events == []


# Refusals.


def test_the_burst_text_speaks_of_the_day_and_of_premium_endpoints_and_is_a_burst_still() -> None:
    said = BURST["Information"]
    assert "25 requests per day" in said
    assert "premium endpoints" in said
    assert classify("Information", said) is Refusal.BURST


@pytest.mark.parametrize(
    ("key", "said", "refusal"),
    [
        ("Information", "Burst pattern detected. Please consider spreading out your requests", Refusal.BURST),
        ("Note", "Thank you! Please visit our premium page", Refusal.MINUTE),
        ("Information", "75 calls per minute; see the premium endpoint page", Refusal.MINUTE),
        ("Information", "our standard API rate limit is 500 requests per day", Refusal.DAY),
        ("Information", "Your key does not have the realtime entitlement", Refusal.ENTITLEMENT),
        ("Information", "see our premium plans", Refusal.UNKNOWN),
        ("Error Message", "Invalid API key", Refusal.BAD_KEY),
        ("Error Message", "Something went wrong", Refusal.BAD_REQUEST),
    ],
)
def test_classes_of_other_wordings(key: str, said: str, refusal: Refusal) -> None:
    assert classify(key, said) is refusal


@pytest.mark.parametrize(
    ("refusal", "kind", "wait_s"),
    [
        (Refusal.BURST, BudgetSpent, 2.0),
        (Refusal.MINUTE, BudgetSpent, 60.0),
        (Refusal.DAY, BudgetSpent, 3600.0),
        (Refusal.ENTITLEMENT, VenueRejected, None),
        (Refusal.DEMO, VenueRejected, None),
        (Refusal.BAD_KEY, VenueRejected, None),
    ],
)
def test_what_a_refusal_costs(refusal: Refusal, kind: type[Exception], wait_s: float | None) -> None:
    error = error_of(Refused(refusal, "so they say"), name="IBM", key_variable="A_KEY")
    assert type(error) is kind
    assert error.retry_after_s == wait_s
    assert "so they say" in error.problem
    assert not isinstance(error, BudgetSpent) or not error.is_dated
    if refusal in {Refusal.DEMO, Refusal.BAD_KEY}:
        assert "set A_KEY" in error.problem


def test_a_key_is_in_no_text_of_a_refusal_wherever_it_is_cut() -> None:
    hide("ECHOED0KEY0123AB")
    for before in range(0, 260, 7):
        refused = Refused(Refusal.DAY, "x" * before + " echoed0key0123ab " + "y" * 100)
        assert "ECHOED0KEY" not in f"{refused} {refused.said}".upper()


# Numbers and flags.


def test_a_delayed_key_is_a_flag_and_its_end_too() -> None:
    taker = Taker("IBM", "EUR/USD")
    taker.take("IBM", quote("IBM", key=QUOTE_KEY + DELAYED_SUFFIX))
    taker.take("IBM", quote("IBM", key=QUOTE_KEY + DELAYED_SUFFIX))
    taker.take("IBM", quote("IBM"))
    taker.take("EUR/USD", rate("EUR/USD", key=RATE_KEY + DELAYED_SUFFIX))
    assert [update.delayed for update in taker.sink.quotes] == [True, UNCHANGED, False, True]


def test_a_new_chain_is_told_again_that_it_is_delayed() -> None:
    taker = Taker("IBM")
    for _ in range(2):
        taker.take("IBM", quote("IBM", key=QUOTE_KEY + DELAYED_SUFFIX))
        taker.chain.break_off()
    assert [update.delayed for update in taker.sink.quotes] == [True, True]


@pytest.mark.parametrize("nothing", ["-", "", None])
def test_prices_that_are_not_given_are_absent(nothing: str | None) -> None:
    taker = Taker("IBM", "EUR/USD")
    taker.take("EUR/USD", rate("EUR/USD", bid=nothing, ask=nothing))
    assert (taker.quote.last_price, taker.quote.bid_price, taker.quote.ask_price) == (1.0821, None, None)
    taker.take("IBM", quote("IBM", nothing or "-"))
    assert taker.quote.last_price is None


def test_a_price_of_zero_is_none_and_a_volume_of_zero_is_one() -> None:
    taker = Taker("IBM", "EUR/USD")
    taker.take("IBM", quote("IBM", "0.0000", "0"))
    assert (taker.quote.last_price, taker.quote.volume) == (None, 0.0)
    taker.take("EUR/USD", rate("EUR/USD", bid="0.00000000"))
    assert taker.quote.bid_price is None


def test_numbers_may_come_as_numbers_and_their_digits_are_counted_all_the_same() -> None:
    taker = Taker("IBM")
    taker.take("IBM", b'{"Global Quote":{"01. symbol":"IBM","05. price":121.7400000000000000001,"06. volume":636}}')
    assert (taker.quote.last_price, taker.quote.volume, taker.health.inexact) == (121.74, 636.0, 1)
    taker.take("IBM", quote("IBM", "1234567890.12345678", "99999999999999999"))
    assert taker.health.inexact == 3
    taker.take("IBM", quote("IBM", "121.74000000000000000000"))
    assert taker.health.inexact == 3


@pytest.mark.parametrize("wrong", ["nan", "inf", "-1", "1_000", " 1", "1e999", "abc", "0x10"])
def test_what_is_no_decimal_makes_the_answer_malformed_and_is_not_quoted(wrong: str) -> None:
    taker = Taker("IBM", "EUR/USD")
    for name, body in (("IBM", quote("IBM", wrong)), ("EUR/USD", rate("EUR/USD", bid=wrong))):
        with pytest.raises(MalformedMessage, match="is no decimal") as raised:
            taker.take(name, body)
        assert wrong not in str(raised.value)
    assert taker.sink.events == []


# Times.


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-07-22 14:03:05", "UTC", RATE_TIME_NS),
        ("2026-07-22 14:03:05.250", "UTC", RATE_TIME_NS + 250_000_000),
        ("2026-07-22T14:03:05Z", "UTC", RATE_TIME_NS),
        ("2026-07-22 14:03:05", "US/Eastern", None),
        ("2026-07-22 14:03:05", "", None),
        ("2026-07-22", "UTC", None),
        ("", "UTC", None),
        ("-", "UTC", None),
        ("1970-01-01 00:00:00", "UTC", None),
    ],
)
def test_a_time_is_an_instant_or_none(text: str, zone: str, expected: int | None) -> None:
    assert time_ns(text, zone) == expected


def test_a_time_that_is_none_makes_the_answer_malformed() -> None:
    with pytest.raises(MalformedMessage, match="is no time"):
        Taker("EUR/USD").take("EUR/USD", rate("EUR/USD", time="22nd of July, 2 o'clock"))


# Order.


def test_a_quote_without_a_time_is_a_new_sight_each_time() -> None:
    taker = Taker("IBM")
    for at_s in (1.0, 61.0):
        taker.take("IBM", quote("IBM"), at_s=at_s)
    assert len(taker.sink.quotes) == 2
    assert taker.quote.received_monotonic_ns == 61 * S
    assert taker.health.duplicates == 0


def test_a_rate_of_the_same_time_is_a_repeat_unless_it_says_something_else() -> None:
    taker = Taker("EUR/USD")
    taker.take("EUR/USD", rate("EUR/USD"))
    taker.take("EUR/USD", rate("EUR/USD"))
    assert (len(taker.sink.quotes), taker.health.duplicates) == (1, 1)
    taker.take("EUR/USD", rate("EUR/USD", bid="1.08190000"))
    assert (len(taker.sink.quotes), taker.quote.bid_price) == (2, 1.0819)


def test_a_repeat_is_told_to_a_new_chain_which_has_forgotten_it() -> None:
    taker = Taker("EUR/USD", "GBP/USD")
    for pair in ("EUR/USD", "GBP/USD"):
        taker.take(pair, rate(pair))
    taker.chain.break_off()
    for pair in ("EUR/USD", "GBP/USD", "EUR/USD"):
        taker.take(pair, rate(pair))
    assert len(taker.sink.chains) == 2
    assert [update.instrument[1] for update in taker.sink.quotes] == ["EURUSD", "GBPUSD", "EURUSD", "GBPUSD"]
    assert len(taker.sink.instruments) == 2


def test_an_older_rate_is_skipped_but_not_for_ever() -> None:
    taker = Taker("EUR/USD")
    older = rate("EUR/USD", "1.07000000", time="2026-07-22 13:03:05")
    taker.take("EUR/USD", rate("EUR/USD"), at_s=0)
    taker.take("EUR/USD", older, at_s=60)
    assert (len(taker.sink.quotes), taker.health.duplicates) == (1, 1)
    # Overtaken: what follows is newer again.
    taker.take("EUR/USD", rate("EUR/USD", time="2026-07-22 14:04:05"), at_s=120)
    assert len(taker.sink.quotes) == 2
    # The venue's clock was set back: what is older goes on.
    taker.take("EUR/USD", older, at_s=180)
    taker.take("EUR/USD", older, at_s=184.9)
    assert (len(taker.sink.quotes), taker.health.duplicates) == (2, 3)
    taker.take("EUR/USD", older, at_s=185)
    assert (len(taker.sink.quotes), taker.quote.last_price) == (3, 1.07)


@pytest.mark.parametrize("time", ["2030-03-17 08:46:40", "2030-03-18 02:46:40"])
def test_a_venue_whose_clock_is_hours_off_is_quoted_with_the_time_that_it_gave(time: str) -> None:
    taker = Taker("EUR/USD")
    taker.take("EUR/USD", rate("EUR/USD", time=time))
    assert taker.quote.received_at_ns == NOW.wall_ns
    assert taker.quote.venue_time_ns is not None
    assert abs(taker.quote.venue_time_ns - NOW.wall_ns) == 9 * 3600 * S
    assert taker.health.lag_ns == NOW.wall_ns - taker.quote.venue_time_ns


# Withdrawals.


def test_what_was_quoted_is_withdrawn_once() -> None:
    taker = Taker("IBM", "EUR/USD")
    taker.take("IBM", quote("IBM", key=QUOTE_KEY + DELAYED_SUFFIX))
    taker.take("EUR/USD", rate("EUR/USD"))
    every = [each.instruments[0] for each in taker.inquiries.values()]
    taker.decoder.withdraw(every, NOW)
    taker.decoder.withdraw(every, NOW)
    stock, pair = taker.sink.quotes[2:]
    assert (stock.last_price, stock.volume, stock.bid_price, stock.delayed) == (None, None, UNCHANGED, False)
    assert (pair.last_price, pair.bid_price, pair.ask_price, pair.volume) == (None, None, None, UNCHANGED)
    taker.take("EUR/USD", rate("EUR/USD"))
    assert taker.quote.last_price == 1.0821


def test_what_another_chain_was_told_is_not_withdrawn_from_this() -> None:
    taker = Taker("IBM")
    taker.take("IBM", quote("IBM"))
    taker.chain.break_off()
    taker.decoder.withdraw(taker.inquiries["IBM"].instruments, NOW)
    assert (len(taker.sink.quotes), len(taker.sink.chains)) == (1, 1)


# Many stocks at once.


def test_bulk_quotes() -> None:
    taker = Taker("IBM", "BRK-B", "MSFT", bulk=True)
    (name,) = taker.inquiries
    body = bulk(("BRK.B", "470.10", "3000"), ("IBM", "232.22", "4715482"))
    assert taker.take(name, body) == ["MSFT"]
    assert [(each.instrument[1], each.last_price, each.volume, each.venue_time_ns) for each in taker.sink.quotes] == [
        ("BRK.B", 470.1, 3000.0, None),
        ("IBM", 232.22, 4715482.0, None),
    ]


def test_a_bad_row_costs_no_other_and_says_of_nobody_that_he_is_unknown() -> None:
    taker = Taker("IBM", "MSFT", bulk=True)
    body = bulk(("IBM", "232.22", "1"), ("MSFT", "many", "1"), ("IBM", "1.00", "1"), ("AAPL", "235.0", "1"))
    body["data"] += [{}, 7, {"symbol": "MSFT"}]
    assert taker.take("IBM and 1 more", body) == []
    assert [each.instrument[1] for each in taker.sink.quotes] == ["IBM"]
    assert (taker.health.malformed, taker.health.duplicates) == (4, 1)


@pytest.mark.parametrize("body", [bulk(), bulk(("AAPL", "235.0", "1")), {"data": {}}, {"message": 5, "data": []}])
def test_bulk_quotes_about_nobody_are_malformed(body: Any) -> None:
    with pytest.raises(MalformedMessage):
        Taker("IBM", "MSFT", bulk=True).take("IBM and 1 more", body)


def test_bulk_quotes_are_refused_as_a_sample_whatever_stands_in_them() -> None:
    with pytest.raises(Refused):
        Taker("IBM", bulk=True).take("IBM", bulk(("IBM", "232.22", "4715482"), message=ARTIFICIAL))


def test_bulk_quotes_may_be_delayed() -> None:
    taker = Taker("IBM", bulk=True)
    taker.take("IBM", bulk(("IBM", "232.22", "4715482"), message="Data delayed by 15 minutes"))
    assert taker.quote.delayed is True


# What cannot be understood.


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"<!DOCTYPE html><html></html>", "HTML"),
        (b"symbol,open,high,low,price\r\nIBM,1,2,3,4\r\n", "no JSON object"),
        (b"[]", "no JSON object"),
        (b"null", "no JSON object"),
        (b'{"Global Quote":', ""),
        (b"{}", "neither"),
        (b'{"Time Series (5min)":{}}', "neither"),
        (b'{"Global Quote":[]}', ""),
        (b'{"Global Quote":{"01. symbol":"IBM"}}', "05. price"),
        (b'{"Global Quote":{"01. symbol":"IBM","05. price":{}}}', "no number"),
        (b'{"Global Quote":{"01. symbol":"IBM","05. price":true}}', "no number"),
        (b'{"Information":{"a":1}}', ""),
        (b'{"Global Quote":{"01. symbol":"MSFT","05. price":"1"}}', "another stock than IBM"),
        (b'{"Global Quote":"' + b"\xff" + b'"}', ""),
        (b'{"Global Quote":' + b"[" * 100_000, ""),
    ],
)
def test_answers_that_cannot_be_understood(body: bytes, said: str) -> None:
    taker = Taker("IBM")
    with pytest.raises(MalformedMessage) as raised:
        taker.take("IBM", body)
    assert said in raised.value.problem
    assert taker.sink.events == []


def test_a_rate_of_another_pair_is_none_of_ours() -> None:
    with pytest.raises(MalformedMessage, match="another pair"):
        Taker("EUR/USD").take("EUR/USD", rate("USD/EUR"))


def test_a_defect_of_ours_is_not_taken_for_a_bad_answer() -> None:
    for symbols, body in (("IBM", quote("IBM")), ("EUR/USD", rate("EUR/USD"))):
        with pytest.raises(ValueError, match="no place for"):
            Taker(symbols, sink=DefectiveSink()).take(symbols, body)
    with pytest.raises(ValueError, match="no place for"):
        Taker("IBM", bulk=True, sink=DefectiveSink()).take("IBM", bulk(("IBM", "1", "1")))


texts = st.text(alphabet='a1.-_ {}"é', max_size=6) | st.sampled_from(["1.5", "1e999", "2026-07-22 14:03:05", "UTC"])
json_values = st.none() | st.booleans() | st.integers() | st.floats() | texts | st.lists(texts, max_size=2)
names = st.sampled_from([*quote("IBM")[QUOTE_KEY], *rate("EUR/USD")[RATE_KEY], "symbol", "close", "volume"])
tops = st.sampled_from([QUOTE_KEY, RATE_KEY, "data", "message", "Information", "Note", "Error Message"])
parts = json_values | st.dictionaries(names, json_values, max_size=8)
bodies = st.dictionaries(tops, parts | st.lists(parts, max_size=3), max_size=3).map(
    lambda body: json.dumps(body).encode()
)


@given(st.binary(max_size=200) | bodies, st.sampled_from(["IBM", "EUR/USD", "bulk"]))
def test_no_garbage_does_more_than_to_be_refused(body: bytes, asked: str) -> None:
    taker = Taker("IBM", bulk=True) if asked == "bulk" else Taker(asked)
    (name,) = taker.inquiries
    try:
        taker.take(name, body)
    except (MalformedMessage, Refused):
        assert taker.sink.events == []
    for update in taker.sink.quotes:
        for value in (update.last_price, update.bid_price, update.ask_price, update.volume):
            assert value is None or value is UNCHANGED or 0 <= value < float("inf")


# Symbols.


def test_symbols_as_they_are_configured() -> None:
    instruments = instruments_of("av", ["ibm", "BRK.B", "TSCO.LON", "EUR/USD", "btc/usd", "ETH/BTC", "XBT/EUR", "IBM"])
    assert [(each.symbol, each.venue_symbol, each.type) for each in instruments] == [
        ("IBM", "IBM", "stock"),
        ("BRK.B", "BRK.B", "stock"),
        ("TSCO.LON", "TSCO.LON", "stock"),
        ("EURUSD", "EUR/USD", "fx"),
        ("BTCUSD", "BTC/USD", "crypto"),
        ("ETHBTC", "ETH/BTC", "crypto"),
        ("BTCEUR", "BTC/EUR", "crypto"),
    ]
    assert instruments_of("av", ["XAU/CNH"])[0].type == "fx"
    assert [each.symbol for each in instruments_of("av", [])] == ["IBM", "AAPL", "MSFT", "EURUSD", "BTCUSD"]


@pytest.mark.parametrize(
    ("symbols", "said"),
    [
        (["EURUSD"], "EUR/USD"),
        (["BTCUSD"], "BTC/USD"),
        (["IBM US"], "no symbol"),
        (["EUR/"], "no symbol"),
        (["EUR/USD/X"], "no symbol"),
        (["^GSPC"], "no symbol"),
        (["USD/USD"], "in terms of itself"),
        (["XBT/BTC"], "in terms of itself"),
        (["BRK.B", "BRK-B"], "BRK.B and BRK-B would both be called BRK.B"),
    ],
)
def test_symbols_that_cannot_work(symbols: list[str], said: str) -> None:
    with pytest.raises(SettingsError, match=r"sources\.av\.symbols") as raised:
        instruments_of("av", symbols)
    assert said in str(raised.value)


def test_one_request_for_each_or_one_for_a_hundred_stocks() -> None:
    instruments = instruments_of("av", [*(f"S{number}" for number in range(101)), "EUR/USD"])
    single = inquiries_for(instruments, bulk=False)
    assert len({inquiry.name for inquiry in single}) == 102
    together = inquiries_for(instruments, bulk=True)
    assert [len(inquiry.instruments) for inquiry in together] == [100, 1, 1]
    assert len({inquiry.name for inquiry in together}) == 3


def query_of(inquiry: Inquiry, entitlement: str | None = "realtime") -> dict[str, str]:
    return dict(inquiry.request("THE0KEY", entitlement).query)


def test_requests() -> None:
    stock, pair = inquiries_for(instruments_of("av", ["BRK-B", "XBT/USD"]), bulk=False)
    assert query_of(stock) == {
        "function": "GLOBAL_QUOTE",
        "symbol": "BRK-B",
        "apikey": "THE0KEY",
        "entitlement": "realtime",
    }
    assert query_of(pair) == {
        "function": "CURRENCY_EXCHANGE_RATE",
        "from_currency": "BTC",
        "to_currency": "USD",
        "apikey": "THE0KEY",
    }
    (together,) = inquiries_for(instruments_of("av", ["IBM", "MSFT"]), bulk=True)
    assert query_of(together, None) == {
        "function": "REALTIME_BULK_QUOTES",
        "symbol": "IBM,MSFT",
        "apikey": "THE0KEY",
    }


def test_an_invalid_call_names_what_was_asked_for() -> None:
    refused = Refused(classify("Error Message", INVALID["Error Message"]), INVALID["Error Message"])
    assert "IBM" in error_of(refused, name="IBM", key_variable="A_KEY").problem


def test_words_of_a_url_that_the_venue_repeats_decide_nothing() -> None:
    url = "https://venue.example/query?function=GLOBAL_QUOTE&symbol=IBM&apikey=demo&entitlement=realtime"
    assert classify("Information", f"Something went wrong at {url}") is Refusal.UNKNOWN
    assert classify("Error Message", f"Invalid API call {url}") is Refusal.BAD_REQUEST


def test_a_stock_whose_rows_cannot_be_read_is_withdrawn_before_long() -> None:
    taker = Taker("IBM", "MSFT", bulk=True)
    name = next(iter(taker.inquiries))
    taker.take(name, bulk(("IBM", "232.22", "1"), ("MSFT", "400.1", "2")))
    for times in (1, 2):
        taker.take(name, bulk(("IBM", "n/a", "1"), ("MSFT", "400.2", "2")))
        assert [each.symbol for each in taker.decoder.unreadable] == (["IBM"] if times == 2 else [])
    taker.take(name, bulk(("IBM", "233", "1"), ("MSFT", "400.2", "2")))
    assert taker.decoder.unreadable == []
