"""What the table shows, as plain data: fed with quotes and statuses, read by a renderer, timed by an injected clock."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tickmux.v1.quote_pb2 import Quote, QuoteFlag
from tickmux.v1.source_pb2 import Budget, SourceStatus
from tickmux_adapters.windows import window_text
from tickmux_server.cli.figures import UNKNOWN, decimal_places, duration_text, lag_text, price_text, volume_text
from tickmux_server.cli.jsonlines import state_name
from tickmux_server.cli.link import Link
from tickmux_server.cli.mismatch import is_matched
from tickmux_server.cli.presence import CONSOLIDATED, known
from tickmux_server.cli.row_states import FLAG_WORDS, STATES_IN_ORDER

RATE_WINDOW_S: Final = 5.0
RATE_SAMPLE_S: Final = 0.25
DIRECTION_SHOWN_S: Final = 2.0
# The counters are a second or two old when they arrive: a shorter silence cannot be told from none.
MUTE_SHOWN_S: Final = 3.0
OLD_SHOWN_S: Final = 5.0
"""A source that is in order again after a restart quotes its instruments one after the other; what it has not quoted
by then is gone."""
STATE_AWAITED_S: Final = 1.0
"""A new state takes a few responses; a picture of half of it is worth less than the one before."""
PRICE_FIELDS: Final = ("bid_price", "ask_price", "last_price")


class RateMeter:
    """Events a second over the last few seconds, from readings of a counter that only rises."""

    def __init__(self) -> None:
        self._readings: deque[tuple[float, int]] = deque(maxlen=int(RATE_WINDOW_S / RATE_SAMPLE_S) + 2)

    def read(self, count: int, now_s: float) -> None:
        """Take a reading; a counter that fell was started anew, and so is the meter."""
        readings = self._readings
        if readings and count < readings[-1][1]:
            readings.clear()
        if len(readings) > 1 and now_s - readings[-2][0] < RATE_SAMPLE_S:
            readings[-1] = (now_s, count)
        else:
            readings.append((now_s, count))

    def per_second(self, now_s: float) -> float:
        """The mean rate over the window that ends now."""
        readings = self._readings
        while len(readings) > 1 and readings[1][0] <= now_s - RATE_WINDOW_S:
            readings.popleft()
        if not readings:
            return 0.0
        first_s, first_count = readings[0]
        elapsed_s = now_s - first_s
        return (readings[-1][1] - first_count) / elapsed_s if elapsed_s > 0 else 0.0


class Price(NamedTuple):
    """One price as shown."""

    text: str
    direction: int
    """1 = has just risen, -1 = has just fallen, 0 = neither."""


@dataclass(frozen=True, slots=True)
class Row:
    """One instrument as shown."""

    symbol: str
    exchange: str
    source: str
    bid_at: str
    """Exchange of the leg whose bid this is, in a consolidated quote; empty in others."""
    ask_at: str
    bid: Price
    ask: Price
    last: Price
    volume: str
    age: str
    """Time since bid and ask were seen; of the last price where the source has neither."""
    last_age: str
    """Time since the last price was seen."""
    state: str
    is_stale: bool
    updates_per_s: float


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One upstream slot as shown."""

    name: str
    state: str
    is_healthy: bool
    lag: str
    messages: int
    messages_per_s: float
    malformed: int
    reconnects: int
    mute_for: str
    budget: str
    """What is left of the requests that the source may make, and when it makes the next."""
    last_error: str


@dataclass(slots=True)
class _Track:
    """What is remembered of one instrument between two quotes."""

    quote: Quote
    phase: int
    places: int = 0
    moves: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Direction of each price's latest change, and when it was."""
    updates: RateMeter = field(default_factory=RateMeter)


@dataclass(slots=True)
class _Health:
    status: SourceStatus
    phase: int
    in_order_since_s: float | None = None
    """When it was first told, in this phase, to be in order as it is now."""
    messages: RateMeter = field(default_factory=RateMeter)


