"""What the kit says of programs that do not keep to the protocol, and how it is started."""

import asyncio
import os
import re
import subprocess
import sys

import pytest
from tests.conformance.__main__ import main
from tests.conformance.programs import ROOT, Program, python
from tests.conformance.record import Failure
from tests.conformance.run import run
from tests.conformance.scenarios import SCENARIOS
from tests.relay import Relay

FIRST = SCENARIOS[0]
GOES_ON = "from tests.conformance.python.asyncio_program import main, asyncio, json, sys; "
PASSES = "asyncio.run(main(sys.argv[1], json.loads(sys.argv[2]))); "
STAYS = "import sys; sys.stdout.flush(); sys.stdin.read()"


def program(code: str) -> Program:
    return Program((sys.executable, "-c", code), python().variables)


async def failures(code: str, *, limit_s: float = 20.0) -> list[Failure]:
    return await run(FIRST, program(code), limit_s=limit_s)


@pytest.mark.parametrize(
    ("code", "rule", "says"),
    [
        ("print('ready')", "form", "'ready\\n': it is no JSON object"),
        ("""print('{"line": "CaughtUp"}')""", "form", "`stale` is missing"),
        ("""print('{"line": "CaughtUp", "stale": []}')""", "lines", "line 1 had to be SourceChanged"),
        ("pass", "lines", "the program ended too early: after the start, SourceChanged"),
        (GOES_ON + PASSES + "sys.exit(3)", "exit", "ended with 3"),
        (GOES_ON + PASSES + """print('{"line": "Reset", "stale": []}')""", "lines", "nothing more was to be seen"),
        ("import sys; sys.exit(1)", "exit", "ended with 1"),
        ("""print('{"line": []}')""", "form", "it is no JSON object"),
        ("""print('{"line": "CaughtUp", "stale": [{}]}')""", "form", "`stale` is [{}]"),
        ("print('[' * 50_000); " + STAYS, "form", "it is no JSON object"),
        ("print('x' * 300_000); " + STAYS, "form", "a line is longer than"),
        ("import sys; sys.stderr.write('x' * 300_000); sys.stderr.flush(); print()", "form", "it is no JSON object"),
    ],
)
async def test_a_program_that_does_not_keep_to_the_protocol_fails(code: str, rule: str, says: str) -> None:
    found = await failures(code)
    assert any(failure.rule == rule and says in failure.text for failure in found), found


async def test_a_program_that_stays_is_told_from_one_that_says_nothing() -> None:
    (stays, *_) = await failures(GOES_ON + PASSES + "import time; time.sleep(60)", limit_s=12.0)
    assert (stays.rule, stays.text) == ("exit", "all lines have come, and the program did not end within 12 s")
    (silent, *_) = await failures("import time; time.sleep(60)", limit_s=1.0)
    assert silent.text.startswith("nothing came within 1 s: after the start, SourceChanged")


def started(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.conformance", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_any_program_can_be_judged() -> None:
    command = f"{sys.executable} -m tests.conformance.python.sync_program"
    passed = started("--program", command, "--scenario", "1", "--scenario", "24", PYTHONPATH=str(ROOT))
    assert passed.returncode == 0, passed.stderr
    assert re.search(
        r"^\| 24 \| UNAUTHENTICATED: the end, never tried again +\| pass +\|$", passed.stdout, re.MULTILINE
    )
    failed = started("--program", f"{sys.executable} -c pass", "--scenario", "1")
    assert failed.returncode == 1
    assert re.search(r"^\| +1 \| .* \| FAIL +\|$", failed.stdout, re.MULTILINE)
    assert f'fails scenario 1, "{FIRST.title}":\n  lines: the program ended too early' in failed.stdout


def test_a_missing_toolchain_is_named_and_fails_in_ci(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", "")
    assert main(["--client", "go"]) == 0
    assert "go was not run: go missing" in capsys.readouterr().out
    monkeypatch.setenv("CI", "true")
    assert main(["--client", "go"]) == 1


async def test_a_torn_response_is_cut_where_it_should_be() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"x" * 100_000)
        await reader.read()
        writer.close()

    async with (
        await asyncio.start_server(answer, "127.0.0.1", 0) as server,
        Relay(f"127.0.0.1:{server.sockets[0].getsockname()[1]}") as relay,
    ):
        for count in (1, 70_000):
            reader, writer = await asyncio.open_connection(*relay.target.split(":"))
            relay.cut_after(count)
            writer.write(b"go on\n")
            assert await reader.read() == b"x" * count
            writer.close()
            await writer.wait_closed()
