"""The table of `tickmux watch` as lines of styled cells: one layout for a terminal and for plain text.

A column that does not fit is left out whole. A price is never cut: a cut price is a wrong price.
"""

from collections.abc import Container, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from tickmux_server.cli.board import Price, QuoteBoard, Row, SourceLine
from tickmux_server.cli.figures import rate_text

GAP: Final = "  "
TIGHT_GAP: Final = " "
LAST_WIDTH_MAX: Final = 36
STATE_WIDTH_MAX: Final = 12
"""Of a row's state, its first words must be seen; the rest is flags, the gravest first."""
STALE_MARK: Final = "!"


class Cell(NamedTuple):
    """A piece of a line."""

    text: str
    style: str = ""
    """One of `heading`, `up`, `down`, `good`, `bad`, `faint`, or empty."""


Line = list[Cell]


class Column(NamedTuple):
    """One column of a table."""

    title: str
    is_right: bool = True
    drop_order: int = 0
    """Columns with the highest number go first when the terminal is narrow; 0 stays."""
    is_tight: bool = False
    """Followed by one blank even where there is room for more."""


MARK_COLUMN: Final = Column(" ", is_right=False, is_tight=True)
"""As wide without a mark as with one, so that nothing moves when the first row is marked."""
QUOTE_COLUMNS: Final = (
    MARK_COLUMN,
    Column("SYMBOL", is_right=False),
    Column("SOURCE", is_right=False, drop_order=1),
    Column("EXCHANGE", is_right=False, drop_order=6),
    Column("BID"),
    Column("BID AT", is_right=False, drop_order=1),
    Column("ASK"),
    Column("ASK AT", is_right=False, drop_order=1),
    Column("LAST", drop_order=2),
    Column("VOLUME", drop_order=4),
    Column("AGE"),
    Column("LAST AGE", drop_order=5),
    Column("UPD/S", drop_order=3),
    Column("STATE", is_right=False),
)
SOURCE_COLUMNS: Final = (
    MARK_COLUMN,
    Column("SOURCE", is_right=False),
    Column("STATE", is_right=False),
    Column("LAG", drop_order=1),
    Column("MESSAGES", drop_order=3),
    Column("MSG/S", drop_order=1),
    Column("MUTE FOR"),
    Column("MALFORMED", drop_order=4),
    Column("RECONNECTS", drop_order=4),
    Column("BUDGET", is_right=False, drop_order=2),
    Column("LAST ERROR", is_right=False),
)


RATE_TITLES: Final = frozenset({"UPD/S", "MSG/S"})
"""Columns that need a while of watching; a single look leaves them out."""
LEG_TITLES: Final = frozenset({"BID AT", "ASK AT"})
"""Columns that only consolidated quotes fill."""
OWN_TITLES: Final = frozenset({"EXCHANGE", "VOLUME"})
"""Columns that consolidated quotes never fill."""


def frame(
    board: QuoteBoard, *, title: str, notes: Sequence[str], wall_s: float, width: int, height: int | None
) -> list[Line]:
    """The whole picture in at most `height` lines (None = as many as it takes) of at most `width` characters."""
    rows = board.rows()
    # A line of its own even while there is nothing to say of the stream: nothing below moves when there is.
    link_line = [Cell(_printable(board.link.problem), "bad")]
    head = [_head(board, title, wall_s, width), *([Cell(_printable(note), "faint")] for note in notes), link_line]
    foot = source_table(board.source_lines(), width)
    shown = rows
    if height is not None:
        room = height - len(head) - 1 - (len(foot) + 1 if foot else 0)
        if len(rows) > room:
            shown = rows[: max(0, room - 1)]
    quotes = quote_table(shown, width)
    if sum(len(cell.text) for cell in quotes[0]) > width:
        return [_cut([Cell("too narrow for prices: widen the window", "bad")], width)][:height]
    lines = head + quotes
    if len(shown) < len(rows):
        hidden = len(rows) - len(shown)
        lines.append([Cell(f"{GAP} ... {hidden} more: enlarge the window, or name what you want to see", "faint")])
    if foot:
        lines += [[], *foot]
    return [_cut(line, width) for line in lines[:height]]


def quote_table(rows: Sequence[Row], width: int, *, with_rates: bool = True) -> list[Line]:
    """One line an instrument, under a heading."""
    cells = [_quote_cells(row) for row in rows]
    without = set() if with_rates else set(RATE_TITLES)
    consolidated = [bool(row.bid_at) for row in rows]
    if not any(consolidated):
        without |= LEG_TITLES
    elif all(consolidated):
        without |= OWN_TITLES
    return table(QUOTE_COLUMNS, cells, width, without, last_width_max=STATE_WIDTH_MAX)


