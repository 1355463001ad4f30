"""`tickmux serve` as a process: its errors, and the demo from the first quote to the last process."""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.cli.commands import LIMIT_S, environment, finish, run, start

SIMULATED = ("binance", "kraken", "alpaca", "coingecko", "alphavantage")
SOURCES = ("binance", "kraken", "alpaca", "alpaca-crypto", "coingecko", "alphavantage")
UNIFIED = ["symbol", "type", "exchange", "last_price", "volume", "bid_price", "ask_price", "timestamp"]


@dataclass
class Demo:
    process: Process
    address: str
    simulators: dict[str, int]
    """Process ids by venue."""


@contextlib.asynccontextmanager
async def demo(*arguments: str) -> AsyncIterator[Demo]:
    process = await start("serve", "--demo", "--listen", "127.0.0.1:0", *arguments)
    try:
        simulators = {}
        for _ in SIMULATED:
            found = re.search(r"simulated (\w+): pid (\d+)", await read_line(process.stderr))
            assert found
            simulators[found[1]] = int(found[2])
        said = re.search(r" on (127\.0\.0\.1:\d+); Ctrl-C ends it$", (await read_line(process.stdout)).rstrip())
        assert said
        yield Demo(process, said[1], simulators)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def read_line(stream: asyncio.StreamReader | None) -> str:
    assert stream is not None
    async with asyncio.timeout(LIMIT_S):
        return (await stream.readline()).decode()


