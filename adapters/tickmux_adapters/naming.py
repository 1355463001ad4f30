"""Lists of names in what people read: a few names, and how many there are beside them."""

from collections.abc import Sequence


def first_of(names: Sequence[str], names_max: int) -> str:
    """The first names, at most so many, and the number of those left out: `AAPL, MSFT and 3 more`."""
    more = len(names) - names_max
    return ", ".join(names[:names_max]) + (f" and {more} more" if more > 0 else "")
