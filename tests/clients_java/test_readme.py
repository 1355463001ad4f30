"""The Java programs of clients/README.md are compiled and run as they are printed."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.client.flavours import serving
from tests.client.scripted_server import CUT, Hang, Script, Step, live, opening, quote, status
from tests.client.test_readme import ADDRESS, README
from tests.clients_java.toolchain import BUILD_S, program, require_java
from tests.e2e.processes import START_S, ChildProcess

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import quote_pb2, source_pb2

PROGRAMS = {
    re.findall(r"public class (\w+)", block)[0]: block
    for block in re.findall(r"```java\n(.*?)```", README.read_text(), re.DOTALL)
}
"""By the name of their class."""

pytestmark = pytest.mark.timeout(BUILD_S)


def best(state: source_pb2.SourceState.ValueType) -> pb.SubscribeResponse:
    return pb.SubscribeResponse(source_statuses=[status(state, source="consolidated")])


OPENED_BY_BEST = pb.SubscribeResponse(
    continuity=pb.CONTINUITY_SNAPSHOT,
    source_statuses=[status(source="consolidated")],
    quotes=[
        quote_pb2.Quote(
            symbol="BTCUSD",
            source="consolidated",
            channel="0",
            epoch=1,
            revision=1,
            bid_price=83255.5,
            bid_exchange="Kraken",
            ask_price=83230.25,
            ask_exchange="Alpaca",
        )
    ],
    caught_up=True,
)
DOWN = source_pb2.SourceStatus(
    source="binance", channel="0", state=source_pb2.SOURCE_STATE_DOWN, epoch=1, last_error="connection refused"
)
NO_BEST = "nothing that can be believed now"
STALE = status(source_pb2.SOURCE_STATE_STALE)
HALTED = quote("BTCUSDT", 2, bid=100_000.5)
HALTED.flags.append(quote_pb2.QUOTE_FLAG_HALTED)

SCRIPTS: dict[str, tuple[Sequence[Sequence[Step]], Sequence[str]]] = {
    "FirstQuotes": (
        [[opening(quote("BTCUSDT", 1, bid=100.5)), Hang()]],
        ["binance BTCUSDT bid=100.5 live"],
    ),
    "LongRunning": (
        [[opening(quote("BTCUSDT", 1, bid=100.5)), Hang()]],
        ["binance OptionalDouble[100.5]"],
    ),
    "OnDemand": (
        [[opening(quote("BTCUSDT", 1, bid=100.5)), Hang()]],
        ["SourceChanged[status=binance/0 LIVE]", "binance BTCUSDT bid=100.5 live", "CaughtUp[]"],
    ),
    "BestBidAndOffer": (
        [[OPENED_BY_BEST, best(source_pb2.SOURCE_STATE_DOWN), best(source_pb2.SOURCE_STATE_LIVE), Hang()]],
        [NO_BEST, "83255.5 at Kraken, 83230.25 at Alpaca", NO_BEST, "83255.5 at Kraken, 83230.25 at Alpaca"],
    ),
    "Picture": (
        [[opening(quote("BTCUSDT", 1), quote("BTCEUR", 1)), CUT], [opening(quote("BTCUSDT", 1, epoch=2)), Hang()]],
        ["2 quotes, 0 of them yet to come anew", "2 quotes, 1 of them yet to come anew"],
    ),
    "HealthWatch": (
        [[opening(), pb.SubscribeResponse(source_statuses=[DOWN]), CUT], [opening(), Hang()]],
        [
            "well: binance/0 LIVE",
            "TROUBLE: binance/0 DOWN: connection refused",
            "TROUBLE: nothing is known of any source: UNAVAILABLE from TARGET: scripted",
            "well: the server is back",
            "well: binance/0 LIVE",
        ],
    ),
    "PriceAlert": (
        [
            [
                opening(quote("BTCUSDT", 1, bid=99_999.5)),
                live(HALTED),
                pb.SubscribeResponse(source_statuses=[STALE], quotes=[quote("BTCUSDT", 3, bid=100_001.5)]),
                pb.SubscribeResponse(source_statuses=[status()]),
                live(quote("BTCUSDT", 4, bid=100_002.5)),
                Hang(),
            ]
        ],
        ["sell: binance BTCUSDT bid=100001.5 live"],
    ),
}


@asynccontextmanager
async def running(name: str, target: str, folder: Path) -> AsyncIterator[ChildProcess]:
    """A program of the page, compiled for a server and a folder, and started."""
    require_java()
    source = folder / f"{name}.java"
    source.write_text(PROGRAMS[name].replace(ADDRESS, target).replace('"quotes.', f'"{folder}/quotes.'))
    command, *arguments = await asyncio.to_thread(program, name, [source], folder)
    process = ChildProcess()
    try:
        await process.spawn(*arguments, program=command)
        yield process
    finally:
        await process.stop()


def test_the_first_program_is_short() -> None:
    assert next(iter(PROGRAMS)) == "FirstQuotes"
    assert len(PROGRAMS["FirstQuotes"].splitlines()) <= 15


def test_no_program_is_left_out() -> None:
    assert set(PROGRAMS) == {*SCRIPTS, "Recorder"}


@pytest.mark.parametrize("name", SCRIPTS)
async def test_a_program_runs_and_prints(tmp_path: Path, name: str) -> None:
    calls, expected = SCRIPTS[name]
    async with serving(Script(calls=calls)) as target, running(name, target, tmp_path) as process:
        printed = [await process.line() for _ in expected]
        assert printed == [line.replace("TARGET", target) + "\n" for line in expected]
        if name == "PriceAlert":
            assert await process.exit_code() == 0
            assert process.log == []


async def test_an_alert_is_not_raised_by_a_price_of_before_a_cut(tmp_path: Path) -> None:
    stale = opening(quote("BTCUSDT", 1, bid=100_001.5), token="one")
    stale.source_statuses[0].CopyFrom(STALE)
    since = opening(quote("BTCUSDT", 2, bid=99_999.5), token="two")
    since.continuity = pb.CONTINUITY_RESUMED
    script = Script(calls=[[stale, CUT], [since, live(quote("BTCUSDT", 3, bid=100_002.5)), Hang()]])
    async with serving(script) as target, running("PriceAlert", target, tmp_path) as process:
        assert await process.line() == "sell: binance BTCUSDT bid=100002.5 live\n"
        assert await process.exit_code() == 0


async def test_what_is_written_to_a_file_goes_on_after_a_restart_of_the_program(tmp_path: Path) -> None:
    file = tmp_path / "quotes.csv"
    stored = tmp_path / "quotes.token"

    async def until_at(token: str) -> None:
        async with asyncio.timeout(START_S):
            while not stored.exists() or stored.read_text() != token:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.02)

    first: list[Step] = [
        opening(quote("BTCUSDT", 1, bid=100.5), token="a"),
        live(quote("BTCUSDT", 2), token="b"),
        Hang(),
    ]
    again = opening(quote("BTCUSDT", 1, epoch=2), token="c")
    again.continuity = pb.CONTINUITY_RESET
    script = Script(calls=[first, [again, Hang()]])
    async with serving(script) as target:
        for token in ("b", "c"):
            async with running("Recorder", target, tmp_path):
                await until_at(token)
    assert [request.resume_token for request in script.requests] == ["", "b"]
    lines = file.read_text().splitlines()
    assert lines[0].startswith("# lost: whatever was before")
    assert lines[1:3] == ["binance,BTCUSDT,1,1,100.5,", "binance,BTCUSDT,1,2,,"]
    assert lines[3].startswith("# lost: Reset[")
    assert lines[4:] == ["binance,BTCUSDT,2,1,,"]