async def eventually(condition: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    async with asyncio.timeout(LIMIT_S):
        # The state is another process's: there is no event to await here.
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def is_running(pid: int) -> bool:
    """An ended process whose parent has not looked yet still has an id, with the state Z."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


def children_of(pid: int) -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True)
    return [int(child) for child in found.stdout.split()]


async def all_ended(pids: list[int]) -> None:
    async def ended() -> bool:
        return not any(is_running(pid) for pid in pids)

    await eventually(ended)


async def states(address: str) -> dict[str, dict[str, Any]]:
    outcome = await run("sources", "--json", "--target", address)
    return {status["source"]: status for status in json.loads(outcome.stdout)["sources"]}


async def test_demo_from_the_first_quote_to_the_last_process() -> None:
    async with demo("--no-table") as running:
        snapshot: list[dict[str, Any]] = []

        async def every_source_is_quoted() -> bool:
            nonlocal snapshot
            outcome = await run("snapshot", "BTC*", "AAPL", "--json", "--target", running.address)
            snapshot = json.loads(outcome.stdout)["symbols"]
            return len(snapshot) == 7

        await eventually(every_source_is_quoted)
        for quote in snapshot:
            assert list(quote)[:8] == UNIFIED
            assert "simulated" in quote["flags"]
            # A reference price alone has no bid and ask, and none is made up for it.
            is_reference = "indicative" in quote["flags"]
            assert (quote["bid_price"] is None) is (quote["ask_price"] is None) is is_reference
            assert is_reference or quote["bid_price"] <= quote["ask_price"]
        told = {
            (quote["symbol"], quote["source"], quote["exchange"], *sorted({*quote["flags"]} - {"simulated"}))
            for quote in snapshot
        }
        assert told == {
            ("AAPL", "alpaca", "NASDAQ"),
            ("AAPL", "alphavantage", None, "delayed", "indicative"),
            ("BTCUSD", "alpaca-crypto", "Alpaca"),
            ("BTCUSD", "alphavantage", None),
            ("BTCUSD", "coingecko", None, "indicative"),
            ("BTCUSD", "kraken", "Kraken"),
            ("BTCUSDT", "binance", "Binance"),
        }
        stand = await states(running.address)
        assert {name: status["state"] for name, status in stand.items()} == dict.fromkeys(
            (*SOURCES, "consolidated"), "live"
        )
        of_all = await run("snapshot", "BTCUSD", "--source", "consolidated", "--json", "--target", running.address)
        (best,) = json.loads(of_all.stdout)["symbols"]
        streamed = {"Kraken", "Alpaca"}
        assert {best["bid_exchange"], best["ask_exchange"], best["last_exchange"]} <= streamed
        assert (best["exchange"], best["volume"], best["flags"]) == (None, None, ["simulated"])
        (budget,) = stand["alphavantage"]["budgets"]
        assert (budget["window_s"], budget["limit"]) == (86_400, 25)
        assert budget["next_request_at"] is not None
        healthy = await run("health", "--target", running.address)
        assert healthy.code == 0
        running.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(10):
            outcome = await finish(running.process)
        assert outcome.code == 0
        assert "Traceback" not in outcome.stderr
        await all_ended(list(running.simulators.values()))


async def test_killed_venue_goes_down_and_comes_back_under_a_new_epoch() -> None:
    async with demo("--no-table") as running:

        async def is_live() -> bool:
            return (await states(running.address)).get("binance", {}).get("state") == "live"

        async def is_not_live() -> bool:
            return not await is_live()

        await eventually(is_live)
        before = (await states(running.address))["binance"]
        os.kill(running.simulators["binance"], signal.SIGKILL)
        await eventually(is_not_live)
        await eventually(is_live)
        after = (await states(running.address))["binance"]
        assert after["epoch"] > before["epoch"]
        assert after["reconnects"] > before["reconnects"]
        running.process.send_signal(signal.SIGTERM)
        assert (await finish(running.process)).code == 0


async def test_demo_that_is_ended_while_it_starts_leaves_nothing_behind() -> None:
    process = await start("serve", "--demo", "--no-table", "--listen", "127.0.0.1:0")
    found = re.search(r"pid (\d+)", await read_line(process.stderr))
    assert found
    process.terminate()
    outcome = await finish(process)
    assert outcome.code == 0
    assert "Traceback" not in outcome.stderr
    await all_ended([int(found[1])])


async def test_nothing_is_left_when_the_demo_is_killed() -> None:
    async with demo() as running:
        assert "instruments" in await read_line(running.process.stdout), "the table has started"
        started = children_of(running.process.pid)
        assert len(started) == len(SIMULATED) + 1, "the simulators and the table"
        running.process.kill()
        await running.process.wait()
        await all_ended(started)


async def test_demo_in_a_pipe_prints_tables_and_ends_with_its_reader() -> None:
    shell = await asyncio.create_subprocess_shell(
        '"$PYTHON" -m tickmux_server.cli serve --demo --listen 127.0.0.1:0 | head -24; echo "${PIPESTATUS[0]}"',
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(PYTHON=sys.executable),
        executable="/bin/bash",
    )
    outcome = await finish(shell)
    *lines, code = outcome.stdout.splitlines()
    assert (len(lines), code) == (24, "0")
    assert lines[0].startswith("Tickmux serves simulated venues on 127.0.0.1:")
    assert any(re.search(r"^  BTCUSDT?  +(binance|kraken) +(Binance|Kraken) +[0-9.]+  ", line) for line in lines)
    assert "Traceback" not in outcome.stderr
    await all_ended([int(pid) for pid in re.findall(r"pid (\d+)", outcome.stderr)])


async def test_demo_on_a_terminal_draws_in_place_and_gives_the_screen_back() -> None:
    master, terminal = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tickmux_server.cli", "serve", "--demo", "--listen", "127.0.0.1:0"),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment(TERM="xterm-256color", COLUMNS="120", LINES="30"),
        start_new_session=True,
        preexec_fn=_take_the_terminal,
    )
    os.close(terminal)
    try:
        output = await _read_until(master, lambda text: b"BTCUSDT" in text and b"live" in text)
        os.write(master, b"\x03")
        output += await _read_until(master, None)
        async with asyncio.timeout(10):
            assert await process.wait() == 0
    finally:
        os.close(master)
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = output.decode(errors="replace")
    log = re.search(r"the server's log is (\S+)", text)
    assert log
    assert "listening on" in await asyncio.to_thread(_take, Path(log[1]))
    assert text.count("\x1b[?1049h") == text.count("\x1b[?1049l") == 1
    assert "Traceback" not in text


def _take(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    file.unlink()
    return text


def _take_the_terminal() -> None:
    """Make stdin the session's terminal, so that the Ctrl-C typed into it is a SIGINT."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


async def _read_until(master: int, condition: Callable[[bytes], bool] | None) -> bytes:
    """What the terminal shows until the condition holds or, without one, until every process has left it."""
    output = b""
    async with asyncio.timeout(LIMIT_S):
        while condition is None or not condition(output):
            try:
                chunk = await asyncio.to_thread(os.read, master, 65536)
            except OSError:
                break
            if not chunk:
                break
            output += chunk
    return output


async def test_taken_port_is_one_line_and_leaves_nothing_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        demo, live = [await run("serve", *demo, "--listen", address) for demo in (["--demo"], [])]
    advice = "another process listens there; choose another address with --listen"
    said = f"tickmux serve: cannot listen on {address}: {advice}"
    assert (demo.code, demo.stdout, live.code, live.stdout) == (1, "", 1, "")
    assert demo.stderr == f"{said}, as in `make run LISTEN=127.0.0.1:50061`\n", "no venue was started"
    assert live.stderr == f"{said}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tokens", "absent.jsonl", "--no-table"], "tokens: absent.jsonl: cannot be read: No such file"),
        (
            ["--tls-certificate", "absent.pem", "--tls-key", "absent.pem"],
            "tls_certificate: absent.pem cannot be read: No such file",
        ),
    ],
)
async def test_a_demo_that_cannot_start_starts_no_venue(arguments: list[str], said: str) -> None:
    outcome = await run("serve", "--demo", "--listen", "127.0.0.1:0", *arguments)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(f"tickmux serve: {said}")
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["--listen", "0.0.0.0:0"], {}, "listen: other machines can reach 0.0.0.0:0"),
        (["--listen", "nowhere"], {}, "listen: expected HOST:PORT"),
        (["--log-level", "loud"], {}, "log_level: expected one of debug, info, warning, error"),
        (["--config", "absent.toml"], {}, "absent.toml: cannot be read: No such file"),
        ([], {"TICKMUX_CONFIG": "absent.toml"}, "absent.toml: cannot be read: No such file"),
        (
            [],
            {"TICKMUX_LISSTEN": "127.0.0.1:0"},
            "TICKMUX_LISSTEN: there is no setting 'lissten'; did you mean 'listen'?",
        ),
        ([], {"TICKMUX_SOURCES__KRAKEN__ADAPTER": "krakn"}, "there is no adapter 'krakn'; did you mean 'kraken'?"),
    ],
)
async def test_unusable_configuration_is_one_line(arguments: list[str], variables: dict[str, str], said: str) -> None:
    outcome = await run("serve", *arguments, **variables)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith("tickmux serve: ")
    assert said in outcome.stderr
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command", ["serve", "watch", "snapshot", "sources", "instruments", "health", "token add", "token list"]
)
async def test_an_unknown_flag_shows_the_usage_of_its_command(command: str) -> None:
    arguments = ["a"] if command == "token add" else []
    outcome = await run(*command.split(), *arguments, "--unknown")
    assert outcome.code == 2
    assert outcome.stderr.startswith(f"usage: tickmux {command} ")
    assert outcome.stderr.endswith(f"tickmux {command}: error: unrecognized arguments: --unknown\n")


