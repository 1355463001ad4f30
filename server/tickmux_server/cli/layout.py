"""Where the columns of a table stand; of one that is drawn again and again they do not move about.

A column that does not fit is left out whole. A price is never cut: a cut price is a wrong price.
"""

from collections.abc import Collection, Container, Sequence
from typing import Final, NamedTuple

GAP: Final = "  "
TIGHT_GAP: Final = " "
LAST_WIDTH_MAX: Final = 36


class Column(NamedTuple):
    """One column of a table."""

    title: str
    is_right: bool = True
    drop_order: int = 0
    """Columns with the highest number go first when the terminal is narrow; 0 stays."""
    is_tight: bool = False
    """Followed by one blank even where there is room for more."""
    width_min: int = 0
    """Characters that it takes whatever it holds, for what it may hold a moment later."""


class Layout(NamedTuple):
    """Which columns are shown, and how wide."""

    width: int
    """Of the window that it was made for."""
    widths: tuple[int, ...]
    kept: tuple[int, ...]
    """Indices of the columns that are shown."""
    gap: str


class LayoutMemory:
    """The layout of the picture before.

    From one picture to the next columns only grow. They are measured anew once the window has another size, or
    something that was shown has left for good.
    """

    def __init__(self) -> None:
        self._before: Layout | None = None
        self._shown: frozenset[tuple[str, ...]] = frozenset()
        self._is_still = False

    def begin(self, shown: Collection[tuple[str, ...]], width: int, *, is_still: bool) -> None:
        """Begin a picture.

        Args:
            shown: Identities of what there is to show.
            width: Of the window, in characters.
            is_still: Nothing may move, since what is shown is about to be replaced by the like of it.
        """
        now = frozenset(shown)
        if (self._before and self._before.width != width) or not self._shown <= now:
            self._before = None
        self._shown = now
        self._is_still = is_still

    def widths(self, measured: Sequence[int]) -> list[int]:
        """The widths of the columns, from what this picture alone would need."""
        if self._before is None:
            return list(measured)
        return [max(pair) for pair in zip(self._before.widths, measured, strict=True)]

    def layout(self, proposed: Layout) -> Layout:
        """The layout to take, which is the one before if nothing may move."""
        if self._is_still and self._before:
            proposed = proposed._replace(kept=self._before.kept, gap=self._before.gap)
        self._before = proposed
        return proposed


def arrange(
    columns: Sequence[Column],
    texts: Sequence[Sequence[str]],
    width: int,
    *,
    without: Container[str],
    last_width_max: int,
    memory: LayoutMemory,
) -> Layout:
    """Measure the columns, and drop them in their order until the rest fits."""
    measured = [
        max([len(column.title), column.width_min, *(len(row[i]) for row in texts)]) for i, column in enumerate(columns)
    ]
    widths = memory.widths(measured)
    kept = [i for i, column in enumerate(columns) if column.title not in without]
    gap = GAP if _needed(widths, kept, GAP, last_width_max) <= width else TIGHT_GAP
    while _needed(widths, kept, gap, last_width_max) > width:
        droppable = max(kept, key=lambda i: columns[i].drop_order)
        if not columns[droppable].drop_order:
            break
        kept.remove(droppable)
    return memory.layout(Layout(width, tuple(widths), tuple(kept), gap))


def _needed(widths: Sequence[int], kept: Sequence[int], gap: str, last_width_max: int) -> int:
    """Characters for a line; the last column may be long and is cut at the edge, so only its beginning counts."""
    *others, last = (widths[i] for i in kept)
    return sum(others) + min(last, last_width_max) + len(gap) * len(others)


def cut_at_words(text: str, width: int) -> str:
    """As many whole words of a text as fit; of a single word that is too long, its beginning."""
    if len(text) <= width:
        return text
    whole = text[: width + 1].rpartition(" ")[0].rstrip()
    return whole or text[: max(0, width)]
