"""The publisher: updates in, log entries out. It numbers, merges, encodes once, and batches."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from tickmux.v1 import quote_pb2
from tickmux_adapters.model import (
    ChannelStatus,
    Clock,
    Instrument,
    InstrumentKey,
    QuoteUpdate,
    SourceState,
)
from tickmux_server.chain import QuoteChain
from tickmux_server.frames import LISTED_FIELD, STATUSES_FIELD, frame
from tickmux_server.log import FRESH, InstrumentEntry, Log, LogEntry, QuoteEntry, StatusEntry
from tickmux_server.messages import instrument_message, status_message

logger = logging.getLogger(__name__)

BATCH_ENTRIES_MAX: Final = 1024
"""A burst longer than this is appended in parts, so that readers begin before it ends."""

_NS_PER_MS: Final = 1_000_000


class Publisher:
    """The sink of every source that this node runs.

    Pure: no task and no timer of its own. `schedule` asks the event loop to call `flush` soon; entries that arrive
    until then form one batch.
    """

    def __init__(
        self,
        log: Log,
        clock: Clock,
        *,
        flags: Mapping[str, Sequence[quote_pb2.QuoteFlag.ValueType]],
        schedule: Callable[[Callable[[], None]], object],
    ) -> None:
        self._log = log
        self._clock = clock
        self._flags = flags
        self._schedule = schedule
        self._pending: list[LogEntry] = []
        self._chains: dict[InstrumentKey, QuoteChain] = {}
        self._instruments: dict[InstrumentKey, Instrument] = {}
        self._epochs: dict[tuple[str, str], int] = {}
        self._last_epoch = 0
        self._slots: dict[tuple[str, str], _Slot] = {}

    def instrument(self, instrument: Instrument) -> None:
        """Log an instrument that is new or changed. Whether it is halted now is said by its updates.

        Raises:
            ValueError: If a known instrument changes its type, exchange, channel or whether it is indicative, which are
                part of what it is.
        """
        key = instrument.key
        known = self._instruments.get(key)
        if known == instrument:
            return
        if known is not None and _nature(known) != _nature(instrument):
            raise ValueError(f"{key}: type, exchange, channel and kind of an instrument never change")
        self._instruments[key] = instrument
        framed = frame(LISTED_FIELD, instrument_message(instrument).SerializeToString())
        self.append(
            InstrumentEntry(
                instrument=key,
                type=instrument.type,
                exchange=instrument.exchange,
                channel=instrument.channel,
                frame=framed,
            )
        )
        if key not in self._chains:
            epoch = self.epoch(instrument.source, instrument.channel)
            self._chains[key] = QuoteChain(instrument, self._flags.get(instrument.source, ()), epoch)

    def begin_chain(self, source: str, channel: str) -> None:
        """Number a new epoch for a slot and empty the quotes that live on it."""
        epoch = max(self._last_epoch + 1, self._clock.wall_ns() // _NS_PER_MS)
        self._last_epoch = self._epochs[(source, channel)] = epoch
        for key, chain in self._chains.items():
            if key[0] == source and self._instruments[key].channel == channel:
                chain.begin(epoch)
        slot = self._slots.get((source, channel))
        if slot is not None and slot.status is not None:
            self.status(slot.status)

    def quote(self, update: QuoteUpdate) -> None:
        """Merge an update and log the revision that it makes.

        Raises:
            KeyError: If the instrument was never announced: a fault of the adapter, not of the venue.
        """
        chain = self._chains[update.instrument]
        if chain.epoch == 0:
            # The first quote of a slot whose adapter began no chain would carry epoch 0, which says "none has begun".
            raise KeyError(f"{update.instrument}: a quote before begin_chain")
        self.append(chain.merge(update))

    def epoch(self, source: str, channel: str) -> int:
        """Number of a slot's present chain of quotes; 0 before the first."""
        return self._epochs.get((source, channel), 0)

    def status(self, status: ChannelStatus) -> None:
        """Log a slot's health, and whether it is news."""
        identity = (status.source, status.channel)
        epoch = self.epoch(*identity)
        # What is left, and when the next request goes, change with every poll, as counters do.
        allowed = tuple((budget.limit, budget.window_s, budget.reason) for budget in status.budgets)
        news = (status.state, status.since_ns, status.last_error, status.reconnects, allowed, epoch)
        slot = self._slots.get(identity)
        if slot is None:
            slot = self._slots[identity] = _Slot()
        if news != slot.news:
            slot.news = news
            slot.change += 1
        before, slot.status = slot.status, status
        self._log_state(before, status)
        framed = frame(STATUSES_FIELD, status_message(status, epoch).SerializeToString())
        entry = StatusEntry(
            source=status.source,
            channel=status.channel,
            state=status.state,
            epoch=epoch,
            change=slot.change,
            frame=framed,
        )
        if self._pending and status.state in FRESH and (before is None or before.state not in FRESH):
            self._pending.insert(self._first_of_chain(entry), entry)
        else:
            self.append(entry)

    def _first_of_chain(self, status: StatusEntry) -> int:
        """Where among what is about to be logged the quotes begin that this status is about.

        A source is well as soon as it speaks, which its adapter finds out from the very message that brings the quotes:
        told behind them, they would look like the last words of a dead one.
        """
        at = len(self._pending)
        for index in range(at - 1, -1, -1):
            other = self._pending[index]
            if type(other) is StatusEntry and (other.source, other.channel) == (status.source, status.channel):
                break
            if type(other) is QuoteEntry and other.instrument[0] == status.source and other.epoch == status.epoch:
                at = index
        return at

    @staticmethod
    def _log_state(before: ChannelStatus | None, status: ChannelStatus) -> None:
        if before is None or before.state is not status.state:
            logger.info(
                "%s/%s is %s%s",
                status.source,
                status.channel,
                status.state.value,
                # What a LIVE source says went wrong is behind it.
                f": {status.last_error}" if status.last_error and status.state is not SourceState.LIVE else "",
            )

    def flush(self) -> None:
        """Append what has gathered to the log, as one batch."""
        if self._pending:
            batch, self._pending = self._pending, []
            self._log.append(batch)

    def append(self, entry: LogEntry) -> None:
        """Log an entry with the next batch; from elsewhere, a revision that was numbered and encoded there."""
        pending = self._pending
        pending.append(entry)
        if len(pending) == 1:
            self._schedule(self.flush)
        elif len(pending) >= BATCH_ENTRIES_MAX:
            self.flush()


class _Slot:
    """What was last said of an upstream slot."""

    __slots__ = ("change", "news", "status")

    def __init__(self) -> None:
        self.change = 0
        self.news: tuple[object, ...] = ()
        self.status: ChannelStatus | None = None


def _nature(instrument: Instrument) -> tuple[str, str, str, bool]:
    return (instrument.type, instrument.exchange, instrument.channel, instrument.is_indicative)
