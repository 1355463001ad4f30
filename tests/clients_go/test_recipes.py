"""The recipes in Go of clients/README.md are compiled as they are printed, and do what their headings say."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.client import real_server
from tests.client.flavours import LIMIT_S, serving
from tests.client.scripted_server import CUT, Hang, Script, Step, live, opening, quote, status
from tests.clients_go import recipes
from tests.clients_go.toolchain import BUILD_S, build, go, require_go, run
from tests.e2e.processes import ChildProcess
from tests.server.feed import NodeFeed

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import quote_pb2, source_pb2

STALE, DOWN = source_pb2.SOURCE_STATE_STALE, source_pb2.SOURCE_STATE_DOWN

pytestmark = pytest.mark.timeout(BUILD_S)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    require_go()
    folder = tmp_path_factory.mktemp("recipes")
    source = folder / "main.go"
    source.write_text(recipes.program())
    return build(source, folder)


@asynccontextmanager
async def running(program: Path, *arguments: str) -> AsyncIterator[ChildProcess]:
    process = ChildProcess()
    try:
        await process.spawn(*arguments, program=program)
        yield process
    finally:
        await process.stop()


async def printed(program: Path, recipe: str, calls: Sequence[Sequence[Step]], lines: int) -> list[str]:
    """What a recipe prints; then it is told to end, and does."""
    async with serving(Script(calls=calls)) as target, running(program, recipe, target) as process:
        said = [(await process.line()).rstrip().replace(target, "HOST") for _ in range(lines)]
        assert await process.terminate() == 0, process.log
    return said


def news(state: source_pb2.SourceState.ValueType, *, source: str = "binance") -> pb.SubscribeResponse:
    return pb.SubscribeResponse(source_statuses=[status(state, source=source)])


def resumed(*quotes: quote_pb2.Quote, token: str = "") -> pb.SubscribeResponse:
    response = opening(*quotes, token=token)
    response.continuity = pb.CONTINUITY_RESUMED
    return response


def reset(*quotes: quote_pb2.Quote, token: str = "") -> pb.SubscribeResponse:
    response = opening(*quotes, token=token)
    response.continuity = pb.CONTINUITY_RESET
    return response


def test_they_are_formatted_and_pass_vet(program: Path) -> None:
    source = program.with_name("main.go")
    assert run("gofmt", "-l", source) == ""
    go("vet", source)


async def test_best_bid_and_offer(program: Path) -> None:
    best = quote("BTCUSDT", 1, source="consolidated", bid=100.5)
    best.ask_price, best.bid_exchange, best.ask_exchange = 101.0, "Kraken", "Binance"
    no_ask = quote("BTCUSDT", 2, source="consolidated", bid=100.5)
    state = pb.SubscribeResponse(
        continuity=pb.CONTINUITY_SNAPSHOT,
        source_statuses=[status(source="consolidated")],
        quotes=[best],
        caught_up=True,
    )
    fresh = source_pb2.SOURCE_STATE_LIVE
    stale_and_fresh = [news(DOWN, source="consolidated"), news(fresh, source="consolidated")]
    assert await printed(program, "best", [[state, *stale_and_fresh, live(no_ask), CUT], [Hang()]], 5) == [
        "BTCUSDT: nothing that can be believed now",
        "BTCUSDT: bid 100.5 at Kraken, ask 101 at Binance",
        "BTCUSDT: nothing that can be believed now",
        "BTCUSDT: bid 100.5 at Kraken, ask 101 at Binance",
        "BTCUSDT: nothing that can be believed now",
    ]


async def test_a_picture_survives_a_restart_of_the_server(program: Path) -> None:
    before = opening(quote("BTCUSDT", 7), quote("BTCUSD", 3), token="t")
    assert await printed(program, "picture", [[before, CUT], [reset(quote("BTCUSDT", 1, epoch=2)), Hang()]], 3) == [
        "2 quotes, 0 of them stale, 0 yet to come anew",
        "2 quotes, 2 of them stale, 0 yet to come anew",
        "2 quotes, 1 of them stale, 1 yet to come anew",
    ]


async def test_health(program: Path) -> None:
    assert await printed(program, "health", [[opening(token="t"), news(DOWN), CUT], [resumed(), Hang()]], 5) == [
        "well: binance/0 LIVE",
        "TROUBLE: binance/0 DOWN",
        "TROUBLE: nothing is known of any source: UNAVAILABLE from HOST: scripted",
        "well: the server is back, try 1",
        "well: binance/0 LIVE",
    ]


@pytest.mark.parametrize(("more", "sold_at"), [
    ([live(quote("BTCUSDT", 2, bid=99.0)), news(source_pb2.SOURCE_STATE_LIVE), live(quote("BTCUSDT", 3)),
      live(quote("BTCUSDT", 4, bid=120.0), quote("BTCUSDT", 5, bid=130.0))], 120),
    ([news(source_pb2.SOURCE_STATE_LIVE)], 150),
], ids=["at the first fresh price", "when the price is fresh again"])  # fmt: skip
async def test_an_alert_acts_once_and_never_on_a_stale_quote(program: Path, more: list[Step], sold_at: int) -> None:
    stale = opening(quote("BTCUSDT", 1, bid=150.0))
    stale.source_statuses[0].state = STALE
    script = Script(calls=[[stale, *more, Hang()]])
    async with serving(script) as target, running(program, "alert", target) as process:
        assert await process.exit_code() == 0
        assert process.running.stdout is not None
        assert (await process.running.stdout.read()).decode() == f"sold at binance BTCUSDT bid={sold_at} live\n"


async def test_an_alert_is_not_raised_by_a_price_of_before_a_cut(program: Path) -> None:
    stale = opening(quote("BTCUSDT", 1, bid=150.0), token="one")
    stale.source_statuses[0].state = STALE
    since = resumed(quote("BTCUSDT", 2, bid=99.0), token="two")
    script = Script(calls=[[stale, CUT], [since, live(quote("BTCUSDT", 3, bid=120.0)), Hang()]])
    async with serving(script) as target, running(program, "alert", target) as process:
        assert await process.exit_code() == 0
        assert process.running.stdout is not None
        assert (await process.running.stdout.read()).decode() == "sold at binance BTCUSDT bid=120 live\n"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - a file is written by another process
            await asyncio.sleep(0.01)


def content(kept: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kept.read_text().splitlines()]


def ends_with(kept: Path, revision: str) -> bool:
    return bool(content(kept)[-1].get("revision") == revision)


async def test_a_file_goes_on_over_kills_and_says_what_was_lost(program: Path, tmp_path: Path) -> None:
    kept, token = tmp_path / "quotes.jsonl", tmp_path / "quotes.jsonl.token"

    script = Script(calls=[
        [opening(quote("BTCUSDT", 1, bid=100.5), token="t1"),
         live(quote("BTCUSDT", 2), quote("BTCUSDT", 3), token="t3"), live(quote("BTCUSDT", 4)), Hang()],
        [resumed(quote("BTCUSDT", 4), quote("BTCUSDT", 5), token="t5"), live(quote("BTCUSDT", 8), conflated=2),
         live(quote("BTCUSDT", 11), token="t11"), Hang()],
        [reset(quote("BTCUSDT", 1, epoch=2), token="u1"), Hang()],
    ])  # fmt: skip
    async with serving(script) as target:
        async with running(program, "record", target, str(kept)) as process:
            await until(lambda: token.exists() and token.read_text() == "t3")
            process.send(signal.SIGKILL)
            assert await process.exit_code() == -signal.SIGKILL
        for revision in ("11", "1"):
            async with running(program, "record", target, str(kept)) as process:
                await until(partial(ends_with, kept, revision))
                assert await process.terminate() == 0, process.log
    assert [request.resume_token for request in script.requests] == ["", "t3", "t11"]
    assert token.read_text() == "u1"
    assert content(kept)[1] == {
        "symbol": "BTCUSDT", "source": "binance", "epoch": "1", "revision": "1", "channel": "0", "bid_price": 100.5,
    }  # fmt: skip
    assert [line.get("lost") or (line["epoch"], line["revision"]) for line in content(kept)] == [
        "whatever was before: there is no token to go on with",
        *(("1", str(revision)) for revision in (1, 2, 3, 4, 4, 5)),
        "2 updates that were not read in time",
        ("1", "8"),
        "updates of binance BTCUSDT before revision 11",
        ("1", "11"),
        "updates, perhaps: the server could not go on where the stream stood, or found a hole",
        ("2", "1"),
    ]


async def test_a_file_has_every_revision_however_often_its_program_is_killed(program: Path, tmp_path: Path) -> None:
    kept, token = tmp_path / "quotes.jsonl", tmp_path / "quotes.jsonl.token"
    async with real_server.running() as node:
        feed, last = NodeFeed(node), 0

        async def publish(until: Callable[[], bool]) -> None:
            nonlocal last
            async with asyncio.timeout(LIMIT_S):
                while not until():
                    last += 1
                    feed.bids("binance", {"BTCUSDT": float(last)})
                    await asyncio.sleep(0.002)

        def stored() -> str:
            return token.read_text() if token.exists() else ""

        async def publish_more(updates: int) -> None:
            goal = last + updates
            await publish(lambda: last == goal)

        async def killed() -> None:
            before = stored()
            async with running(program, "record", node.address, str(kept)) as process:
                await publish(lambda: stored() not in {"", before})
                process.send(signal.SIGKILL)
                await process.exit_code()

        await publish_more(10)
        for _ in range(3):
            await killed()
            await publish_more(50)
        async with running(program, "record", node.address, str(kept)) as process:
            await until(lambda: ends_with(kept, str(last)))
            assert await process.terminate() == 0, process.log
    first, *lines = content(kept)
    assert "lost" in first
    revisions = [int(line["revision"]) for line in lines]
    assert set(revisions) == set(range(revisions[0], last + 1))
