"""How the processes that are measured are built, and held to a core."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE

import pytest
from benchmarks.building import build
from benchmarks.workers import ROOT, WorkerFailed


async def test_a_pinned_program_has_one_core() -> None:
    core = max(os.sched_getaffinity(0))
    printing = (sys.executable, "-c", "import os; print(*os.sched_getaffinity(0))")

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.pinned", f"{core}", *printing, cwd=ROOT, stdout=PIPE
    )
    output, _ = await process.communicate()

    assert output.decode().split() == [f"{core}"]


async def test_a_build_that_fails_says_what_the_compiler_said() -> None:
    with pytest.raises(WorkerFailed, match="ended with 1:\nnothing to compile"):
        await build(sys.executable, "-c", "import sys; sys.exit('nothing to compile')")
