"""The order of a stream: responses in, events out. No I/O, no clock."""

from typing import Final

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import quote_pb2, source_pb2
from tickmux_client._answers import Snapshot
from tickmux_client._events import CaughtUp, Conflated, Event, Hole, Reset, SourceChanged, Unmatched
from tickmux_client._model import Quote, SourceStatus, StatusTable, join

InstrumentKey = tuple[str, str]

RESET_REASONS: Final = {
    pb.CONTINUITY_RESET: "the server could not go on where the stream stood, or found a hole",
    pb.CONTINUITY_SNAPSHOT: "the new stream starts from the present state",
    pb.CONTINUITY_UNSPECIFIED: "the new stream does not say how it joins the old one",
}


class _Position:
    """Where one instrument's chain stands."""

    __slots__ = ("conflations", "epoch", "revision")

    def __init__(self, epoch: int, revision: int, conflations: int) -> None:
        self.epoch = epoch
        self.revision = revision
        self.conflations = conflations


class Sequencer:
    """Checks that each instrument's revisions are whole, drops repeats, and joins quotes with their sources' health.

    Within a phase revisions rise by exactly 1 in an epoch, and an epoch begins with revision 1; anything else is a
    Hole, unless the server counted it in `conflated`. A conflated walk may span several responses with the count on
    an early one, so each instrument may jump once after a count, and all jumps together by no more than was counted.

    While a stream that was resumed catches up, every quote is stale, the missed ones that come included.
    """

    def __init__(self, *, checks_holes: bool, continues: bool = False, after: Snapshot | None = None) -> None:
        """Begin.

        Args:
            checks_holes: Whether each revision is expected.
            continues: What was received elsewhere goes on here, so that failing to is a loss.
            after: What was received there, if that is known. Its later pages may be newer than its token, so that the
                stream repeats some of it.
        """
        self._checks_holes = checks_holes
        self._positions = {
            (quote.source, quote.symbol): _Position(quote.epoch, quote.revision, 0)
            for quote in (after.quotes if after else ())
        }
        self._statuses: StatusTable = {}
        # What is told of the sources while missed updates come in; None at other times.
        self._catching_up: StatusTable | None = None
        self._after = after
        self._in_state = False
        # Whether an instrument without a position is known to have had no quote.
        self._knows_all = after is not None
        # Whether the consumer has anything that can have become wrong.
        self._begun = continues
        self._phase_lost_history = False
        self._conflations = 0
        self._conflated_left = 0
        self._unmatched: tuple[str, ...] = ()
        self._opening = True
        self.is_settling = False
        """The latest response was the last of the missed updates: `settle` once its events are given away."""
        self.repeats = 0
        """Quotes dropped because they were not newer than what had been yielded."""

    def lost(self) -> None:
        """The stream is cut: nothing is known of the sources, so every quote is stale. The next response opens anew."""
        self._statuses.clear()
        self._catching_up = None
        self.is_settling = False
        self._opening = True

    def receive(self, response: pb.SubscribeResponse) -> list[Event]:
        """Turn one response into events, in an order in which they can be acted on one by one."""
        events: list[Event] = []
        if self._opening or response.continuity != pb.CONTINUITY_UNSPECIFIED:
            self._open_phase(response.continuity, events)
        if response.unmatched:
            self._note_unmatched(tuple(response.unmatched), events)
        for status in response.source_statuses:
            self._note_status(status, events)
        if response.conflated:
            self._conflations += 1
            self._conflated_left += response.conflated
            events.append(Conflated(response.conflated))
        self._note_quotes(response, events)
        self._begun = self._begun or bool(response.quotes) or response.caught_up
        if response.caught_up:
            self._knows_all = self._knows_all or self._in_state
            self._in_state = False
            if self._catching_up is None:
                events.append(CaughtUp())
            else:
                self.is_settling = True
        return events

    def settle(self) -> list[Event]:
        """End the catching up: what was given away is the present now, as far as the sources are healthy."""
        self._statuses.update(self._catching_up or {})
        self._catching_up = None
        self.is_settling = False
        return [CaughtUp()]

    def _open_phase(self, continuity: pb.Continuity.ValueType, events: list[Event]) -> None:
        is_new_stream, self._opening = self._opening, False
        if self._after is not None:
            join(self._after.quotes, self._statuses)
            self._after = None
        if continuity == pb.CONTINUITY_RESUMED:
            if is_new_stream:
                # The quotes' own table stays empty: each of them may be followed by one that is on its way already.
                self._catching_up = {}
            self._begun = True
            # What a count excused came with it, or comes again with a count of its own.
            self._conflated_left = 0
            return
        if self._begun or continuity == pb.CONTINUITY_RESET:
            events.append(Reset(RESET_REASONS.get(continuity, "the server says so")))
        # Quotes already handed out stay joined with the old table, which will not become healthy again.
        self._statuses.clear()
        self._statuses = {}
        self._catching_up = None
        self._positions = {}
        self._conflated_left = 0
        self._in_state = True
        self._knows_all = False
        self._phase_lost_history = self._begun

    def _note_unmatched(self, unmatched: tuple[str, ...], events: list[Event]) -> None:
        if unmatched != self._unmatched:
            events.append(Unmatched(unmatched))
        self._unmatched = unmatched

    def _note_status(self, status: source_pb2.SourceStatus, events: list[Event]) -> None:
        key = (status.source, status.channel)
        table = self._statuses if self._catching_up is None else self._catching_up
        known = table.get(key)
        table[key] = status
        if known is None or (
            (known.state, known.epoch, known.last_error, known.since)
            != (status.state, status.epoch, status.last_error, status.since)
        ):
            events.append(SourceChanged(SourceStatus(status)))

    def _note_quotes(self, response: pb.SubscribeResponse, events: list[Event]) -> None:
        positions, statuses, conflations = self._positions, self._statuses, self._conflations
        append = events.append
        for message in response.quotes:
            key = (message.source, message.symbol)
            revision = message.revision
            position = positions.get(key)
            # The usual case first, without a call: this loop is the client's cost per update.
            if position is not None and revision == position.revision + 1 and message.epoch == position.epoch:
                position.revision = revision
                position.conflations = conflations
                append(Quote(message, statuses, False))
            else:
                self._note_jump(key, message, position, events)

    def _note_jump(
        self, key: InstrumentKey, message: quote_pb2.Quote, position: _Position | None, events: list[Event]
    ) -> None:
        epoch, revision = message.epoch, message.revision
        if position is None:
            self._positions[key] = _Position(epoch, revision, self._conflations)
            missing = revision - 1 if self._knows_all else 0
            excusable = True
            # After a loss it may have had quotes that were missed, however long it takes to speak again.
            gap_before = self._phase_lost_history or missing > 0
        elif (epoch, revision) <= (position.epoch, position.revision):
            self.repeats += 1
            return
        else:
            same_epoch = epoch == position.epoch
            # A new epoch is empty before its revision 1; that the old one ended is told by gap_before.
            missing = revision - (position.revision if same_epoch else 0) - 1
            excusable = position.conflations < self._conflations
            gap_before = True
            position.epoch, position.revision, position.conflations = epoch, revision, self._conflations
        if missing and self._checks_holes and not self._in_state:
            if excusable and missing <= self._conflated_left:
                self._conflated_left -= missing
            else:
                events.append(Hole(key[0], key[1], epoch, revision - missing, revision))
        events.append(Quote(message, self._statuses, gap_before))
