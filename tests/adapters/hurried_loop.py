"""An event loop for days of waiting: where nothing happens, its time leaps to the next timer; sockets are real."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

QUIET_S = 0.02
"""Nothing has come on any socket for so long: nothing is under way. All that talk to each other are on this loop."""
START_NS = 1_790_000_000 * 1_000_000_000


class _HurriedSelector(selectors.DefaultSelector):
    leapt_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= QUIET_S:
            return super().select(timeout)
        events = super().select(QUIET_S)
        if not events:
            self.leapt_s += timeout
        return events


class HurriedLoop(asyncio.SelectorEventLoop):
    """Threads are not waited for: what is run on this loop may not use any."""

    def __init__(self) -> None:
        self._hurried = _HurriedSelector()
        super().__init__(self._hurried)

    def time(self) -> float:
        return super().time() + self._hurried.leapt_s


class LoopClock:
    """Both clocks go with the running loop."""

    def wall_ns(self) -> int:
        return START_NS + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        return int(asyncio.get_running_loop().time() * 1_000_000_000)


def run_hurried(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        runner.run(main)
