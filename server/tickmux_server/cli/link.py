"""How the stream of the table stands, as a person should see it: a cut that heals within a moment is none."""

from collections.abc import Callable
from typing import Final

MOMENT_S: Final = 2.5
"""What a stream that a server moves, or whose connection broke, is back well within; to a person it was never away."""
WORD_WIDTH_MAX: Final = len("reconnecting")
"""Of `Link.word`, in characters."""


class Link:
    """Whether what is shown can be believed as far as the stream goes, and what to say of it."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._was_up = False
        self._is_up = False
        self._problem = ""
        self._believed_until_s = 0.0

    def up(self) -> None:
        """The stream delivers."""
        self._was_up = self._is_up = True

    def cut(self, problem: str) -> None:
        """The stream ended, and the first try to get it back is still to come: news only if that takes long."""
        if self._is_up:
            self._believed_until_s = self._monotonic_s() + MOMENT_S
        self._is_up = False
        self._problem = problem

    def lost(self, problem: str) -> None:
        """There is no stream, and getting it back has failed or is in doubt."""
        self._is_up = False
        self._believed_until_s = 0.0
        self._problem = problem

    @property
    def is_up(self) -> bool:
        """Whether there is a stream, or was one a moment ago."""
        return self._is_up or self._monotonic_s() < self._believed_until_s

    @property
    def word(self) -> str:
        """How the stream stands."""
        if self.is_up:
            return "connected"
        return "reconnecting" if self._was_up else "connecting"

    @property
    def problem(self) -> str:
        """Why there is no stream, in one line; empty while there is one."""
        return "" if self.is_up else self._problem
