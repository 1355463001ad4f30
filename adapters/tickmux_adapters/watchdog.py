"""Whether a socket that is open also speaks."""

import enum
from typing import Final

NS_PER_S: Final = 1_000_000_000


class Verdict(enum.Enum):
    """What the time since the last data message means."""

    FRESH = "fresh"
    STALE = "stale"
    MUTE = "mute"
    """So long that the connection is to be replaced."""


class Watchdog:
    """The mute deadlines of one connection.

    Only messages that prove that data flows count: not WebSocket pings, which a stalled feed may go on answering. A
    quiet symbol does not matter, as long as the connection brings something.
    """

    def __init__(self, *, stale_after_s: float, reconnect_after_s: float, now_ns: int) -> None:
        self._stale_ns = int(stale_after_s * NS_PER_S)
        self._mute_ns = max(int(reconnect_after_s * NS_PER_S), self._stale_ns)
        self.heard_at_ns = now_ns
        """When the last message that counts was read, monotonic; the reader sets it."""

    def verdict(self, now_ns: int) -> Verdict:
        """What to think of the connection now."""
        silent_ns = now_ns - self.heard_at_ns
        if silent_ns >= self._mute_ns:
            return Verdict.MUTE
        return Verdict.STALE if silent_ns >= self._stale_ns else Verdict.FRESH

    def next_check_s(self, now_ns: int) -> float:
        """Seconds until the verdict can next get worse; 0 when it cannot."""
        silent_ns = now_ns - self.heard_at_ns
        deadline_ns = self._stale_ns if silent_ns < self._stale_ns else self._mute_ns
        return max(0, deadline_ns - silent_ns) / NS_PER_S

    def silent_s(self, now_ns: int) -> float:
        """Seconds since the last message that counts."""
        return (now_ns - self.heard_at_ns) / NS_PER_S
