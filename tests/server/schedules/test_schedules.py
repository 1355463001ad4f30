"""Promises 1 to 4 over random schedules, against the naive model.

Schedules publish, subscribe, read a little, stall, cut, resume, lose entries of the log. All of it runs single-threaded
under a manual clock; the transport is whoever asks a subscription for its next response.
"""

from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.server.feed import Feed, ManualClock
from tests.server.schedules.model import FRESH, Call, Record, Version

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux_adapters.model import InstrumentKey, SourceState
from tickmux_server import resume
from tickmux_server.errors import ClientTooFarBehind
from tickmux_server.history import ENTRY_OVERHEAD_BYTES
from tickmux_server.log import StatusEntry
from tickmux_server.resume import ResumeTokens
from tickmux_server.route import CHUNK_BYTES_MAX, CHUNK_FRAMES
from tickmux_server.selection import Selection
from tickmux_server.subscription import Delivery, Subscription

SOURCES = ("binance", "kraken")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
SELECTIONS = (
    Selection(),
    Selection(symbols=frozenset({"BTCUSDT"})),
    Selection(prefixes=("E", "S")),
    Selection(sources=frozenset({"kraken"})),
)
HISTORY_AGE_S = 10.0
HEARTBEAT_INTERVAL_S = 2.0
PACES_S = (0.0, 0.0, 0.5)
ANOTHER_LOG = ResumeTokens("another log", Selection(), 1).text(1)


@dataclass
class Token:
    """What a client that was cut off, or that asked for a snapshot, holds."""

    text: str
    selection: Selection
    delivery: Delivery | None
    """None for a snapshot's, which any delivery goes on from."""
    known: dict[InstrumentKey, Version] = field(default_factory=dict)


@dataclass
class Stream:
    """A subscription with the model of what it must say."""

    subscription: Subscription
    call: Call
    is_open: bool = True


class Run:
    """Plays one schedule."""

    def __init__(self, history_frames: int, *, takes_one_response: bool) -> None:
        self.takes_one_response = takes_one_response
        self.clock = ManualClock()
        bytes_max = history_frames * (ENTRY_OVERHEAD_BYTES + 130)
        self.feed = Feed(self.clock, history_bytes_max=bytes_max, history_age_s=HISTORY_AGE_S)
        self.record = Record(self.feed, history_bytes_max=bytes_max, history_age_s=HISTORY_AGE_S)
        for source in SOURCES:
            self.feed.start(source, *SYMBOLS)
        self.states = dict.fromkeys(SOURCES, SourceState.LIVE)
        self.streams: list[Stream] = []
        self.tokens: list[Token] = [Token(ANOTHER_LOG, Selection(), Delivery.ALL)]

    def play(self, schedule: list[tuple[str, object, object]]) -> None:
        for step, first, second in schedule:
            getattr(self, step)(first, second)
            self.record.update()

    def publish(self, source: str, symbol: str) -> None:
        self.feed.bid(1.0, symbol, source)

    def burst(self, source: str, count: int) -> None:
        for number in range(count):
            self.feed.bid(float(number), SYMBOLS[number % 3], source)
            self.record.update()

    def epoch(self, source: str, _: None) -> None:
        self.feed.publisher.begin_chain(source, "0")
        self.feed.publisher.flush()

    def state(self, source: str, state: SourceState) -> None:
        self.states[source] = state
        self.feed.status(source, state)

    def wait(self, seconds: float, _: None) -> None:
        self.clock.advance(seconds)
        for source in SOURCES:
            self.feed.status(source, self.states[source])
        self.feed.hub.watch()

    def hole(self, lost: int, _: None) -> None:
        """The log loses entries, which shows with the next that comes."""
        self.feed.log.head += lost
        self.record.hole_before = self.feed.log.head + 1
        self.feed.status("binance", self.states["binance"])

    def snapshot(self, selection: Selection, _: None) -> None:
        head = self.feed.hub.head
        known = {key: quote.version for key, quote in self.record.latest(selection).items()}
        text = ResumeTokens(self.feed.log.identity, selection).text(head)
        self.tokens.append(Token(text, selection, None, known))

    def subscribe(self, selection: Selection, terms: tuple[Delivery, float]) -> None:
        self._open(selection, terms, None)

    def resume(self, index: int, terms: tuple[Selection | None, Delivery | None, float]) -> None:
        """Go on from one of the latest tokens, now and then with another selection or delivery than its own."""
        token = self.tokens[-1 - index % len(self.tokens)]
        selection, delivery, min_interval_s = terms
        chosen = token.selection if selection is None else selection
        self._open(chosen, (delivery or token.delivery or Delivery.ALL, min_interval_s), token)

    def read(self, index: int, responses: int) -> None:
        if index < len(self.streams):
            self._read(self.streams[index], responses)

    def cut(self, index: int, _: None) -> None:
        if index < len(self.streams):
            stream = self.streams.pop(index)
            self._end(stream)

    def go_away(self, index: int, _: None) -> None:
        if index < len(self.streams):
            stream = self.streams.pop(index)
            stream.subscription.go_away()
            self._read(stream, 1_000_000)
            assert stream.subscription.ended or not stream.is_open
            self._end(stream)

    def _open(self, selection: Selection, terms: tuple[Delivery, float], token: Token | None) -> None:
        delivery, min_interval_s = terms
        resumes_after = None
        if token is not None:
            decoded = resume.decode(token.text)
            own = decoded.log == resume.decode(ResumeTokens(self.feed.log.identity, selection).text(0)).log
            own = own and token.selection == selection and token.delivery in (None, delivery)
            if own and self.record.resumes(decoded, selection, delivery):
                resumes_after = decoded.position
        call = Call(
            self.record,
            selection,
            delivery,
            resumes_after=resumes_after,
            had_token=token is not None,
            known=token.known if token is not None else {},
            min_interval_s=min_interval_s,
            takes_one_response=self.takes_one_response,
        )
        call.open(self.feed.hub.head, self._served())
        subscription = Subscription(
            self.feed.hub,
            self.clock,
            selection,
            delivery=delivery,
            min_interval_s=min_interval_s,
            heartbeat_interval_s=HEARTBEAT_INTERVAL_S,
            resume=None if token is None else resume.decode(token.text),
        )
        self.streams.append(Stream(subscription, call))

    def _served(self) -> dict[InstrumentKey, bool]:
        """Whether the quote of each instrument is stale, served as state now."""
        epochs = {entry.source: entry.epoch for entry in self.feed.entries if isinstance(entry, StatusEntry)}
        return {
            key: self.states[key[0]] not in FRESH
            or quote.version[0] < epochs[key[0]]
            or quote.position < self.record.hole_before
            for key, quote in self.record.latest(Selection()).items()
        }

    def _read(self, stream: Stream, responses: int) -> None:
        for _ in range(responses):
            head = self.feed.hub.head
            try:
                raw = stream.subscription.next_response()
            except ClientTooFarBehind as error:
                self._check_end(stream, error)
                return
            if raw is None:
                return
            response = contract.SubscribeResponse.FromString(raw)
            call = stream.call
            if (response.continuity and call.phases) or call.lost_before_it_began(response):
                call.open(head, self._served())
            call.take(response, self.clock.monotonic)

    def _check_end(self, stream: Stream, error: ClientTooFarBehind) -> None:
        position = resume.decode(error.resume_token).position
        assert stream.call.delivery is Delivery.ALL_OR_END
        assert not stream.call.record.keeps(stream.call.selection, position)
        stream.is_open = False

    def _end(self, stream: Stream) -> None:
        stream.subscription.close()
        call = stream.call
        self.tokens += (Token(text, call.selection, call.delivery, known) for text, known in call.tokens[-3:])

    def settle(self) -> None:
        """Let every stream that is left read to its end, and check all of it."""
        self.record.update()
        for stream in self.streams:
            self._read(stream, 1_000_000)
        self.clock.advance(max(PACES_S))
        for stream in self.streams:
            self._read(stream, 1_000_000)
            if stream.is_open:
                stream.call.settle(self.feed.hub.head)
            self._end(stream)
        assert self.feed.hub.routes == 0


