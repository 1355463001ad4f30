"""Days of a free key: real requests over real sockets, in a loop whose time leaps over the waiting."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from tests.adapters.alphavantage_bodies import BURST, day_spent, good, quote, rate, say, subject
from tests.adapters.clock import ManualClock
from tests.adapters.http_server import HttpServer, Reply
from tests.adapters.hurried_loop import LoopClock, run_hurried
from tests.adapters.recorder import Chain, Recorder, Running

from tickmux_adapters.alphavantage.adapter import AlphaVantageAdapter
from tickmux_adapters.alphavantage.decoder import AlphaVantageDecoder
from tickmux_adapters.alphavantage.feed import AlphaVantageFeed
from tickmux_adapters.alphavantage.settings import REFRESH_S, AlphaVantageSettings, allowed_requests
from tickmux_adapters.budget import Budget
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import QuoteUpdate, SourceState
from tickmux_adapters.poll_plan import PollPlan
from tickmux_adapters.poller import PolledChain
from tickmux_adapters.rest import Answer

KEY = "SECRET0KEY0123AB"
SYMBOLS = ["IBM", "AAPL", "MSFT", "EUR/USD", "BTC/USD"]
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
NS_PER_S = 1_000_000_000

Asked = list[tuple[float, str]]
"""(Seconds since the start, symbol) of each request."""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ALPHAVANTAGE_API_KEY", KEY)
    return KEY


class Day:
    """A source with a free key, and what it asked when."""

    def __init__(self, replier: Callable[[web.Request], Reply]) -> None:
        self.replier = replier
        self.asked: Asked = []
        self.sink = Recorder()

    async def run(self, seconds: float, then: Callable[[], None] = lambda: None, more_s: float = 0.0) -> None:
        clock = LoopClock()
        began_ns = clock.monotonic_ns()

        def reply(request: web.Request) -> Reply:
            self.asked.append(((clock.monotonic_ns() - began_ns) / NS_PER_S, subject(request)))
            answer = self.replier(request)
            # Connections that are kept wake the loop every few seconds.
            answer.headers["Connection"] = "close"
            return answer

        async with HttpServer(reply) as server:
            settings = AlphaVantageSettings(adapter="alphavantage", rest_url=server.url, symbols=SYMBOLS)
            adapter = AlphaVantageAdapter("alphavantage", settings, self.sink, clock)
            async with Running(adapter):
                await asyncio.sleep(seconds)
                then()
                await asyncio.sleep(more_s)
                self.statuses = adapter.statuses()


def assert_fair(asked: Asked, days: int) -> None:
    """Never more than 25 in any day, and every symbol has its share in each, all day long."""
    times = [at_s for at_s, _ in asked]
    assert all(later - before >= 1.0 for before, later in itertools.pairwise(times))
    assert max(sum(at_s <= other < at_s + DAY_S for other in times) for at_s in times) <= 25
    for day in range(days):
        shares = Counter(symbol for at_s, symbol in asked if day * DAY_S <= at_s < (day + 1) * DAY_S)
        assert all(4 <= shares[symbol] <= 6 for symbol in SYMBOLS), shares
    for symbol in SYMBOLS:
        turns = [at_s for at_s, of in asked if of == symbol]
        assert turns[0] < 10.0
        assert max(later - before for before, later in itertools.pairwise(turns)) < 8 * HOUR_S


def test_the_plan_shares_a_free_keys_days_between_five_symbols() -> None:
    clock, sink = ManualClock(), Recorder()
    settings = AlphaVantageSettings(adapter="alphavantage", symbols=SYMBOLS)
    adapter = AlphaVantageAdapter("alphavantage", settings, sink, clock)
    health = ChannelHealth(source="alphavantage", channel="0", sink=sink, clock=clock)
    decoder = AlphaVantageDecoder(sink.instrument, PolledChain(sink, health), health)
    feed = AlphaVantageFeed(adapter._inquiries, settings=settings, decoder=decoder, health=health)
    budget = Budget(allowed_requests(settings), clock)
    plan = PollPlan(5, refresh_s=REFRESH_S, refresh_s_min=0.0, budget=budget, clock=clock)
    asked: Asked = []
    began_ns = clock.monotonic_ns()
    while (at_s := (clock.monotonic_ns() - began_ns) / NS_PER_S) < 2 * DAY_S:
        assert budget.delay_s() == 0.0
        index = plan.next()
        budget.spend()
        request = feed.requests()[index]
        body = say(rate(request.name) if "/" in request.name else quote(request.name)).body.encode()
        told = feed.take(request, Answer(200, {}, body, clock.wall_ns(), clock.monotonic_ns()))
        plan.answered(index, told.next_in_s)
        asked.append((at_s, request.name))
        clock.forward(max(plan.delay_s(), 1e-6))
    assert_fair(asked, days=2)


def test_two_days_of_a_free_key() -> None:
    day = Day(good)
    run_hurried(day.run(2 * DAY_S))
    assert_fair(day.asked, days=2)
    # Between two turns it is LIVE: what was said last is as new as the key allows.
    assert day.sink.state is SourceState.LIVE
    assert SourceState.STALE not in day.sink.states
    assert SourceState.DOWN not in day.sink.states
    assert len(day.sink.chains) == 1


def test_a_day_that_the_venue_calls_spent_costs_one_request_an_hour() -> None:
    is_spent = True

    def reply(request: web.Request) -> Reply:
        return say(day_spent(KEY)) if is_spent else good(request)

    def given_anew() -> None:
        nonlocal is_spent
        is_spent = False

    day = Day(reply)
    run_hurried(day.run(10.5 * HOUR_S, given_anew, 2 * HOUR_S))
    while_spent = [at_s for at_s, _ in day.asked if at_s < 10.5 * HOUR_S]
    assert len(while_spent) in {10, 11}
    assert all(later - before >= HOUR_S for before, later in itertools.pairwise(while_spent))
    assert day.sink.states[:2] == [SourceState.CONNECTING, SourceState.THROTTLED]
    assert day.sink.state in {SourceState.LIVE, SourceState.THROTTLED}
    assert day.sink.quotes
    assert all(KEY not in repr(status) for status in day.sink.statuses)


def test_a_day_that_is_called_spent_by_afternoon_is_throttled_and_what_was_said_grows_old() -> None:
    said: list[Any] = [None]

    def reply(request: web.Request) -> Reply:
        return good(request) if said[0] is None else say(said[0])

    day = Day(reply)
    run_hurried(day.run(4 * HOUR_S, lambda: said.__setitem__(0, day_spent(KEY)), 4 * HOUR_S))
    assert day.sink.state is SourceState.THROTTLED
    assert "the key's requests of the day are spent" in day.sink.last_error
    # Two planned intervals after the last answer, what was said is of an old chain, and the new one is empty.
    assert len(day.sink.chains) == 2
    *_, latest = (place for place, event in enumerate(day.sink.events) if isinstance(event, Chain))
    assert not [event for event in day.sink.events[latest:] if isinstance(event, QuoteUpdate)]


def test_a_burst_is_made_up_for_after_a_second_and_costs_little() -> None:
    refused: list[float] = []

    def reply(request: web.Request) -> Reply:
        if len(refused) < 2:
            refused.append(0.0)
            return say(BURST)
        return good(request)

    day = Day(reply)
    run_hurried(day.run(60.0))
    times = [at_s for at_s, _ in day.asked]
    assert len(times) == 7
    assert times[1] - times[0] >= 2.0
    assert times[2] - times[1] >= 2.0
    assert {symbol for _, symbol in day.asked[2:]} == set(SYMBOLS)
    assert day.sink.states[-2:] == [SourceState.THROTTLED, SourceState.LIVE]
