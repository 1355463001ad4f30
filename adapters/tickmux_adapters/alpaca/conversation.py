"""The talk over one connection to Alpaca: greeting, keys, subscriptions, and what the venue says to them."""

import enum
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from tickmux_adapters.alpaca.codecs import JSON, codec_of
from tickmux_adapters.alpaca.decoder import AlpacaDecoder
from tickmux_adapters.alpaca.messages import Control, Failure, SubscriptionList
from tickmux_adapters.alpaca.refusals import failure_of
from tickmux_adapters.conversation import Heard
from tickmux_adapters.errors import VenueError
from tickmux_adapters.model import Clock

SYMBOLS_PER_MESSAGE: Final = 200
NS_PER_S: Final = 1_000_000_000


class Keys(NamedTuple):
    """What the venue knows an account by."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return "Keys([key])"


class Slot(Protocol):
    """What outlives a connection; see `feed.AlpacaFeed`."""

    decoder: AlpacaDecoder

    @property
    def channels(self) -> Sequence[str]:
        """What is subscribed to, of each instrument."""

    @property
    def variables(self) -> Sequence[str]:
        """Where the keys come from."""

    @property
    def wanted(self) -> Sequence[str]:
        """The venue's names of the instruments that are known by now; more may follow."""

    def take_authenticated(self) -> None:
        """The venue took our keys."""

    def take_subscribed(self, asked: Collection[str], missing: Mapping[str, Sequence[str]]) -> None:
        """The venue answered all that was asked for; what it does not list all the same is missing, by channel."""


class Step(enum.Enum):
    """How far the talk has come; the value says what the venue owes us."""

    GREETING = "greeting"
    GREETED = "nothing"
    AUTHENTICATING = "answer to our keys"
    AUTHENTICATED = "answer to our subscription"


class AlpacaConversation:
    """Shows the keys when greeted, subscribes when they are taken, and sees to it that each step is answered."""

    def __init__(
        self, slot: Slot, keys: Keys, clock: Clock, *, answer_timeout_s: float, contended_retry_s: float
    ) -> None:
        self.rotation_wanted = False
        self._slot = slot
        self._keys = keys
        self._clock = clock
        self._answer_ns = int(answer_timeout_s * NS_PER_S)
        self._contended_retry_s = contended_retry_s
        self._step = Step.GREETING
        self._codec = JSON
        self._deadline_ns: int | None = None
        self._asked: list[str] = []
        self._awaited = 0
        self._is_listed = False
        self._failure: VenueError | None = None

    @property
    def ready(self) -> bool:
        """Everything that was asked for is answered, and something was."""
        return self._is_listed and not self._awaited

    def opening(self) -> Sequence[str | bytes]:
        """Nothing: the venue speaks first."""
        self._deadline_ns = self._clock.monotonic_ns() + self._answer_ns
        return ()

    def feed(self, frame: bytes, wall_ns: int, monotonic_ns: int) -> Heard:
        """Take one frame; see `conversation.Conversation`."""
        if self._step is Step.GREETING:
            # We answer as we were spoken to: whatever stands between may have dropped the header that asks for msgpack.
            self._codec = codec_of(frame)
        return self._slot.decoder.feed(frame, wall_ns, monotonic_ns, self._control)

    def hold(self) -> None:
        """Nothing: the venue allows no second connection beside the first, whose frames would be held back."""

    def release(self) -> None:
        """Nothing was held back."""

    def due(self, now_ns: int) -> Sequence[str | bytes]:
        """The keys, or subscriptions to what has become known since.

        Raises:
            VenueError: the venue refused, or did not answer in time, or a stream is of no more use.
        """
        if self._failure is not None:
            raise self._failure
        if self._deadline_ns is not None and now_ns > self._deadline_ns:
            raise VenueError(f"the venue sent no {self._step.value} within {self._answer_ns / NS_PER_S:g} s")
        if (stuck := self._slot.decoder.stuck) is not None:
            raise VenueError(f"{stuck} only repeats what is past: the venue's clock was set back")
        if self._step is Step.GREETED:
            self._step = Step.AUTHENTICATING
            self._deadline_ns = now_ns + self._answer_ns
            return [self._encoded({"action": "auth", "key": self._keys.key, "secret": self._keys.secret})]
        if self._step is Step.AUTHENTICATED:
            return self._subscriptions(now_ns)
        return ()

    def _subscriptions(self, now_ns: int) -> list[str | bytes]:
        asked = set(self._asked)
        names = [name for name in self._slot.wanted if name not in asked]
        if not names:
            return []
        self._asked += names
        chunks = [names[start : start + SYMBOLS_PER_MESSAGE] for start in range(0, len(names), SYMBOLS_PER_MESSAGE)]
        self._awaited += len(chunks)
        # The chunks go out over seconds, as we send few messages each second.
        self._deadline_ns = now_ns + self._answer_ns + len(chunks) * NS_PER_S
        return [self._encoded({"action": "subscribe", **dict.fromkeys(self._slot.channels, chunk)}) for chunk in chunks]

    def _encoded(self, message: Mapping[str, Any]) -> str | bytes:
        return self._codec.encode(message)

    def _control(self, message: Control) -> None:
        if isinstance(message, Failure):
            self._take_failure(message)
        elif isinstance(message, SubscriptionList):
            self._take_list(message)
        elif message.msg == "connected" and self._step is Step.GREETING:
            self._step = Step.GREETED
            self._deadline_ns = None
        elif message.msg == "authenticated":
            self._take_authenticated()

    def _take_authenticated(self) -> None:
        if self._step is not Step.AUTHENTICATED:
            self._step = Step.AUTHENTICATED
            self._deadline_ns = None
            self._slot.take_authenticated()

    def _take_failure(self, failure: Failure) -> None:
        error = failure_of(
            failure.code,
            failure.msg,
            variables=self._slot.variables,
            symbols=len(self._asked),
            contended_retry_s=self._contended_retry_s,
        )
        if error is None:
            self._take_authenticated()
        else:
            # The first is the cause of those that follow.
            self._failure = self._failure or error

    def _take_list(self, listed: SubscriptionList) -> None:
        if not self._awaited:
            return
        self._awaited -= 1
        if self._awaited:
            return
        self._deadline_ns = None
        self._is_listed = True
        by_channel = {
            "trades": listed.trades,
            "quotes": listed.quotes,
            "dailyBars": listed.daily_bars,
            "statuses": listed.statuses,
        }
        missing = {channel: _missing(self._asked, by_channel[channel] or ()) for channel in self._slot.channels}
        self._slot.take_subscribed(self._asked, {channel: names for channel, names in missing.items() if names})


def _missing(asked: Sequence[str], listed: Sequence[str]) -> list[str]:
    present = set(listed)
    return [] if "*" in present else [name for name in asked if name not in present]