sources = st.sampled_from(SOURCES)
selections = st.sampled_from(SELECTIONS)
deliveries = st.sampled_from(list(Delivery))
paces = st.sampled_from(PACES_S)
indexes = st.integers(0, 3)
nothing = st.none()
publish = st.tuples(st.just("publish"), sources, st.sampled_from(SYMBOLS))
steps = st.one_of(
    publish,
    publish,
    st.tuples(st.just("burst"), sources, st.integers(2, 30)),
    st.tuples(st.just("epoch"), sources, nothing),
    st.tuples(st.just("state"), sources, st.sampled_from(list(SourceState))),
    st.tuples(st.just("read"), indexes, st.integers(1, 3)),
    st.tuples(st.just("read"), indexes, st.integers(1, 3)),
    st.tuples(st.just("subscribe"), selections, st.tuples(deliveries, paces)),
    st.tuples(st.just("cut"), indexes, nothing),
    st.tuples(
        st.just("resume"),
        indexes,
        st.tuples(st.one_of(nothing, nothing, selections), st.one_of(nothing, deliveries), paces),
    ),
    st.tuples(st.just("snapshot"), selections, nothing),
    st.tuples(st.just("go_away"), indexes, nothing),
    st.tuples(st.just("hole"), st.integers(1, 5), nothing),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 0.3, 1.0, 4.0, 11.0]), nothing),
)
schedules = st.lists(steps, max_size=60)


@pytest.mark.parametrize("chunk_bytes_max", [CHUNK_BYTES_MAX, 300])
@pytest.mark.parametrize("history_frames", [10_000, 40, 4])
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(schedule=schedules)
def test_streams_agree_with_the_model(
    schedule: list[tuple[str, object, object]],
    history_frames: int,
    chunk_bytes_max: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Small chunks make a few quotes take several responses, in the midst of which a schedule may go on.
    monkeypatch.setattr("tickmux_server.route.CHUNK_BYTES_MAX", chunk_bytes_max)
    monkeypatch.setattr("tickmux_server.route.CHUNK_FRAMES", CHUNK_FRAMES if chunk_bytes_max == CHUNK_BYTES_MAX else 2)
    monkeypatch.setattr("tickmux_server.subscription.CHUNK_BYTES_MAX", chunk_bytes_max)
    run = Run(history_frames, takes_one_response=chunk_bytes_max == CHUNK_BYTES_MAX)
    run.play(schedule)
    run.settle()
    assert run.feed.hub.retention.bytes <= history_frames * (ENTRY_OVERHEAD_BYTES + 130)
