"""The lines of `tickmux watch --json`, from what the client yields to text."""

import json

from tests.cli.scripted_server import quote, status

from tickmux.v1 import source_pb2
from tickmux_client import (
    CaughtUp,
    Conflated,
    Disconnected,
    Event,
    GoingAway,
    Quote,
    Reconnected,
    Reset,
    SourceChanged,
    SourceStatus,
)
from tickmux_server.cli.lines import EventWords, QuoteLines


class Stream:
    """A stream of one source as the client hands it out: its quotes stay joined with the table of their phase."""

    def __init__(self) -> None:
        self._told: list[tuple[str, int, bool]] = []
        self.lines = QuoteLines(self._keep)
        self._table: dict[tuple[str, str], source_pb2.SourceStatus] = {}

    def _keep(self, text: str) -> None:
        record = json.loads(text)
        self._told.append((record["symbol"], record["revision"], record["is_stale"]))

    def told(self) -> list[tuple[str, int, bool]]:
        """(symbol, revision, is_stale) of each line since the last look."""
        told, self._told = self._told, []
        return told

    def status(self, state: source_pb2.SourceState.ValueType = source_pb2.SOURCE_STATE_LIVE) -> None:
        said = status(state=state)
        self._table["binance", "0"] = said
        self.lines.source(SourceStatus(said))

    def quotes(self, *quotes: tuple[str, int]) -> None:
        for symbol, revision in quotes:
            self.lines.quote(Quote(quote(symbol, revision=revision), self._table, False))

    def cut(self) -> None:
        self._table.clear()

    def reset(self) -> None:
        self._table.clear()
        self._table = {}
        self.lines.reset()


def begun() -> Stream:
    stream = Stream()
    stream.status()
    stream.quotes(("A", 1), ("B", 1))
    stream.lines.caught_up()
    assert stream.told() == [("A", 1, False), ("B", 1, False)]
    return stream


def test_a_stream_that_is_cut_and_goes_on_tells_nothing_twice() -> None:
    stream = begun()
    stream.cut()
    stream.lines.disconnected()
    assert stream.told() == [("A", 1, True), ("B", 1, True)]
    stream.lines.disconnected()
    assert stream.told() == []
    stream.status()
    assert stream.told() == [], "what was missed may be news of either"
    stream.quotes(("A", 2))
    stream.lines.caught_up()
    assert stream.told() == [("A", 2, False), ("B", 1, False)]


def test_a_stream_that_is_moved_and_goes_on_tells_what_was_missed_alone() -> None:
    stream = begun()
    stream.lines.interrupted()
    stream.cut()
    stream.status()
    stream.quotes(("A", 2))
    stream.lines.caught_up()
    assert stream.told() == [("A", 2, False)]


def test_a_moved_stream_whose_source_went_down_meanwhile_says_so() -> None:
    stream = begun()
    stream.lines.interrupted()
    stream.cut()
    stream.status(source_pb2.SOURCE_STATE_DOWN)
    stream.lines.caught_up()
    assert stream.told() == [("A", 1, True), ("B", 1, True)]


def test_what_a_new_state_does_not_hold_is_told_to_be_stale_and_is_forgotten() -> None:
    stream = begun()
    stream.reset()
    stream.status()
    stream.quotes(("A", 7))
    assert stream.told() == [("A", 7, False)]
    stream.lines.caught_up()
    assert stream.told() == [("B", 1, True)]
    stream.status(source_pb2.SOURCE_STATE_STALE)
    stream.status()
    assert stream.told() == [("A", 7, True), ("A", 7, False)]


def test_a_cut_in_the_midst_of_a_new_state_vouches_for_nothing() -> None:
    stream = begun()
    stream.reset()
    stream.status()
    stream.quotes(("A", 7))
    stream.cut()
    stream.lines.disconnected()
    assert stream.told() == [("A", 7, False), ("A", 7, True), ("B", 1, True)]


def test_words_are_for_trouble_alone() -> None:
    words = EventWords()
    back = Reconnected(attempts=1, outage_s=1.2, resumed=True)
    healthy = SourceChanged(SourceStatus(status()))
    down = SourceChanged(SourceStatus(status(state=source_pb2.SOURCE_STATE_DOWN, last_error="no route")))
    ordinary: list[Event] = [healthy, CaughtUp(), GoingAway(), back, healthy, CaughtUp()]
    assert [words.of(event) for event in ordinary] == [None] * 6
    trouble: list[Event] = [
        Disconnected("refused", "", 0.5, attempts=1),
        back,
        Reset("of another log"),
        Conflated(3),
        down,
        healthy,
    ]
    assert [words.of(event) for event in trouble] == [
        "reconnecting in 0.5 s: refused",
        "connected again after 1.2 s",
        "updates may have been lost: of another log",
        "passed over 3 updates: this reader is too slow",
        "source binance/0 is down: no route",
        "source binance/0 is live",
    ]
    assert words.of(back) is None
