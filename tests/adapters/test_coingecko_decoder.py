import json
import logging
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.recorder import Chain, Recorder
from tests.adapters.recordings import exact, path_of, same

from tickmux_adapters.coingecko.catalogue import Pair, instrument_of
from tickmux_adapters.coingecko.decoder import PriceDecoder
from tickmux_adapters.errors import MalformedMessage, VenueError
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import UNCHANGED, Instrument, Moment, QuoteUpdate, SystemClock
from tickmux_adapters.poller import PolledChain

S = 1_000_000_000
TIME_S = 1779092258


class Bench:
    """A decoder, what it delivers, and a clock of whole seconds."""

    def __init__(self, *coins: str, currencies: Iterable[str] = ("usd",)) -> None:
        self.sink = Recorder()
        self.health = ChannelHealth(source="coingecko", channel="0", sink=self.sink, clock=SystemClock())
        self.chain = PolledChain(self.sink, self.health)
        self.decoder = PriceDecoder(chain=self.chain, sink=self.sink, health=self.health)
        self.now_s = TIME_S + 30
        self.coins = list(dict.fromkeys(coins))
        for coin in self.coins:
            for currency in currencies:
                pair = Pair(coin.upper(), currency.upper())
                self.decoder.add(instrument_of(pair, source="coingecko", coin_id=coin))

    def take(self, body: bytes | str | dict[str, Any], *, after_s: int = 60) -> list[QuoteUpdate]:
        """What one answer adds."""
        before = len(self.sink.quotes)
        self.now_s += after_s
        text = json.dumps(body) if isinstance(body, dict) else body
        moment = Moment(self.now_s * S, self.now_s * S)
        self.decoder.take(text if isinstance(text, bytes) else text.encode(), self.coins, moment)
        return self.sink.quotes[before:]


def price(usd: object, time: object = TIME_S, coin: str = "bitcoin") -> dict[str, Any]:
    return {coin: {"usd": usd, "last_updated_at": time}}


# What was recorded.


def recorded_exchanges() -> list[dict[str, Any]]:
    lines = path_of("coingecko", "rotki__coingecko_vcr_dev.jsonl").read_text().splitlines()
    return [each for each in map(json.loads, lines) if "/simple/price" in each["uri"]]


def test_every_recorded_price_is_told_exactly() -> None:
    prices = 0
    for exchange in recorded_exchanges():
        query = parse_qs(urlsplit(exchange["uri"]).query)
        ids, currencies = query["ids"][0].split(","), query["vs_currencies"][0].split(",")
        bench = Bench(*ids, currencies=currencies)
        quotes = bench.take(exchange["body"])
        written = {
            f"{coin.upper()}{currency.upper()}": number
            for coin, said in exact(exchange["body"]).items()
            for currency, number in said.items()
        }
        assert len(quotes) == len(written)
        for quote in quotes:
            assert same(quote.last_price, written[quote.instrument[1]])
            assert (quote.venue_time_ns, quote.received_at_ns) == (None, bench.now_s * S)
        assert (bench.health.malformed, bench.health.inexact, bench.health.duplicates) == (0, 0, 0)
        prices += len(quotes)
    assert prices >= 61


def test_the_documented_example() -> None:
    body = path_of("coingecko", "coingecko-api-oas__simple_price.json").read_bytes()
    bench = Bench("bitcoin")
    (quote,) = bench.take(body)
    assert same(quote.last_price, exact(body)["bitcoin"]["usd"])
    assert quote.venue_time_ns == 1779092258 * S
    # A day's volume is there, in dollars: it is none that a quote has.
    sides = (quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size, quote.volume)
    assert sides == (UNCHANGED,) * 5
    assert bench.health.lag_ns == 90 * S


# Prices.


@pytest.mark.parametrize(
    ("written", "value", "inexact"),
    [
        ("76975", 76975.0, 0),
        ("76975.0", 76975.0, 0),
        ("0.00000001234", 1.234e-8, 0),
        ("1.234e-08", 1.234e-8, 0),
        ("1.5E+3", 1500.0, 0),
        ("123456789012345", 123456789012345.0, 0),
        ("1234567890123456789", 1234567890123456789.0, 1),
        ("123456789012345678901234567890", 1.2345678901234568e29, 1),
        ("0.30000000000000004", 0.30000000000000004, 1),
    ],
)
def test_numbers_in_every_notation(written: str, value: float, inexact: int) -> None:
    bench = Bench("bitcoin")
    (quote,) = bench.take('{"bitcoin":{"usd":' + written + "}}")
    assert quote.last_price == value
    assert bench.health.inexact == inexact
    assert inexact or Decimal(repr(quote.last_price)) == Decimal(written)


