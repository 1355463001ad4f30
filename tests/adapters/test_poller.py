"""The supervision of polled sources, over real sockets: states, deadlines, budgets, and what a bad answer costs."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.adapters.http_server import HttpServer, Reply
from tests.adapters.recorder import Recorder, eventually

from tickmux_adapters.budget import Allowance, Budget, Spending
from tickmux_adapters.budget_file import BudgetFile
from tickmux_adapters.errors import MalformedMessage, VenueError
from tickmux_adapters.failures import refusal
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import ChannelStatus, Instrument, Moment, QuoteUpdate, SourceState, SystemClock
from tickmux_adapters.poller import PolledChain, Poller
from tickmux_adapters.polling import Asking, PollingSettings, Request, Told
from tickmux_adapters.rest import Answer
from tickmux_adapters.secrets import KeyUnusable

CONNECTING, LIVE, STALE, DOWN = SourceState.CONNECTING, SourceState.LIVE, SourceState.STALE, SourceState.DOWN
THROTTLED, REJECTED = SourceState.THROTTLED, SourceState.REJECTED
REFRESH_S = 0.05


class ToyFeed:
    """Asks for the price of each name; an answer is a JSON number."""

    def __init__(self, names: Sequence[str], sink: Recorder, chain: PolledChain) -> None:
        self._names = names
        self._sink = sink
        self._chain = chain
        self.key_problem: VenueError | None = None

    async def prepare(self, asking: Asking) -> None:
        for name in self._names:
            self._sink.instrument(Instrument(source="toy", symbol=name, type="stock"))

    def requests(self) -> Sequence[Request]:
        if self.key_problem is not None:
            raise self.key_problem
        return [Request("/price", {"name": name}, {"x-key": "k"}, name) for name in self._names]

    def take(self, request: Request, answer: Answer) -> Told:
        if answer.status != 200:
            raise refusal(answer.status, answer.headers, "toy", answer.text())
        try:
            price = float(json.loads(answer.body))
        except (ValueError, TypeError) as error:
            raise MalformedMessage(str(error), answer.body) from error
        self._chain.quote(
            QuoteUpdate(
                instrument=("toy", request.name),
                received_at_ns=answer.wall_ns,
                received_monotonic_ns=answer.monotonic_ns,
                last_price=price,
            )
        )
        fresh = answer.headers.get("x-fresh-s")
        return Told(next_in_s=None if fresh is None else float(fresh))

    def lapse(self, request: Request, moment: Moment) -> None:
        if not self._sink.of(request.name):
            return
        self._chain.quote(
            QuoteUpdate(
                instrument=("toy", request.name),
                received_at_ns=moment.wall_ns,
                received_monotonic_ns=moment.monotonic_ns,
                last_price=None,
            )
        )


class Toy:
    """A polled source at work."""

    def __init__(
        self,
        server: HttpServer,
        http: aiohttp.ClientSession,
        *,
        names: Sequence[str] = ("A",),
        allowances: Sequence[Allowance] = (),
        open_file: Callable[[], BudgetFile | None] = lambda: None,
        **settings: Any,
    ) -> None:
        clock = SystemClock()
        self.sink = Recorder()
        self.health = ChannelHealth(source="toy", channel="0", sink=self.sink, clock=clock)
        chain = PolledChain(self.sink, self.health)
        self.feed = ToyFeed(names, self.sink, chain)
        self.budget = Budget(allowances, clock)
        self.poller = Poller(
            http=http,
            settings=PollingSettings(
                adapter="toy", rest_url=server.url, **{"retry_cap_s": 0.05, "request_timeout_s": 0.3, **settings}
            ),
            refresh_s=REFRESH_S,
            feed=self.feed,
            chain=chain,
            health=self.health,
            clock=clock,
            budget=self.budget,
            open_file=open_file,
        )

    async def __aenter__(self) -> "Toy":
        self.task = asyncio.create_task(self.poller.run())
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        assert not self.task.done(), "the poller ended by itself"
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def until_state(self, state: SourceState, said: str = "") -> ChannelStatus:
        """Wait for a state, and for a text that it is told with; the first status that has both."""
        since = len(self.sink.statuses)

        def found() -> list[ChannelStatus]:
            # The one before may be in the state already.
            told = self.sink.statuses[max(0, since - 1) :]
            return [status for status in told if status.state is state and said in status.last_error]

        await self.sink.until(found)
        return found()[0]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def price(text: str = "1.5", **headers: str) -> Callable[[Any], Reply]:
    return lambda _: Reply(text, headers=headers)


async def test_good_weather(http: aiohttp.ClientSession) -> None:
    async with HttpServer(price()) as server, Toy(server, http, names=("A", "B")) as toy:
        await toy.sink.until(lambda: len(toy.sink.quotes) >= 6)
        assert [request.query["name"] for request in server.asked[:4]] == ["A", "B", "A", "B"]
        assert server.asked[0].headers["x-key"] == "k"
    assert toy.sink.states[0] is LIVE
    assert len(toy.sink.chains) == 1
    # The chain begins with the first quote, not with the first request.
    kinds = [type(event).__name__ for event in toy.sink.events if not isinstance(event, ChannelStatus)]
    assert kinds[:5] == ["Instrument", "Instrument", "Chain", "QuoteUpdate", "QuoteUpdate"]


async def test_the_venue_is_not_asked_again_before_it_has_anything_new(http: aiohttp.ClientSession) -> None:
    def reply(request: Any) -> Reply:
        return Reply("1.5", headers={"x-fresh-s": "3600"} if request.query["name"] == "A" else {})

    async with HttpServer(reply) as server, Toy(server, http, names=("A", "B")):
        await server.until_asked(6)
    assert [request.query["name"] for request in server.asked].count("A") == 1


async def test_a_refresh_that_is_set_is_kept_whatever_the_venue_says(http: aiohttp.ClientSession) -> None:
    async with HttpServer(price(**{"x-fresh-s": "0"})) as server, Toy(server, http, refresh_s=3600.0) as toy:
        status = await toy.until_state(LIVE)
        assert len(server.asked) == 1
        assert status.last_error == ""
        assert toy.sink.quotes[0].last_price == 1.5


async def test_a_failure_within_the_deadline_is_told_and_made_up_for(http: aiohttp.ClientSession) -> None:
    async with HttpServer(price()) as server, Toy(server, http, request_timeout_s=5.0) as toy:
        await toy.until_state(LIVE)
        server.replier = lambda _: Reply("oh no", status=500)
        await toy.sink.until(lambda: "HTTP 500: oh no" in toy.sink.last_error)
        assert toy.sink.state is LIVE
        server.replier = price("2.5")
        await toy.sink.until(lambda: toy.sink.quotes[-1].last_price == 2.5)
    assert len(toy.sink.chains) == 1
    assert set(toy.sink.states) == {LIVE, CONNECTING} & set(toy.sink.states) | {LIVE}


async def test_two_planned_intervals_without_success_is_down_and_then_a_new_chain(http: aiohttp.ClientSession) -> None:
    async with HttpServer(price()) as server, Toy(server, http) as toy:
        await toy.until_state(LIVE)
        # The wait is longer than the deadline, which so passes between two requests: one under way would be silence.
        server.replier = lambda _: Reply("", status=503, headers={"Retry-After": "1"})
        status = await toy.until_state(DOWN, "no good answer for")
        assert "HTTP 503" in status.last_error
        server.replier = price()
        await toy.until_state(LIVE)
    assert len(toy.sink.chains) == 2
    assert toy.health.reconnects == 1


async def test_a_venue_that_does_not_answer_in_time_is_stale(http: aiohttp.ClientSession) -> None:
    async def never(_: Any) -> Reply:
        await asyncio.Event().wait()
        return Reply()

    async with HttpServer(price()) as server, Toy(server, http) as toy:
        await toy.until_state(LIVE)
        server.replier = never
        await toy.until_state(STALE, "no answer from 127.0.0.1")
        server.replier = price()
        await toy.until_state(LIVE)
    assert len(toy.sink.chains) == 2


async def test_a_venue_that_is_gone_is_down_and_costs_nothing_of_the_budget(http: aiohttp.ClientSession) -> None:
    allowances = [Allowance(1000, 86_400.0)]
    async with HttpServer(price()) as server:
        toy = Toy(server, http, names=("A",), allowances=allowances)
        await server.stop()
        async with toy:
            status = await toy.until_state(DOWN)
            assert "connection refused" in status.last_error
            assert toy.budget.spent <= 1
            await server.start()
            await toy.until_state(LIVE)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply("<html>blocked</html>", content_type="text/html"), "could not be understood"),
        (Reply(""), "could not be understood"),
        (Reply('"text"'), "could not be understood"),
        (
            Reply("", status=302, headers={"Location": "http://elsewhere.invalid/x?key=1"}),
            "redirect to elsewhere.invalid",
        ),
        (Reply("", status=408), "HTTP 408"),
    ],
)
async def test_bad_answers(http: aiohttp.ClientSession, reply: Reply, said: str) -> None:
    async with HttpServer(lambda _: reply) as server, Toy(server, http) as toy:
        status = await toy.until_state(DOWN)
        assert said in status.last_error
        assert not toy.sink.quotes
        assert not toy.sink.chains
        server.replier = price()
        await toy.until_state(LIVE)
        assert (toy.health.malformed > 0) is ("understood" in said)


async def test_a_venue_that_says_we_ask_too_often_is_left_alone_for_as_long_as_it_says(
    http: aiohttp.ClientSession,
) -> None:
    allowances = [Allowance(100, 60.0)]
    async with HttpServer(price()) as server, Toy(server, http, allowances=allowances) as toy:
        await toy.until_state(LIVE)
        server.replier = lambda _: Reply("slow down", status=429, headers={"Retry-After": "3600"})
        status = await toy.until_state(THROTTLED)
        asked = len(server.asked)
        await toy.sink.until(lambda: toy.sink.statuses[-1].budgets[0].left == 0)
        (budget,) = toy.sink.statuses[-1].budgets
        assert "HTTP 429" in budget.reason
        assert budget.resets_at_ns is not None
        assert budget.next_request_at_ns is not None
        assert budget.next_request_at_ns - status.since_ns >= 3600 * 1_000_000_000
        assert len(server.asked) == asked


async def test_a_day_that_is_spent_at_the_start_is_throttled_and_nothing_is_asked(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    file = BudgetFile(tmp_path / "budget.json", "THE-KEY")
    file.save([Spending(SystemClock().wall_ns(), 25)])
    async with HttpServer(price()) as server:
        toy = Toy(server, http, allowances=[Allowance(25, 86_400.0)], open_file=lambda: file)
        async with toy:
            status = await toy.until_state(THROTTLED)
            assert status.budgets[0].left == 0
            assert status.budgets[0].reason == "all 25 requests of a day are made"
            assert server.asked == []


async def test_a_restart_that_has_to_wait_for_its_turn_says_why(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    file = BudgetFile(tmp_path / "budget.json", "THE-KEY")
    file.save([Spending(SystemClock().wall_ns(), 14)])
    async with HttpServer(price()) as server:
        toy = Toy(server, http, allowances=[Allowance(25, 86_400.0)], open_file=lambda: file)
        async with toy:
            status = await toy.until_state(THROTTLED)
            assert status.budgets[0].left == 11
            assert "what is left is spread" in status.budgets[0].reason
            assert server.asked == []


async def test_a_budget_that_cannot_be_kept_is_said_beside_what_else_is_wrong(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    file = BudgetFile(tmp_path / "file" / "budget.json", "THE-KEY")
    allowances = [Allowance(1000, 86_400.0)]
    async with (
        HttpServer(price()) as server,
        Toy(server, http, allowances=allowances, open_file=lambda: file) as toy,
    ):
        toy.health.note("'XYZ' is not listed")
        status = await toy.until_state(LIVE)
        assert "'XYZ' is not listed; the budget's file" in status.last_error
        assert "cannot be written" in status.last_error


async def test_what_is_spent_is_on_disk_before_it_is_sent(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    path = tmp_path / "budget.json"
    on_disk: list[int] = []

    def reply(_: Any) -> Reply:
        on_disk.append(sum(spending.requests for spending in BudgetFile(path, "THE-KEY").load()))
        return Reply("1.5")

    async with HttpServer(reply) as server:
        toy = Toy(
            server, http, allowances=[Allowance(1000, 86_400.0)], open_file=lambda: BudgetFile(path, "THE-KEY"),
            names=("A", "B", "C"),
        )  # fmt: skip
        async with toy:
            await server.until_asked(3)
    assert on_disk[:3] == [1, 2, 3]


async def test_a_refusal_is_rejected_and_asked_again_seldom(http: aiohttp.ClientSession) -> None:
    async with HttpServer(lambda _: Reply("bad key", status=401)) as server, Toy(server, http) as toy:
        status = await toy.until_state(REJECTED)
        assert "refuses our keys: bad key" in status.last_error
        assert len(server.asked) == 1


async def test_no_key_is_rejected_with_what_to_set(http: aiohttp.ClientSession) -> None:
    def no_key() -> BudgetFile | None:
        raise KeyUnusable("TOY_KEY", "no key")

    async with HttpServer(price()) as server, Toy(server, http, open_file=no_key) as toy:
        status = await toy.until_state(REJECTED)
        assert status.last_error == "no key: set TOY_KEY, or TOY_KEY_FILE to a file that holds it"
        assert server.asked == []


async def test_a_key_that_becomes_unusable_later_is_rejected_too(http: aiohttp.ClientSession) -> None:
    async with HttpServer(price()) as server, Toy(server, http) as toy:
        await toy.until_state(LIVE)
        toy.feed.key_problem = KeyUnusable("TOY_KEY", "no key")
        await toy.until_state(REJECTED)


async def test_one_name_that_fails_for_ever_starves_no_other(http: aiohttp.ClientSession) -> None:
    def reply(request: Any) -> Reply:
        return Reply("no such name", status=404) if request.query["name"] == "A" else Reply("1.5")

    async with HttpServer(reply) as server, Toy(server, http, names=("A", "B")) as toy:
        await toy.sink.until(lambda: len(toy.sink.of("B")) >= 5)
        assert toy.sink.of("A") == []


async def test_what_one_name_said_lapses_when_it_alone_fails_for_ever(http: aiohttp.ClientSession) -> None:
    is_bad = False

    def reply(request: Any) -> Reply:
        return Reply("", status=500) if is_bad and request.query["name"] == "A" else Reply("1.5")

    async with HttpServer(reply) as server, Toy(server, http, names=("A", "B"), request_timeout_s=5.0) as toy:
        await toy.sink.until(lambda: len(toy.sink.of("A")) >= 2)
        is_bad = True
        await toy.sink.until(lambda: toy.sink.of("A")[-1].last_price is None)
        assert toy.sink.state is LIVE
        await toy.sink.until(lambda: "no good answer any more about A" in toy.sink.last_error)
        is_bad = False
        await toy.sink.until(lambda: toy.sink.of("A")[-1].last_price == 1.5)
        await toy.sink.until(lambda: "any more" not in toy.sink.last_error)
    assert all(quote.last_price == 1.5 for quote in toy.sink.of("B"))
    assert len(toy.sink.chains) == 1


async def test_cancelled_in_flight(http: aiohttp.ClientSession) -> None:
    async def never(_: Any) -> Reply:
        await asyncio.Event().wait()
        return Reply()

    async with HttpServer(never) as server:
        async with Toy(server, http, request_timeout_s=60.0):
            await server.until_asked(1)
        await eventually(lambda: server.cancelled == 1)


async def test_a_slow_venue_delays_no_other(http: aiohttp.ClientSession) -> None:
    released = asyncio.Event()

    async def slow(_: Any) -> Reply:
        await released.wait()
        return Reply("1.5")

    async with (
        HttpServer(slow) as slow_server,
        HttpServer(price()) as quick_server,
        Toy(slow_server, http, request_timeout_s=60.0) as slow_toy,
        Toy(quick_server, http) as quick_toy,
    ):
        await slow_server.until_asked(1)
        await quick_toy.sink.until(lambda: len(quick_toy.sink.quotes) >= 5)
        assert slow_toy.sink.quotes == []
        released.set()
        await slow_toy.until_state(LIVE)
