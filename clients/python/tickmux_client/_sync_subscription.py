"""A subscription as programs without an event loop hold it."""

from collections.abc import Generator, Iterator
from typing import Self, TypeVar

from tickmux_client._position import Position

_Item = TypeVar("_Item")


class Subscription(Iterator[_Item]):
    """What `Client.subscribe` and `Client.quotes` give, as `tickmux_client.Subscription`; `close` ends its call.

    One thread iterates; where it stands may be asked from any.
    """

    def __init__(self, items: Generator[_Item, None, None], position: Position) -> None:
        self._items = items
        self._position = position

    @property
    def resume_token(self) -> str:
        """Where a program that stores it can go on after its own restart, as `tickmux_client.Subscription` has it."""
        return self._position.resume_token

    def __iter__(self) -> Generator[_Item, None, None]:
        # Not self: a loop over many thousands a second is spared a step per item.
        return self._items

    def __next__(self) -> _Item:
        return next(self._items)

    def close(self) -> None:
        """End the call; the iteration just stops."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
