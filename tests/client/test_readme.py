"""Every Python block of clients/README.md runs as it is printed."""

import asyncio
import contextlib
import re
import sys
import textwrap
from pathlib import Path

import grpc
import pytest
from tests.client.flavours import LIMIT_S, serving
from tests.client.scripted_server import Fail, Hang, Script, error_info, opening, quote, status

from tickmux.v1 import market_data_service_pb2 as pb

README = Path(__file__).parents[2] / "clients" / "README.md"
ADDRESS = "127.0.0.1:50051"
ELSEWHERE = "quotes.example:50051"
"""The server of the block that wants TLS and a token, which test_access runs."""
BLOCKS = [
    block for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if ELSEWHERE not in block
]
FIRST_PROGRAMS = BLOCKS[:2]


WRAPPER = """\
import asyncio
from tickmux_client import connect

async def main():
    async with connect("{target}") as client:
{body}
asyncio.run(main())
"""


def program(block: str, target: str) -> str:
    """The block itself if it connects, else the block inside a program that does."""
    if ADDRESS in block:
        return block.replace(ADDRESS, target)
    return WRAPPER.format(target=target, body=textwrap.indent(block, " " * 8))


def answer(request: pb.GetSnapshotRequest) -> pb.GetSnapshotResponse | Fail:
    if "binanec" in request.selection.sources:
        return Fail(grpc.StatusCode.INVALID_ARGUMENT, "did you mean `binance`?", [error_info("UNKNOWN_SOURCE")])
    return pb.GetSnapshotResponse(quotes=[quote("BTCUSDT", 1)], source_statuses=[status()])


async def first_line(source: str) -> str:
    """What the program prints first; then it is killed, unless it has ended well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-c", source, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(LIMIT_S):
            line = await process.stdout.readline()
            if not line:
                pytest.fail((await process.stderr.read()).decode())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
    return line.decode().rstrip()


EXPECTED = [
    "binance 100.5 None None live",
    "binance 100.5 None None live",
    "binance LIVE",
    "BTCUSDT None False",
    "1 quotes, 0 of them stale",
    "1 quotes to begin with",
    "1 quotes, 0 of them yet to come anew",
    "did you mean `binance`? UNKNOWN_SOURCE {}",
    "binance 0 LIVE None 0",
]


@pytest.mark.parametrize(("block", "expected"), list(zip(BLOCKS, EXPECTED, strict=True)))
async def test_a_block_runs_and_prints(block: str, expected: str) -> None:
    script = Script(calls=[[opening(quote("BTCUSDT", 1, bid=100.5)), Hang()]], snapshot=answer, statuses=[status()])
    async with serving(script) as target:
        line = await first_line(program(block, target))
    assert line.removeprefix(f"INVALID_ARGUMENT from {target}: ") == expected


def test_the_first_programs_are_short() -> None:
    for block in FIRST_PROGRAMS:
        assert ADDRESS in block
        assert len(block.splitlines()) <= 15
