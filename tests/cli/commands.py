"""Runs the command as a person does: a process with pipes."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from typing import NamedTuple

LIMIT_S = 30
"""Generous: what takes longer hangs."""


class Outcome(NamedTuple):
    code: int
    stdout: str
    stderr: str


def environment(**variables: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TICKMUX_")}
    return {**inherited, **variables}


async def start(*arguments: str, **variables: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tickmux_server.cli", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env=environment(**variables),
    )


async def finish(process: Process) -> Outcome:
    try:
        async with asyncio.timeout(LIMIT_S):
            stdout, stderr = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    assert process.returncode is not None
    return Outcome(process.returncode, stdout.decode(), stderr.decode())


async def in_shell(script: str) -> Outcome:
    """Run a line of bash, in which $PYTHON is the interpreter."""
    return await finish(
        await asyncio.create_subprocess_shell(
            script,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            env=environment(PYTHON=sys.executable),
            executable="/bin/bash",
        )
    )


async def run(*arguments: str, **variables: str) -> Outcome:
    return await finish(await start(*arguments, **variables))