@pytest.mark.parametrize("arguments", [[], ["serv"], ["serve", "--unknown"], ["--unknown"]])
async def test_wrong_command_line_shows_the_usage(arguments: list[str]) -> None:
    outcome = await run(*arguments)
    assert outcome.code == 2
    assert "usage: tickmux" in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("command", ["serve", "watch", "snapshot", "sources", "instruments", "health"])
async def test_every_command_has_help_with_examples(command: str) -> None:
    outcome = await run(command, "--help")
    assert outcome.code == 0
    assert f"  tickmux {command}" in outcome.stdout.partition("examples:")[2]


BASE_INSTALL = """
import sys
for module in ("aiohttp", "grpc_health", "grpc_reflection", "msgspec", "rich", "uvloop"):
    sys.modules[module] = None
from tickmux_server.cli import main
sys.exit(main(sys.argv[1:]))
"""


async def _run_base_install(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", BASE_INSTALL, *arguments, stderr=asyncio.subprocess.PIPE, env=environment()
    )
    async with asyncio.timeout(LIMIT_S):
        _, stderr = await process.communicate()
    return process.returncode, stderr.decode()


async def test_base_install_says_how_to_get_the_server() -> None:
    code, stderr = await _run_base_install("serve")
    assert (code, stderr) == (1, "tickmux serve: this needs more than the client: pip install 'tickmux[server]'\n")


async def test_base_install_can_ask_a_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    code, stderr = await _run_base_install("snapshot", "--target", address)
    assert code == 1
    assert stderr.startswith(f"tickmux snapshot: no Tickmux server answers at {address}")
