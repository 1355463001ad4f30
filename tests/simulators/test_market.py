import itertools

import pytest

from tickmux_simulators.book import Book, Side
from tickmux_simulators.fair_value import FairValues, Regime
from tickmux_simulators.listings import ASSETS, BINANCE_LISTINGS, KRAKEN_LISTINGS
from tickmux_simulators.market import BookEvent, Market, MarketEvent, Trade

START_NS = 1_790_000_000_000_000_000
STEP_NS = 10_000_000


def market(*, seed: int = 7, rate: float = 2000.0, venue: str = "binance") -> Market:
    listings = BINANCE_LISTINGS if venue == "binance" else KRAKEN_LISTINGS
    return Market(venue, listings, seed=seed, rate=rate, start_ns=START_NS)


def play(one: Market, steps: int) -> list[MarketEvent]:
    return [event for step in range(1, steps + 1) for event in one.advance(START_NS + step * STEP_NS)]


def told(events: list[MarketEvent]) -> list[object]:
    """Events without the instruments, which are other objects in another market."""
    return [(event.instrument.symbol, *event[1:]) for event in events]


def test_the_same_seed_and_steps_give_the_same_market_and_another_seed_another() -> None:
    first, second, other = (told(play(market(seed=seed), 100)) for seed in (7, 7, 8))
    assert len(first) > 500
    assert first == second
    assert first != other


def test_every_popular_pair_is_listed_on_both_venues() -> None:
    coins = ("BTC", "ETH", "SOL", "XRP", "ADA", "DOGE", "LTC", "DOT", "LINK", "AVAX")
    assert {f"{coin}USDT" for coin in coins} <= {listing.symbol for listing in BINANCE_LISTINGS}
    assert {f"{coin}/USD" for coin in coins} <= {listing.symbol for listing in KRAKEN_LISTINGS}
    assert {listing.quote for listing in BINANCE_LISTINGS} >= {"USDT", "EUR", "BTC"}
    assert {listing.quote for listing in KRAKEN_LISTINGS} >= {"USD", "EUR", "BTC"}


@pytest.mark.parametrize("venue", ["binance", "kraken"])
def test_books_stay_uncrossed_on_their_steps_and_never_run_empty(venue: str) -> None:
    one = market(venue=venue)
    for step in range(1, 301):
        for event in one.advance(START_NS + step * STEP_NS):
            listing, book = event.instrument.listing, event.instrument.book
            bid, bid_size, ask, ask_size = book.top()
            assert 0 < bid < ask
            assert bid_size > 0
            assert ask_size > 0
            if isinstance(event, Trade):
                assert event.size > 0
                assert event.size % listing.size_step == 0
                assert event.price % listing.price_step == 0
            elif isinstance(event, BookEvent):
                assert all(change.price % listing.price_step == 0 for change in event.changes)
    for instrument in one.instruments.values():
        assert is_sorted(instrument.book)
        assert len(instrument.book.bids) > 20
        assert len(instrument.book.asks) > 20


def is_sorted(book: Book) -> bool:
    bids, asks = book.bids.top(5000), book.asks.top(5000)
    return bids == sorted(bids, reverse=True) and asks == sorted(asks) and all(size > 0 for _, size in bids + asks)


def test_trades_are_at_the_touch_or_inside_the_spread() -> None:
    one = market()
    before = {symbol: instrument.book.top() for symbol, instrument in one.instruments.items()}
    trades = 0
    for step in range(1, 301):
        for event in one.advance(START_NS + step * STEP_NS):
            symbol = event.instrument.symbol
            if isinstance(event, Trade):
                trades += 1
                bid, _, ask, _ = before[symbol]
                assert bid <= event.price <= ask
                assert event.price > bid if event.taker is Side.BID else event.price < ask
            before[symbol] = event.instrument.book.top()
    assert trades > 100


