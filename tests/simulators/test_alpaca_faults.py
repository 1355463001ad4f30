"""Each fault switch of the simulated Alpaca, at run time, over real sockets."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
import websockets
from tests.simulators.alpaca import (
    CRYPTO,
    IEX,
    PLUS,
    SIP,
    TEST,
    Talk,
    authenticated,
    ended,
    key_of,
    pong,
    silence,
    talk,
)
from tests.simulators.process import Raw, Simulator, simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Simulator]:
    async with simulator("alpaca", "--rate", "1500", "--auth-timeout-s", "2", "--minute-bar-s", "1") as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def venue(running: Simulator) -> AsyncIterator[Simulator]:
    yield running
    await running.all_faults_off()


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ("auth_failed_402", 402, "auth failed"),
        ("connection_limit_406", 406, "connection limit exceeded"),
        ("insufficient_subscription_409", 409, "insufficient subscription"),
        ("insufficient_scope_411", 411, "insufficient scope"),
        ("internal_error_500", 500, "internal error"),
    ],
)
async def test_who_authenticates_is_refused(venue: Simulator, fault: str, code: int, message: str) -> None:
    await venue.switch(fault, count=1)
    async with talk(venue, IEX) as one:
        assert await one.authenticate(*key_of(venue)) == {"T": "error", "code": code, "msg": message}
        assert await ended(one) == 1000
    async with authenticated(venue, IEX, is_plus=False):
        pass


async def test_authentication_that_is_not_heard_times_out(venue: Simulator) -> None:
    await venue.switch("auth_timeout")
    async with talk(venue, IEX) as one:
        assert await one.authenticate(*key_of(venue)) == {"T": "error", "code": 404, "msg": "auth timeout"}
        assert await ended(one) == 1000


async def test_subscribing_fails(venue: Simulator) -> None:
    async with authenticated(venue, IEX) as one:
        await venue.switch("invalid_action_410", count=1)
        assert await one.refused({"action": "subscribe", "quotes": ["AAPL"]}) == 410
        assert (await one.subscribe(quotes=["IBM"]))["quotes"] == ["IBM"]
        await venue.switch("internal_error_500", action="unsubscribe")
        await one.subscribe(quotes=["JPM"])
        assert await one.refused({"action": "unsubscribe", "quotes": ["IBM"]}) == 500
        assert await ended(one) == 1000


@pytest.mark.parametrize("is_announced", [True, False])
async def test_a_slow_client_is_told_and_cut_or_cut_at_once(
    venue: Simulator,
    is_announced: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with authenticated(venue, IEX) as one, talk(venue, TEST) as other:
        await venue.switch("slow_client_407", announced=is_announced)
        if is_announced:
            assert await one.control() == {"T": "error", "code": 407, "msg": "slow client"}
        assert await ended(one) == 1006
        await pong(other)  # who has not authenticated stays
    assert (await venue.state())["faults"]["slow_client_407"]["on"] is False


async def test_a_client_that_does_not_read_is_closed_whatever_waits_in_line() -> None:
    async with (
        simulator("alpaca", "--rate", "2000", "--unsent-bytes-max", "200000") as venue,
        venue.connect(SIP, max_queue=1) as raw,
    ):
        one = Talk(raw)
        await one.control()
        await one.authenticate(*PLUS)
        await one.subscribe(quotes=["*"])
        await venue.switch("oversized", bytes=200_000, count=80)
        while (await venue.state())["connections_open"]:
            pass  # each turn waits for an answer over HTTP
        received = [text async for text in texts_until_closed(raw)]
    # The last word comes after all that was not read, and may not arrive before the cut.
    assert received
    assert all('"code":407' not in text for text in received[:-1])


async def texts_until_closed(raw: Raw) -> AsyncIterator[str]:
    with contextlib.suppress(websockets.ConnectionClosed):
        while True:
            yield await raw.text()


async def test_a_quiet_market_is_silent_and_alive(venue: Simulator) -> None:
    async with (
        authenticated(venue, SIP) as one,
        authenticated(venue, CRYPTO) as coins,
        authenticated(venue, TEST) as test,
    ):
        await one.subscribe(quotes=["*"], trades=["*"], statuses=["*"])
        await coins.subscribe(quotes=["*"], trades=["*"], bars=["BTC/USD"])
        await test.subscribe(quotes=["*"])
        await one.next("q")
        await venue.switch("quiet_market")
        await silence(one, 1.2)
        await silence(coins, 1.2)
        await pong(one)
        await test.next("q")
        assert (await one.subscribe(quotes=["AAPL"]))["quotes"] == ["*", "AAPL"]
        await venue.switch("quiet_market", on=False)
        await one.next("q")
        await coins.next("q")


async def test_data_is_muted_for_a_symbol_and_for_all(venue: Simulator) -> None:
    async with authenticated(venue, SIP) as one:
        await one.subscribe(quotes=["AAPL", "SPY"])
        await venue.switch("data_mute", symbol="AAPL")
        await one.subscribe()  # what was on its way has come before the answer
        seen = {(await one.next("q"))["S"] for _ in range(30)}
        assert seen == {"SPY"}
        await venue.switch("data_mute")
        await silence(one)
        await pong(one)
        assert (await one.subscribe(quotes=["IBM"]))["quotes"][-1] == "IBM"
        await silence(one)
        await venue.switch("data_mute", on=False)
        await one.next("q", "IBM")


async def test_a_frozen_socket_answers_nothing(venue: Simulator) -> None:
    async with authenticated(venue, SIP) as one:
        await one.subscribe(quotes=["*"])
        await venue.switch("frozen_socket")
        await silence(one)
        answer = asyncio.ensure_future(await one.raw.socket.ping())
        await silence(one)
        assert not answer.done()
        async with talk(venue, SIP) as second:
            assert (await second.authenticate(*PLUS))["code"] == 406
        await venue.switch("frozen_socket", on=False)
        await answer
        await one.next("q")


async def test_acknowledged_and_then_silent(venue: Simulator) -> None:
    await venue.switch("ack_then_silence", symbol="AAPL")
    async with authenticated(venue, SIP) as one:
        assert (await one.subscribe(quotes=["AAPL", "SPY"]))["quotes"] == ["AAPL", "SPY"]
        assert {(await one.next("q"))["S"] for _ in range(40)} == {"SPY"}


@pytest.mark.parametrize(
    ("symbol", "halt", "resume"), [("AAPL", "H", "T"), ("IBM", "2", "3"), ("SPY", "2", "3"), ("BRK.B", "2", "3")]
)
async def test_a_stock_is_halted_and_resumed_by_the_codes_of_its_tape(
    venue: Simulator, symbol: str, halt: str, resume: str
) -> None:
    async with authenticated(venue, IEX) as one, authenticated(venue, SIP) as trades:
        await one.subscribe(statuses=["*"], imbalances=[symbol])
        await trades.subscribe(trades=[symbol], quotes=[symbol])
        await venue.switch("halt", symbol=symbol)
        status = await one.next("s")
        assert (status["S"], status["sc"], status["sm"]) == (symbol, halt, "Trading Halt")
        assert (await one.next("i"))["S"] == symbol
        await silence(trades)
        await venue.switch("halt", on=False)
        status = await one.next("s")
        assert (status["S"], status["sc"]) == (symbol, resume)
        await trades.next("q")


async def test_a_volatility_pause_has_a_code_of_its_own(venue: Simulator) -> None:
    async with authenticated(venue, IEX) as one:
        await one.subscribe(statuses=["*"])
        await venue.switch("halt", symbol="AAPL,IBM", status="P")
        statuses = {status["S"]: status for status in [await one.next("s"), await one.next("s")]}
        assert statuses["AAPL"]["sc"] == "P"
        assert (statuses["IBM"]["sc"], statuses["IBM"]["rc"]) == ("2", "M")


async def test_a_trade_is_corrected_and_cancelled(venue: Simulator) -> None:
    await venue.switch("quiet_market")
    async with authenticated(venue, SIP) as one:
        await one.subscribe(trades=["AAPL"])
        before = await latest_trade(venue)
        await venue.switch("correction", symbol="AAPL")
        correction = await one.next("c")
        assert (correction["oi"], correction["op"], correction["os"]) == (before["i"], before["p"], before["s"])
        assert round(correction["cp"] - correction["op"], 4) == 0.01
        assert correction["ci"] == before["i"] + 1
        corrected = await latest_trade(venue)
        assert (corrected["i"], corrected["p"]) == (correction["ci"], correction["cp"])
        await venue.switch("cancel", symbol="AAPL")
        cancel = await one.next("x")
        assert (cancel["i"], cancel["p"], cancel["s"], cancel["a"]) == (
            corrected["i"],
            corrected["p"],
            corrected["s"],
            "C",
        )
        assert (await latest_trade(venue))["i"] < before["i"]
        await venue.switch("correction", symbol="IBM")
        await venue.switch("cancel", symbol="IBM")
        await silence(one)
    state = await venue.state()
    assert (state["faults"]["correction"]["applied"], state["faults"]["correction"]["on"]) == (2, False)


async def latest_trade(venue: Simulator) -> Any:
    key, secret = key_of(venue)
    headers = {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}
    status, body, _ = await venue.get("/v2/stocks/trades/latest?symbols=AAPL", headers=headers)
    assert status == 200
    return json.loads(body)["trades"]["AAPL"]


async def test_quotes_have_one_side(venue: Simulator) -> None:
    async with authenticated(venue, SIP) as one, authenticated(venue, CRYPTO) as coins:
        await one.subscribe(quotes=["AAPL", "SPY"])
        await coins.subscribe(quotes=["BTC/USD"])
        await venue.switch("one_sided_quotes", symbol="AAPL,BTC/USD")
        while (quote := await one.next("q", "AAPL"))["bp"]:
            pass
        assert (quote["bs"], quote["ap"] > 0, quote["as"] > 0) == (0, True, True)
        assert (await one.next("q", "SPY"))["bp"] > 0
        while (quote := await coins.next("q"))["bp"]:
            pass
        assert (quote["bs"], quote["ap"] > 0) == (0, True)
        await venue.switch("one_sided_quotes", side="ask")
        while (quote := await one.next("q", "SPY"))["ap"]:
            pass
        assert (quote["as"], quote["bp"] > 0) == (0, True)


async def test_conditions_are_a_bare_string(venue: Simulator) -> None:
    await venue.switch("condition_string", symbol="SPY")
    async with authenticated(venue, SIP) as one:
        await one.subscribe(quotes=["SPY", "AAPL"], trades=["SPY"])
        assert (await one.next("q", "SPY"))["c"] == "R"
        # On a trade R would mean that the seller chose the day of settlement.
        assert (await one.next("t", "SPY"))["c"] == "@"
        assert (await one.next("q", "AAPL"))["c"] == ["R"]


async def test_bad_json_frames_come_and_neighbours_go_on(venue: Simulator) -> None:
    async with authenticated(venue, SIP) as one:
        await one.subscribe(quotes=["SPY"], trades=["SPY"])
        await venue.switch("malformed")
        while isinstance((bad := await one.next("q"))["bp"], float | int):
            pass
        assert bad["S"] == "SPY"
        await venue.switch("malformed", on=False)
        await venue.switch("non_json", once=True)
        while await one.raw.text() != "error code: 1015":
            pass
        await venue.switch("oversized", once=True)
        while len(await one.raw.text()) < 1 << 20:
            pass
        await venue.switch("truncated", once=True)
        while (await one.raw.text())[-1] == "]":
            pass
        await one.next("q")


async def test_bad_msgpack_frames_come_and_neighbours_go_on(venue: Simulator) -> None:
    async with authenticated(venue, SIP, is_binary=True) as one:
        await one.subscribe(quotes=["SPY"])
        await venue.switch("malformed", once=True)
        while isinstance((await one.next("q"))["bp"], float):
            pass
        await venue.switch("oversized", once=True)
        while len(await one.payload()) < 1 << 20:
            pass
        for fault in ("truncated", "non_json"):
            await venue.switch(fault, once=True)
            while is_msgpack(await one.payload()):
                pass
        await one.next("q")
        sent = await venue.sent("SPY")
    assert any(text.startswith('[{"padding":"xxx') for text in sent)
    assert any('"bp":{"unexpected":true}' in text for text in sent)


def is_msgpack(payload: bytes) -> bool:
    try:
        msgspec.msgpack.decode(payload)
    except msgspec.DecodeError:
        return False
    return True


async def test_messages_come_twice_late_and_not_at_all(venue: Simulator) -> None:
    async with authenticated(venue, SIP) as one:
        await one.subscribe(trades=["SPY"])
        for fault, expected in (("duplicate", 0), ("out_of_order", -1), ("gap", 2)):
            before = (await one.next("t"))["i"]
            await venue.switch(fault, once=True)
            for _ in range(200):
                later = (await one.next("t"))["i"]
                if later - before == expected:
                    break
                before = later
            else:
                pytest.fail(f"nothing came {fault}")


async def test_connections_are_cut_closed_reset_and_refused(venue: Simulator) -> None:
    for fault, code in (("cut_old_connections", 1000), ("close_connections", 1013), ("drop_connections", 1006)):
        async with authenticated(venue, IEX) as one:
            await venue.switch(fault)
            assert await ended(one) == code
        await venue.switch(fault, on=False)
    await venue.switch("refuse_connections", count=1, status=429)
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with venue.connect(IEX):
            pass
    assert refused.value.response.status_code == 429
