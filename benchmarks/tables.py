"""Plain tables that line up in a terminal, a log and a note."""

from collections.abc import Sequence


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = ()) -> str:
    """A title, a header, rows and notes; the first column is aligned to the left, all others to the right.

    Raises:
        ValueError: A row has more or fewer cells than there are columns.
    """
    lines = [tuple(columns), *(tuple(row) for row in rows)]
    if any(len(line) != len(columns) for line in lines):
        raise ValueError(f"{title}: a row does not have {len(columns)} cells")
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    first, *others = widths
    text = [
        "  ".join([line[0].ljust(first), *(c.rjust(w) for c, w in zip(line[1:], others, strict=True))])
        for line in lines
    ]
    rule = "-" * (sum(widths) + 2 * len(others))
    return "\n".join([title, rule, text[0], rule, *text[1:], rule, *notes])


def verdict(*, met: bool, met_undisturbed: bool = False) -> str:
    """A goal's cell: by the medians, and if those miss it, by the repeats that nothing disturbed."""
    if met:
        return "met"
    return "only undisturbed" if met_undisturbed else "MISSED"
