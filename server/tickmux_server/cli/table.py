"""The table of `tickmux watch` as lines of styled cells: the same for a terminal and for plain text."""

from collections.abc import Container, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from tickmux_server.cli.board import Price, QuoteBoard, Row, SourceLine
from tickmux_server.cli.figures import rate_text
from tickmux_server.cli.layout import (
    GAP,
    LAST_WIDTH_MAX,
    TIGHT_GAP,
    Column,
    Layout,
    LayoutMemory,
    arrange,
    cut_at_words,
)
from tickmux_server.cli.link import WORD_WIDTH_MAX
from tickmux_server.cli.row_states import SHORT_WIDTH, short_state
from tickmux_server.counting import counted

STALE_MARK: Final = "!"
UNKNOWN_WIDTH: Final = len("UNKNOWN")
"""What every state turns into when the server is away."""
CONNECTING_WIDTH: Final = len("CONNECTING")
"""What every source says when a server starts."""


class Cell(NamedTuple):
    """A piece of a line."""

    text: str
    style: str = ""
    """One of `heading`, `up`, `down`, `good`, `bad`, `faint`, or empty."""
    short: str = ""
    """What to show, in the last column, where there is no room for the text."""


Line = list[Cell]


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
    Column("STATE", is_right=False, width_min=UNKNOWN_WIDTH),
)
SOURCE_COLUMNS: Final = (
    MARK_COLUMN,
    Column("SOURCE", is_right=False),
    Column("STATE", is_right=False, width_min=CONNECTING_WIDTH),
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


class PictureMemory:
    """What a picture takes over from the one before it."""

    def __init__(self) -> None:
        self.quotes = LayoutMemory()
        self.sources = LayoutMemory()


def frame(
    board: QuoteBoard,
    memory: PictureMemory,
    *,
    title: str,
    notes: Sequence[str],
    wall_s: float,
    width: int,
    height: int | None,
) -> list[Line]:
    """The whole picture in at most `height` lines (None = as many as it takes) of at most `width` characters."""
    rows = board.rows()
    is_still = not board.link.is_up or board.is_changing
    memory.quotes.begin([(row.symbol, row.source) for row in rows], width, is_still=is_still)
    # A restarted server tells of its sources one after the other: one that is missing has not left.
    memory.sources.begin((), width, is_still=is_still)
    # A line of its own even while there is nothing to say of the stream: nothing below moves when there is.
    link_line = [Cell(cut_at_words(_printable(board.link.problem), width), "bad")]
    head = [_head(board, title, wall_s, width), *([Cell(_printable(note), "faint")] for note in notes), link_line]
    foot = source_table(board.source_lines(), width, memory=memory.sources)
    shown = rows
    if height is not None:
        room = height - len(head) - 1 - (len(foot) + 1 if foot else 0)
        if len(rows) > room:
            shown = rows[: max(0, room - 1)]
    quotes = quote_table(shown, width, memory=memory.quotes)
    if sum(len(cell.text) for cell in quotes[0]) > width:
        return [_cut([Cell("too narrow for prices: widen the window", "bad")], width)][:height]
    lines = head + quotes
    if len(shown) < len(rows):
        hidden = len(rows) - len(shown)
        lines.append([Cell(f"{GAP} ... {hidden} more: enlarge the window, or name what you want to see", "faint")])
    if foot:
        lines += [[], *foot]
    return [_cut(line, width) for line in lines[:height]]


def quote_table(
    rows: Sequence[Row], width: int, *, with_rates: bool = True, memory: LayoutMemory | None = None
) -> list[Line]:
    """One line an instrument, under a heading."""
    cells = [_quote_cells(row) for row in rows]
    without = set() if with_rates else set(RATE_TITLES)
    consolidated = [bool(row.bid_at) for row in rows]
    if not any(consolidated):
        without |= LEG_TITLES
    elif all(consolidated):
        without |= OWN_TITLES
    return table(QUOTE_COLUMNS, cells, width, without, last_width_max=SHORT_WIDTH, memory=memory)


def source_table(
    sources: Sequence[SourceLine], width: int, *, with_rates: bool = True, memory: LayoutMemory | None = None
) -> list[Line]:
    """One line a source, under a heading; nothing without sources."""
    cells = [_source_cells(source) for source in sources]
    return table(SOURCE_COLUMNS, cells, width, () if with_rates else RATE_TITLES, memory=memory) if cells else []


def table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    width: int,
    without: Container[str] = (),
    *,
    last_width_max: int = LAST_WIDTH_MAX,
    memory: LayoutMemory | None = None,
) -> list[Line]:
    """Heading and rows, aligned, in the columns that there is room for."""
    texts = [[cell.text for cell in row] for row in rows]
    layout = arrange(
        columns,
        texts,
        width,
        without=without,
        last_width_max=last_width_max,
        memory=LayoutMemory() if memory is None else memory,
    )
    heading = [Cell(column.title, "heading") for column in columns]
    return [_aligned(line, columns, layout) for line in (heading, *rows)]


def plain_text(lines: Sequence[Line]) -> str:
    """The lines without styles."""
    return "\n".join("".join(cell.text for cell in line).rstrip() for line in lines)


def _aligned(row: Sequence[Cell], columns: Sequence[Column], layout: Layout) -> Line:
    line: Line = []
    *others, last = layout.kept
    for i in others:
        text = _printable(row[i].text)
        text = text.rjust(layout.widths[i]) if columns[i].is_right else text.ljust(layout.widths[i])
        line.append(Cell(text + (TIGHT_GAP if columns[i].is_tight else layout.gap), row[i].style))
    text = _printable(row[last].text)
    if columns[last].is_right:
        text = text.rjust(layout.widths[last])
    if row[last].short:
        text = _fitted(text, row[last].short, layout.width - sum(len(cell.text) for cell in line))
    # No blanks behind it: what is behind the edge is cut, and they would count as something that is.
    line.append(Cell(text, row[last].style))
    return line


def _fitted(text: str, short: str, width: int) -> str:
    return text if len(text) <= width else cut_at_words(short, width)


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
    word = board.link.word
    # As if the word were the longest one, so that losing the stream shortens nothing else.
    room = width - len(title) - len(GAP) - max(len(word), WORD_WIDTH_MAX)
    rest = _first_that_fits(_counts_and_times(board, now), room)
    return [Cell(f"{title}{GAP}", "heading"), Cell(word, "good" if board.link.is_up else "bad"), Cell(rest)]


def _counts_and_times(board: QuoteBoard, now: datetime) -> list[str]:
    """What the head says behind the state of the stream, ever shorter."""
    total, simulated = len(board), board.simulated
    counts = f"{GAP}{counted(total, 'instrument')}" + (f" ({simulated} simulated)" if simulated else "")
    short = f"{GAP}{counted(total, 'quote')}" + (f" ({simulated} sim)" if simulated else "")
    time = f"{GAP}{now:%H:%M:%S} UTC"
    return [f"{counts}{GAP}{now:%Y-%m-%d %H:%M:%S} UTC", counts + time, short + time, short, ""]


def _first_that_fits(texts: Sequence[str], width: int) -> str:
    return next((text for text in texts if len(text) <= width), texts[-1])


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
        _state_cell(row),
    ]


def _state_cell(row: Row) -> Cell:
    words, short = row.state, short_state(row.state)
    if row.is_stale:
        return Cell(words.upper(), "bad", short.upper())
    return Cell(words, "good", short)


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