def source_table(sources: Sequence[SourceLine], width: int, *, with_rates: bool = True) -> list[Line]:
    """One line a source, under a heading; nothing without sources."""
    cells = [_source_cells(source) for source in sources]
    return table(SOURCE_COLUMNS, cells, width, () if with_rates else RATE_TITLES) if cells else []


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    width: int,
    without: Container[str] = (),
    *,
    last_width_max: int = LAST_WIDTH_MAX,
) -> list[Line]:
    """Heading and rows, aligned; columns are dropped in their order until the rest fits."""
    widths = [max([len(column.title), *(len(row[i].text) for row in rows)]) for i, column in enumerate(columns)]
    kept = [i for i, column in enumerate(columns) if column.title not in without]
    gap = GAP if _needed(widths, kept, GAP, last_width_max) <= width else TIGHT_GAP
    while _needed(widths, kept, gap, last_width_max) > width:
        droppable = max(kept, key=lambda i: columns[i].drop_order)
        if not columns[droppable].drop_order:
            break
        kept.remove(droppable)
    heading = [Cell(column.title, "heading") for column in columns]
    return [_aligned(line, columns, widths, kept, gap) for line in (heading, *rows)]


def _needed(widths: Sequence[int], kept: Sequence[int], gap: str, last_width_max: int) -> int:
    """Characters for a line; the last column may be long and is cut at the edge, so only its beginning counts."""
    *others, last = (widths[i] for i in kept)
    return sum(others) + min(last, last_width_max) + len(gap) * len(others)


def plain_text(lines: Sequence[Line]) -> str:
    """The lines without styles."""
    return "\n".join("".join(cell.text for cell in line).rstrip() for line in lines)


def _aligned(
    row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], kept: Sequence[int], gap: str
) -> Line:
    line: Line = []
    for i in kept:
        text = _printable(row[i].text)
        if columns[i].is_right:
            text = text.rjust(widths[i])
        elif i != kept[-1]:
            # Not the last one: what is behind the edge is cut, and blanks would count as something that is.
            text = text.ljust(widths[i])
        space = TIGHT_GAP if columns[i].is_tight else gap
        line.append(Cell(text + ("" if i == kept[-1] else space), row[i].style))
    return line


def _cut(line: Line, width: int) -> Line:
    kept: Line = []
    for cell in line:
        if width <= 0:
            break
        kept.append(Cell(cell.text[:width], cell.style))
        width -= len(cell.text)
    return kept


def _printable(text: str) -> str:
    """Text of a venue may hold anything; control characters would reach the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _head(board: QuoteBoard, title: str, wall_s: float, width: int) -> Line:
    now = datetime.fromtimestamp(wall_s, UTC)
    line = [
        Cell(f"{title}{GAP}", "heading"),
        Cell(board.link.word, "good" if board.link.is_up else "bad"),
        Cell(f"{GAP}{len(board)} instruments"),
        Cell(f" ({board.simulated} simulated)" if board.simulated else ""),
        Cell(f"{GAP}{now:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    if sum(len(cell.text) for cell in line) > width:
        line[-1] = Cell(f"{GAP}{now:%H:%M:%S} UTC")
    return line


def _quote_cells(row: Row) -> list[Cell]:
    style = "faint" if row.is_stale else ""

    def price(price: Price) -> Cell:
        return Cell(price.text, {1: "up", -1: "down"}.get(price.direction, style))

    return [
        Cell(STALE_MARK if row.is_stale else "", "bad"),
        Cell(row.symbol, style),
        Cell(row.source, style),
        Cell(row.exchange, style),
        price(row.bid),
        Cell(row.bid_at, style),
        price(row.ask),
        Cell(row.ask_at, style),
        price(row.last),
        Cell(row.volume, style),
        Cell(row.age, "bad" if row.is_stale else ""),
        Cell(row.last_age, style),
        Cell(rate_text(row.updates_per_s), style),
        Cell(row.state.upper() if row.is_stale else row.state, "bad" if row.is_stale else "good"),
    ]


def _source_cells(source: SourceLine) -> list[Cell]:
    return [
        Cell("" if source.is_healthy else STALE_MARK, "bad"),
        Cell(source.name),
        Cell(source.state if source.is_healthy else source.state.upper(), "good" if source.is_healthy else "bad"),
        Cell(source.lag),
        Cell(str(source.messages)),
        Cell(rate_text(source.messages_per_s)),
        Cell(source.mute_for),
        Cell(str(source.malformed)),
        Cell(str(source.reconnects)),
        Cell(source.budget, "" if source.is_healthy else "faint"),
        Cell(source.last_error or "-", "" if source.is_healthy else "bad"),
    ]
