"""What the server says, with absent values as None and times as aware datetimes."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tickmux.v1 import instrument_pb2, quote_pb2, source_pb2

NS_PER_S: Final = 1_000_000_000
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Delivery(enum.IntEnum):
    """What a stream does when updates arrive faster than they are read."""

    ALL = 1
    """Every update; conflates only when far behind, and says so."""
    LATEST = 2
    """The latest quote of each instrument that changed."""
    ALL_OR_END = 3
    """Every update; ends instead of conflating."""


class SourceState(enum.IntEnum):
    """Whether what a source last said can be taken for the present."""

    UNSPECIFIED = 0
    CONNECTING = 1
    LIVE = 2
    STALE = 3
    DOWN = 4
    THROTTLED = 5
    REJECTED = 6
    UNKNOWN = 7

    @classmethod
    def _missing_(cls, value: object) -> "SourceState":  # noqa: ARG003 - the signature is enum's
        # A state of a newer server: not known to be healthy.
        return cls.UNKNOWN


class QuoteFlag(enum.IntEnum):
    """A property of a quote to weigh before acting on it."""

    DELAYED = 1
    INDICATIVE = 2
    HALTED = 3
    SIMULATED = 4
    STALE = 5


class InstrumentState(enum.IntEnum):
    """Whether a venue trades an instrument."""

    UNSPECIFIED = 0
    TRADING = 1
    HALTED = 2
    RESTRICTED = 3
    DELISTED = 4

    @classmethod
    def _missing_(cls, value: object) -> "InstrumentState":  # noqa: ARG003 - the signature is enum's
        # A state of a newer server: not known to trade.
        return cls.UNSPECIFIED


HEALTHY: Final = frozenset({source_pb2.SOURCE_STATE_LIVE, source_pb2.SOURCE_STATE_THROTTLED})
"""The states in which a source's last word is its present one."""

StatusTable = dict[tuple[str, str], source_pb2.SourceStatus]
"""The latest status of each (source, channel)."""


def to_ns(timestamp: Timestamp) -> int:
    """Unix time in nanoseconds."""
    return timestamp.seconds * NS_PER_S + timestamp.nanos


def to_datetime(timestamp: Timestamp) -> datetime:
    """Aware UTC time, cut to microseconds."""
    return EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)


class Quote:
    """One revision of what is known of one instrument at one source. Read-only; reads its message lazily.

    Prices are in the quote currency, sizes in the base currency (shares for stocks); None means not known, never zero.
    """

    __slots__ = ("_statuses", "gap_before", "message")

    # Positional for speed: one is built for every update.
    def __init__(self, message: quote_pb2.Quote, statuses: StatusTable, gap_before: bool) -> None:  # noqa: FBT001
        self._statuses = statuses
        self.message: Final = message
        """The protobuf message as it came."""
        self.gap_before: Final = gap_before
        """True when updates of this instrument since the previous quote were, or may have been, missed."""

    @property
    def symbol(self) -> str:
        """Canonical name, such as `BTCUSDT`."""
        return self.message.symbol

    @property
    def type(self) -> str:
        """Asset class: `crypto`, `stock` or `fx`."""
        return self.message.type

    @property
    def exchange(self) -> str:
        """Listing exchange; empty where none is known."""
        return self.message.exchange

    @property
    def bid_exchange(self) -> str:
        """Exchange of the leg whose bid this is, in a quote of the source `consolidated`; empty in others."""
        return self.message.bid_exchange

    @property
    def ask_exchange(self) -> str:
        """Exchange of the leg whose ask this is, in a quote of the source `consolidated`; empty in others."""
        return self.message.ask_exchange

    @property
    def last_exchange(self) -> str:
        """Exchange of the leg whose last price this is, in a quote of the source `consolidated`; empty in others."""
        return self.message.last_exchange

    @property
    def source(self) -> str:
        """Name of the server's source that it comes from."""
        return self.message.source

    @property
    def channel(self) -> str:
        """The source's upstream slot that carries the instrument."""
        return self.message.channel

    # The value first: unless it is zero it is present, which saves asking.

    @property
    def bid_price(self) -> float | None:
        """Best bid."""
        value = self.message.bid_price
        return value if value or self.message.HasField("bid_price") else None

    @property
    def bid_size(self) -> float | None:
        """Size at the best bid."""
        value = self.message.bid_size
        return value if value or self.message.HasField("bid_size") else None

    @property
    def ask_price(self) -> float | None:
        """Best ask."""
        value = self.message.ask_price
        return value if value or self.message.HasField("ask_price") else None

    @property
    def ask_size(self) -> float | None:
        """Size at the best ask."""
        value = self.message.ask_size
        return value if value or self.message.HasField("ask_size") else None

    @property
    def last_price(self) -> float | None:
        """Price of the latest trade."""
        value = self.message.last_price
        return value if value or self.message.HasField("last_price") else None

    @property
    def volume(self) -> float | None:
        """Volume as the source counts it: rolling 24 h in base units for crypto, the session's shares for stocks."""
        value = self.message.volume
        return value if value or self.message.HasField("volume") else None

    @property
    def timestamp(self) -> datetime | None:
        """The venue's own time of this revision, UTC; None when the venue gave none."""
        message = self.message
        return to_datetime(message.timestamp) if message.HasField("timestamp") else None

    @property
    def timestamp_ns(self) -> int | None:
        """The venue's own time of this revision in Unix nanoseconds; None when the venue gave none."""
        message = self.message
        return to_ns(message.timestamp) if message.HasField("timestamp") else None

    @property
    def received_at(self) -> datetime | None:
        """When the server read it from the venue, UTC."""
        message = self.message
        return to_datetime(message.received_at) if message.HasField("received_at") else None

    @property
    def received_at_ns(self) -> int | None:
        """When the server read it from the venue, in Unix nanoseconds."""
        message = self.message
        return to_ns(message.received_at) if message.HasField("received_at") else None

    @property
    def epoch(self) -> int:
        """Number of the unbroken chain of quotes that it belongs to."""
        return self.message.epoch

    @property
    def revision(self) -> int:
        """Position in the epoch, from 1, without holes."""
        return self.message.revision

    @property
    def flags(self) -> frozenset[QuoteFlag]:
        """What to weigh before acting on it; flags of a newer server are found in `message` only."""
        return frozenset(_QUOTE_FLAGS[flag] for flag in self.message.flags if flag in _QUOTE_FLAGS)

    @property
    def bid_ask_age_ms(self) -> int | None:
        """How much older than `received_at` bid and ask are, in milliseconds; None = never seen in this epoch."""
        value = self.message.bid_ask_age_ms
        return value if value or self.message.HasField("bid_ask_age_ms") else None

    @property
    def last_age_ms(self) -> int | None:
        """How much older than `received_at` the last price is, in milliseconds; None = never seen in this epoch."""
        value = self.message.last_age_ms
        return value if value or self.message.HasField("last_age_ms") else None

    @property
    def is_stale(self) -> bool:
        """Whether it cannot be taken for the present, as far as is known at the moment of asking.

        True when its source's channel is not LIVE or THROTTLED or has begun a later epoch, and when nothing is known of
        the channel, as while the stream is cut and after it was left. Also while a stream that goes on catches up,
        until CaughtUp, as what comes next may supersede it. A quote that you keep therefore turns stale when its
        source does, and back when the source recovers without a hole; the flag STALE of its message only tells how it
        was served. A quiet instrument of a live source is not stale. In a snapshot the answer is that of the moment at
        which it was served; from when a stream goes on after the snapshot, it is the stream's.
        """
        message = self.message
        status = self._statuses.get((message.source, message.channel))
        return status is None or status.state not in HEALTHY or message.epoch < status.epoch

    def __repr__(self) -> str:
        state = " stale" if self.is_stale else ""
        gap = " gap_before" if self.gap_before else ""
        return (
            f"<Quote {self.source} {self.symbol} bid={self.bid_price} ask={self.ask_price} last={self.last_price} "
            f"epoch={self.epoch} revision={self.revision}{state}{gap}>"
        )


