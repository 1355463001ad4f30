"""Lists of a venue whose entries are understood one by one, so that a bad one does not take the others with it."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from tickmux_adapters.conversation import BAD_FRAME

Entry = TypeVar("Entry")
Skip = Callable[[str, bytes], None]
"""Takes note of an entry that is left out: what is wrong with it, and the entry."""


def understood(entries: Iterable[msgspec.Raw], decode: Callable[[msgspec.Raw], Entry], skip: Skip) -> list[Entry]:
    """The entries that can be understood, in order.

    Raises:
        One of BAD_FRAME: there are some, and not one of them can be: it is another list than we take it for.
    """
    taken: list[Entry] = []
    bad: list[tuple[Exception, msgspec.Raw]] = []
    for entry in entries:
        try:
            taken.append(decode(entry))
        except BAD_FRAME as error:
            bad.append((error, entry))
    if bad and not taken:
        raise bad[0][0]
    for problem, entry in bad:
        skip(str(problem) or type(problem).__name__, bytes(entry))
    return taken
