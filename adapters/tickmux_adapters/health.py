"""The health of one upstream slot, counted and announced."""

import logging
from typing import Final

from tickmux_adapters.errors import SAMPLE_CHARS_MAX
from tickmux_adapters.model import BudgetStatus, ChannelStatus, Clock, Sink, SourceState
from tickmux_adapters.secrets import redact

logger = logging.getLogger(__name__)

ERROR_CHARS_MAX: Final = 500
SAMPLES_PER_WINDOW: Final = 5
SAMPLE_WINDOW_NS: Final = 10_000_000_000


class ChannelHealth:
    """State and counters of one slot. The state is announced when it changes; counters are asked for.

    The counters are plain attributes because they are written on the way of every message.
    """

    def __init__(self, *, source: str, channel: str, sink: Sink, clock: Clock) -> None:
        self.source = source
        self.channel = channel
        self.state = SourceState.CONNECTING
        self.messages = 0
        self.malformed = 0
        self.duplicates = 0
        self.inexact = 0
        self.reconnects = 0
        self.last_message_ns: int | None = None
        self.lag_ns: int | None = None
        self.budgets: tuple[BudgetStatus, ...] = ()
        self._since_ns = clock.wall_ns()
        self._error = ""
        self._notes: dict[str, str] = {}
        self._sink = sink
        self._clock = clock
        self._sampler = MalformedSampler(f"{source}/{channel}")

    @property
    def error(self) -> str:
        """What last went wrong, in one line; empty when nothing has."""
        return self._error

    def enter(
        self, state: SourceState, error: str | None = None, *, budgets: tuple[BudgetStatus, ...] | None = None
    ) -> None:
        """Go to a state and announce it, if anything of it is new; what is None stays as it was."""
        text = self._error if error is None else _one_line(error)
        allowed = self.budgets if budgets is None else budgets
        if state is self.state and text == self._error and allowed == self.budgets:
            return
        self.budgets = allowed
        if state is not self.state:
            self.state = state
            self._since_ns = self._clock.wall_ns()
        self._error = text
        self.announce()

    def announce(self) -> None:
        """Deliver the present status to the sink."""
        self._sink.status(self.status())

    def note(self, note: str, *, about: str = "") -> None:
        """Something that stays wrong until it is taken back with an empty note, such as a symbol that is not listed.

        Args:
            note: what is wrong, in one line.
            about: of several things that may be wrong at once, which one this is; few and fixed.
        """
        note = _one_line(note)
        if note != self._notes.get(about, ""):
            self._notes[about] = note
            self.announce()

    def count_malformed(self, problem: str, frame: bytes) -> None:
        """Count a message that could not be understood, and log a sample of it at a bounded rate."""
        self.malformed += 1
        self._sampler.note(problem, frame, self._clock.monotonic_ns())

    def status(self) -> ChannelStatus:
        """The slot's health now."""
        return ChannelStatus(
            source=self.source,
            channel=self.channel,
            state=self.state,
            since_ns=self._since_ns,
            last_message_at_ns=self.last_message_ns,
            messages=self.messages,
            malformed=self.malformed,
            duplicates=self.duplicates,
            inexact=self.inexact,
            reconnects=self.reconnects,
            last_error="; ".join(dict.fromkeys(text for text in (self._error, *self._notes.values()) if text)),
            lag_ns=self.lag_ns,
            budgets=self.budgets,
        )


class MalformedSampler:
    """Logs a few of the messages that were not understood, and says how many it kept to itself."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._window_start_ns: int | None = None
        self._in_window = 0
        self._suppressed = 0

    def note(self, problem: str, frame: bytes, now_ns: int) -> None:
        """Log a message's first characters, unless enough were logged of late."""
        if self._window_start_ns is None or now_ns - self._window_start_ns >= SAMPLE_WINDOW_NS:
            self._window_start_ns = now_ns
            self._in_window = 0
        self._in_window += 1
        if self._in_window > SAMPLES_PER_WINDOW:
            self._suppressed += 1
            return
        # Cut before decoding: the frame may be a megabyte. repr keeps control characters out of the log.
        sample = redact(frame[: SAMPLE_CHARS_MAX * 4].decode("utf-8", "replace"))[:SAMPLE_CHARS_MAX]
        more = f" ({self._suppressed} more were not logged)" if self._suppressed else ""
        self._suppressed = 0
        logger.warning("%s: skipped a message: %s: %r%s", self._name, redact(problem), sample, more)


def _one_line(text: str) -> str:
    # Before it is cut: half a key is still a secret.
    return redact(" ".join(text.split()))[:ERROR_CHARS_MAX]