def join(quotes: Iterable[Quote], statuses: StatusTable) -> None:
    """Have quotes of elsewhere go by the health that a stream is told of."""
    for quote in quotes:
        quote._statuses = statuses  # noqa: SLF001 - to all but this package a quote is read-only


_QUOTE_FLAGS: Final[dict[int, QuoteFlag]] = {flag.value: flag for flag in QuoteFlag}


@dataclass(frozen=True, slots=True, repr=False)
class SourceStatus:
    """Health of one upstream slot of a source, as the server last told. Reads its message lazily."""

    message: source_pb2.SourceStatus
    """The protobuf message as it came."""

    @property
    def source(self) -> str:
        """Name of the source."""
        return self.message.source

    @property
    def channel(self) -> str:
        """Name of the slot within the source."""
        return self.message.channel

    @property
    def state(self) -> SourceState:
        """Whether the feed can be believed now."""
        return SourceState(self.message.state)

    @property
    def is_healthy(self) -> bool:
        """Whether the state is LIVE or THROTTLED."""
        return self.message.state in HEALTHY

    @property
    def epoch(self) -> int:
        """The slot's current chain of quotes; 0 = none has begun."""
        return self.message.epoch

    @property
    def since(self) -> datetime | None:
        """When the state was entered, UTC."""
        return to_datetime(self.message.since) if self.message.HasField("since") else None

    @property
    def last_message_at(self) -> datetime | None:
        """When anything was last read from the venue, UTC; None when nothing was."""
        return to_datetime(self.message.last_message_at) if self.message.HasField("last_message_at") else None

    @property
    def last_error(self) -> str:
        """What last went wrong, in one line; empty when nothing has."""
        return self.message.last_error

    @property
    def lag_s(self) -> float | None:
        """The server's receipt minus the venue's time of its latest timed message, in seconds; may be negative."""
        return duration_s(self.message.lag) if self.message.HasField("lag") else None

    def __repr__(self) -> str:
        error = f" {self.last_error!r}" if self.last_error else ""
        return f"<SourceStatus {self.source}/{self.channel} {self.state.name} epoch={self.epoch}{error}>"


def duration_s(duration: Duration) -> float:
    """A duration in seconds."""
    return duration.seconds + duration.nanos / NS_PER_S


@dataclass(frozen=True, slots=True)
class Instrument:
    """One instrument at one source."""

    source: str
    symbol: str
    """Canonical name."""
    type: str
    exchange: str
    venue_symbol: str
    """The venue's own name for it."""
    base: str
    quote: str
    """Currency that prices are in."""
    state: InstrumentState
    price_increment: float | None
    """Smallest price step, in the quote currency; None when the venue does not say."""
    size_increment: float | None
    """Smallest size step, in the base currency (shares for stocks); None when the venue does not say."""

    @classmethod
    def from_message(cls, message: instrument_pb2.Instrument) -> "Instrument":
        """Read a protobuf message."""
        return cls(
            source=message.source,
            symbol=message.symbol,
            type=message.type,
            exchange=message.exchange,
            venue_symbol=message.venue_symbol,
            base=message.base,
            quote=message.quote,
            state=InstrumentState(message.state),
            price_increment=message.price_increment if message.HasField("price_increment") else None,
            size_increment=message.size_increment if message.HasField("size_increment") else None,
        )
