"""Messages that bring nothing new, and when a stream brings nothing else any more."""

from typing import Final

STUCK_NS_MIN: Final = 10_000_000_000
STUCK_REPEATS_MIN: Final = 100


class Repeats:
    """The skipped messages of one stream since it last moved on.

    A stream that brings only repeats, this many and for this long, has begun to count anew, or its clock was set back:
    what it brings would be skipped for ever.
    """

    __slots__ = ("_count", "_since_ns", "_stands_at", "stuck")

    def __init__(self) -> None:
        self._stands_at = -1
        self._since_ns = 0
        self._count = 0
        self.stuck = False

    def note(self, stands_at: int, monotonic_ns: int) -> None:
        """Take note of a skipped message.

        Args:
            stands_at: sequence or time that the stream has reached; the count begins anew when it has moved on.
            monotonic_ns: when the message was read.
        """
        if stands_at != self._stands_at:
            self._stands_at = stands_at
            self._since_ns = monotonic_ns
            self._count = 0
        self._count += 1
        self.stuck = self._count >= STUCK_REPEATS_MIN and monotonic_ns - self._since_ns >= STUCK_NS_MIN
