"""How long an event loop is kept from its next callback: a timer of 1 ms that notes how late it is."""

import asyncio
import time
from typing import Final

from benchmarks.arithmetic import percentile

TICK_S: Final = 0.001


class LoopProbe:
    """A chain of 1 ms timers, each of which notes two things.

    How late it is: this includes what the system ran on this core instead. And what CPU time the loop's thread spent
    since the one before: in a busy loop each iteration brings one tick, so this is what the loop itself took for an
    iteration, whoever else ran. Iterations shorter than a tick add up to 1 ms to it.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._late_ms: list[float] = []
        self._spent_ms: list[float] = []
        self._started_ns = self._ticked_ns = time.monotonic_ns()
        self._started_cpu_ns = self._cpu_ns = time.thread_time_ns()
        self._timer = self._loop.call_later(TICK_S, self._tick)

    def stop(self) -> dict[str, float]:
        """End the chain; what it saw, in ms but for `seconds` and `cores`."""
        self._timer.cancel()
        seconds = (time.monotonic_ns() - self._started_ns) / 1e9
        late_ms, spent_ms = sorted(self._late_ms), sorted(self._spent_ms)
        return {
            "seconds": seconds,
            "cores": (time.thread_time_ns() - self._started_cpu_ns) / 1e9 / seconds,
            "late_p999_ms": percentile(late_ms, 0.999),
            "late_max_ms": percentile(late_ms, 1.0),
            "spent_p999_ms": percentile(spent_ms, 0.999),
            "spent_max_ms": percentile(spent_ms, 1.0),
        }

    def _tick(self) -> None:
        now_ns, cpu_ns = time.monotonic_ns(), time.thread_time_ns()
        self._late_ms.append(max(0.0, (now_ns - self._ticked_ns) / 1e6 - TICK_S * 1000))
        self._spent_ms.append((cpu_ns - self._cpu_ns) / 1e6)
        self._ticked_ns, self._cpu_ns = now_ns, cpu_ns
        self._timer = self._loop.call_later(TICK_S, self._tick)