def test_a_repeat_is_counted_and_not_told() -> None:
    bench = Bench("bitcoin")
    assert [quote.last_price for quote in bench.take(price(100))] == [100.0]
    assert bench.take(price(100)) == []
    assert bench.health.duplicates == 1
    # A new price in the same second, the old one again, and the same price at a later time are all news.
    assert [quote.last_price for quote in bench.take(price(101))] == [101.0]
    assert [quote.last_price for quote in bench.take(price(100))] == [100.0]
    assert [quote.venue_time_ns for quote in bench.take(price(100, TIME_S + 60))] == [(TIME_S + 60) * S]
    assert (bench.health.duplicates, len(bench.sink.chains)) == (1, 1)


def test_prices_without_a_time_are_compared_alone() -> None:
    bench = Bench("bitcoin")
    (quote,) = bench.take({"bitcoin": {"usd": 100}})
    assert quote.venue_time_ns is None
    assert bench.take({"bitcoin": {"usd": 100}}) == []
    assert bench.take({"bitcoin": {"usd": 100, "last_updated_at": None}}) == []
    assert len(bench.take({"bitcoin": {"usd": 101, "last_updated_at": 0}})) == 1
    assert bench.health.duplicates == 2


def test_an_older_copy_is_skipped_until_it_is_plain_that_time_went_back(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench("bitcoin")
    bench.take(price(100))
    for _ in range(5):
        assert bench.take(price(90, TIME_S - 200), after_s=60) == []
    assert bench.health.duplicates == 5
    # What is newer again ends the doubt, so that it begins anew the next time.
    assert len(bench.take(price(102, TIME_S + 60))) == 1
    for _ in range(5):
        assert bench.take(price(90, TIME_S - 200), after_s=60) == []
    with caplog.at_level(logging.WARNING):
        (quote,) = bench.take(price(90, TIME_S - 200), after_s=60)
    assert (quote.last_price, quote.venue_time_ns) == (90.0, (TIME_S - 200) * S)
    assert "coingecko/BITCOINUSD: the venue's time went back by 260 s" in caplog.text
    assert bench.health.duplicates == 10


def test_what_has_no_price_any_more_is_withdrawn_once_and_named() -> None:
    bench = Bench("bitcoin", "ethereum")
    ethereum = price(5, coin="ethereum")
    for body, problem in (
        ({"bitcoin": {"usd": None, "last_updated_at": TIME_S}}, "the venue has no price in USD of bitcoin"),
        ({"bitcoin": {"last_updated_at": TIME_S}}, "the venue has no price in USD of bitcoin"),
        ({"bitcoin": {}}, "the venue has no price in USD of bitcoin"),
        ({"bitcoin": None}, "the venue has no price in USD of bitcoin"),
        ({"bitcoin": {"usd": 0}}, "the venue has no price in USD of bitcoin"),
        ({"bitcoin": {"usd": 0.0e-5}}, "the venue has no price in USD of bitcoin"),
        ({}, "the venue knows no coin with the id bitcoin"),
    ):
        assert [quote.last_price for quote in bench.take({**price(100), **ethereum})][:1] == [100.0]
        assert bench.decoder.problems == []
        (quote,) = bench.take({**body, **ethereum})
        assert (quote.instrument[1], quote.last_price) == ("BITCOINUSD", None)
        assert bench.take({**body, **ethereum}) == []
        assert bench.decoder.problems == [f"BITCOINUSD: {problem}"]
    assert bench.health.malformed == 0


def test_an_instrument_is_announced_once_the_venue_shows_that_it_knows_the_coin() -> None:
    bench = Bench("bitcoin", "nocoin")
    bench.take(price(100))
    bench.take(price(101))
    assert [instrument.symbol for instrument in bench.sink.instruments] == ["BITCOINUSD"]
    assert [type(event) for event in bench.sink.events[:3]] == [Instrument, Chain, QuoteUpdate]
    bench.take({**price(102), "nocoin": {}})
    assert [instrument.symbol for instrument in bench.sink.instruments] == ["BITCOINUSD", "NOCOINUSD"]
    first = bench.sink.instruments[0]
    assert (first.type, first.exchange, first.venue_symbol, first.is_indicative) == ("crypto", "", "bitcoin", True)


def test_a_new_chain_is_told_everything_anew() -> None:
    bench = Bench("bitcoin", "ethereum")
    both = {**price(100), **price(5, coin="ethereum")}
    assert len(bench.take(both)) == 2
    bench.chain.break_off()
    assert [quote.last_price for quote in bench.take(both)] == [100.0, 5.0]
    assert len(bench.sink.chains) == 2
    # Nothing was said in the chain that begins now: there is nothing to withdraw.
    bench.chain.break_off()
    assert [quote.last_price for quote in bench.take(price(5, coin="ethereum"))] == [5.0]


def test_one_bad_entry_leaves_the_others_alone() -> None:
    bench = Bench("bitcoin", "ethereum")
    bad: object
    for bad in (
        7,
        [],
        "x",
        True,
        {"unexpected": True},
        {"usd": "x"},
        {"usd": -1},
        {"usd": True},
        {"usd": [1]},
        {"usd": 1, "last_updated_at": "x"},
    ):
        bench.take({"bitcoin": bad, **price(5, coin="ethereum")})
    assert bench.health.malformed == 10
    assert [quote.instrument[1] for quote in bench.sink.quotes] == ["ETHEREUMUSD"]
    for time in (-1, 1.5, True, 1779092258000):
        bench.take({**price(5, time), **price(5, coin="ethereum")})
    assert bench.health.malformed == 14
    # Had there been nothing else, the answer would have failed as a whole.
    alone = Bench("bitcoin")
    with pytest.raises(MalformedMessage, match="bitcoin: not a number"):
        alone.take({"bitcoin": {"usd": [1]}})
    assert (alone.sink.events, alone.health.malformed) == ([], 0)


def test_an_answer_about_none_of_the_coins_is_no_answer() -> None:
    bench = Bench(*(f"coin-{number}" for number in range(7)))
    with pytest.raises(VenueError, match=r"knows none of the coins coin-0, coin-1, coin-2, coin-3, coin-4 and 2 more"):
        bench.take("{}")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("", "an empty body"),
        (" \r\n", "an empty body"),
        ("<!DOCTYPE html><html><head><title>Just a\n moment</title>", "a web page (Just a moment)"),
        ("<html></html>", "a web page"),
        ("[]", "Expected `object`, got `array`"),
        ('{"bitcoin":{"usd":1', "Input data was truncated"),
        ("error code: 1015", "JSON is malformed"),
        (b"\xff\xfe{}", "JSON is malformed"),
    ],
)
def test_what_is_no_answer_at_all(body: str | bytes, problem: str) -> None:
    bench = Bench("bitcoin")
    with pytest.raises(MalformedMessage) as raised:
        bench.take(body)
    assert raised.value.problem.startswith(problem)


