"""What leaves an adapter: instruments, quote updates and the health of upstream slots."""

import enum
import time
from typing import Final, NamedTuple, Protocol

import msgspec

InstrumentKey = tuple[str, str]
"""Identity of an instrument: (source, canonical symbol)."""


class Unchanged(enum.Enum):
    """The type of UNCHANGED, so that a field can be told apart from a withdrawn one by type."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
"""The venue's message did not carry this field: what was known before still stands."""

Field = float | None | Unchanged
"""A field of an update: a value, None (withdrawn: a bid that is gone), or UNCHANGED (not carried)."""


class InstrumentState(enum.Enum):
    """Whether a venue trades an instrument; a venue state that is not known to trade counts as HALTED."""

    UNSPECIFIED = "unspecified"
    TRADING = "trading"
    HALTED = "halted"
    RESTRICTED = "restricted"
    DELISTED = "delisted"


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument at one source."""

    source: str
    symbol: str
    """Canonical name, see `symbols`."""
    type: str
    """`crypto`, `stock` or `fx`."""
    exchange: str = ""
    """Listing exchange; empty where none is known."""
    channel: str = "0"
    """The upstream slot that carries it, all its streams on one."""
    venue_symbol: str = ""
    base: str = ""
    quote: str = ""
    state: InstrumentState = InstrumentState.UNSPECIFIED
    price_increment: float | None = None
    """Smallest price step, in units of the quote currency."""
    size_increment: float | None = None
    """Smallest size step, in units of the base currency (shares for stocks)."""
    is_indicative: bool = False
    """Its prices are a reference only: this source has no tradable bid and ask for it."""

    @property
    def key(self) -> InstrumentKey:
        """The instrument's identity."""
        return (self.source, self.symbol)


class QuoteUpdate(msgspec.Struct, gc=False, kw_only=True):
    """What one venue message says of one instrument.

    A field that the message did not carry stays UNCHANGED; None withdraws it. An adapter never invents a value: a
    polled last price is not copied into bid and ask, a price of 0 is None, and a missing venue time stays None.
    """

    instrument: InstrumentKey
    received_at_ns: int
    """Wall clock, Unix nanoseconds, when the message was read from the socket."""
    received_monotonic_ns: int
    """The same moment on the monotonic clock; ages are measured on it."""
    venue_time_ns: int | None = None
    """The venue's own time of this message, Unix nanoseconds; None if it carries none."""
    bid_price: Field = UNCHANGED
    bid_size: Field = UNCHANGED
    ask_price: Field = UNCHANGED
    ask_size: Field = UNCHANGED
    last_price: Field = UNCHANGED
    last_seen_monotonic_ns: int | None = None
    """When the last price was first seen, if that was before this message: of a trade that is the last again because a
    later one was cancelled. None = with this message."""
    volume: Field = UNCHANGED
    halted: bool | Unchanged = UNCHANGED
    """Whether the venue halts trading in it; a change makes a revision."""
    delayed: bool | Unchanged = UNCHANGED
    """Whether the venue publishes this with a delay by contract; a chain begins with what is not delayed."""


class SourceState(enum.Enum):
    """Whether what an upstream slot last said can be taken for the present; see `SourceState` in source.proto."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    DOWN = "down"
    THROTTLED = "throttled"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class BudgetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One allowance for requests, as it stands."""

    window_s: float
    limit: int
    left: int
    next_request_at_ns: int | None = None
    resets_at_ns: int | None = None
    reason: str = ""


class ChannelStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Health of one upstream slot of a source. The publisher adds the epoch. Times are Unix nanoseconds."""

    source: str
    channel: str
    state: SourceState
    since_ns: int
    last_message_at_ns: int | None = None
    messages: int = 0
    """Venue messages read."""
    malformed: int = 0
    """Messages that could not be understood and were skipped."""
    duplicates: int = 0
    """Messages skipped because they repeated, or were older than, what had been published."""
    inexact: int = 0
    """Numbers of more than 15 significant digits, which a double holds only approximately."""
    reconnects: int = 0
    last_error: str = ""
    lag_ns: int | None = None
    """received_at minus the venue's time of the latest message that carried one; may be negative."""
    budgets: tuple[BudgetStatus, ...] = ()


class Moment(NamedTuple):
    """One instant on both clocks."""

    wall_ns: int
    """Unix nanoseconds: data, never a basis for deadlines."""
    monotonic_ns: int
    """For deadlines and ages."""


class Clock(Protocol):
    """Where time comes from, so that tests can inject it."""

    def wall_ns(self) -> int:
        """Unix time in nanoseconds: data, never a basis for deadlines."""

    def monotonic_ns(self) -> int:
        """Monotonic time in nanoseconds, for deadlines and ages."""


class SystemClock:
    """The machine's own clocks."""

    wall_ns = staticmethod(time.time_ns)
    monotonic_ns = staticmethod(time.monotonic_ns)


class Sink(Protocol):
    """What an adapter delivers to: the publisher, or a list in a test. Calls never block and never fail."""

    def instrument(self, instrument: Instrument) -> None:
        """Announce an instrument, or a change of it. Precedes its first update."""

    def begin_chain(self, source: str, channel: str) -> None:
        """Start a new chain of quotes on a slot: what was known before may be out of date and is forgotten.

        Called before the first update of every connection that did not overlap its predecessor.
        """

    def quote(self, update: QuoteUpdate) -> None:
        """Deliver what one venue message said of one instrument."""

    def status(self, status: ChannelStatus) -> None:
        """Announce that a slot's state changed. Counters alone are not announced; they are asked for."""


class Adapter(Protocol):
    """One running source."""

    async def run(self) -> None:
        """Deliver to the sink until cancelled. Venue trouble never ends it: a source always comes back."""

    def statuses(self) -> list[ChannelStatus]:
        """Health of every slot now."""
