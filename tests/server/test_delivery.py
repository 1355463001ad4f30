"""Promises 1 to 3 over random schedules: publish, subscribe, read a little, stall, forget history, change state.

Everything runs single-threaded under a manual clock. A client that reads whenever the schedule says so is compared with
the plain list of what was published.
"""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.server.feed import Feed, ManualClock

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import quote_pb2
from tickmux_adapters.model import SourceState
from tickmux_server.history import ENTRY_OVERHEAD_BYTES
from tickmux_server.selection import Selection
from tickmux_server.subscription import Delivery, Subscription

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
SELECTIONS = (
    Selection(),
    Selection(symbols=frozenset({"BTCUSDT"})),
    Selection(prefixes=("E", "S")),
    Selection(sources=frozenset({"kraken"})),
)
Revision = tuple[str, str, int, int]


@dataclass
class Reader:
    """A client: what it was sent, and what had been published when it came."""

    subscription: Subscription
    selection: Selection
    delivery: Delivery
    joined_after: int
    """Count of quotes published before it subscribed."""
    state: dict[tuple[str, str], Revision] = field(default_factory=dict)
    live: list[Revision] = field(default_factory=list)
    conflated: int = 0
    caught_up: bool = False
    epochs_told: dict[tuple[str, str], int] = field(default_factory=dict)

    def read(self, responses: int) -> None:
        for _ in range(responses):
            raw = self.subscription.next_response()
            if raw is None:
                return
            self._take(contract.SubscribeResponse.FromString(raw))

    def _take(self, response: contract.SubscribeResponse) -> None:
        self.conflated += response.conflated
        for status in response.source_statuses:
            told = self.epochs_told.get((status.source, status.channel), 0)
            assert status.epoch >= told, "statuses come in the order of the log"
            self.epochs_told[status.source, status.channel] = status.epoch
        for quote in response.quotes:
            revision = identity(quote)
            told = self.epochs_told[quote.source, quote.channel]
            if self.caught_up:
                # In one response all statuses precede all quotes in log order, so a quote never carries an epoch that
                # no status announced, nor one that a status before it ended.
                assert quote.epoch == told, "the status of an epoch comes before its quotes, and after the older ones"
                assert quote_pb2.QUOTE_FLAG_STALE not in quote.flags
                self.live.append(revision)
            else:
                assert (quote_pb2.QUOTE_FLAG_STALE in quote.flags) == (quote.epoch < told or quote.source in self.stale)
                self.state[revision[:2]] = revision
        assert not (response.quotes and response.going_away)
        self.caught_up = self.caught_up or response.caught_up

    stale: frozenset[str] = frozenset()
    """Sources that were not fresh when it subscribed."""


def identity(quote: quote_pb2.Quote) -> Revision:
    return (quote.source, quote.symbol, quote.epoch, quote.revision)


def selected(selection: Selection, revision: Revision) -> bool:
    source, symbol, *_ = revision
    return selection.matches(source=source, symbol=symbol, type="crypto", exchange=source.title())


publish = st.tuples(st.just("publish"), st.sampled_from(["binance", "kraken"]), st.sampled_from(SYMBOLS))
burst = st.tuples(st.just("burst"), st.sampled_from(["binance", "kraken"]), st.integers(2, 30))
new_epoch = st.tuples(st.just("epoch"), st.sampled_from(["binance", "kraken"]), st.none())
state = st.tuples(st.just("state"), st.sampled_from(["binance", "kraken"]), st.sampled_from(list(SourceState)))
read = st.tuples(st.just("read"), st.integers(0, 3), st.integers(1, 3))
subscribe = st.tuples(st.just("subscribe"), st.sampled_from(SELECTIONS), st.sampled_from(list(Delivery)))
wait = st.tuples(st.just("wait"), st.floats(0.1, 4.0), st.none())
schedules = st.lists(st.one_of(publish, publish, burst, new_epoch, state, read, read, subscribe, wait), max_size=60)


