"""`tickmux watch` on a terminal, and every picture that it draws."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import Callable
from typing import Final, NamedTuple

HOME: Final = b"\x1b[H"
"""The table begins each picture at the top left."""
STYLE: Final = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
ROW: Final = re.compile(r"^([! ]) +(\w+) +(binance|kraken) ")
TITLE: Final = re.compile(r"LAST (AGE|ERROR)|MUTE FOR|(BID|ASK) AT|\S+")
LINES: Final = 24
COLUMNS: Final = 120


class Row(NamedTuple):
    """One instrument in a picture."""

    line: int
    column: int
    """Where its symbol begins."""
    symbol: str
    source: str
    is_marked: bool


class Picture:
    """What the terminal shows between two strokes."""

    def __init__(self, text: str) -> None:
        self.lines = STYLE.sub("", text).split("\r\n")

    @property
    def rows(self) -> list[Row]:
        found = [(number, ROW.match(line)) for number, line in enumerate(self.lines)]
        return [Row(number, m.start(2), m[2], m[3], m[1] == "!") for number, m in found if m]

    @property
    def is_marked(self) -> list[bool]:
        return [row.is_marked for row in self.rows]

    @property
    def headings(self) -> list[list[tuple[str, int]]]:
        """Of both tables: the titles of their columns, each with where it begins."""
        lines = [line for line in self.lines if " STATE" in line]
        return [[(m[0], m.start()) for m in TITLE.finditer(line)] for line in lines]

    def __str__(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


class WatchOnTerminal:
    """The process and its pictures."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._master = -1
        self._rest = b""
        self._drawn = asyncio.Condition()
        self._reader: asyncio.Task[None] | None = None
        self.pictures: list[Picture] = []

    async def start(self, target: str, *symbols: str, columns: int = COLUMNS) -> None:
        self._master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))
        kept = {key: value for key, value in os.environ.items() if not key.startswith("TICKMUX_")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tickmux_server.cli", "watch", *symbols, "--target", target),
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**kept, "TERM": "xterm-256color"},
        )
        os.close(terminal)
        self._reader = asyncio.create_task(self._read())

    async def until(self, condition: Callable[[Picture], bool], timeout_s: float) -> int:
        """Wait for a picture that is yet to be drawn; its number."""
        number = len(self.pictures)
        try:
            async with asyncio.timeout(timeout_s), self._drawn:
                while True:
                    for picture in self.pictures[number:]:
                        if condition(picture):
                            return number
                        number += 1
                    await self._drawn.wait()
        except TimeoutError:
            last = self.pictures[-1] if self.pictures else "nothing was drawn"
            raise AssertionError(f"not drawn within {timeout_s} s; the last picture:\n{last}") from None

    async def stop(self) -> int:
        """End it as Ctrl-C does; its exit code."""
        assert self._process is not None
        assert self._reader is not None
        try:
            if self._process.returncode is None:
                self._process.send_signal(signal.SIGINT)
            async with asyncio.timeout(10):
                code = await self._process.wait()
        except TimeoutError:
            self._process.kill()
            raise
        finally:
            await self._reader
            os.close(self._master)
        return code

    async def _read(self) -> None:
        while chunk := await asyncio.to_thread(self._read_some):
            # What is after the last stroke may be half a picture.
            *whole, self._rest = (self._rest + chunk).split(HOME)
            texts = [part.decode(errors="replace") for part in whole]
            async with self._drawn:
                self.pictures += [Picture(text) for text in texts if text.count("\r\n") == LINES - 1]
                self._drawn.notify_all()

    def _read_some(self) -> bytes:
        try:
            return os.read(self._master, 1 << 16)
        except OSError:
            # The last process has left the terminal.
            return b""
