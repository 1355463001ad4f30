"""What the supervision needs to know of a venue: one conversation a connection, one feed a slot. No I/O here."""

import enum
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from tickmux_adapters.model import Moment

BAD_FRAME: Final = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)
"""What a hostile or broken frame can raise on its way through a decoder and float()."""
HELD_FRAMES_MAX: Final = 50_000
"""Frames held back while two connections overlap, at most; some seconds of a busy slot."""


class Heard(enum.IntEnum):
    """What a frame proves about the connection that brought it."""

    NOTHING = 0
    """Not understood, or a repeat: no sign that fresh data flows."""
    ALIVE = 1
    """Understood, without market data: an answer, a heartbeat, a notice."""
    DATA = 2
    """Market data, or a canary's."""


class Conversation(Protocol):
    """The talk over one connection, from the first subscription to the close."""

    @property
    def ready(self) -> bool:
        """Every subscription has been answered."""

    @property
    def rotation_wanted(self) -> bool:
        """The venue announced that it will cut this connection."""

    def opening(self) -> Sequence[str | bytes]:
        """Messages to send first, in order: text frames, and binary ones where the venue speaks so."""

    def feed(self, frame: bytes, wall_ns: int, monotonic_ns: int) -> Heard:
        """Take one frame, read at this moment. Never raises for what a venue may send."""

    def due(self, now_ns: int) -> Sequence[str | bytes]:
        """Messages that time, or what was heard, has made due (a subscription to repeat, an answer to a greeting).

        Raises:
            VenueError: a deadline passed, or the venue asked for it: this connection is to be replaced.
        """

    def hold(self) -> None:
        """Keep data frames back from now on: another connection still delivers the same streams."""

    def release(self) -> None:
        """Deliver what was kept back, in order, then go on without keeping back."""


class Feed(Protocol):
    """One slot's streams, whichever connection brings them."""

    def converse(self) -> Conversation:
        """Begin the talk over a new connection."""

    def begin_chain(self, moment: Moment) -> None:
        """Forget the order of what came before: a new chain of quotes starts."""

    async def seed(self) -> None:
        """Fetch the state that the stream does not send by itself, if any. Called once every subscription is answered.

        Raises:
            VenueError: it could not be fetched; it is tried again while the connection lasts.
        """
