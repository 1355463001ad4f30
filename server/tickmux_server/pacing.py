"""When to flush: at once while that is cheap, in ticks that grow with the number of writers when it is not."""

from typing import Final

WRITE_COST_S: Final = 25e-6
"""What one write costs the event loop, whatever it carries (benchmarks/fan_out.py prints it for a machine)."""
WRITE_SHARE: Final = 0.7
"""The share of a core that writes may take before flushes are spaced out to gather more into each."""
INTERVAL_S_MAX: Final = 0.05
"""Longest time that an update waits for company."""


class FlushPacer:
    """Spaces flushes so that their writes take at most WRITE_SHARE of a core."""

    def __init__(self) -> None:
        self._last_s = float("-inf")
        self._interval_s = 0.0

    def delay_s(self, now_s: float) -> float:
        """How long the next flush should wait; 0 = flush now."""
        return max(0.0, self._last_s + self._interval_s - now_s)

    def flushed(self, now_s: float, writers: int) -> None:
        """Take note of a flush that woke so many writers."""
        self._last_s = now_s
        self._interval_s = min(writers * WRITE_COST_S / WRITE_SHARE, INTERVAL_S_MAX)
