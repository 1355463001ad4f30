"""The Go programs of clients/README.md are compiled and run as they are printed."""

from pathlib import Path

import pytest
from tests.client.flavours import serving
from tests.client.scripted_server import Hang, Script, opening, quote
from tests.client.test_readme import ADDRESS
from tests.clients_go.recipes import PROGRAMS
from tests.clients_go.toolchain import BUILD_S, build, require_go
from tests.e2e.processes import ChildProcess


def test_the_first_program_is_short() -> None:
    assert len(PROGRAMS[0].splitlines()) <= 15


@pytest.mark.timeout(BUILD_S)
@pytest.mark.parametrize(("program", "expected"), list(zip(PROGRAMS, [
    "binance BTCUSDT bid=100.5 live <nil>\n",
    "binance 100.5 true\n",
], strict=True)))  # fmt: skip
async def test_a_program_runs_and_prints(tmp_path: Path, program: str, expected: str) -> None:
    require_go()
    source = tmp_path / "main.go"
    async with serving(Script(calls=[[opening(quote("BTCUSDT", 1, bid=100.5)), Hang()]])) as target:
        source.write_text(program.replace(ADDRESS, target))
        process = ChildProcess()
        try:
            await process.spawn(program=build(source, tmp_path))
            assert await process.line() == expected
        finally:
            await process.stop()
