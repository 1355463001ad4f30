"""The talk over one connection to Binance: subscriptions and their answers, notices, and frames held back."""

import json
from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec

from tickmux_adapters.binance.decoder import BinanceDecoder
from tickmux_adapters.binance.messages import AnyFrame, ErrorBody
from tickmux_adapters.conversation import HELD_FRAMES_MAX, Heard
from tickmux_adapters.errors import VenueError
from tickmux_adapters.model import Clock

STREAMS_PER_MESSAGE: Final = 200
"""Larger SUBSCRIBE messages have been dropped by the venue without an answer."""
NS_PER_S: Final = 1_000_000_000


class BinanceConversation:
    """Subscribes in chunks, matches the answers, and passes data on to the slot's decoder."""

    def __init__(self, decoder: BinanceDecoder, clock: Clock, *, answer_timeout_s: float) -> None:
        self.ready = False
        self.rotation_wanted = False
        self._decoder = decoder
        self._clock = clock
        self._answer_ns = int(answer_timeout_s * NS_PER_S)
        self._deadline_ns: int | None = None
        self._awaited: dict[int, str] = {}
        self._failure: str | None = None
        self._held: deque[tuple[bytes, int, int]] | None = None

    def opening(self) -> Sequence[str]:
        """The subscriptions, in chunks."""
        names = self._decoder.stream_names
        chunks = [names[start : start + STREAMS_PER_MESSAGE] for start in range(0, len(names), STREAMS_PER_MESSAGE)]
        self._awaited = {number: f"{chunk[0]} and {len(chunk) - 1} more" for number, chunk in enumerate(chunks, 1)}
        # The chunks go out over seconds, as the venue allows few messages each second.
        self._deadline_ns = self._clock.monotonic_ns() + self._answer_ns + len(chunks) * NS_PER_S
        return [
            json.dumps({"method": "SUBSCRIBE", "params": chunk, "id": number}, ensure_ascii=False)
            for number, chunk in enumerate(chunks, 1)
        ]

    def feed(self, frame: bytes, wall_ns: int, monotonic_ns: int) -> Heard:
        """Take one frame; see `conversation.Conversation`."""
        if self._held is not None and b'"stream"' in frame and b"serverShutdown" not in frame:
            if len(self._held) == HELD_FRAMES_MAX:
                self._failure = f"more than {HELD_FRAMES_MAX} frames came while two connections overlapped"
            else:
                self._held.append((frame, wall_ns, monotonic_ns))
            return Heard.DATA
        return self._decoder.feed(frame, wall_ns, monotonic_ns, self._control)

    def hold(self) -> None:
        """Keep data frames back from now on."""
        self._held = deque()

    def release(self) -> None:
        """Deliver what was kept back, and keep nothing back from now on."""
        held, self._held = self._held, None
        for frame, wall_ns, monotonic_ns in held or ():
            self._decoder.feed(frame, wall_ns, monotonic_ns, self._control)
        self._decoder.end_overlap()

    def due(self, now_ns: int) -> Sequence[str]:
        """Nothing is sent late, but deadlines pass.

        Raises:
            VenueError: the venue refused or did not answer, or a stream is of no more use.
        """
        if self._failure is not None:
            raise VenueError(self._failure)
        if not self.ready and self._deadline_ns is not None and now_ns > self._deadline_ns:
            raise VenueError(f"no answer to the subscription of {next(iter(self._awaited.values()))}")
        if self._decoder.stuck is not None:
            raise VenueError(f"{self._decoder.stuck} only repeats what is past: its sequence has begun anew")
        return ()

    def _control(self, message: AnyFrame) -> None:
        if "serverShutdown" in (message.event, message.stream.lstrip("!")):
            self.rotation_wanted = True
            return
        error = message.error
        if error is None and message.code is not None:
            error = ErrorBody(code=message.code, msg=message.msg)
        if error is not None:
            self._failure = f"the venue refused a subscription: code {error.code}: {error.msg}"
            return
        if isinstance(message.id, int) and message.result is not msgspec.UNSET:
            self._awaited.pop(message.id, None)
            self.ready = not self._awaited
