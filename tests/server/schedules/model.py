"""A naive model of the log, its history and its streams: plain lists, read from the beginning whenever asked."""

from dataclasses import dataclass, field

from tests.server.feed import Feed

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import quote_pb2
from tickmux_adapters.model import InstrumentKey, SourceState
from tickmux_server import resume
from tickmux_server.history import ENTRY_OVERHEAD_BYTES
from tickmux_server.log import QuoteEntry
from tickmux_server.selection import Selection
from tickmux_server.subscription import Delivery

FRESH = (SourceState.LIVE, SourceState.THROTTLED)
Version = tuple[int, int]
"""Epoch and revision."""


@dataclass(frozen=True)
class Published:
    """One quote of the log."""

    position: int
    key: InstrumentKey
    version: Version
    bytes: int
    at_ns: int


class Record:
    """Everything that was ever published, and which of it the history may have forgotten."""

    def __init__(self, feed: Feed, *, history_bytes_max: int, history_age_s: float) -> None:
        self._feed = feed
        self._bytes_max = history_bytes_max
        self._age_ns_max = round(history_age_s * 1e9)
        self._read = 0
        self.quotes: list[Published] = []
        self.kept: list[Published] = []
        self.hole_before = 0
        """The first position after the last hole in the log; 0 without one."""

    def update(self) -> None:
        """Take over what was published since, and forget what is over the bounds."""
        now_ns = self._feed.clock.monotonic
        new = self._feed.positioned[self._read :]
        self._read = len(self._feed.positioned)
        for position, entry in new:
            if isinstance(entry, QuoteEntry):
                quote = Published(position, entry.instrument, (entry.epoch, entry.revision), len(entry.frame), now_ns)
                self.quotes.append(quote)
                self.kept.append(quote)
        while self.kept and (self.kept[0].at_ns < now_ns - self._age_ns_max or self._bytes() > self._bytes_max):
            self.kept.pop(0)

    def _bytes(self) -> int:
        return sum(quote.bytes + ENTRY_OVERHEAD_BYTES for quote in self.kept)

    def selected(self, selection: Selection, after: int = 0, through: int = 1 << 60) -> list[Published]:
        """The selected quotes between two positions, in order."""
        return [
            quote
            for quote in self.quotes
            if after < quote.position <= through
            and selection.matches(
                source=quote.key[0], symbol=quote.key[1], type="crypto", exchange=quote.key[0].title()
            )
        ]

    def latest(self, selection: Selection, through: int = 1 << 60) -> dict[InstrumentKey, Published]:
        """The state of a selection at a position."""
        return {quote.key: quote for quote in self.selected(selection, through=through)}

    def keeps(self, selection: Selection, after: int) -> bool:
        """Whether the history has every selected quote after a position."""
        oldest = self.kept[0].position if self.kept else 1 << 60
        return all(quote.position >= oldest for quote in self.selected(selection, after))

    def resumes(self, token: resume.ResumeToken, selection: Selection, delivery: Delivery) -> bool:
        """Whether a stream has to go on after a token rather than begin anew."""
        if not self.hole_before - 1 <= token.position <= self._feed.hub.head:
            return False
        return delivery is Delivery.LATEST or self.keeps(selection, token.position)


@dataclass
class Phase:
    """From one continuity to the next."""

    continuity: int
    begins_after: int
    """The position up to which nothing is delivered as an update: that of the state, or of the token."""
    catches_up_to: int
    counts_exactly: bool
    state: dict[InstrumentKey, Version] = field(default_factory=dict)
    updates: list[tuple[InstrumentKey, Version]] = field(default_factory=list)
    conflated: int = 0
    caught_up: bool = False


