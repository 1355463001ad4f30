"""A subscription as asyncio programs hold it: its items, and where it stands."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from typing import Self, TypeVar

from tickmux_client._position import Position

_Item = TypeVar("_Item")


class Subscription(AsyncIterator[_Item]):
    """What `Client.subscribe` and `Client.quotes` give: iterate it, and ask it at any time where it stands.

    One that you leave before its end closes its call when it is collected, in CPython at once. Where it lives on in a
    variable, use it as `async with client.subscribe() as subscription`, or call `aclose`.
    """

    def __init__(self, items: AsyncGenerator[_Item, None], position: Position) -> None:
        self._items = items
        self._position = position

    @property
    def resume_token(self) -> str:
        """Where a program that stores it can go on after its own restart; empty while there is no such place.

        It stands for everything that you were given, but for the events of a response that you were not given whole:
        going on repeats those and skips nothing. The latest event counts as given, so deal with it before you store
        the token. Heartbeats move it while the loop waits: a task or thread that stores it from time to time keeps it
        within the server's history, but has to know that the latest event is dealt with. From a Reset up to its
        CaughtUp it stays what it was, so that going on tells of the loss once more.
        """
        return self._position.resume_token

    def __aiter__(self) -> AsyncGenerator[_Item, None]:
        # Not self: a loop over many thousands a second is spared a step per item.
        return self._items

    def __anext__(self) -> Awaitable[_Item]:
        return self._items.__anext__()

    async def aclose(self) -> None:
        """End the call; the iteration just stops."""
        await self._items.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
