"""Messages from before what a stream has reached, and when a stream brings nothing else any more."""

from typing import Final

STUCK_NS_MIN: Final = 5_000_000_000
STUCK_REPEATS_MIN: Final = 3


class Repeats:
    """The messages of one stream that were skipped as older than what it had reached.

    A connection keeps the venue's order, so that a message that was overtaken is followed by newer ones at once. A
    stream that brings only older ones, this many and for this long, has begun to count anew, or its clock was set
    back: what it brings would be skipped for ever. It need not be many, as a quiet instrument may say one thing a
    minute; and it must be longer than two connections overlap, as the second tells again what the first told.
    """

    __slots__ = ("_count", "_latest_ns", "_since_ns", "_stands_at")

    def __init__(self) -> None:
        self._stands_at = -1
        self._since_ns = 0
        self._latest_ns = 0
        self._count = 0

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
        self._latest_ns = monotonic_ns

    def stuck(self, stands_at: int, *, ns_min: int = STUCK_NS_MIN) -> bool:
        """Whether a stream that stands there brings only what is older, and has done so for `ns_min`."""
        return (
            stands_at == self._stands_at
            and self._count >= STUCK_REPEATS_MIN
            and self._latest_ns - self._since_ns >= ns_min
        )
