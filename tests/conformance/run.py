"""One run: a scenario, a program, and the verdict."""

import asyncio
import json
from collections.abc import Sequence

from tests.conformance.programs import Program
from tests.conformance.record import Failure, Record
from tests.conformance.rules import judge
from tests.conformance.scenario import Scenario
from tests.conformance.server import serving
from tests.e2e.processes import ChildProcess, lines_of

LIMIT_S = 40.0
"""For a whole run; the longest scenario takes ten seconds on a machine that is not busy."""

CLOSED_S = 10.0
"""From the end of the program to that of its output."""

LOG_LINES = 5
"""Of what a failed program wrote to stderr, which are shown."""


async def run(scenario: Scenario, program: Program, *, limit_s: float = LIMIT_S) -> list[Failure]:
    """Play a scenario to a program; the rules that it broke, the first one first."""
    record = Record(scenario)
    process = ChildProcess()
    async with serving(record) as target:
        options = json.dumps(scenario.all_options)
        command: Sequence[str] = program.command
        try:
            await process.spawn(*command[1:], target, options, program=command[0], variables=program.variables)
            reading = asyncio.create_task(_read(process, record))
            try:
                async with asyncio.timeout(limit_s):
                    await record.until_over()
                    await _leave(process, record)
            except TimeoutError:
                await _out_of_time(record, limit_s)
        finally:
            await process.stop()
        try:
            async with asyncio.timeout(CLOSED_S):
                await reading
        except TimeoutError:
            await record.fail(
                "exit", "the program has ended, and something that it started still holds its output open"
            )
    record.log = process.log
    failures = judge(record)
    if failures and process.log:
        failures.append(Failure("stderr", " / ".join(process.log[-LOG_LINES:])))
    return failures


async def _read(process: ChildProcess, record: Record) -> None:
    assert process.running.stdout is not None
    async for line in lines_of(process.running.stdout):
        if line is None:
            if not record.failures:
                await record.fail("form", "a line is longer than the kit reads, which is 64 KiB")
            continue
        try:
            seen = json.loads(line)
        except (ValueError, RecursionError):
            seen = line.decode(errors="replace")
        if not record.failures:
            await record.add(seen)
    await record.end()


async def _leave(process: ChildProcess, record: Record) -> None:
    if record.failures:
        return
    if not record.scenario.ends_by_itself:
        assert process.running.stdin is not None
        process.running.stdin.close()
    code = await process.running.wait()
    if code != 0:
        await record.fail("exit", f"the program had to end with exit code 0, and ended with {code}")
    if not record.is_complete:
        await record.fail("lines", f"the program ended too early: {record.missing()}")


async def _out_of_time(record: Record, limit_s: float) -> None:
    if record.is_complete:
        await record.fail("exit", f"all lines have come, and the program did not end within {limit_s:g} s")
    else:
        await record.fail("lines", f"nothing came within {limit_s:g} s: {record.missing()}")
