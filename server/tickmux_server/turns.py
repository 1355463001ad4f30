"""Turns: heavy steps of many streams, spread over iterations of the event loop, so that none blocks it for long.

A stream that catches up has a chunk to gather before each of its writes, which takes up to a millisecond. When a
thousand of them are cut off together and come back together, all are ready in one iteration, behind which every healthy
stream would wait.
"""

import asyncio
from collections import deque
from typing import Final

ITERATION_S_MAX: Final = 0.002
"""An iteration of the loop that took longer than this had too many turns in it."""
TURNS_MAX: Final = 32
"""Most turns of one iteration, however short they were so far."""


class Turns:
    """Gives out turns: the first of an iteration at once, more as long as iterations stay short, others later."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_pumping = False
        self._given_max = 1
        self._pumped_at_s = 0.0

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    async def take(self) -> None:
        """Wait for a turn; the work is to follow without another await."""
        loop = asyncio.get_running_loop()
        if not self._is_pumping:
            self._is_pumping = True
            self._pumped_at_s = loop.time()
            loop.call_soon(self._pump)
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _pump(self) -> None:
        """Runs once an iteration while turns are taken: what it gives runs in the next one."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        took_s, self._pumped_at_s = now_s - self._pumped_at_s, now_s
        if took_s > ITERATION_S_MAX:
            self._given_max = max(1, self._given_max // 2)
        else:
            self._given_max = min(self._given_max + 1, TURNS_MAX)
        given = 0
        while self._waiting and given < self._given_max:
            turn = self._waiting.popleft()
            if not turn.done():  # a stream that was cancelled meanwhile needs none
                turn.set_result(None)
                given += 1
        self._is_pumping = given > 0
        if self._is_pumping:
            loop.call_soon(self._pump)