KEYS = st.sampled_from(["bitcoin", "ethereum", "usd", "last_updated_at", "status", "error", "error_code"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_garbage_raises_nothing_else(body: bytes) -> None:
    bench = Bench("bitcoin", "ethereum")
    try:
        quotes = bench.take(body)
    except (MalformedMessage, VenueError):
        assert bench.sink.quotes == []
    else:
        assert all(isinstance(quote.last_price, float) and 0 < quote.last_price < float("inf") for quote in quotes)


@given(
    st.decimals(min_value=0, allow_nan=False, allow_infinity=False, places=12).filter(
        lambda d: len(d.as_tuple().digits) <= 15
    )
)
def test_up_to_fifteen_digits_survive(number: Decimal) -> None:
    bench = Bench("bitcoin")
    quotes = bench.take('{"bitcoin":{"usd":' + format(number, "f") + "}}")
    assert [same(quote.last_price, number) for quote in quotes] == ([True] if number else [])
    assert bench.health.inexact == 0


def test_a_clock_that_was_hours_ahead_is_believed_at_once_when_it_is_set_back() -> None:
    bench = Bench("bitcoin")
    bench.take(price(10, TIME_S + 5 * 3600))
    (update,) = bench.take(price(11, TIME_S + 120))
    assert update.last_price == 11.0


def test_repeats_show_in_how_far_the_venue_lags_behind() -> None:
    bench = Bench("bitcoin")
    bench.take(price(10))
    before_ns = bench.health.lag_ns
    assert bench.take(price(10), after_s=300) == []
    assert bench.health.lag_ns is not None
    assert before_ns is not None
    assert bench.health.lag_ns - before_ns == 300 * S


def test_unreadable_beside_what_can_be_read_is_named_at_once_and_withdrawn_before_long() -> None:
    bench = Bench("bitcoin", "ethereum")
    bench.take({**price(10), **price(5, coin="ethereum")})
    bad = {"bitcoin": {"usd": 10, "last_updated_at": "noon"}}
    bench.take({**bad, **price(6, TIME_S + 60, coin="ethereum")})
    assert bench.decoder.problems == ["BITCOINUSD: the venue's price could not be understood"]
    assert bench.sink.of("BITCOINUSD")[-1].last_price == 10.0
    bench.take({**bad, **price(7, TIME_S + 120, coin="ethereum")})
    assert bench.sink.of("BITCOINUSD")[-1].last_price is None
    bench.take({**price(12, TIME_S + 180), **price(7, TIME_S + 120, coin="ethereum")})
    assert bench.sink.of("BITCOINUSD")[-1].last_price == 12.0
    assert bench.decoder.problems == []
    assert bench.health.malformed == 2
