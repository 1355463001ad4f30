"""A session of the client over the server's own subscriptions, cut at random, held to what was published.

Both are pure: all of it runs single-threaded under a manual clock, and the transport is the test.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.feed import Feed, ManualClock

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import quote_pb2
from tickmux_adapters.model import SourceState
from tickmux_client import Conflated, Event, Hole, Quote, Reset, Snapshot, UnavailableError
from tickmux_client._model import Delivery
from tickmux_client._options import SubscribeOptions, subscribe_request
from tickmux_client._pages import snapshot
from tickmux_client._session import Session
from tickmux_server import resume, subscription
from tickmux_server.history import ENTRY_OVERHEAD_BYTES
from tickmux_server.resume import ResumeTokens
from tickmux_server.selection import Selection
from tickmux_server.subscription import Subscription

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
FRESH = frozenset({SourceState.LIVE, SourceState.THROTTLED})
CUT = UnavailableError("cut")
DELIVERIES = {Delivery.ALL: subscription.Delivery.ALL, Delivery.LATEST: subscription.Delivery.LATEST}

Version = tuple[int, int]
"""Epoch and revision."""


class Consumer:
    """What a careful user makes of the events; complains of what it was promised not to see."""

    def __init__(self, after: Snapshot | None, *, sees_all: bool) -> None:
        self._sees_all = sees_all
        self.held: dict[str, Quote] = {quote.symbol: quote for quote in after.quotes} if after else {}
        self._conflated = 0
        self._may_be_new = True

    def take(self, events: list[Event], chains: dict[str, list[Version]]) -> None:
        for event in events:
            match event:
                case Quote():
                    self._quote(event, chains[event.symbol])
                case Reset():
                    self.held = {}
                    self._conflated = 0
                case Conflated(count=count):
                    self._conflated += count
                case Hole():
                    raise AssertionError(event)
                case _:
                    pass

    def _quote(self, quote: Quote, chain: list[Version]) -> None:
        version = (quote.epoch, quote.revision)
        if held := self.held.get(quote.symbol):
            before = (held.epoch, held.revision)
            assert version > before, "repeated, or out of order"
            skipped = chain.index(version) - chain.index(before) - 1
            assert quote.gap_before is (version != (before[0], before[1] + 1))
            if self._sees_all:
                self._conflated -= skipped
                assert self._conflated >= 0, "skipped without a word"
        self.held[quote.symbol] = quote


class Run:
    """Plays one schedule."""

    def __init__(self, history_frames: int, delivery: Delivery, *, pages_between: int | None) -> None:
        self._history_bytes_max = history_frames * (ENTRY_OVERHEAD_BYTES + 130)
        self._delivery = delivery
        self._clock = ManualClock()
        self._state = SourceState.LIVE
        self._chains: dict[str, list[Version]] = {}
        self._start_server()
        after = None if pages_between is None else self._snapshot(pages_between)
        options = SubscribeOptions(delivery=delivery, after=after)
        request = subscribe_request((), options)
        self._session = Session(request, "here:1", {}, after=after, monotonic=lambda: self._clock.monotonic / 1e9)
        self.consumer = Consumer(after, sees_all=delivery is Delivery.ALL)
        self._open()

    def publish(self, index: int) -> None:
        symbol = SYMBOLS[index % len(SYMBOLS)]
        self._feed.bid(1.0 + index, symbol)
        self._note_published()

    def burst(self, count: int) -> None:
        for index in range(count):
            self.publish(index)

    def epoch(self, _: int) -> None:
        self._feed.publisher.begin_chain("binance", "0")
        self._feed.publisher.flush()

    def state(self, index: int) -> None:
        self._state = (SourceState.LIVE, SourceState.DOWN)[index % 2]
        self._feed.status("binance", self._state)

    def wait(self, seconds: int) -> None:
        self._clock.advance(seconds)
        self._feed.status("binance", self._state)

    def hole(self, lost: int) -> None:
        """The log loses entries, which shows with the next that comes."""
        self._feed.log.head += lost
        self._feed.status("binance", self._state)

    def read(self, responses: int) -> None:
        for _ in range(responses):
            raw = self._subscription.next_response()
            if raw is None:
                return
            response = pb.SubscribeResponse.FromString(raw)
            self.consumer.take(self._session.receive(response), self._chains)
            self.consumer.take(self._session.rest(), self._chains)

    def cut(self, _: int) -> None:
        self._subscription.close()
        self.consumer.take(self._session.lost(CUT), self._chains)
        assert all(quote.is_stale for quote in self.consumer.held.values())
        self._open()

    def move(self, _: int) -> None:
        self._subscription.go_away()
        self.read(1_000_000)
        assert self._session.is_leaving
        self._subscription.close()
        assert self._session.lost(CUT) == []
        self._open()

    def restart(self, _: int) -> None:
        """Another life of the server: its log is empty, and every token is of another."""
        self._subscription.close()
        self.consumer.take(self._session.lost(CUT), self._chains)
        self._clock.advance(1)
        self._state = SourceState.LIVE
        self._start_server()
        self._open()

    def finish(self) -> None:
        self.cut(0)
        self.read(1_000_000)
        latest = {symbol: chain[-1] for symbol, chain in self._chains.items() if chain}
        held = self.consumer.held
        assert {symbol: (quote.epoch, quote.revision) for symbol, quote in held.items()} == latest
        epoch = self._feed.publisher_epoch()
        for quote in held.values():
            assert quote.is_stale is (self._state not in FRESH or quote.epoch < epoch)

    def _start_server(self) -> None:
        self._feed = _Feed(self._clock, history_bytes_max=self._history_bytes_max)
        self._feed.start("binance", *SYMBOLS)
        # What an earlier life published can come no more, but a user may still hold it.
        self._chains = {symbol: [] for symbol in SYMBOLS}
        self._noted = 0

    def _note_published(self) -> None:
        quotes = self._feed.quotes()
        for quote in quotes[self._noted :]:
            self._chains[quote.symbol].append((quote.epoch, quote.revision))
        self._noted = len(quotes)

    def _snapshot(self, between: int) -> Snapshot:
        """One instrument a page, while updates go on."""
        self.burst(5)
        token = ResumeTokens(self._feed.log.identity, Selection()).text(self._feed.hub.head)
        pages: list[pb.GetSnapshotResponse] = []
        for symbol in SYMBOLS:
            latest: dict[str, quote_pb2.Quote] = {quote.symbol: quote for quote in self._feed.quotes()}
            pages.append(pb.GetSnapshotResponse(quotes=[latest[symbol]]))
            self.burst(between)
        pages[-1].resume_token = token
        return snapshot(pages)

    def _open(self) -> None:
        request = self._session.open()
        self._subscription = Subscription(
            self._feed.hub,
            self._clock,
            Selection(),
            delivery=DELIVERIES[self._delivery],
            resume=resume.decode(request.resume_token) if request.resume_token else None,
        )


class _Feed(Feed):
    def publisher_epoch(self) -> int:
        """Of the chain that is under way."""
        (status,) = pb.SubscribeResponse.FromString(b"".join(self.hub.statuses(Selection()))).source_statuses
        return status.epoch


STEP = st.one_of(
    st.tuples(st.just("publish"), st.integers(0, 2)),
    st.tuples(st.just("burst"), st.integers(1, 12)),
    st.tuples(st.sampled_from(["epoch", "state", "move", "restart"]), st.integers(0, 1)),
    st.tuples(st.just("wait"), st.integers(1, 8)),
    st.tuples(st.just("hole"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["read", "cut", "read", "cut"]), st.integers(1, 4)),
)


@pytest.mark.parametrize("delivery", DELIVERIES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    schedule=st.lists(STEP, max_size=40),
    history_frames=st.sampled_from([4, 1000]),
    pages_between=st.sampled_from([None, 0, 2]),
)
def test_a_session_sees_all_that_was_published_once_or_is_told(
    monkeypatch: pytest.MonkeyPatch,
    delivery: Delivery,
    schedule: list[tuple[str, int]],
    history_frames: int,
    pages_between: int | None,
) -> None:
    # Small enough that a state, and what was missed, take several responses and are cut in their midst.
    monkeypatch.setattr("tickmux_server.route.CHUNK_BYTES_MAX", 300)
    monkeypatch.setattr("tickmux_server.route.CHUNK_FRAMES", 2)
    monkeypatch.setattr("tickmux_server.subscription.CHUNK_BYTES_MAX", 300)
    run = Run(history_frames, delivery, pages_between=pages_between)
    for step, argument in schedule:
        getattr(run, step)(argument)
    run.finish()
