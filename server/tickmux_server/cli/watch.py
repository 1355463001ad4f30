"""`tickmux watch`: follows a stream and draws it, over restarts of the server."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, Final, Protocol

from tickmux_client import (
    CaughtUp,
    Client,
    Conflated,
    Delivery,
    Disconnected,
    Event,
    GoingAway,
    Hole,
    Quote,
    Reconnected,
    Reset,
    SourceChanged,
    SourceStatus,
    UnavailableError,
    Unmatched,
)
from tickmux_server.cli.asking import asking, run_until_ended, say, selection_of
from tickmux_server.cli.board import QuoteBoard
from tickmux_server.cli.errors import ExitCode
from tickmux_server.cli.jsonlines import line, quote_record, state_name
from tickmux_server.cli.table import Line, frame, plain_text

HEARTBEAT_INTERVAL_S: Final = 1.0
"""A person should see within seconds that the server hangs: three heartbeats missed end a stream."""
DRAW_INTERVAL_S: Final = 0.25
PLAIN_INTERVAL_S: Final = 3.0
PLAIN_WIDTH: Final = 200
HEALTH_INTERVAL_S: Final = 1.0
STDIN: Final = 0


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
        sys.stdout.write(plain_text(lines) + "\n\n")
        sys.stdout.flush()


def watch(options: argparse.Namespace) -> ExitCode:
    """Run the command until a signal or the end of the pipe."""
    return run_until_ended(_watch_json(options) if options.json else _watch_table(options, _screen()))


def _screen() -> Screen:
    if not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return PlainScreen()
    from tickmux_server.cli.terminal import LiveScreen  # noqa: PLC0415 - rich comes with the [server] extra

    return LiveScreen(DRAW_INTERVAL_S)


async def _watch_json(options: argparse.Namespace) -> ExitCode:
    async with asking(options.target) as client:
        # Subscriptions try for ever; a server that was never there is a mistake to be told.
        await client.sources()
        follow = _print_events(
            client.subscribe(options.symbols, heartbeat_interval_s=HEARTBEAT_INTERVAL_S, **selection_of(options))
        )
        await _together([follow], until_stdin_closes=options.until_stdin_closes)
    return ExitCode.OK


class QuoteLines:
    """Every update as a line; and again a quote that has ceased to stand for the present, or stands for it again.

    Whoever reads the lines alone must not go on believing the last one when its source dies.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._latest: dict[tuple[str, str], tuple[Quote, bool]] = {}
        """The newest quote of each instrument, and whether it was told to be stale."""

    def quote(self, quote: Quote) -> None:
        """Tell an update."""
        self._tell(quote, is_stale=quote.is_stale, gap_before=quote.gap_before)

    def source(self, status: SourceStatus) -> None:
        """Tell again what the health of its source has changed."""
        for quote, was_stale in list(self._latest.values()):
            if (quote.source, quote.message.channel) == (status.source, status.channel):
                is_stale = not status.is_healthy or status.message.epoch > quote.epoch
                if is_stale != was_stale:
                    self._tell(quote, is_stale=is_stale, gap_before=False)

    def disconnected(self) -> None:
        """Nothing is known to be the present, until it is said again."""
        latest, self._latest = self._latest, {}
        for quote, was_stale in latest.values():
            if not was_stale:
                self._tell(quote, is_stale=True, gap_before=False)
        self._latest.clear()

    def _tell(self, quote: Quote, *, is_stale: bool, gap_before: bool) -> None:
        self._latest[quote.source, quote.symbol] = quote, is_stale
        self._write(line(quote_record(quote.message) | {"is_stale": is_stale, "gap_before": gap_before}) + "\n")


async def _print_events(events: AsyncGenerator[Event, None]) -> None:
    lines = QuoteLines(_print_now)
    troubled: set[tuple[str, str]] = set()
    async for event in events:
        if isinstance(event, SourceChanged):
            lines.source(event.status)
        elif isinstance(event, Disconnected):
            lines.disconnected()
        if isinstance(event, SourceChanged) and event.status.is_healthy:
            slot = (event.status.source, event.status.channel)
            if slot not in troubled:
                continue
            troubled.discard(slot)
        elif isinstance(event, SourceChanged):
            troubled.add((event.status.source, event.status.channel))
        if isinstance(event, Quote):
            lines.quote(event)
        elif words := event_words(event):
            say(words)


def _print_now(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def event_words(event: Event) -> str | None:
    """What a person must be told of an event that is not a quote, in one line; None for the ordinary course."""
    match event:
        case Conflated(count=count):
            return f"{count} updates were passed over: this reader is too slow"
        case Hole(source=source, symbol=symbol, expected_revision=expected, seen_revision=seen):
            return f"updates of {symbol} at {source} are missing: revisions {expected} to {seen - 1}"
        case Reset(reason=reason):
            return f"updates may have been lost: {reason}"
        case Disconnected(problem=problem, retry_in_s=retry_in_s):
            return f"reconnecting in {retry_in_s:.1f} s: {problem}"
        case GoingAway():
            return "reconnecting: the server is about to stop"
        case Reconnected(outage_s=outage_s):
            return f"connected again after {outage_s:.1f} s"
        case SourceChanged(status=status):
            why = f": {status.last_error}" if status.last_error and not status.is_healthy else ""
            return f"source {status.source}/{status.channel} is {state_name(status.message.state)}{why}"
        case Unmatched(symbols=symbols):
            return f"nothing matches {', '.join(symbols)} yet"
        case _:
            return None


async def _watch_table(options: argparse.Namespace, screen: Screen) -> ExitCode:
    board = QuoteBoard(time.monotonic, time.time)
    ready = asyncio.Event()
    async with asking(options.target) as client:
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


async def _follow(events: AsyncGenerator[Event, None], board: QuoteBoard, ready: asyncio.Event) -> None:
    caught_up = False
    async for event in events:
        match event:
            case Disconnected(problem=problem):
                board.disconnected(problem)
            case GoingAway():
                board.disconnected("the server is about to stop")
            case _:
                board.connected()
                if isinstance(event, Quote):
                    board.quote(event.message)
                elif isinstance(event, SourceChanged):
                    board.status(event.status.message)
                elif isinstance(event, Unmatched):
                    board.unmatched = event.symbols
                caught_up = caught_up or isinstance(event, CaughtUp)
        if caught_up and len(board):
            ready.set()


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
    with screen:
        while True:
            width, height = screen.size()
            notes = [text for text in (note, board.problem) if text]
            if missing := board.missing():
                notes.append(f"nothing matches {', '.join(missing)} yet")
            screen.show(frame(board, title=title, notes=notes, wall_s=time.time(), width=width, height=height))
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
