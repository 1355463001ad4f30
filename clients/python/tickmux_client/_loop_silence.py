"""Ends an awaited read that waits for too long."""

import asyncio
from collections.abc import Callable


class LoopSilenceWatch:
    """Cancels a call when one read of it takes longer than the limit; the asyncio twin of SilenceWatch.

    One timer a call, which fires about once per limit: a timeout for each read would cost a third of what gRPC takes to
    read a small response. The time that the consumer spends between two reads does not count.
    """

    def __init__(self, limit_s: float, cancel: Callable[[], object]) -> None:
        self._limit_s = limit_s
        self._cancel = cancel
        self._loop = asyncio.get_running_loop()
        self._deadline_s: float | None = None
        self._timer = self._loop.call_later(limit_s, self._look)
        self.is_silent = False
        """Whether the call was cancelled for its silence."""

    def begin(self, limit_s: float) -> None:
        """A read begins that may take so long; a limit below those before also holds for those after."""
        self._deadline_s = self._loop.time() + limit_s
        if limit_s < self._limit_s:
            self._limit_s = limit_s
            self._timer.cancel()
            self._timer = self._loop.call_later(limit_s, self._look)

    def end(self) -> None:
        """The read is done."""
        self._deadline_s = None

    def stop(self) -> None:
        """End the watch."""
        self._timer.cancel()

    def _look(self) -> None:
        wait_s = self._limit_s if self._deadline_s is None else self._deadline_s - self._loop.time()
        if wait_s > 0:
            self._timer = self._loop.call_later(wait_s, self._look)
        else:
            self.is_silent = True
            self._cancel()
