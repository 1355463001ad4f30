"""The talk over one connection to Kraken: the listing, subscriptions symbol by symbol, and their deadlines."""

import json
import logging
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol

import msgspec

from tickmux_adapters.conversation import Heard
from tickmux_adapters.errors import VenueError
from tickmux_adapters.kraken.decoder import BAD_FRAME, TICKER_PREFIX, KrakenDecoder, decode_ticker
from tickmux_adapters.kraken.messages import AnyFrame, Listing, Pair, SystemStatus
from tickmux_adapters.model import Clock, Moment

logger = logging.getLogger(__name__)

SYMBOLS_PER_MESSAGE: Final = 50
HELD_FRAMES_MAX: Final = 50_000
"""Frames held back while two connections overlap, at most."""
SILENT_RETRY_S: Final = 60.0
"""Time between two attempts to wake an instrument that stays silent whatever we do."""
RATE_PAUSE_S: Final = 10.0
REQUESTS_MAX: Final = 1_000
"""Requests that are remembered in case their answer names no symbol."""
RELIST_S: Final = 60.0
NS_PER_S: Final = 1_000_000_000

decode_listing = msgspec.json.Decoder(Listing, float_hook=str).decode
_decode_status = msgspec.json.Decoder(list[SystemStatus]).decode


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
        """Take the whole listing; returns what to subscribe to."""

    def take_changes(self, pairs: Iterable[Pair], moment: Moment) -> list[str]:
        """Take changes of the listing; returns what else to subscribe to."""

    def take_system(self, system: str, moment: Moment) -> None:
        """Take the venue's own state."""

    def refuse(self, venue_symbol: str, reason: str) -> None:
        """The venue refused one instrument."""

    def update_note(self) -> None:
        """Say what is wrong."""


class _Subscription:
    """Where the subscription of one instrument stands."""

    __slots__ = ("answered", "attempts", "since_ns", "spoken")

    def __init__(self, now_ns: int) -> None:
        self.since_ns = now_ns
        """When it was asked for or answered, whichever is later."""
        self.attempts = 1
        self.answered = False
        self.spoken = False


