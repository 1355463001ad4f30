"""Where a subscription stands: how much of what arrived its consumer was given. No I/O."""

from collections.abc import Iterator
from operator import length_hint
from typing import TypeVar

_Item = TypeVar("_Item")


class Position:
    """Keeps the token of the last response whose items were all given away. It may be asked from any thread.

    Giving an item away costs nothing here: what is left of a response is counted only when somebody asks.
    """

    def __init__(self, resume_token: str) -> None:
        # Replaced as a whole, so that no thread sees the items of one response with the token of another.
        self._latest: tuple[Iterator[object], str, str] = (iter(()), resume_token, resume_token)

    @property
    def resume_token(self) -> str:
        """It stands for all items of every response but the one whose items are still being given away."""
        items, before, after = self._latest
        return before if length_hint(items) else after

    def give(self, items: list[_Item], resume_token: str) -> Iterator[_Item]:
        """Give away the items of one response, the last of which reaches `resume_token`; those before it are gone."""
        given = iter(items)
        self._latest = (given, self.resume_token, resume_token)
        return given
