"""Calls that the server ends of its own accord, while others may cancel them too."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tickmux_server.ending import Ending
from tickmux_server.errors import ClientTooSlow, RequestError

AWAIT_S = 10.0


class Call:
    """One that waits for ever, and notes what it is cancelled with."""

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self.task = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        self.ending = Ending()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ending.claim()
            raise


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Call, Ending]]:
    call = Call()
    await asyncio.sleep(0)
    assert call.ending is not None
    async with asyncio.timeout(AWAIT_S):
        yield call, call.ending


def too_slow(message: str = "slow") -> RequestError:
    return ClientTooSlow(message, retry_after_s=1.0)


async def test_a_call_ends_with_the_error_and_is_not_cancelled() -> None:
    async with serving() as (call, ending):
        ending.begin(too_slow())
        with pytest.raises(ClientTooSlow, match="slow"):
            await call.task
    assert not call.task.cancelled()
    assert ending.has_begun


async def test_what_began_first_counts() -> None:
    async with serving() as (call, ending):
        ending.begin(too_slow("first"))
        ending.begin(too_slow("second"))
        with pytest.raises(ClientTooSlow, match="first"):
            await call.task


async def test_a_cancellation_of_someone_else_stays_one() -> None:
    async with serving() as (call, ending):
        call.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call.task
    assert call.task.cancelled()
    assert not ending.has_begun


async def test_of_two_cancellations_the_other_wins() -> None:
    async with serving() as (call, ending):
        ending.begin(too_slow())
        call.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call.task
    assert call.task.cancelled()
