"""Turns: heavy steps of many streams, spread over iterations of the event loop, so that none blocks it for long.

A stream that catches up has a chunk to gather before each of its writes, which takes up to a millisecond. When a
thousand of them are cut off together and come back together, all are ready in one iteration, behind which every healthy
stream would wait.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar

SLICE_S: Final = 0.001
"""How long steps may take in one iteration, but for the last of them."""

_Result = TypeVar("_Result")


class Turns:
    """Runs steps in the order in which they are asked for: at once if nobody waits, else a slice in each iteration."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._is_taken = False
        """Whether a step ran in this iteration, or some wait for the next."""

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def run(self, step: Callable[[], _Result]) -> _Result:
        """Run a step when its turn has come, and return what it returns.

        A step that ran before its caller was cancelled has run: what it makes must be found without its result.

        Raises:
            Exception: What the step raises.
        """
        loop = asyncio.get_running_loop()
        if not self._is_taken:
            self._is_taken = True
            loop.call_soon(self._run_slice)
            return step()
        turn: asyncio.Future[_Result] = loop.create_future()
        self._waiting.append((step, turn))
        try:
            return await turn
        finally:
            # What the step raised leads by its traceback to this frame, and over its future back: a ring that would
            # keep the whole call until the garbage collector comes by.
            del turn

    def _run_slice(self) -> None:
        loop = asyncio.get_running_loop()
        until_s = loop.time() + SLICE_S
        self._is_taken = bool(self._waiting)
        while self._waiting:
            step, turn = self._waiting.popleft()
            if not turn.done():  # its stream may have been cancelled meanwhile
                try:
                    turn.set_result(step())
                except Exception as error:  # noqa: BLE001 - it is the caller's, who awaits the turn
                    turn.set_exception(error)
            # As above: this frame is part of the traceback too.
            del step, turn
            if loop.time() >= until_s:
                break
        if self._is_taken:
            loop.call_soon(self._run_slice)
