"""The live table on a terminal: the alternate screen, redrawn in place."""

from typing import Final

from rich.console import Console
from rich.live import Live
from rich.text import Text

from tickmux_server.cli.table import Line

STYLES: Final = {
    "heading": "bold",
    "up": "green",
    "down": "red",
    "good": "green",
    "bad": "bold red",
    "faint": "dim",
    "": "",
}


class LiveScreen:
    """The whole terminal, given back as it was when the table ends."""

    def __init__(self, interval_s: float, console: Console | None = None) -> None:
        self.interval_s = interval_s
        self._console = console or Console(highlight=False)
        # Refreshing by hand: a thread of rich's own would draw while the lines are being made.
        self._live = Live(console=self._console, screen=True, auto_refresh=False)

    def __enter__(self) -> "LiveScreen":
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def size(self) -> tuple[int, int | None]:
        """The terminal as it is now; it may be resized at any time."""
        return self._console.size.width, self._console.size.height

    def show(self, lines: list[Line]) -> None:
        """Draw the picture."""
        text = Text(no_wrap=True, end="")
        for i, row in enumerate(lines):
            if i:
                text.append("\n")
            for cell in row:
                text.append(cell.text, STYLES[cell.style])
        self._live.update(text, refresh=True)
