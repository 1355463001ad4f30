"""Processes that the server starts beside itself and never leaves behind.

Each holds the reading end of a pipe as its stdin and ends when that closes, so it ends even if this process is killed.
"""

import asyncio
import contextlib
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import IO, Final

logger = logging.getLogger(__name__)

END_S: Final = 3.0
"""How long a process gets to end by itself after SIGTERM."""


async def start_module(
    module: str, *arguments: str, reads_stdout: bool = False, stderr: IO[str] | None = None, own_session: bool = False
) -> Process:
    """Start `python -m module arguments…` with a pipe as its stdin.

    Args:
        module: what to run, with this interpreter.
        arguments: its command line.
        reads_stdout: keep its stdout for this process to read; else it shares ours.
        stderr: where its stderr goes; ours if None.
        own_session: keep the terminal's Ctrl-C away from it.
    """
    command: Sequence[str] = (sys.executable, "-m", module, *arguments)
    return await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE if reads_stdout else None, stderr=stderr, start_new_session=own_session
    )


async def end(process: Process) -> None:
    """End a process and wait for it: SIGTERM, and SIGKILL for one that does not end in time."""
    if process.returncode is None:
        # It may end between the look and the signal.
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(END_S):
                await process.wait()
        except TimeoutError:
            logger.warning("process %d did not end in %.0f s; killing it", process.pid, END_S)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.stdin:
        process.stdin.close()
        with contextlib.suppress(ConnectionError):
            await process.stdin.wait_closed()
