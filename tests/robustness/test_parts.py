"""The parts of the harness that everything stands on: its reading of bytes and records, its plans, its proxy."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.robustness import wire
from tests.robustness.plan import Fault, Plan
from tests.robustness.proxy import Proxy
from tests.robustness.records import LifeBegun, TornRecord, Writer, read
from tests.robustness.report import Table
from tests.robustness.validators import VALIDATORS
from tests.robustness.validators.tally import Tally

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import quote_pb2

AWAIT_S = 10.0
QUOTE = quote_pb2.Quote(symbol="BTCUSDT", bid_price=1.5, epoch=1 << 40, flags=[quote_pb2.QUOTE_FLAG_SIMULATED])


def test_a_response_is_taken_apart_into_the_bytes_that_it_is_made_of() -> None:
    message = contract.SubscribeResponse(quotes=[QUOTE, QUOTE], conflated=300, resume_token="token").SerializeToString()
    assert b"".join(piece for _, piece in wire.pieces(message)) == message
    assert [payload for number, payload in wire.fields(message) if number == 1] == [QUOTE.SerializeToString()] * 2


@pytest.mark.parametrize("broken", [b"\x0a", b"\x0a\x05abc", b"\x08", b"\x0b", b"\xff" * 12])
def test_what_is_no_message_is_refused(broken: bytes) -> None:
    with pytest.raises(ValueError, match="byte"):
        wire.pieces(broken)


def test_a_quote_that_is_marked_stale_is_the_same_quote() -> None:
    payload = QUOTE.SerializeToString()
    assert quote_pb2.QUOTE_FLAG_STALE in quote_pb2.Quote.FromString(payload + wire.STALE_SUFFIX).flags
    assert wire.digest(payload + wire.STALE_SUFFIX) == wire.digest(payload)


def test_what_a_killed_process_left_half_written_is_passed_over_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    lives = [LifeBegun(1, "first", 1), LifeBegun(2, "second", 2)]
    with Writer(path) as writer:
        writer.write(lives[0])
    torn = path.read_bytes()[:-5]
    path.write_bytes(path.read_bytes() + torn.lstrip(b"\n"))
    with Writer(path) as writer:
        writer.write(lives[1])
    assert list(read(path)) == lives
    path.write_bytes(torn + b"\n" + path.read_bytes().lstrip(b"\n"))
    with pytest.raises(TornRecord):
        list(read(path))


def test_a_seed_is_a_plan_and_a_few_seeds_in_a_row_have_every_fault() -> None:
    for first in range(20):
        plans = [Plan.of(seed) for seed in range(first, first + 7)]
        assert {step.fault for plan in plans for step in plan.steps} == set(Fault)
        assert plans == [Plan.of(seed) for seed in range(first, first + 7)]


def test_the_table_knows_what_never_happened() -> None:
    table = Table()
    table.add([Fault.CLIENT_CUT.value], {name: Tally(checks=name == "order") for name in VALIDATORS})
    assert Fault.CLIENT_CUT.value not in table.never_fired()
    assert len(table.never_fired()) == len(Fault) - 1
    assert set(table.never_checked()) == VALIDATORS.keys() - {"order"}
    assert str(table).count("\n") == len(Fault) + 1


class Echo:
    """A client of a server that repeats what it is sent, through a proxy."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.reader = reader
        self.writer = writer

    async def ask(self, sent: bytes) -> bytes:
        self.writer.write(sent)
        async with asyncio.timeout(AWAIT_S):
            return await self.reader.readexactly(len(sent))


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(1000):
            writer.write(chunk)
        writer.close()

    server = await asyncio.start_server(repeat, "127.0.0.1", 0)
    async with server, Proxy(server.sockets[0].getsockname()[1]).open() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        yield Echo(proxy, reader, writer)
        writer.transport.abort()


async def test_the_proxy_passes_delays_and_resets(echo: Echo) -> None:
    assert await echo.ask(b"now") == b"now"
    echo.proxy.delay_s = 0.1
    began_s = time.monotonic()
    assert await echo.ask(b"later") == b"later"
    assert time.monotonic() - began_s >= 0.2
    assert echo.proxy.inject(b"garbage") == 1
    assert await echo.reader.readexactly(7) == b"garbage"
    assert echo.proxy.cut() == 1
    with pytest.raises(ConnectionResetError):
        await echo.ask(b"never")


async def test_the_proxy_swallows_for_good(echo: Echo) -> None:
    echo.proxy.swallows = True
    echo.writer.write(b"lost")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await echo.reader.read(1)
    echo.proxy.swallows = False
    assert await echo.ask(b"found") == b"found"


async def test_who_is_not_there_is_told_by_a_reset(echo: Echo) -> None:
    async with Proxy(1).open() as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(AWAIT_S):
                await reader.read(1)
        writer.transport.abort()