def test_spreads_are_plausible() -> None:
    one = market()
    spreads: list[float] = []
    for step in range(1, 301):
        for _ in one.advance(START_NS + step * STEP_NS):
            pass
        bid, _, ask, _ = one.instruments["BTCUSDT"].book.top()
        spreads.append((ask - bid) / bid)
    assert sorted(spreads)[len(spreads) // 2] < 2e-4


def test_identifiers_rise_without_a_hole_and_go_on_over_a_restart() -> None:
    one = market()
    seen: dict[tuple[str, str], int] = {}
    for event in play(one, 300):
        if isinstance(event, BookEvent):
            key, first, last = (event.instrument.symbol, "u"), event.first_update_id, event.last_update_id
        elif isinstance(event, Trade):
            key, first, last = (event.instrument.symbol, "t"), event.trade_id, event.trade_id
        assert first <= last
        assert key not in seen or first == seen[key] + 1
        seen[key] = last
    later = Market("binance", BINANCE_LISTINGS, seed=7, rate=1, start_ns=START_NS + 3 * 10**9 + 1)
    restarted = later.instruments["BTCUSDT"]
    assert restarted.update_id > seen["BTCUSDT", "u"]
    assert restarted.trade_id - 50 > seen["BTCUSDT", "t"] - 100


def test_two_venues_of_one_seed_agree_in_price_whenever_they_started() -> None:
    binance = market(venue="binance", rate=3000)
    kraken = Market("kraken", KRAKEN_LISTINGS, seed=7, rate=3000, start_ns=START_NS - 5 * 10**9)
    for step in range(0, 2001, 20):
        now_ns = START_NS + step * STEP_NS
        for one in (binance, kraken):
            for _ in one.advance(now_ns):
                pass
        for coin in ("BTC", "ETH"):
            ours = mid(binance, f"{coin}USDT")
            theirs = mid(kraken, f"{coin}/USD")
            assert abs(ours / theirs - 1) < 0.004
    moves = [
        [FairValues(seed, venue).price("BTC", quote, START_NS / 1e9 + hour * 3600) for hour in range(48)]
        for seed, venue, quote in ((7, "binance", "USDT"), (7, "kraken", "USD"), (8, "kraken", "USD"))
    ]
    assert correlation(changes(moves[0]), changes(moves[1])) > 0.95
    assert abs(correlation(changes(moves[0]), changes(moves[2]))) < 0.6


def mid(one: Market, symbol: str) -> float:
    instrument = one.instruments[symbol]
    bid, _, ask, _ = instrument.book.top()
    return float((bid + ask) / 2 / 10**instrument.listing.price_decimals)


def changes(prices: list[float]) -> list[float]:
    return [later / earlier - 1 for earlier, later in itertools.pairwise(prices)]


def correlation(first: list[float], second: list[float]) -> float:
    mean_first, mean_second = sum(first) / len(first), sum(second) / len(second)
    covariance = sum((a - mean_first) * (b - mean_second) for a, b in zip(first, second, strict=True))
    spread_first = sum((a - mean_first) ** 2 for a in first)
    spread_second = sum((b - mean_second) ** 2 for b in second)
    return float(covariance / (spread_first * spread_second) ** 0.5)


def test_prices_stay_near_where_they_began_for_ever() -> None:
    values = FairValues(3, "binance")
    for name in ("BTC", "DOGE", "PEPE"):
        for day in range(0, 4000, 37):
            ratio = values.price(name, "USDT", 1_700_000_000.0 + day * 86_400) / ASSETS[name].price_usd
            assert 0.6 < ratio < 1.7


def test_the_rate_is_kept_on_average_over_calm_and_busy_times() -> None:
    regime = Regime(7)
    factors = [regime.factor(1_790_000_000 + second * 2.0) for second in range(4000)]
    assert sum(factors) / len(factors) == pytest.approx(1.0, rel=0.05)
    assert len(set(factors)) == 2, "calm and busy"
    one = market(rate=1000.0)
    steps = 400
    acts = sum(regime.factor((START_NS + step * STEP_NS) / 1e9) for step in range(1, steps + 1)) * 1000.0 / 100
    # An act is one change of a book, a trade, or both.
    assert 0.8 * acts < len(play(one, steps)) < 1.5 * acts
    assert play(market(rate=0.0), 10) == []


def test_a_halted_symbol_stands_still_and_the_others_go_on() -> None:
    one = market()
    one.instruments["BTCUSDT"].is_halted = True
    symbols = {event.instrument.symbol for event in play(one, 200)}
    assert "BTCUSDT" not in symbols
    assert len(symbols) > 15


def test_a_day_rolls() -> None:
    one = market(rate=50.0)
    day = one.instruments["BTCUSDT"].day
    volume, trades = day.volume, day.trades
    assert volume > 0
    assert day.low <= day.open <= day.high
    assert day.low <= day.average <= day.high
    day.expire(START_NS // 10**9 + 6 * 3600)
    assert 0.6 * volume < day.volume < 0.9 * volume
    assert day.trades < trades
    day.expire(START_NS // 10**9 + 3 * 86_400)
    assert (day.volume, day.turnover, day.trades, day.high, day.low) == (0, 0, 0, 0, 0)
