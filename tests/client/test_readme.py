"""Every Python block of clients/README.md runs as it is printed."""

import asyncio
import contextlib
import json
import re
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.client.flavours import LIMIT_S, serving
from tests.client.scripted_server import CUT, Fail, Hang, Script, Step, error_info, live, opening, quote, status

from tickmux.v1 import instrument_pb2, quote_pb2, source_pb2
from tickmux.v1 import market_data_service_pb2 as pb

README = Path(__file__).parents[2] / "clients" / "README.md"
ADDRESS = "127.0.0.1:50051"
ELSEWHERE = "quotes.example:50051"
"""The server of the block that wants TLS and a token, which test_access runs."""
PROGRAMS = [
    "Best bid and offer of one symbol",
    "Survive a restart",
    "Watch health",
    "Write to a file",
    "Act on an alert price",
]
"""The headings of the recipes that are whole programs, each with a test of its own."""
PYTHON = re.search(r"^## Python\n(.*?)^## ", README.read_text(), re.DOTALL | re.MULTILINE)
assert PYTHON is not None
SECTIONS = re.split(r"^#{3,4} (.*)\n", "First\n" + PYTHON[1], flags=re.MULTILINE)
BLOCKS = {
    heading: re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for heading, text in zip(["First", *SECTIONS[1::2]], SECTIONS[::2], strict=True)
}
OTHERS = [
    block
    for heading, blocks in BLOCKS.items()
    for block in blocks
    if heading not in PROGRAMS and ELSEWHERE not in block
]


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


def recipe(heading: str, target: str) -> str:
    (block,) = BLOCKS[heading]
    return program(block, target)


def answer(request: pb.GetSnapshotRequest) -> pb.GetSnapshotResponse | Fail:
    if "binanec" in request.selection.sources:
        return Fail(grpc.StatusCode.INVALID_ARGUMENT, "did you mean `binance`?", [error_info("UNKNOWN_SOURCE")])
    return pb.GetSnapshotResponse(quotes=[quote("BTCUSDT", 1)], source_statuses=[status()])


