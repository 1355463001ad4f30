"""The talk over one connection to Kraken: the listing, subscriptions symbol by symbol, and their deadlines."""

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec

from tickmux_adapters.conversation import BAD_FRAME, HELD_FRAMES_MAX, Heard
from tickmux_adapters.errors import MalformedMessage, VenueError
from tickmux_adapters.kraken.decoder import TICKER_PREFIX, KrakenDecoder, decode_ticker
from tickmux_adapters.kraken.messages import AnyFrame, Listing, Pair, SystemStatus
from tickmux_adapters.kraken.subscriptions import NS_PER_S, SILENT_RETRY_S, Subscriptions
from tickmux_adapters.model import Clock, Moment

logger = logging.getLogger(__name__)

SYMBOLS_PER_MESSAGE: Final = 50
RATE_PAUSE_S: Final = 10.0
REQUESTS_MAX: Final = 1_000
"""Requests that are remembered in case their answer names no symbol."""
RELIST_S: Final = 60.0

decode_listing = msgspec.json.Decoder(Listing, float_hook=str).decode
_decode_status = msgspec.json.Decoder(list[SystemStatus]).decode


Decoded = TypeVar("Decoded")


class Slot(Protocol):
    """What outlives a connection; see `feed.KrakenFeed`."""

    decoder: KrakenDecoder
    silent: set[str]
    is_listing_silent: bool

    @property
    def is_online(self) -> bool:
        """Whether the venue as a whole trades."""

    @property
    def known(self) -> Sequence[str]:
        """What an earlier connection found in the listing, by the venue's names."""

    def take_listing(self, pairs: Sequence[Pair], moment: Moment) -> list[str]:
        """Take the whole listing; returns what is to be subscribed."""

    def take_changes(self, pairs: Iterable[Pair], moment: Moment) -> list[str]:
        """Take changes of the listing; returns what is to be subscribed among them."""

    def take_system(self, system: str, moment: Moment) -> None:
        """Take the venue's own state."""

    def refuse(self, venue_symbol: str, reason: str) -> None:
        """The venue refused one instrument."""

    def take_spoken(self, venue_symbols: Iterable[str]) -> None:
        """Instruments have spoken after they were asked for."""

    def update_note(self) -> None:
        """Say what is wrong."""