class Run:
    """Plays one schedule."""

    def __init__(self, history_frames: int) -> None:
        self.clock = ManualClock()
        self.feed = Feed(self.clock, history_bytes_max=history_frames * (ENTRY_OVERHEAD_BYTES + 130), history_age_s=10)
        for source in ("binance", "kraken"):
            self.feed.start(source, *SYMBOLS)
        self.states = dict.fromkeys(("binance", "kraken"), SourceState.LIVE)
        self.readers: list[Reader] = []

    def play(self, schedule: list[tuple[str, object, object]]) -> None:
        for step, first, second in schedule:
            getattr(self, step)(first, second)

    def publish(self, source: str, symbol: str) -> None:
        self.feed.bid(1.0, symbol, source)

    def burst(self, source: str, count: int) -> None:
        for number in range(count):
            self.feed.bid(float(number), SYMBOLS[number % 3], source)

    def epoch(self, source: str, _: None) -> None:
        self.feed.publisher.begin_chain(source, "0")
        self.feed.publisher.flush()

    def state(self, source: str, state: SourceState) -> None:
        self.states[source] = state
        self.feed.status(source, state)

    def subscribe(self, selection: Selection, delivery: Delivery) -> None:
        subscription = Subscription(self.feed.hub, self.clock, selection, delivery=delivery, heartbeat_interval_s=2.0)
        reader = Reader(subscription, selection, delivery, len(self.feed.quotes()))
        fresh = {SourceState.LIVE, SourceState.THROTTLED}
        reader.stale = frozenset(source for source, state in self.states.items() if state not in fresh)
        self.readers.append(reader)

    def read(self, reader: int, responses: int) -> None:
        if reader < len(self.readers):
            self.readers[reader].read(responses)

    def wait(self, seconds: float, _: None) -> None:
        self.clock.advance(seconds)
        for source in ("binance", "kraken"):
            self.feed.status(source, self.states[source])
        self.feed.hub.watch()

    def check(self, reader: Reader) -> None:
        reader.read(1_000_000)
        published = [identity(quote) for quote in self.feed.quotes()]
        before = [revision for revision in published[: reader.joined_after] if selected(reader.selection, revision)]
        after = [revision for revision in published[reader.joined_after :] if selected(reader.selection, revision)]
        latest: dict[tuple[str, str], Revision] = {revision[:2]: revision for revision in before}
        assert reader.caught_up
        assert reader.state == latest, "the state is the latest of everything before"
        assert is_subsequence(reader.live, after), "live quotes come in the order in which they were published"
        assert len(reader.live) + reader.conflated == len(after), "conflated is exact"
        for key in {revision[:2] for revision in after}:
            ends = [[revision for revision in run if revision[:2] == key][-1] for run in (reader.live, after)]
            assert ends[0] == ends[1], "the latest of each instrument always arrives"


def is_subsequence(part: list[Revision], whole: list[Revision]) -> bool:
    rest = iter(whole)
    return all(any(revision == other for other in rest) for revision in part)


@settings(max_examples=300, deadline=None)
@given(schedules)
def test_with_history_enough_all_loses_nothing(schedule: list[tuple[str, object, object]]) -> None:
    run = Run(history_frames=10_000)
    run.play(schedule)
    for reader in run.readers:
        run.check(reader)
        if reader.delivery is Delivery.ALL and not any(step == "wait" for step, *_ in schedule):
            assert reader.conflated == 0


@settings(max_examples=300, deadline=None)
@given(schedules, st.integers(1, 12))
def test_with_little_history_what_is_lost_is_counted(
    schedule: list[tuple[str, object, object]], history_frames: int
) -> None:
    run = Run(history_frames)
    run.play(schedule)
    for reader in run.readers:
        run.check(reader)
        reader.subscription.close()
    assert run.feed.hub.routes == 0
    assert run.feed.hub.retention.bytes <= history_frames * (ENTRY_OVERHEAD_BYTES + 130)
