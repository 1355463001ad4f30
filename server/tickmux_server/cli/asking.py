"""What the commands that ask a server have in common: reaching it, and saying in one line why it did not answer."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any

import tickmux_client
from tickmux_client import (
    AccessDeniedError,
    Client,
    ConnectOptions,
    InvalidRequestError,
    SelectionOptions,
    TickmuxClientError,
    UnavailableError,
)
from tickmux_server.cli.errors import CommandError, ExitCode
from tickmux_server.cli.mismatch import mismatch
from tickmux_server.cli.reaching import check_target, connect_options, encryption_hint, explained_denial, refusal

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.asynccontextmanager
async def asking(options: argparse.Namespace) -> AsyncIterator[Client]:
    """A client of the server that the options name; its errors become one line that says what to do.

    Raises:
        CommandError: the server cannot be reached, or refuses.
    """
    # The commands say by themselves what the client would log, and stderr may be the terminal that a table covers.
    logging.getLogger("tickmux_client").addHandler(logging.NullHandler())
    check_target(options.target)
    connecting = connect_options(options)
    try:
        client = tickmux_client.connect(options.target, **connecting)
    except ValueError as error:
        raise refusal(error) from error
    try:
        async with client:
            yield client
    except TickmuxClientError as error:
        raise explained(error, options.target, connecting) from error


def explained(error: TickmuxClientError, target: str, sent: ConnectOptions) -> CommandError:
    """An error of the client as a line that says what to do."""
    if isinstance(error, InvalidRequestError):
        problems = "; ".join(error.violations.values())
        return CommandError(problems or str(error))
    if isinstance(error, AccessDeniedError):
        return explained_denial(error, target, sent)
    if isinstance(error, UnavailableError):
        advice = encryption_hint(error, sent) or (
            "start one with `tickmux serve --demo`, or name another with --target"
        )
        return CommandError(f"no Tickmux server answers at {target}: {advice} ({error})")
    return CommandError(str(error))


def selection_of(options: argparse.Namespace) -> SelectionOptions:
    """The options that narrow a selection, symbols apart."""
    return SelectionOptions(sources=options.sources, exchanges=options.exchanges, types=options.types)


async def report_unmatched(client: Client, unmatched: Iterable[str], options: argparse.Namespace) -> ExitCode:
    """Say on stderr which symbols match nothing, each with what is at fault and what was likely meant."""
    names = list(unmatched)
    if not names:
        return ExitCode.OK
    await _report(client, names, options)
    return ExitCode.UNMATCHED


async def report_nothing(client: Client, options: argparse.Namespace) -> bool:
    """Say on stderr which option leaves nothing of a selection that names no symbol; whether there is such a one."""
    narrowing = selection_of(options)
    if options.symbols or not any(narrowing.values()) or (await client.instruments(**narrowing)).instruments:
        return False
    await _report(client, [""], options)
    return True


async def _report(client: Client, names: Iterable[str], options: argparse.Namespace) -> None:
    narrowing = selection_of(options)
    known = {*(await client.instruments()).instruments}
    if options.sources:
        # `consolidated` is there only where it is named.
        known |= {*(await client.instruments(sources=options.sources)).instruments}
    for name in names:
        say(mismatch(name, known, narrowing))


def say(line: str) -> None:
    """One line to the person, on stderr."""
    print(f"tickmux: {' '.join(line.split())}", file=sys.stderr, flush=True)  # noqa: T201


def run_until_ended(work: Coroutine[Any, Any, ExitCode]) -> ExitCode:
    """Run a command that a signal ends: its cleaning up is done, then it has ended as it should."""

    async def guarded() -> ExitCode:
        loop = asyncio.get_running_loop()
        task = loop.create_task(work)
        ended = False

        def end() -> None:
            nonlocal ended
            ended = True
            task.cancel()

        for signal_number in ENDING_SIGNALS:
            loop.add_signal_handler(signal_number, end)
        try:
            return await task
        except asyncio.CancelledError:
            if not ended:
                raise
            return ExitCode.OK

    return asyncio.run(guarded())
