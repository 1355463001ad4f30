"""Each fault switch of the simulated Binance, at run time, over real sockets."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import websockets
from tests.simulators.process import PATIENCE_S, Raw, Simulator, simulator

BOOK_TICKER = "/ws/btcusdt@bookTicker"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Simulator]:
    async with simulator("binance", "--rate", "1500", "--ping-interval-s", "0.3") as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def venue(running: Simulator) -> AsyncIterator[Simulator]:
    yield running
    await running.all_faults_off()


async def is_silent(raw: Raw, timeout_s: float = 0.4) -> bool:
    """Whether nothing comes, after what was under way."""
    try:
        while True:
            await raw.text(timeout_s=timeout_s)
    except TimeoutError:
        return True


async def test_data_mute_still_pings_and_acknowledges_and_ends(venue: Simulator) -> None:
    async with venue.connect(BOOK_TICKER) as raw:
        await raw.text()
        await venue.switch("data_mute")
        async with asyncio.timeout(PATIENCE_S):
            assert await is_silent(raw)
            before = (await venue.state())["counters"]["pongs_received"]
            while (await venue.state())["counters"]["pongs_received"] < before + 2:
                assert await is_silent(raw, 0.2)
        assert await raw.answer({"method": "LIST_SUBSCRIPTIONS", "id": 1}) == {
            "result": ["btcusdt@bookTicker"],
            "id": 1,
        }
        await venue.switch("data_mute", on=False)
        assert "u" in await raw.json()


async def test_one_symbol_can_be_mute(venue: Simulator) -> None:
    await venue.switch("data_mute", symbol="BTCUSDT")
    async with venue.connect("/ws/btcusdt@bookTicker/ethusdt@bookTicker") as raw:
        assert {(await raw.json())["s"] for _ in range(30)} == {"ETHUSDT"}


async def test_a_frozen_socket_is_open_and_answers_nothing(venue: Simulator) -> None:
    async with venue.connect(BOOK_TICKER) as raw:
        await raw.text()
        await venue.switch("frozen_socket", new_connections=True, rest=True)
        assert await is_silent(raw)
        pong = await raw.socket.ping()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await asyncio.shield(pong)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), venue.connect("/ws"):
                pass
        with pytest.raises(TimeoutError):
            await venue.get("/api/v3/ping", timeout_s=0.3)
        await venue.switch("frozen_socket", on=False)
        async with asyncio.timeout(10):
            await pong
        assert "u" in await raw.json()
        assert await venue.get_json("/api/v3/ping") == {}


class Numbers:
    """How a number goes on from frame to frame."""

    def __init__(self, raw: Raw, key: str) -> None:
        self._raw = raw
        self._key = key
        self._last: int | None = None

    async def next_step(self) -> int:
        number: int = (await self._raw.json())[self._key]
        step = 0 if self._last is None else number - self._last
        self._last = number
        return step

    async def odd_steps(self) -> list[int]:
        """The steps that are not 1, up to five frames after the first of them."""
        odd: list[int] = []
        async with asyncio.timeout(PATIENCE_S):
            while not odd:
                step = await self.next_step()
                odd += [step] if step != 1 else []
            for _ in range(5):
                step = await self.next_step()
                odd += [step] if step != 1 else []
        return odd


async def test_a_gap_a_duplicate_and_a_frame_out_of_order(venue: Simulator) -> None:
    async with venue.connect("/ws/btcusdt@trade") as raw:
        numbers = Numbers(raw, "t")
        await numbers.next_step()
        await venue.switch("gap", count=3)
        assert await numbers.odd_steps() == [4]
        await venue.switch("duplicate", once=True)
        assert await numbers.odd_steps() == [0]
        await venue.switch("out_of_order", once=True)
        assert await numbers.odd_steps() == [2, -1, 2]
        assert (await venue.state())["faults"]["gap"]["applied"] >= 3


async def test_the_diff_stream_has_a_gap_in_the_middle(venue: Simulator) -> None:
    async with venue.connect("/ws/btcusdt@depth@100ms") as raw:
        last = (await raw.json())["u"]
        await venue.switch("gap", once=True)
        async with asyncio.timeout(PATIENCE_S):
            update = await raw.json()
            while update["U"] == last + 1:
                last = update["u"]
                update = await raw.json()
        assert update["U"] > last + 1


async def test_malformed_truncated_non_json_and_oversized_frames_and_neighbours_go_on(venue: Simulator) -> None:
    async with venue.connect("/stream?streams=btcusdt@bookTicker") as raw:
        await raw.text()
        await venue.switch("malformed", once=True)
        bad = await raw.until(lambda one: isinstance(one["data"]["b"], dict))
        assert bad["stream"] == "btcusdt@bookTicker"
        await venue.switch("truncated", once=True)
        assert await first_not_json(raw)
        assert "data" in await raw.json()
        await venue.switch("non_json", once=True)
        assert await first_not_json(raw) == "error code: 1015"
        assert "data" in await raw.json()
        await venue.switch("oversized", once=True)
        assert len(json.dumps(await raw.until(lambda one: "padding" in one))) > 1 << 20
        assert "data" in await raw.json()


async def first_not_json(raw: Raw) -> str:
    while True:
        text = await raw.text()
        try:
            json.loads(text)
        except json.JSONDecodeError:
            return text


async def test_connections_are_cut_announced_closed_and_reset(venue: Simulator) -> None:
    async with venue.connect(BOOK_TICKER) as old:
        await venue.switch("cut_old_connections", older_than_s=0.0, count=1)
        assert (await old.closed())[0] == 1000
    async with venue.connect("/stream?streams=btcusdt@bookTicker") as raw, venue.connect(BOOK_TICKER) as bare:
        await venue.switch("server_shutdown", after_s=0.5)
        announced = await raw.until(lambda one: one["stream"] == "!serverShutdown")
        assert announced["data"]["e"] == "serverShutdown"
        assert (await bare.until(lambda one: one.get("e")))["E"] > 1e12
        assert "stream" in await raw.json(), "data goes on until the cut"
        async with venue.connect(BOOK_TICKER) as new:
            assert (await raw.closed())[0] == 1000
            assert (await bare.closed())[0] == 1000
            assert "u" in await new.json(), "a connection made after the announcement stays"
            await venue.switch("close_connections", code=1013, reason="Market data unavailable")
            assert await new.closed() == (1013, "Market data unavailable")
    async with venue.connect(BOOK_TICKER) as raw:
        await venue.switch("drop_connections")
        assert (await raw.closed())[0] == 1006
    assert (await venue.state())["connections_open"] == 0


@pytest.mark.parametrize("status", [503, 451, 429])
async def test_handshakes_are_refused(venue: Simulator, status: int) -> None:
    await venue.switch("refuse_connections", status=status, count=1)
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with venue.connect("/ws"):
            pass
    assert refused.value.response.status_code == status
    async with venue.connect("/ws"):
        pass


async def test_acknowledged_and_then_silent(venue: Simulator) -> None:
    await venue.switch("ack_then_silence", symbol="btcusdt")
    async with venue.connect("/ws") as raw:
        request = {"method": "SUBSCRIBE", "params": ["btcusdt@bookTicker", "ethusdt@bookTicker"], "id": 1}
        assert await raw.answer(request) == {"result": None, "id": 1}
        assert {(await raw.json())["s"] for _ in range(30)} == {"ETHUSDT"}


async def test_a_halt_shows_in_exchange_info_only_and_ends(venue: Simulator) -> None:
    async with venue.connect(BOOK_TICKER) as raw:
        await venue.switch("halt", symbol="BTCUSDT", status="BREAK")
        assert await status_of(venue, "BTCUSDT") == "BREAK"
        assert await status_of(venue, "ETHUSDT") == "TRADING"
        assert await is_silent(raw)
        await venue.switch("halt", on=False)
        assert await status_of(venue, "BTCUSDT") == "TRADING"
        assert "u" in await raw.json()


async def status_of(venue: Simulator, symbol: str) -> Any:
    return (await venue.get_json(f"/api/v3/exchangeInfo?symbol={symbol}"))["symbols"][0]["status"]


@pytest.mark.parametrize(
    ("fault", "status", "code", "retry_after"),
    [
        ("rest_429", 429, -1003, "7"),
        ("rest_418", 418, -1003, "7"),
        ("rest_451", 451, 0, None),
        ("rest_500", 500, -1000, None),
        ("rest_503", 503, -1008, "7"),
        ("rest_403", 403, None, None),
    ],
)
async def test_rest_fails(venue: Simulator, fault: str, status: int, code: int | None, retry_after: str | None) -> None:
    parameters = {"retry_after_s": 7} if retry_after else {}
    await venue.switch(fault, path="exchangeInfo", **parameters)
    answered, body, headers = await venue.get("/api/v3/exchangeInfo")
    assert answered == status
    assert headers.get("Retry-After") == retry_after
    if code is not None:
        assert json.loads(body)["code"] == code
    assert await venue.get_json("/api/v3/ping") == {}, "other paths are well"


async def test_rest_is_slow(venue: Simulator) -> None:
    await venue.switch("slow_rest", delay_s=0.5)
    before = time.monotonic()
    await venue.get_json("/api/v3/ping")
    assert time.monotonic() - before >= 0.5


async def test_pings_can_stop(venue: Simulator) -> None:
    await venue.switch("no_pings")
    before = (await venue.state())["counters"]["pings_sent"]
    async with venue.connect(BOOK_TICKER) as raw:
        async with asyncio.timeout(10):
            while (await venue.state())["faults"]["no_pings"]["applied"] < 2:
                await raw.text()
        assert (await venue.state())["counters"]["pings_sent"] == before