@asynccontextmanager
async def running(source: str, cwd: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program; it is killed, unless it has ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-c", source), cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def printed(process: asyncio.subprocess.Process, count: int) -> list[str]:
    """So many lines of the program's output."""
    assert process.stdout is not None
    assert process.stderr is not None
    lines: list[str] = []
    while len(lines) < count:
        line = await process.stdout.readline()
        if not line:
            pytest.fail(f"after {lines}: {(await process.stderr.read()).decode()}")
        lines.append(line.decode().rstrip())
    return lines


async def stored(place: Path, is_it: Callable[[str], bool]) -> None:
    """Wait until a program has stored where it stands."""

    def is_stored() -> bool:
        return place.exists() and is_it(place.read_text())

    while not is_stored():  # noqa: ASYNC110 - the file of another process wakes nobody
        await asyncio.sleep(0.01)


EXPECTED = [
    "binance 100.5 None None live",
    "binance 100.5 None None live",
    "binance LIVE",
    "['BTCUSDT']",
    "BTCUSDT None False",
    "1 quotes, 0 of them stale",
    "1 quotes to begin with",
    "1 quotes, 0 of them yet to come anew",
    "did you mean `binance`? UNKNOWN_SOURCE {}",
]


@pytest.mark.parametrize(("block", "expected"), list(zip(OTHERS, EXPECTED, strict=True)))
async def test_a_block_runs_and_prints(block: str, expected: str, tmp_path: Path) -> None:
    script = Script(calls=[[opening(quote("BTCUSDT", 1, bid=100.5)), Hang()]], snapshot=answer, statuses=[status()])
    async with serving(script) as target, running(program(block, target), tmp_path) as process:
        (line,) = await printed(process, 1)
    assert line.removeprefix(f"INVALID_ARGUMENT from {target}: ") == expected


async def test_data_frames(tmp_path: Path) -> None:
    script = Script(
        snapshot=answer,
        instruments=lambda _: pb.ListInstrumentsResponse(
            instruments=[instrument_pb2.Instrument(source="binance", symbol="BTCUSDT")]
        ),
    )
    async with serving(script) as target, running(recipe("Data frames", target), tmp_path) as process:
        output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert "list[str]" in output.decode()
    assert re.search(r"price_increment +Float64", output.decode())


def test_the_first_programs_are_short() -> None:
    assert len(BLOCKS["First"]) == 2
    for block in BLOCKS["First"]:
        assert ADDRESS in block
        assert len(block.splitlines()) <= 15


def test_the_recipes_are_short_programs_on_their_own() -> None:
    for heading in PROGRAMS:
        (block,) = BLOCKS[heading]
        assert ADDRESS in block
        assert len(block.splitlines()) <= 30, heading


def consolidated(revision: int, **sides: Any) -> quote_pb2.Quote:
    message = quote("BTCUSDT", revision, source="consolidated")
    for name, value in sides.items():
        setattr(message, name, value)
    return message


async def test_best_bid_and_offer(tmp_path: Path) -> None:
    both = consolidated(1, bid_price=99.5, bid_exchange="Kraken", ask_price=100.5, ask_exchange="Binance")
    begin = opening(both)
    begin.source_statuses[0].source = "consolidated"
    again = consolidated(3, bid_price=99.5, bid_exchange="Kraken", ask_price=100.5, ask_exchange="Binance")
    one_sided = live(consolidated(2, bid_price=99.5, bid_exchange="Kraken"))
    script = Script([[begin, one_sided, live(again), CUT], [Hang()]])
    async with serving(script) as target, running(recipe(PROGRAMS[0], target), tmp_path) as process:
        both_sides, neither = "99.5 at Kraken 100.5 at Binance", "nothing that can be believed now"
        # The first line is of the statuses, the last one of the cut: no quote came with them.
        assert await printed(process, 5) == [neither, both_sides, neither, both_sides, neither]
    request = script.requests[0]
    assert (list(request.selection.symbols), list(request.selection.sources)) == (["BTCUSDT"], ["consolidated"])
    assert request.min_interval.ToMilliseconds() == 200


def opened(continuity: pb.Continuity.ValueType, *quotes: quote_pb2.Quote, token: str) -> pb.SubscribeResponse:
    response = opening(*quotes, token=token)
    response.continuity = continuity
    return response


def bids(*revisions: int) -> list[quote_pb2.Quote]:
    return [quote("BTCUSDT", revision, bid=float(revision)) for revision in revisions]


# What a program meets that is killed twice: what it missed, then a gap, and in its third run a server without its past.
THREE_RUNS: list[list[Step]] = [
    [opening(*bids(1), token="one"), live(*bids(2, 3), token="three"), live(*bids(4)), Hang()],
    [opened(pb.CONTINUITY_RESUMED, *bids(4, 5), token="five"), live(*bids(9), conflated=3, token="nine"), Hang()],
    [opened(pb.CONTINUITY_RESET, *bids(70), token="seventy"), Hang()],
]


async def test_survive_a_restart(tmp_path: Path) -> None:
    script = Script(THREE_RUNS)
    output = []
    async with serving(script) as target:
        for lines, token in ((4, "three"), (4, "nine"), (2, "seventy")):
            async with running(recipe("Survive a restart", target), tmp_path) as process:
                output.append(await printed(process, lines))
                # The place is stored after the line of the response's last quote is printed.
                await stored(tmp_path / "btc.place", token.__eq__)
    assert [request.resume_token for request in script.requests] == ["", "three", "nine"]
    assert output[0] == [f"binance BTCUSDT 1 {revision}" for revision in (1, 2, 3, 4)]
    assert output[1] == [
        *("binance BTCUSDT 1 4", "binance BTCUSDT 1 5"),
        *("updates were lost: Conflated(count=3)", "binance BTCUSDT 1 9"),
    ]
    assert output[2][0].startswith("updates were lost: Reset(")
    assert output[2][1] == "binance BTCUSDT 1 70"


async def test_watch_health(tmp_path: Path) -> None:
    down = status(source_pb2.SOURCE_STATE_DOWN)
    down.last_error = "refused"
    well = opening()
    well.source_statuses[0].lag.FromMilliseconds(250)
    script = Script([[well, pb.SubscribeResponse(source_statuses=[down]), CUT], [Hang()]])
    async with serving(script) as target, running(recipe("Watch health", target), tmp_path) as process:
        lines = await printed(process, 3)
    assert lines[:2] == ["binance 0 LIVE lag 0.25", "binance 0 DOWN refused"]
    assert lines[2].startswith(f"nothing is known of any source: UNAVAILABLE from {target}")
    assert script.requests[0].min_interval.seconds == 60


async def test_write_to_a_file(tmp_path: Path) -> None:
    script = Script(THREE_RUNS)
    file, place = tmp_path / "btc.jsonl", tmp_path / "btc.jsonl.place"
    file.write_text('["of", "before"]\n')
    async with serving(script) as target:
        for token in ("three", "nine", "seventy"):
            async with running(recipe("Write to a file", target), tmp_path):
                await stored(place, lambda text, token=token: json.loads(text)[1] == token)  # type: ignore[misc]
            # What a killed program may leave behind.
            with file.open("a") as left:
                left.write('["binance", "BTC')
    assert [request.resume_token for request in script.requests] == ["", "three", "nine"]
    size, _ = json.loads(place.read_text())
    rows = [json.loads(line) for line in file.read_bytes()[:size].decode().splitlines()]
    assert rows[:5] == [["of", "before"], *(["binance", "BTCUSDT", None, float(at), None] for at in (1, 2, 3, 4))]
    assert rows[5:8] == [["binance", "BTCUSDT", None, 5.0, None], {"lost": "Conflated(count=3)"}, row(9)]
    assert rows[8]["lost"].startswith("Reset(")
    assert rows[9:] == [row(70)]


def row(bid: float) -> list[Any]:
    return ["binance", "BTCUSDT", None, bid, None]


async def test_act_on_an_alert_price(tmp_path: Path) -> None:
    def ask(revision: int, price: float | None, *flags: quote_pb2.QuoteFlag.ValueType) -> quote_pb2.Quote:
        message = quote("BTCUSDT", revision)
        message.flags.extend(flags)
        if price is not None:
            message.ask_price = price
        return message

    stale = opening(ask(1, 1.0))
    stale.source_statuses[0].state = source_pb2.SOURCE_STATE_STALE
    alive = pb.SubscribeResponse(source_statuses=[status()])
    unfit = live(ask(2, 2.0, quote_pb2.QUOTE_FLAG_HALTED), ask(3, None), ask(4, 100.5))
    unfit.resume_token = "t4"
    back = pb.SubscribeResponse(
        continuity=pb.CONTINUITY_RESUMED, source_statuses=[status()], quotes=[ask(5, 5.0)], resume_token="t5"
    )
    whole = pb.SubscribeResponse(quotes=[ask(6, 100.5)], caught_up=True, resume_token="t6")
    script = Script(
        [[stale, unfit, alive, CUT], [back, whole, live(ask(7, 99.5)), live(ask(8, 98.5)), Hang()]],
    )
    async with serving(script) as target, running(recipe("Act on an alert price", target), tmp_path) as process:
        output, errors = await process.communicate()
    assert (process.returncode, output.decode()) == (0, "buy at 99.5\n"), errors.decode()
    # What was missed during a cut comes first, and is as old as the cut is long.
    assert [request.resume_token for request in script.requests] == ["", "t4"]
    assert script.requests[0].delivery == pb.DELIVERY_LATEST