class Call:
    """One stream as its client sees it, checked response by response against the record."""

    def __init__(
        self,
        record: Record,
        selection: Selection,
        delivery: Delivery,
        *,
        resumes_after: int | None,
        had_token: bool,
        known: dict[InstrumentKey, Version],
        min_interval_s: float,
        takes_one_response: bool,
    ) -> None:
        self.record = record
        self.selection = selection
        self.delivery = delivery
        self.min_interval_ns = round(min_interval_s * 1e9)
        self._takes_one_response = takes_one_response
        """Whether what there is to say at a time always fits into one response."""
        self.known = dict(known)
        """The latest version that this client was ever written, over the calls that tokens join."""
        self.phases: list[Phase] = []
        self.expects = contract.CONTINUITY_SNAPSHOT
        if had_token:
            self.expects = contract.CONTINUITY_RESET if resumes_after is None else contract.CONTINUITY_RESUMED
        self.resumes_after = resumes_after
        self.tokens: list[tuple[str, dict[InstrumentKey, Version]]] = []
        self._epochs_told: dict[tuple[str, str], int] = {}
        self._quotes_at_ns: int | None = None

    def open(self, head: int, served: dict[InstrumentKey, bool]) -> None:
        """Note what the state is at the moment at which the server takes it: instruments, and whether each is stale."""
        self._head = head
        self._served = served

    def take(self, response: contract.SubscribeResponse, now_ns: int) -> None:
        """Check one response."""
        self._take_continuity(response)
        phase = self.phases[-1]
        phase.conflated += response.conflated
        if self._replays(phase) and not response.continuity and not response.caught_up:
            assert not response.source_statuses, "news before what it follows"
        for status in response.source_statuses:
            slot = (status.source, status.channel)
            assert status.epoch >= self._epochs_told.get(slot, 0), "statuses come in the order of the log"
            self._epochs_told[slot] = status.epoch
        for quote in response.quotes:
            self._take_quote(phase, quote)
        if response.quotes and phase.caught_up and self._takes_one_response:
            self._check_pace(now_ns)
        if response.caught_up:
            self._take_caught_up(phase)
        assert not (response.quotes and response.going_away)
        if response.resume_token:
            self._take_token(phase, response.resume_token)
        else:
            assert not phase.caught_up, "every response after the first state carries a token"

    def lost_before_it_began(self, response: contract.SubscribeResponse) -> bool:
        """Whether the log lost entries that were to be replayed, before the client was told that they would be."""
        begins_anew = response.continuity == contract.CONTINUITY_RESET and self.resumes_after is not None
        return begins_anew and not self.phases and self.record.hole_before - 1 > (self.resumes_after or 0)

    def _take_continuity(self, response: contract.SubscribeResponse) -> None:
        if not self.phases and not self.lost_before_it_began(response):
            assert response.continuity == self.expects
        elif self.phases and response.continuity:
            assert response.continuity == contract.CONTINUITY_RESET
            assert self.phases[-1].begins_after < self.record.hole_before, "only a hole begins a stream anew"
        if not response.continuity:
            return
        resumed = response.continuity == contract.CONTINUITY_RESUMED
        begins_after = self._head
        if resumed:
            assert self.resumes_after is not None
            begins_after = self.resumes_after
        exact = not resumed or self.record.keeps(self.selection, begins_after)
        self.phases.append(Phase(response.continuity, begins_after, self._head, exact))
        if not resumed:
            self.known.clear()

    def _replays(self, phase: Phase) -> bool:
        """Whether every missed update is being told, of which the news of sources is not part."""
        if phase.caught_up or phase.continuity != contract.CONTINUITY_RESUMED or self.delivery is Delivery.LATEST:
            return False
        return not phase.conflated and self.record.keeps(self.selection, phase.begins_after)

    def _take_quote(self, phase: Phase, quote: quote_pb2.Quote) -> None:
        key, version = (quote.source, quote.symbol), (quote.epoch, quote.revision)
        told = self._epochs_told[quote.source, quote.channel]
        is_state = phase.continuity != contract.CONTINUITY_RESUMED and not phase.caught_up
        if is_state:
            assert (quote_pb2.QUOTE_FLAG_STALE in quote.flags) == self._served[key]
            assert key not in phase.state
            phase.state[key] = version
        else:
            assert quote_pb2.QUOTE_FLAG_STALE not in quote.flags
            assert version > phase.state.get(key, (0, 0)), "within a phase versions rise"
            phase.updates.append((key, version))
            phase.state[key] = version
            # A status that ends an epoch comes after its quotes; only where statuses are told ahead it may be before.
            if phase.caught_up and not self.min_interval_ns:
                assert quote.epoch == told
            else:
                assert quote.epoch <= told
        self.known[key] = max(version, self.known.get(key, (0, 0)))

    def _take_caught_up(self, phase: Phase) -> None:
        assert not phase.caught_up, "a phase catches up once"
        replays = self._replays(phase)
        phase.caught_up = True
        if phase.continuity == contract.CONTINUITY_RESUMED:
            missed = self.record.selected(self.selection, phase.begins_after, phase.catches_up_to)
            for key, quote in {quote.key: quote for quote in missed}.items():
                assert phase.state.get(key, (0, 0)) >= quote.version, "caught up with a missed update to come"
            if replays:
                assert phase.updates == [(quote.key, quote.version) for quote in missed]
        else:
            expected = self.record.latest(self.selection, phase.begins_after)
            assert phase.state == {key: quote.version for key, quote in expected.items()}, "the state is the latest"

    def _take_token(self, phase: Phase, token: str) -> None:
        assert phase.caught_up or phase.continuity == contract.CONTINUITY_RESUMED, (
            "a token before the state is complete"
        )
        position = resume.decode(token).position
        for key, quote in self.record.latest(self.selection, position).items():
            assert self.known.get(key, (0, 0)) >= quote.version, "a token that claims what was not written"
        self.tokens.append((token, dict(self.known)))
        if self.delivery is not Delivery.LATEST and not phase.conflated:
            passed = self.record.selected(self.selection, phase.begins_after, position)
            expected = [(quote.key, quote.version) for quote in passed]
            # Where the history no longer reaches, the token stays behind until the latest of each is written.
            written = phase.updates if self.record.keeps(self.selection, position) else phase.updates[: len(passed)]
            assert written == expected, "nothing is lost, repeated, reordered"

    def _check_pace(self, now_ns: int) -> None:
        before_ns = self._quotes_at_ns
        # What one moment has to say may take several responses.
        assert before_ns is None or now_ns == before_ns or now_ns - before_ns >= self.min_interval_ns
        self._quotes_at_ns = now_ns

    def settle(self, through: int) -> None:
        """Check a stream that has been read to its end."""
        for phase in self.phases:
            passed = self.record.selected(self.selection, phase.begins_after)
            assert _is_subsequence(phase.updates, [(quote.key, quote.version) for quote in passed])
        phase = self.phases[-1]
        assert phase.caught_up
        passed = self.record.selected(self.selection, phase.begins_after, through)
        if phase.counts_exactly:
            assert len(phase.updates) + phase.conflated == len(passed), "conflated is exact"
        else:
            assert len(phase.updates) + phase.conflated <= len(passed)
        for key, quote in {quote.key: quote for quote in passed}.items():
            assert phase.state[key] == quote.version, "the latest of each instrument always arrives"
        assert phase.begins_after >= self.record.hole_before - 1, "what a hole touches begins anew"


def _is_subsequence(part: list[tuple[InstrumentKey, Version]], whole: list[tuple[InstrumentKey, Version]]) -> bool:
    rest = iter(whole)
    return all(any(item == other for other in rest) for item in part)
