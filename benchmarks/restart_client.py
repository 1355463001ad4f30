"""Worker: our own Python client, many times, each on a connection of its own. Run by `restart`."""

import asyncio
import time
from collections.abc import Sequence

import uvloop

from benchmarks.workers import Message, raise_file_limit, serve_async, settle_garbage_collector, within
from tickmux_client import CaughtUp, GoingAway, Reconnected, connect


class Follower:
    """One client that follows some symbols over a restart."""

    def __init__(self, address: str, symbols: Sequence[str]) -> None:
        self._client = connect(address, own_connection=True)
        self._symbols = symbols
        self._following: asyncio.Task[None] | None = None
        self._caught_up = asyncio.Event()
        self.back = asyncio.Event()
        self.back_ns = 0
        """Monotonic time of the first response after the restart."""
        self.attempts = 0
        self.was_sent_away = False

    async def open(self) -> None:
        """Return once it has the state."""
        self._following = asyncio.create_task(self._follow())
        await self._caught_up.wait()

    async def close(self) -> None:
        """End the subscription and the connection."""
        await self._client.close()
        if self._following is not None:
            await self._following

    async def _follow(self) -> None:
        async for event in self._client.subscribe(self._symbols):
            if isinstance(event, CaughtUp):
                self._caught_up.set()
            elif isinstance(event, GoingAway):
                self.was_sent_away = True
            elif isinstance(event, Reconnected):
                self.back_ns = time.monotonic_ns()
                self.attempts = event.attempts
                self.back.set()


class Answers:
    """What `restart` asks for."""

    def __init__(self) -> None:
        self._followers: list[Follower] = []

    async def __call__(self, request: Message) -> Message:
        """Answer one request."""
        match request["do"]:
            case "open":
                self._followers = [Follower(request["address"], request["symbols"]) for _ in range(request["clients"])]
                await asyncio.gather(*(follower.open() for follower in self._followers))
                settle_garbage_collector()
                return {}
            case "collect":
                await within(request["limit_s"], [follower.back.wait() for follower in self._followers])
                await asyncio.gather(*(follower.close() for follower in self._followers))
                back = [follower for follower in self._followers if follower.back_ns]
                return {
                    "back_ns": [follower.back_ns for follower in back],
                    "attempts": [follower.attempts for follower in back],
                    "sent_away": sum(follower.was_sent_away for follower in self._followers),
                }
            case unknown:
                raise ValueError(f"no answer to {unknown!r}")


if __name__ == "__main__":
    raise_file_limit()
    uvloop.run(serve_async(Answers()))
