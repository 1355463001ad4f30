"""The command line, the life of the process, and the control interface."""

import asyncio
import json
import os
import signal
import socket
import sys

import pytest
from tests.simulators.process import ROOT, simulator

from tickmux_simulators.faults import ActiveFault, Fault, FaultBoard, FaultError

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "simulators")}


async def run(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tickmux_simulators", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=ENVIRONMENT,
    )
    async with asyncio.timeout(20):
        out, error = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), error.decode()


async def test_help_teaches_every_fault_with_its_parameters() -> None:
    code, out, _ = await run("--help")
    assert code == 0
    for fault in Fault:
        assert fault.value in out
        assert all(name in out for name in fault.parameters)
    assert "curl localhost" in out
    assert "recordings" in out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("binance", "--fault", "data_mut"), "binance has no fault 'data_mut'; did you mean 'data_mute'?"),
        (("kraken", "--fault", "server_shutdown"), "kraken has no fault 'server_shutdown'"),
        (("binance", "--fault", "data_mute:symbl=X"), "no parameter 'symbl'; did you mean 'symbol'?"),
        (("binance", "--fault", "gap:every=often"), "fault gap: every is 'often'"),
        (("binance", "--fault", "gap:every"), "fault gap: 'every' must be KEY=VALUE"),
        (("binance", "--recording", "nowhere"), "nowhere"),
        (("alpaca", "--recording", "nowhere"), "alpaca plays no recordings"),
        (("alpaca", "--fault", "rest_error"), "alpaca has no fault 'rest_error'"),
        (("coingecko", "--recording", "nowhere"), "coingecko plays no recordings"),
        (("alphavantage", "--pro"), "--pro is for coingecko only"),
    ],
)
async def test_mistakes_are_refused_in_one_line(arguments: tuple[str, ...], problem: str) -> None:
    code, out, error = await run(*arguments)
    assert (code, out) == (2, "")
    assert problem in error
    assert len(error.splitlines()) == 1


async def test_a_taken_port_is_said_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, _, error = await run("binance", "--port", str(port))
    assert code == 2
    assert str(port) in error
    assert "Traceback" not in error


async def test_one_line_is_printed_and_the_process_ends_with_its_parent() -> None:
    async with simulator("kraken") as venue:
        announced = venue.announced
        assert set(announced) == {"venue", "pid", "port", "websocket_url", "rest_url", "control_url"}
        assert announced["pid"] == venue.process.pid
        assert announced["websocket_url"] == f"ws://127.0.0.1:{announced['port']}/v2"
        assert venue.process.stdin is not None
        assert venue.process.stdout is not None
        async with venue.connect():
            venue.process.stdin.close()
            async with asyncio.timeout(10):
                assert await venue.process.wait() == 0
        assert await venue.process.stdout.read() == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_end_it_with_0_even_with_connections_open(number: signal.Signals) -> None:
    async with simulator("binance") as venue, venue.connect("/ws/btcusdt@trade"):
        venue.process.send_signal(number)
        async with asyncio.timeout(10):
            assert await venue.process.wait() == 0


async def test_a_fault_is_on_from_the_start_and_counters_count() -> None:
    async with simulator("binance", "--fault", "data_mute:symbol=BTCUSDT", "--fault", "rest_429") as venue:
        assert (await venue.get("/api/v3/time"))[0] == 429
        state = await venue.state()
        assert state["faults"]["data_mute"]["on"] is True
        assert state["faults"]["data_mute"]["set_to"] == {"symbol": "BTCUSDT"}
        assert state["faults"]["gap"]["on"] is False
        assert all(fault["explanation"] for fault in state["faults"].values())
        async with venue.connect("/ws/ethusdt@bookTicker/ethusdt@trade") as raw:
            await raw.text()
            state = await venue.state()
            assert (state["connections_open"], state["subscriptions"]) == (1, 2)
            assert state["counters"]["data_frames"] >= 1
        assert "did you mean" in await venue.refused_switch({"fault": "data_mut"})
        assert "parameter" in await venue.refused_switch({"fault": "data_mute", "nonsense": 1})
        assert "on and once" in await venue.refused_switch({"fault": "data_mute", "on": "yes"})
        assert "object" in await venue.refused_switch([])
        status, body, _ = await venue.get("/_control/sent?limit=0")
        assert (status, list(json.loads(body))) == (400, ["error"])


def test_a_switch_with_a_count_switches_itself_off() -> None:
    thrown: list[tuple[Fault, bool]] = []

    def on_switch(active: ActiveFault, on: bool) -> None:  # noqa: FBT001 - the board's callback
        thrown.append((active.fault, on))

    board = FaultBoard("binance", on_switch)
    board.switch("gap", {"count": 2, "every": 2})
    hits = [board.strike(Fault.GAP, "BTCUSDT") is not None for _ in range(6)]
    assert hits == [False, True, False, True, False, False]
    assert board.active(Fault.GAP) is None
    assert thrown == [(Fault.GAP, True), (Fault.GAP, False)]
    assert not board.has_data_faults


def test_a_switch_concerns_the_symbols_that_it_names() -> None:
    board = FaultBoard("kraken")
    board.switch("gap", {"symbol": "BTC/USD,ethusd"})
    assert board.active(Fault.GAP, "BTC/USD")
    assert board.active(Fault.GAP, "ETH/USD")
    assert not board.active(Fault.GAP, "SOL/USD")


def test_every_fault_is_explained_and_none_is_unknown_to_its_venue() -> None:
    for fault in Fault:
        assert len(fault.explanation) > 15
        for venue in fault.venues:
            assert FaultBoard(venue).find(fault.value) is fault
    with pytest.raises(FaultError, match="did you mean 'frozen_socket'"):
        FaultBoard("binance").find("frozen_sockets")
