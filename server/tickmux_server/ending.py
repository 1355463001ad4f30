"""How the server ends a call of its own accord, be it in the middle of a write."""

import asyncio

from tickmux_server.errors import RequestError


class Ending:
    """Cancels the task that serves a call, and makes an error of the cancellation. To be made by that task."""

    __slots__ = ("_error", "_task", "has_begun")

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine is always run by a task
        self._task = task
        self._error: RequestError | None = None
        self.has_begun = False
        """Whether the server ended the call."""

    def begin(self, error: RequestError) -> None:
        """Cancel the task, for its call to end with an error; what began first counts."""
        if not self.has_begun:
            self.has_begun = True
            self._error = error
            self._task.cancel()

    def claim(self) -> None:
        """Take a cancellation back that the task has met, if it is this one alone; to be called where it was caught.

        Raises:
            RequestError: What the call ends with instead.
        """
        if self.has_begun and self._task.uncancel() == 0:
            raise self._taken() from None

    def _taken(self) -> RequestError:
        """The error, which is not kept: its traceback would keep the call, and its place among its connection's."""
        error, self._error = self._error, None
        assert error is not None  # noqa: S101 - it is claimed once, after it has begun
        return error