class KrakenConversation:
    """Asks for the listing first, then for each instrument's ticker, and sees to it that each one speaks."""

    def __init__(self, slot: Slot, clock: Clock, *, snapshot_timeout_s: float, quiet_probe_s: float) -> None:
        self.rotation_wanted = False
        self._slot = slot
        self._clock = clock
        self._snapshot_ns = int(snapshot_timeout_s * NS_PER_S)
        self._quiet_probe_ns = int(quiet_probe_s * NS_PER_S)
        self._quiet_since_ns = clock.monotonic_ns()
        self._probed: tuple[str, int] | None = None
        self._listing_since_ns = clock.monotonic_ns()
        self._is_listed = False
        self._subscriptions = Subscriptions(snapshot_timeout_s=snapshot_timeout_s)
        self._doubted: set[str] = set()
        self._was_ready = False
        self._requests: dict[int, list[str]] = {}
        self._request_id = 0
        self._outgoing: list[str] = []
        self._has_complained = False
        self._failure: VenueError | None = None
        self._held: deque[tuple[bytes, int, int]] | None = None

    @property
    def ready(self) -> bool:
        """Every subscription has been answered; one that never is does not hold up the others for ever."""
        return len(self._subscriptions) > 0 and self._subscriptions.are_answered(but=self._slot.silent)

    def opening(self) -> Sequence[str]:
        """The subscription of the listing, and of what is known from before; new tickers follow when it has come."""
        self._listing_since_ns = self._clock.monotonic_ns()
        self._outgoing.append(self._request("subscribe", {"channel": "instrument", "snapshot": True}))
        self._subscribe(self._slot.known)
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def feed(self, frame: bytes, wall_ns: int, monotonic_ns: int) -> Heard:
        """Take one frame; see `conversation.Conversation`."""
        if self._held is not None and frame.startswith(TICKER_PREFIX):
            return self._hold_back(frame, wall_ns, monotonic_ns)
        decoder = self._slot.decoder
        if not self._subscriptions.unspoken:
            return decoder.feed(frame, wall_ns, monotonic_ns, self._control)
        # Another connection may feed the decoder too: only what this frame says counts.
        decoder.understood = ()
        heard = decoder.feed(frame, wall_ns, monotonic_ns, self._control)
        if decoder.understood:
            self._hear(entry.symbol for entry in decoder.understood)
        return heard

    def hold(self) -> None:
        """Keep data frames back from now on."""
        self._held = deque()

    def release(self) -> None:
        """Deliver what was kept back, and keep nothing back from now on."""
        held, self._held = self._held, None
        decoder, subscriptions = self._slot.decoder, self._subscriptions
        decoder.overlap()
        for frame, wall_ns, monotonic_ns in held or ():
            decoder.feed(frame, wall_ns, monotonic_ns, self._control)
        # What the connection before brought of these, nobody brings any more.
        for name in sorted(subscriptions.unspoken):
            if subscriptions.is_refused(name) or name in self._slot.silent:
                decoder.withdraw(name, self._now())

    def due(self, now_ns: int) -> Sequence[str]:
        """Subscriptions to send or to repeat.

        Raises:
            VenueError: the venue refused, or did not answer in time, or an instrument is silent for good.
        """
        if self._failure is not None:
            raise self._failure
        self._was_ready = self._was_ready or self.ready
        if not self._is_listed:
            self._check_listing(now_ns)
        if self._slot.is_online:
            self._probe(now_ns)
            self._settle_doubts(now_ns)
            self._check_deadlines(now_ns)
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _probe(self, now_ns: int) -> None:
        """Subscribe one instrument anew while heartbeats are all that comes."""
        heard_ns = max(self._slot.decoder.ticker_at_ns, self._quiet_since_ns)
        if self._probed is not None:
            name, probed_ns = self._probed
            is_answered = name not in self._subscriptions.unspoken or self._subscriptions.is_refused(name)
            if heard_ns > probed_ns or is_answered:
                # Quotes flow; should this one stay silent, its own deadline sees to it.
                self._probed = None
            elif now_ns - probed_ns >= self._snapshot_ns:
                raise VenueError(f"the venue sends heartbeats but no quotes, and {name} no snapshot when asked")
        elif now_ns - heard_ns >= self._quiet_probe_ns and (speaking := self._subscriptions.speaking()):
            self._probed = speaking[0], now_ns
            self._subscribe_anew(speaking[:1])

    def _settle_doubts(self, now_ns: int) -> None:
        """Subscribe anew what brings only the past: the snapshot that follows is the present, whatever its time."""
        if self._held is not None:
            # A connection that is to take over may well be behind the one that still delivers.
            return
        speaking = self._subscriptions.speaking()
        doubtful = [name for name in self._slot.decoder.doubtful(now_ns) if name in speaking]
        if doubtful:
            logger.warning("%s and %d more bring only what is past", doubtful[0], len(doubtful) - 1)
            self._doubted.update(doubtful)
            self._subscribe_anew(doubtful)

    def _check_listing(self, now_ns: int) -> None:
        is_late_again = self._slot.is_listing_silent
        patience_ns = int(SILENT_RETRY_S * NS_PER_S) if is_late_again else self._snapshot_ns
        if now_ns - self._listing_since_ns < patience_ns:
            return
        if not self._subscriptions:
            raise VenueError("the venue did not send its list of instruments")
        # The tickers of what is known go on without it.
        self._slot.is_listing_silent = True
        self._slot.update_note()
        self._listing_since_ns = now_ns
        for method in ("unsubscribe", "subscribe"):
            self._outgoing.append(self._request(method, {"channel": "instrument", "snapshot": True}))

    def _check_deadlines(self, now_ns: int) -> None:
        silent = self._slot.silent
        overdue = self._subscriptions.overdue(now_ns, silent=silent)
        if lost := self._subscriptions.lost(overdue, silent=silent):
            # A new connection helps once; should these stay silent on it too, the others are left in peace.
            silent.update(lost)
            self._slot.update_note()
            more = f" and {len(lost) - 1} more are" if len(lost) > 1 else " is"
            raise VenueError(f"{lost[0]}{more} subscribed but silent")
        again = [name for name in overdue if self._subscriptions.repeat(name, now_ns)]
        for chunk in _chunks(again):
            self._ask("unsubscribe", chunk)
            self._ask("subscribe", chunk)
        for chunk in _chunks([name for name in overdue if name not in again]):
            self._ask("subscribe", chunk)

    def _subscribe(self, names: Sequence[str]) -> None:
        self._subscriptions.ask(names, self._clock.monotonic_ns())
        for chunk in _chunks(names):
            self._ask("subscribe", chunk)

    def _subscribe_anew(self, names: Sequence[str]) -> None:
        now_ns = self._clock.monotonic_ns()
        for name in names:
            self._subscriptions.ask_again(name, now_ns)
        for chunk in _chunks(names):
            self._ask("unsubscribe", chunk)
            self._ask("subscribe", chunk)

    def _ask(self, method: str, names: list[str]) -> None:
        more = {"snapshot": True} if method == "subscribe" else {}
        parameters = {"channel": "ticker", "symbol": names, "event_trigger": "bbo", **more}
        self._outgoing.append(self._request(method, parameters, names))

    def _request(self, method: str, params: dict[str, Any], names: Sequence[str] = ()) -> str:
        self._request_id += 1
        if names:
            self._requests[self._request_id] = list(names)
            self._requests.pop(self._request_id - REQUESTS_MAX, None)
        return json.dumps({"method": method, "params": params, "req_id": self._request_id}, ensure_ascii=False)

    def _control(self, message: AnyFrame) -> Heard:
        if message.channel == "heartbeat" or message.method == "pong":
            return Heard.ALIVE
        if message.channel == "instrument":
            self._take_instruments(message)
        elif message.channel == "status":
            for status in _understood(_decode_status, message.data):
                self._slot.take_system(status.system, self._now())
        elif message.rate_error:
            self._take_rate_error(message.rate_error)
        elif message.success is not None:
            self._take_answer(message)
        else:
            raise MalformedMessage(f"neither an answer nor a channel we asked for: {message.channel[:40]!r}")
        return Heard.ALIVE

    def _take_instruments(self, message: AnyFrame) -> None:
        pairs = _understood(decode_listing, message.data).pairs
        is_whole = message.type == "snapshot"
        take = self._slot.take_listing if is_whole else self._slot.take_changes
        listed = take(pairs, self._now())
        known = set(self._slot.known)
        for name in [name for name in self._subscriptions if name not in known]:
            # Delisted: nothing more is expected of it, unless it is listed again.
            self._subscriptions.drop(name)
        self._subscribe([name for name in listed if name not in self._subscriptions])
        if not is_whole:
            return
        self._is_listed = True
        if self._slot.is_listing_silent:
            self._slot.is_listing_silent = False
            self._slot.update_note()
        if not self._subscriptions:
            self._failure = VenueError("none of the configured symbols is listed", retry_after_s=RELIST_S)

    def _take_answer(self, message: AnyFrame) -> None:
        symbol = message.symbol or (message.result.symbol if message.result else "")
        names = [symbol] if symbol else self._requests.get(message.req_id or 0, [])
        now_ns = self._clock.monotonic_ns()
        if message.method == "unsubscribe" or message.error == "Subscription Not Found":
            for name in names:
                self._subscriptions.take_end(name)
                self._end_doubt(name)
        elif message.success or message.error == "Already subscribed":
            for name in names:
                self._subscriptions.take_answer(name, now_ns)
                self._end_doubt(name)
        elif len(names) == 1:
            self._take_refusal(names[0], message.error)
        else:
            self._failure = VenueError(f"the venue refused a subscription: {message.error}")

    def _end_doubt(self, name: str) -> None:
        # Nothing of the subscription before is on its way any more.
        if name in self._doubted:
            self._doubted.discard(name)
            self._slot.decoder.begin_order(name)

    def _take_refusal(self, name: str, reason: str) -> None:
        if name not in self._subscriptions:
            return
        self._subscriptions.take_refusal(name, self._clock.monotonic_ns())
        self._slot.refuse(name, reason)
        if self._held is None:
            self._slot.decoder.withdraw(name, self._now())

    def _take_rate_error(self, error: str) -> None:
        if not self._has_complained:
            self._has_complained = True
            logger.warning("the venue complains: %s", error)
        # Which request it dropped is not said. At first all are made again, later and on a new connection; after that
        # whatever stays unanswered has its deadline, and disturbs nobody until it is missed twice.
        if not (self._was_ready or self.ready):
            self._failure = VenueError(f"the venue complains: {error}", retry_after_s=RATE_PAUSE_S)

    def _hold_back(self, frame: bytes, wall_ns: int, monotonic_ns: int) -> Heard:
        if self._held is None or len(self._held) >= HELD_FRAMES_MAX:
            self._failure = VenueError(f"more than {HELD_FRAMES_MAX} frames came while two connections overlapped")
            return Heard.NOTHING
        self._held.append((frame, wall_ns, monotonic_ns))
        try:
            self._hear(ticker.symbol for ticker in decode_ticker(frame).data)
        except BAD_FRAME:
            # It is counted when it is delivered.
            return Heard.NOTHING
        return Heard.DATA

    def _hear(self, names: Iterable[str]) -> None:
        if spoken := self._subscriptions.hear(names):
            self._slot.take_spoken(spoken)

    def _now(self) -> Moment:
        return Moment(self._clock.wall_ns(), self._clock.monotonic_ns())


def _understood(decode: Callable[[msgspec.Raw], Decoded], data: msgspec.Raw) -> Decoded:
    try:
        return decode(data)
    except BAD_FRAME as error:
        raise MalformedMessage(str(error) or type(error).__name__) from error


def _chunks(names: Sequence[str]) -> list[list[str]]:
    return [list(names[start : start + SYMBOLS_PER_MESSAGE]) for start in range(0, len(names), SYMBOLS_PER_MESSAGE)]
