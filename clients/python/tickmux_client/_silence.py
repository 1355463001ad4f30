"""Ends a blocking read that waits for too long."""

import threading
import time
from collections.abc import Callable


class SilenceWatch:
    """Cancels a synchronous call when one read of it takes longer than the limit; a blocked read has no timeout.

    One thread a call, which wakes about once per limit, so that a read costs two assignments and a look. The time
    that the consumer spends between two reads does not count.
    """

    def __init__(self, limit_s: float, cancel: Callable[[], object]) -> None:
        self._limit_s = limit_s
        self._cancel = cancel
        self._deadline_s: float | None = None
        self._stopped = False
        self._woken = threading.Event()
        self.is_silent = False
        """Whether the call was cancelled for its silence."""
        self._thread = threading.Thread(target=self._watch, name="tickmux-silence-watch", daemon=True)
        self._thread.start()

    def begin(self, limit_s: float) -> None:
        """A read begins that may take so long; a limit below those before also holds for those after."""
        self._deadline_s = time.monotonic() + limit_s
        if limit_s < self._limit_s:
            self._limit_s = limit_s
            self._woken.set()

    def end(self) -> None:
        """The read is done."""
        self._deadline_s = None

    def stop(self) -> None:
        """End the watch and its thread."""
        self._stopped = True
        self._woken.set()
        # The garbage collector may close a forgotten stream from any thread, this one included.
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _watch(self) -> None:
        wait_s = self._limit_s
        while True:
            self._woken.wait(wait_s)
            # Before the look at `_stopped`: a stop after it wakes the next wait.
            self._woken.clear()
            if self._stopped:
                return
            deadline_s = self._deadline_s
            wait_s = self._limit_s if deadline_s is None else deadline_s - time.monotonic()
            if wait_s <= 0:
                self.is_silent = True
                self._cancel()
                return