class QuoteBoard:
    """The latest quote of every instrument joined with the health of its source.

    A row is shown as stale when its source is not in order, when it belongs to an epoch that has ended, or when this
    client has lost its stream: then nothing on the board is known to be the present. When a stream begins anew, each
    row stays, as old, until it is quoted anew or its source has had the time to do so.
    """

    def __init__(self, monotonic_s: Callable[[], float], wall_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._wall_s = wall_s
        self._tracks: dict[tuple[str, str], _Track] = {}
        self._health: dict[tuple[str, str], _Health] = {}
        self._phase = 0
        self._began_s: float | None = None
        self._complete_s: float | None = None
        self.link = Link(monotonic_s)
        """How the stream stands."""
        self.unmatched: tuple[str, ...] = ()
        """Selected symbols that matched no instrument when the stream began."""

    def __len__(self) -> int:
        return len(self._tracks)

    def missing(self) -> list[str]:
        """Those of the unmatched symbols that have not appeared since."""
        symbols = {symbol for _, symbol in self._tracks}
        return [name for name in self.unmatched if not is_matched(name, symbols)]

    @property
    def simulated(self) -> int:
        """Count of instruments whose quotes are simulated."""
        return sum(QuoteFlag.QUOTE_FLAG_SIMULATED in track.quote.flags for track in self._tracks.values())

    def connected(self) -> None:
        """The stream delivers; what is on the board goes on."""
        self.link.up()
        if self._began_s is None:
            self._began_s = self._monotonic_s()

    def reset(self) -> None:
        """What is on the board is old until it is said again: the full state follows."""
        self._phase += 1
        self._began_s = self._monotonic_s()
        self._complete_s = None

    def caught_up(self) -> None:
        """The state is complete."""
        if self._complete_s is None:
            self._complete_s = self._monotonic_s()
            self._health = {key: health for key, health in self._health.items() if health.phase == self._phase}

    @property
    def is_changing(self) -> bool:
        """Whether a state is under way that will be complete in a moment: not the time for a picture."""
        if self._began_s is None or self._complete_s is not None or not self.link.is_up:
            return False
        return self._monotonic_s() - self._began_s < STATE_AWAITED_S

    def quote(self, quote: Quote) -> None:
        """Take an instrument's newest quote."""
        now_s = self._monotonic_s()
        key = (quote.source, quote.symbol)
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = _Track(quote, self._phase)
        elif track.quote.epoch == quote.epoch:
            for price in PRICE_FIELDS:
                before, after = known(track.quote, price), known(quote, price)
                if before is not None and after is not None and before != after:
                    track.moves[price] = (1 if after > before else -1, now_s)
        else:
            track.moves.clear()
            track.updates = RateMeter()
        track.quote = quote
        track.phase = self._phase
        track.updates.read(quote.revision, now_s)
        prices = [known(quote, price) for price in PRICE_FIELDS]
        track.places = max([track.places, *(decimal_places(price) for price in prices if price is not None)])

    def status(self, status: SourceStatus) -> None:
        """Take the health of one upstream slot."""
        now_s = self._monotonic_s()
        health = self._health.setdefault((status.source, status.channel), _Health(status, self._phase))
        if status.state not in STATES_IN_ORDER:
            health.in_order_since_s = None
        elif health.in_order_since_s is None or health.phase != self._phase:
            health.in_order_since_s = now_s
        health.status, health.phase = status, self._phase
        health.messages.read(status.messages, now_s)

    def counters(self, status: SourceStatus) -> None:
        """Take newer counters of a slot that the stream has told of; its state stays what the stream said last.

        They come from calls of their own, whose answers may be overtaken by the stream.
        """
        health = self._health.get((status.source, status.channel))
        if health and (health.status.state, health.status.epoch) == (status.state, status.epoch):
            self.status(status)

    def rows(self) -> list[Row]:
        """Every instrument, ordered by symbol and source."""
        now_s, wall_s = self._monotonic_s(), self._wall_s()
        self._drop_what_is_gone(now_s)
        return [
            self._row(self._tracks[key], now_s, wall_s)
            for key in sorted(self._tracks, key=lambda identity: (identity[1], identity[0]))
        ]

    def source_lines(self) -> list[SourceLine]:
        """Every upstream slot, ordered by source and channel."""
        now_s, wall_s = self._monotonic_s(), self._wall_s()
        return [self._source_line(self._health[key], now_s, wall_s) for key in sorted(self._health)]

    def _drop_what_is_gone(self, now_s: float) -> None:
        if self._complete_s is not None:
            complete_s = self._complete_s
            self._tracks = {
                key: track for key, track in self._tracks.items() if not self._is_gone(track, complete_s, now_s)
            }

    def _is_gone(self, track: _Track, complete_s: float, now_s: float) -> bool:
        """Whether a complete state lacks it, though its source could have quoted it since."""
        if track.phase == self._phase:
            return False
        source, channel = track.quote.source, track.quote.channel
        own = self._health.get((source, channel))
        # A restarted server may know of a source before it knows which slots it will have.
        slots = [own] if own else [health for (name, _), health in self._health.items() if name == source]
        since_s = [health.in_order_since_s for health in slots if health.in_order_since_s is not None]
        return len(since_s) == len(slots) and now_s - max([complete_s, *since_s]) >= (OLD_SHOWN_S if slots else 0.0)

    def _row(self, track: _Track, now_s: float, wall_s: float) -> Row:
        quote = track.quote
        state, is_stale = self._state(track)
        last_age_s = _seen_s_ago(quote, "last_age_ms", wall_s)
        bid_ask_age_s = _seen_s_ago(quote, "bid_ask_age_ms", wall_s)

        def price(name: str) -> Price:
            direction, moved_s = track.moves.get(name, (0, 0.0))
            shown = direction if not is_stale and now_s - moved_s < DIRECTION_SHOWN_S else 0
            return Price(price_text(known(quote, name), track.places), shown)

        return Row(
            symbol=quote.symbol,
            exchange=quote.exchange or UNKNOWN,
            source=quote.source,
            bid_at=_leg(quote, quote.bid_exchange),
            ask_at=_leg(quote, quote.ask_exchange),
            bid=price("bid_price"),
            ask=price("ask_price"),
            last=price("last_price"),
            volume=volume_text(known(quote, "volume")),
            age=duration_text(last_age_s if bid_ask_age_s is None else bid_ask_age_s),
            last_age=duration_text(last_age_s),
            state=state,
            is_stale=is_stale,
            updates_per_s=track.updates.per_second(now_s),
        )

    def _state(self, track: _Track) -> tuple[str, bool]:
        """The row's state in a word or two, and whether what it shows may not be the present."""
        quote = track.quote
        if not self.link.is_up:
            return "unknown", True
        health = self._health.get((quote.source, quote.channel))
        is_old = track.phase != self._phase or (health is not None and health.status.epoch > quote.epoch)
        if health is None:
            return "old" if is_old else "unknown", True
        words = ["old" if is_old else state_name(health.status.state)]
        words += [word for flag, word in FLAG_WORDS.items() if flag in quote.flags]
        return " ".join(words), is_old or health.status.state not in STATES_IN_ORDER

    def _source_line(self, health: _Health, now_s: float, wall_s: float) -> SourceLine:
        status = health.status
        silent_s = None
        if status.HasField("last_message_at"):
            silent_s = max(0.0, wall_s - status.last_message_at.ToNanoseconds() / 1e9)
        lag_s = status.lag.ToNanoseconds() / 1e9 if status.HasField("lag") else None
        budget = _scarcest(status.budgets)
        return SourceLine(
            name=f"{status.source}/{status.channel}",
            state=state_name(status.state) if self.link.is_up else "unknown",
            is_healthy=self.link.is_up and status.state in STATES_IN_ORDER,
            lag=lag_text(lag_s),
            messages=status.messages,
            messages_per_s=health.messages.per_second(now_s),
            malformed=status.malformed,
            reconnects=status.reconnects,
            mute_for=duration_text(silent_s if silent_s is not None and silent_s >= MUTE_SHOWN_S else None),
            budget=_budget_text(budget, wall_s) if budget else UNKNOWN,
            last_error=status.last_error or (budget.reason if budget else ""),
        )


def _leg(quote: Quote, exchange: str) -> str:
    return exchange or (UNKNOWN if quote.source == CONSOLIDATED else "")


def _scarcest(budgets: Iterable[Budget]) -> Budget | None:
    """The allowance that is told of: the one that holds requests back, else that of the longest window."""
    return max(budgets, key=lambda budget: (bool(budget.reason), budget.window.ToNanoseconds()), default=None)


def _budget_text(budget: Budget, wall_s: float) -> str:
    """`20 of 25 a day, next in 57 min`."""
    text = f"{budget.left} of {budget.limit} {window_text(budget.window.ToNanoseconds() / 1e9)}"
    if not budget.HasField("next_request_at"):
        return text
    next_in_s = max(0.0, budget.next_request_at.ToNanoseconds() / 1e9 - wall_s)
    return f"{text}, next in {duration_text(next_in_s)}"


def _seen_s_ago(quote: Quote, age_field: str, wall_s: float) -> float | None:
    """How long ago a part of the quote was seen: its age when the newest message came, and the time since."""
    age_ms = known(quote, age_field)
    if age_ms is None:
        return None
    return max(0.0, wall_s - quote.received_at.ToNanoseconds() / 1e9) + age_ms / 1000
