"""Limits on how often something may be done."""

import asyncio
from collections import deque
from typing import Final

from tickmux_adapters.model import Clock

NS_PER_S: Final = 1_000_000_000


class SlidingWindow:
    """At most `limit` units in any `window_s` seconds: connection attempts, control messages, request weight."""

    def __init__(self, *, limit: int, window_s: float) -> None:
        self.limit = limit
        self.window_s = window_s
        self._window_ns = int(window_s * NS_PER_S)
        self._spent: deque[tuple[int, int]] = deque()
        self._used = 0

    def delay_s(self, now_ns: int, units: int = 1) -> float:
        """Seconds until `units` more fit; 0 when they fit now.

        More units than the limit are treated as the limit: they fit only into an empty window.
        """
        self._forget(now_ns)
        excess = self._used + min(units, self.limit) - self.limit
        for spent_ns, spent_units in self._spent:
            if excess <= 0:
                break
            excess -= spent_units
            if excess <= 0:
                return (spent_ns + self._window_ns - now_ns) / NS_PER_S
        return 0.0

    def spend(self, now_ns: int, units: int = 1) -> None:
        """Record that `units` were used, whether or not they fit."""
        self._forget(now_ns)
        self._spent.append((now_ns, units))
        self._used += units

    def take_back(self) -> None:
        """Forget what was recorded last: it was not used after all."""
        if self._spent:
            self._used -= self._spent.pop()[1]

    def left(self, now_ns: int) -> int:
        """Units that fit now."""
        self._forget(now_ns)
        return max(0, self.limit - self._used)

    def refilled_in_s(self, now_ns: int) -> float:
        """Seconds until the oldest of what was used is free again; the whole window when nothing was used."""
        self._forget(now_ns)
        if not self._spent:
            return self.window_s
        return (self._spent[0][0] + self._window_ns - now_ns) / NS_PER_S

    def spendings(self, now_ns: int) -> list[tuple[int, int]]:
        """What was used in the present window as (monotonic nanoseconds, units), oldest first."""
        self._forget(now_ns)
        return list(self._spent)

    def _forget(self, now_ns: int) -> None:
        while self._spent and self._spent[0][0] <= now_ns - self._window_ns:
            self._used -= self._spent.popleft()[1]


async def wait_for_room(window: SlidingWindow, clock: Clock, units: int = 1) -> None:
    """Wait until `units` fit into the window, then spend them."""
    while delay_s := window.delay_s(clock.monotonic_ns(), units):  # noqa: ASYNC110 - only time makes room
        await asyncio.sleep(delay_s)
    window.spend(clock.monotonic_ns(), units)
