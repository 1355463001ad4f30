"""`tickmux watch`: follows a stream and draws it, over restarts of the server."""

import argparse
import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final, Protocol

from tickmux_client import (
    CaughtUp,
    Client,
    Delivery,
    Disconnected,
    Event,
    GoingAway,
    Quote,
    Reset,
    SourceChanged,
    UnavailableError,
    Unmatched,
)
from tickmux_server.cli.asking import asking, run_until_ended, selection_of
from tickmux_server.cli.board import QuoteBoard
from tickmux_server.cli.errors import ExitCode
from tickmux_server.cli.lines import print_lines
from tickmux_server.cli.stdout import write_now
from tickmux_server.cli.table import Line, PictureMemory, frame, plain_text

HEARTBEAT_INTERVAL_S: Final = 1.0
"""A person should see within seconds that the server hangs: three heartbeats missed end a stream."""
DRAW_INTERVAL_S: Final = 0.25
CHANGE_INTERVAL_S: Final = 0.02
PLAIN_INTERVAL_S: Final = 3.0
PLAIN_WIDTH: Final = 200
HEALTH_INTERVAL_S: Final = 1.0
HEARTBEATS_MISSED: Final = "HEARTBEATS_MISSED"
STDIN: Final = 0
_WHERE_AND_HOW: Final = re.compile(
    r"^[A-Z_]+ from \S+: (failed to connect to (remote host|all addresses)[:;] )?", re.IGNORECASE
)


class Screen(Protocol):
    """Where the table goes."""

    interval_s: float
    """Seconds between two pictures."""

    def __enter__(self) -> "Screen": ...
    def __exit__(self, *exception: object) -> None: ...

    def size(self) -> tuple[int, int | None]:
        """Width in characters, and height in lines if there is a limit."""

    def show(self, lines: list[Line]) -> None:
        """Replace the picture by this one."""


class PlainScreen:
    """Text for a pipe or a file: one table after the other."""

    interval_s = PLAIN_INTERVAL_S

    def __enter__(self) -> "PlainScreen":
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def size(self) -> tuple[int, int | None]:
        """Everything is shown."""
        return PLAIN_WIDTH, None

    def show(self, lines: list[Line]) -> None:
        """Print it, and push it through the pipe at once."""
        write_now(plain_text(lines) + "\n\n")


def watch(options: argparse.Namespace) -> ExitCode:
    """Run the command until a signal or the end of the pipe."""
    return run_until_ended(_watch_json(options) if options.json else _watch_table(options, _screen()))


def _screen() -> Screen:
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return PlainScreen()
    from tickmux_server.cli.terminal import LiveScreen  # noqa: PLC0415 - rich comes with the [server] extra

    return LiveScreen(DRAW_INTERVAL_S)


async def _watch_json(options: argparse.Namespace) -> ExitCode:
    async with asking(options) as client:
        # Subscriptions try for ever; a server that was never there is a mistake to be told.
        await client.sources()
        follow = print_lines(
            client.subscribe(options.symbols, heartbeat_interval_s=HEARTBEAT_INTERVAL_S, **selection_of(options))
        )
        await _together([follow], until_stdin_closes=options.until_stdin_closes)
    return ExitCode.OK


async def _watch_table(options: argparse.Namespace, screen: Screen) -> ExitCode:
    board = QuoteBoard(time.monotonic, time.time)
    ready = asyncio.Event()
    async with asking(options) as client:
        await client.sources()
        events = client.subscribe(
            options.symbols,
            delivery=Delivery.LATEST,
            heartbeat_interval_s=HEARTBEAT_INTERVAL_S,
            **selection_of(options),
        )
        await _together(
            [
                _follow(events, board, ready),
                _count(client, board),
                _draw(board, screen, ready, title=f"Tickmux {options.target}", note=options.note),
            ],
            until_stdin_closes=options.until_stdin_closes,
        )
    return ExitCode.OK


async def _follow(events: AsyncIterator[Event], board: QuoteBoard, ready: asyncio.Event) -> None:
    caught_up = False
    async for event in events:
        match event:
            case GoingAway():
                board.link.cut("the server ended the stream and is not back yet")
            case Disconnected(problem=problem, reason=reason, attempts=attempts):
                trouble = f"no stream, trying again: {_brief(problem)}"
                # What was silent for some heartbeats has been out of date for as long.
                if attempts or reason == HEARTBEATS_MISSED:
                    board.link.lost(trouble)
                else:
                    board.link.cut(trouble)
            case _:
                board.connected()
                _show(event, board)
                caught_up = caught_up or isinstance(event, CaughtUp)
        if caught_up and len(board):
            ready.set()


def _brief(problem: str) -> str:
    """What is wrong, without what the title says as well: a terminal has one short line for it."""
    return _WHERE_AND_HOW.sub("", problem)


def _show(event: Event, board: QuoteBoard) -> None:
    match event:
        case Quote(message=message):
            board.quote(message)
        case SourceChanged(status=status):
            board.status(status.message)
        case Unmatched(symbols=symbols):
            board.unmatched = symbols
        case Reset():
            board.reset()
        case CaughtUp():
            board.caught_up()
        case _:
            pass


async def _count(client: Client, board: QuoteBoard) -> None:
    """Keep the counters of the sources current; the stream tells of changes of state only."""
    while True:
        try:
            for status in await client.sources():
                board.counters(status.message)
        except UnavailableError:
            # The stream is cut as well, and the board says so.
            pass
        await asyncio.sleep(HEALTH_INTERVAL_S)


async def _draw(board: QuoteBoard, screen: Screen, ready: asyncio.Event, *, title: str, note: str) -> None:
    try:
        # A pipe gets its first table as soon as there is something to say, and one that says why there is not.
        async with asyncio.timeout(screen.interval_s):
            await ready.wait()
    except TimeoutError:
        pass
    memory = PictureMemory()
    with screen:
        while True:
            # Bounded, as the board stops saying so.
            while board.is_changing:  # noqa: ASYNC110 - half of what ends it is that time has passed
                await asyncio.sleep(CHANGE_INTERVAL_S)
            width, height = screen.size()
            notes = [note] if note else []
            if missing := board.missing():
                notes.append(f"nothing matches {', '.join(missing)} yet")
            screen.show(frame(board, memory, title=title, notes=notes, wall_s=time.time(), width=width, height=height))
            await asyncio.sleep(screen.interval_s)


async def _together(work: list[Coroutine[Any, Any, None]], *, until_stdin_closes: bool) -> None:
    """Run until one part ends or fails, and raise its own error rather than a group of one."""
    if until_stdin_closes:
        work.append(_stdin_closed())
    tasks = [asyncio.ensure_future(part) for part in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stdin_closed() -> None:
    loop = asyncio.get_running_loop()
    closed = asyncio.Event()

    def read() -> None:
        if not os.read(STDIN, 1024):
            closed.set()

    loop.add_reader(STDIN, read)
    try:
        await closed.wait()
    finally:
        loop.remove_reader(STDIN)