class KrakenConversation:
    """Asks for the listing first, then for each instrument's ticker, and sees to it that each one speaks."""

    def __init__(self, slot: Slot, clock: Clock, *, snapshot_timeout_s: float, quiet_probe_s: float) -> None:
        self.rotation_wanted = False
        self._slot = slot
        self._clock = clock
        self._snapshot_ns = int(snapshot_timeout_s * NS_PER_S)
        self._quiet_probe_ns = int(quiet_probe_s * NS_PER_S)
        self._quiet_since_ns = clock.monotonic_ns()
        self._probed_ns: int | None = None
        self._listing_since_ns = clock.monotonic_ns()
        self._is_listed = False
        self._subscriptions: dict[str, _Subscription] = {}
        self._unspoken: set[str] = set()
        self._requests: dict[int, list[str]] = {}
        self._request_id = 0
        self._outgoing: list[str] = []
        self._has_complained = False
        self._failure: VenueError | None = None
        self._held: deque[tuple[bytes, int, int]] | None = None

    @property
    def ready(self) -> bool:
        """Every subscription has been answered; one that never is does not hold up the others for ever."""
        silent = self._slot.silent
        return bool(self._subscriptions) and all(
            subscription.answered or name in silent for name, subscription in self._subscriptions.items()
        )

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
        heard = self._slot.decoder.feed(frame, wall_ns, monotonic_ns, self._control)
        if self._unspoken and heard is Heard.DATA:
            self._note_spoken()
        return heard

    def hold(self) -> None:
        """Keep data frames back from now on."""
        self._held = deque()

    def release(self) -> None:
        """Deliver what was kept back, and keep nothing back from now on."""
        held, self._held = self._held, None
        self._slot.decoder.overlap()
        for frame, wall_ns, monotonic_ns in held or ():
            self._slot.decoder.feed(frame, wall_ns, monotonic_ns, self._control)

    def due(self, now_ns: int) -> Sequence[str]:
        """Subscriptions to send or to repeat.

        Raises:
            VenueError: the venue refused, or did not answer in time, or an instrument is silent for good.
        """
        if self._failure is not None:
            raise self._failure
        if not self._is_listed:
            self._check_listing(now_ns)
        if self._slot.decoder.stuck is not None:
            raise VenueError(f"{self._slot.decoder.stuck} only brings what is past: its clock was set back")
        if self._slot.is_online:
            self._probe(now_ns)
            for name in sorted(self._unspoken):
                self._check_deadline(name, now_ns)
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _probe(self, now_ns: int) -> None:
        quiet_ns = now_ns - max(self._slot.decoder.ticker_at_ns, self._quiet_since_ns)
        spoken = sorted(self._subscriptions.keys() - self._unspoken)
        if quiet_ns < self._quiet_probe_ns or not spoken:
            self._probed_ns = None
        elif self._probed_ns is None:
            self._probed_ns = now_ns
            self._outgoing.append(self._request("unsubscribe", self._ticker(spoken[:1])))
            self._outgoing.append(self._request("subscribe", self._ticker(spoken[:1], snapshot=True), spoken[:1]))
        elif now_ns - self._probed_ns >= self._snapshot_ns:
            raise VenueError(f"the venue sends heartbeats but no quotes, and {spoken[0]} no snapshot when asked")

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

    def _check_deadline(self, name: str, now_ns: int) -> None:
        subscription = self._subscriptions[name]
        is_known_silent = name in self._slot.silent
        patience_ns = int(SILENT_RETRY_S * NS_PER_S) if is_known_silent else self._snapshot_ns
        if now_ns - subscription.since_ns < patience_ns:
            return
        if subscription.attempts > 1 and not is_known_silent:
            # A new connection helps once; should this one stay silent on it too, the others are left in peace.
            self._slot.silent.add(name)
            self._slot.update_note()
            raise VenueError(f"{name} is subscribed but silent")
        subscription.attempts += 1
        subscription.since_ns = now_ns
        if subscription.answered:
            self._outgoing.append(self._request("unsubscribe", self._ticker([name])))
        self._outgoing.append(self._request("subscribe", self._ticker([name], snapshot=True), [name]))

    def _subscribe(self, names: Sequence[str]) -> None:
        now_ns = self._clock.monotonic_ns()
        for start in range(0, len(names), SYMBOLS_PER_MESSAGE):
            chunk = list(names[start : start + SYMBOLS_PER_MESSAGE])
            self._outgoing.append(self._request("subscribe", self._ticker(chunk, snapshot=True), chunk))
            for name in chunk:
                self._subscriptions[name] = _Subscription(now_ns)
                self._unspoken.add(name)

    @staticmethod
    def _ticker(names: list[str], **more: object) -> dict[str, object]:
        return {"channel": "ticker", "symbol": names, "event_trigger": "bbo", **more}

    def _request(self, method: str, params: dict[str, Any], names: list[str] | None = None) -> str:
        self._request_id += 1
        if names:
            self._requests[self._request_id] = names
            self._requests.pop(self._request_id - REQUESTS_MAX, None)
        return json.dumps({"method": method, "params": params, "req_id": self._request_id}, ensure_ascii=False)

    def _control(self, message: AnyFrame) -> Heard:
        if message.channel == "heartbeat" or message.method == "pong":
            return Heard.ALIVE
        if message.channel == "instrument":
            self._take_instruments(message)
        elif message.channel == "status":
            for status in _decode_status(message.data):
                self._slot.take_system(status.system, self._now())
        elif message.rate_error:
            self._take_rate_error(message.rate_error)
        elif message.success is not None:
            self._take_answer(message)
        else:
            raise ValueError(f"neither an answer nor a channel we asked for: {message.channel[:40]!r}")
        return Heard.ALIVE

    def _take_instruments(self, message: AnyFrame) -> None:
        pairs = decode_listing(message.data).pairs
        if message.type != "snapshot":
            self._subscribe(self._slot.take_changes(pairs, self._now()))
            return
        names = [name for name in self._slot.take_listing(pairs, self._now()) if name not in self._subscriptions]
        self._is_listed = True
        if self._slot.is_listing_silent:
            self._slot.is_listing_silent = False
            self._slot.update_note()
        self._subscribe(names)
        if not self._subscriptions:
            self._failure = VenueError("none of the configured symbols is listed", retry_after_s=RELIST_S)

    def _take_answer(self, message: AnyFrame) -> None:
        if message.method == "unsubscribe" or message.error == "Subscription Not Found":
            return
        symbol = message.symbol or (message.result.symbol if message.result else "")
        asked = self._requests.get(message.req_id or 0, [])
        if message.success or message.error == "Already subscribed":
            for name in [symbol] if symbol else asked:
                self._answered(name)
        elif symbol in self._subscriptions:
            del self._subscriptions[symbol]
            self._unspoken.discard(symbol)
            self._slot.refuse(symbol, message.error)
        else:
            self._failure = VenueError(f"the venue refused a subscription: {message.error}")

    def _answered(self, name: str) -> None:
        subscription = self._subscriptions.get(name)
        if subscription is not None and not subscription.answered:
            subscription.answered = True
            subscription.since_ns = self._clock.monotonic_ns()

    def _take_rate_error(self, error: str) -> None:
        if not self._has_complained:
            self._has_complained = True
            logger.warning("the venue complains: %s", error)
        # Which request it dropped is not said, so all are made again, later and on a new connection.
        if not self.ready:
            self._failure = VenueError(f"the venue complains: {error}", retry_after_s=RATE_PAUSE_S)

    def _hold_back(self, frame: bytes, wall_ns: int, monotonic_ns: int) -> Heard:
        if self._held is None or len(self._held) >= HELD_FRAMES_MAX:
            self._failure = VenueError(f"more than {HELD_FRAMES_MAX} frames came while two connections overlapped")
            return Heard.NOTHING
        self._held.append((frame, wall_ns, monotonic_ns))
        try:
            self._unspoken.difference_update(ticker.symbol for ticker in decode_ticker(frame).data)
        except BAD_FRAME:
            # It is counted when it is delivered.
            return Heard.NOTHING
        return Heard.DATA

    def _note_spoken(self) -> None:
        spoken = {name for name in self._unspoken if self._slot.decoder.has_spoken(name)}
        self._unspoken -= spoken
        woken = spoken & self._slot.silent
        if woken:
            self._slot.silent -= woken
            self._slot.update_note()

    def _now(self) -> Moment:
        return Moment(self._clock.wall_ns(), self._clock.monotonic_ns())
