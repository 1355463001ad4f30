"""The commands as processes, against a server whose every answer is known."""

import asyncio
import json
import signal
from asyncio.subprocess import Process
from pathlib import Path

import pytest
from tests.cli.commands import LIMIT_S, finish, in_shell, run, start
from tests.cli.scripted_server import ScriptedServer, listening, quote, status

from tickmux.v1 import source_pb2

UNIFIED = ["symbol", "type", "exchange", "last_price", "volume", "bid_price", "ask_price", "timestamp"]


async def test_snapshot_json_begins_with_the_eight_unified_keys_in_order() -> None:
    async with listening(ScriptedServer()) as target:
        outcome = await run("snapshot", "--json", "--target", target)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.count("\n") == 1
    answer = json.loads(outcome.stdout)
    assert list(answer) == ["symbols"]
    bitcoin, pepe = answer["symbols"]
    assert list(bitcoin)[:8] == list(pepe)[:8] == UNIFIED
    assert [bitcoin[key] for key in UNIFIED] == [
        "BTCUSDT",
        "crypto",
        "Binance",
        63297.75,
        4182.59447976,
        63297.7,
        63297.8,
        None,
    ]
    assert (pepe["bid_price"], pepe["ask_price"], pepe["last_price"]) == (0.00001234, None, None)
    assert (bitcoin["source"], bitcoin["epoch"], bitcoin["revision"]) == ("binance", 7, 1)
    assert bitcoin["received_at"] == "2025-10-09T08:53:20.250Z"
    assert bitcoin["flags"] == ["simulated"]


async def test_snapshot_table_shows_exact_prices_and_marks_what_is_not_the_present() -> None:
    server = ScriptedServer()
    server.quotes.append(quote("BTCUSD", "kraken", bid_price=63300.1))
    server.statuses.append(status("kraken", source_pb2.SOURCE_STATE_DOWN, last_error="no route"))
    async with listening(server) as target:
        outcome = await run("snapshot", "--target", target)
    lines = outcome.stdout.splitlines()
    assert lines[0].split() == [
        "SYMBOL",
        "SOURCE",
        "EXCHANGE",
        "BID",
        "ASK",
        "LAST",
        "VOLUME",
        "AGE",
        "LAST",
        "AGE",
        "STATE",
    ]
    assert lines[1].split()[:3] == ["!", "BTCUSD", "kraken"]
    assert lines[1].endswith("DOWN SIM")
    assert lines[2].split()[:7] == ["BTCUSDT", "binance", "Binance", "63297.70", "63297.80", "63297.75", "4.18k"]
    assert lines[2].endswith("live sim")
    assert lines[3].split()[:6] == ["PEPEUSDT", "binance", "Binance", "0.00001234", "-", "-"]


async def test_selection_reaches_the_server() -> None:
    server = ScriptedServer()
    options = ("--source", "binance", "--source", "kraken", "--exchange", "Binance", "--type", "crypto")
    async with listening(server) as target:
        outcome = await run("snapshot", "BTC*", "eth/usdt", *options, TICKMUX_TARGET=target)
    assert outcome.code == 0
    (selection,) = server.selections
    assert list(selection.symbols) == ["BTC*", "eth/usdt"]
    assert list(selection.sources) == ["binance", "kraken"]
    assert (list(selection.exchanges), list(selection.types)) == (["Binance"], ["crypto"])


async def test_symbol_that_matches_nothing_is_named_with_the_nearest_one() -> None:
    server = ScriptedServer()
    server.unmatched = ["BTC-USTD", "ZZZZ"]
    async with listening(server) as target:
        outcome = await run("snapshot", "--json", "BTC-USTD", "ZZZZ", "BTCUSDT", "--target", target)
    assert outcome.code == 3
    assert json.loads(outcome.stdout)["symbols"]
    assert outcome.stderr.splitlines() == [
        "tickmux: no instrument matches 'BTC-USTD'; did you mean BTCUSDT?",
        "tickmux: no instrument matches 'ZZZZ'; `tickmux instruments` lists what there is",
    ]


async def test_an_exchange_that_does_not_exist_is_named_with_the_nearest_one() -> None:
    server = ScriptedServer()
    server.unmatched = ["BTCUSDT"]
    async with listening(server) as target:
        outcome = await run("snapshot", "BTCUSDT", "--exchange", "Binnance", "--target", target)
    assert outcome.code == 3
    assert outcome.stderr == (
        "tickmux: no instrument matches 'BTCUSDT' with --exchange Binnance; did you mean --exchange Binance?\n"
    )


async def test_refused_request_is_one_line_with_the_servers_reason() -> None:
    server = ScriptedServer()
    server.unknown_source = "no source is called 'krakn'; did you mean 'kraken'?"
    async with listening(server) as target:
        outcome = await run("snapshot", "--source", "krakn", "--target", target)
    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.stderr == "tickmux snapshot: no source is called 'krakn'; did you mean 'kraken'?\n"


async def test_sources_tell_their_health() -> None:
    server = ScriptedServer()
    server.statuses.append(status("kraken", source_pb2.SOURCE_STATE_STALE, last_error="no message\nfor 5 s\x1b[2J"))
    async with listening(server) as target:
        table = await run("sources", "--target", target)
        outcome = await run("sources", "--json", "--target", target)
    lines = table.stdout.splitlines()
    assert lines[0].split()[:2] == ["SOURCE", "STATE"]
    assert lines[1].split()[:2] == ["binance/0", "live"]
    assert lines[2].split()[:3] == ["!", "kraken/0", "STALE"]
    assert lines[2].endswith("no message?for 5 s?[2J"), "control characters of a venue never reach the terminal"
    binance, kraken = json.loads(outcome.stdout)["sources"]
    assert (binance["state"], binance["messages"], binance["last_error"]) == ("live", 10, None)
    assert (kraken["state"], kraken["lag_ms"]) == ("stale", None)


async def test_instruments_are_listed() -> None:
    async with listening(ScriptedServer()) as target:
        table = await run("instruments", "--target", target)
        outcome = await run("instruments", "--json", "--target", target)
    assert "PEPEUSDT" in table.stdout
    assert "0.00000001" in table.stdout
    first, _ = json.loads(outcome.stdout)["instruments"]
    assert (first["symbol"], first["base"], first["price_increment"], first["state"]) == (
        *("BTCUSDT", "BTC"),
        1e-8,
        "trading",
    )


async def test_health_is_the_exit_code() -> None:
    server = ScriptedServer()
    async with listening(server) as target:
        healthy = await run("health", "--target", target)
    assert (healthy.code, healthy.stdout) == (0, f"{target} SERVING\n")
    server.is_serving = False
    async with listening(server) as target:
        sick = await run("health", "--target", target)
    assert (sick.code, sick.stdout) == (1, f"{target} NOT_SERVING\n")


@pytest.mark.parametrize("command", ["watch", "snapshot", "sources", "instruments", "health"])
async def test_absent_server_is_one_line_that_says_what_to_do(command: str) -> None:
    async with listening(ScriptedServer()) as target:
        pass
    outcome = await run(command, "--target", target)
    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"tickmux {command}: no ")
    assert target in outcome.stderr
    assert outcome.stderr.count("\n") == 1


async def test_watch_json_prints_a_quote_a_line_and_rides_through_a_restart() -> None:
    server = ScriptedServer()
    async with listening(server) as target:
        process = await start("watch", "BTC*", "--json", "--target", target)
        before = [json.loads(await _line(process)) for _ in range(2)]
        assert [list(record)[:8] for record in before] == [UNIFIED, UNIFIED]
        assert before[0]["is_stale"] is False
    server.quotes = [quote(revision=9, bid_price=1.5)]
    server.release.set()
    async with listening(server, int(target.rpartition(":")[2])):
        # With the server nobody vouches for what it said last: both quotes are told again, as stale.
        told = [json.loads(await _line(process)) for _ in range(2)]
        assert [(record["revision"], record["is_stale"]) for record in told] == [(1, True), (1, True)]
        after = json.loads(await _line(process))
        assert (after["revision"], after["bid_price"]) == (9, 1.5)
        process.send_signal(signal.SIGINT)
        outcome = await finish(process)
    assert outcome.code == 0
    # The scripted server has no heartbeats, so that on a slow machine its second stream is given up for dead as well.
    assert all(json.loads(line)["is_stale"] for line in outcome.stdout.splitlines())
    assert "reconnecting" in outcome.stderr
    assert all(line.startswith("tickmux: ") for line in outcome.stderr.splitlines())


async def test_watch_in_a_pipe_prints_plain_tables() -> None:
    async with listening(ScriptedServer()) as target:
        process = await start("watch", "--target", target)
        first = [await _line(process) for _ in range(8)]
        process.send_signal(signal.SIGTERM)
        outcome = await finish(process)
    assert outcome.code == 0
    assert outcome.stderr == ""
    text = "".join(first)
    assert text.startswith(f"Tickmux {target}  connected  2 instruments (2 simulated)")
    assert "63297.70  63297.80  63297.75" in text
    assert "binance/0" in text
    assert "\x1b" not in text


async def test_words_that_the_terminals_encoding_lacks_are_escaped() -> None:
    server = ScriptedServer()
    server.statuses = [status(last_error="h\u00f6chste Zeit")]
    async with listening(server) as target:
        table = await run("sources", "--target", target, PYTHONIOENCODING="ascii")
        outcome = await run("sources", "--json", "--target", target, PYTHONIOENCODING="ascii")
    assert table.stdout.rstrip().endswith("h\\xf6chste Zeit")
    assert json.loads(outcome.stdout)["sources"][0]["last_error"] == "h\u00f6chste Zeit"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which Linux has")
@pytest.mark.parametrize(
    "command", ["snapshot", "snapshot --json", "watch", "watch --json", "sources", "instruments", "health"]
)
async def test_output_that_cannot_be_written_is_one_line(command: str) -> None:
    async with listening(ScriptedServer()) as target:
        outcome = await in_shell(f'"$PYTHON" -m tickmux_server.cli {command} --target {target} >/dev/full')
    assert outcome.code == 1
    name = command.partition(" ")[0]
    assert outcome.stderr == (
        f"tickmux {name}: stdout cannot be written: No space left on device; make room where it goes, or send it "
        "elsewhere\n"
    )


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("", "expected HOST:PORT such as 127.0.0.1:50051, was ''"),
        ("localhost", "expected HOST:PORT such as 127.0.0.1:50051, was 'localhost'"),
        ("localhost:", "the port must be a number"),
        ("localhost:http", "the port must be a number"),
        ("::1:50051", "expected HOST:PORT"),
    ],
)
async def test_a_target_that_is_no_address_is_told(target: str, said: str) -> None:
    outcome = await run("snapshot", "--target", target)
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.stderr.startswith(f"tickmux snapshot: --target: {said}")
    assert outcome.stderr.count("\n") == 1


@pytest.mark.parametrize("form", ["dns:///{}", "dns:{}", "ipv4:{}"])
async def test_a_target_with_a_scheme_is_left_to_grpc(form: str) -> None:
    async with listening(ScriptedServer()) as target:
        assert (await run("health", "--target", form.format(target))).code == 0


async def test_closed_pipe_ends_watch_quietly() -> None:
    server = ScriptedServer()
    server.quotes = [quote(revision=revision, bid_price=revision / 4) for revision in range(1, 20_001)]
    async with listening(server) as target:
        outcome = await in_shell(
            f'"$PYTHON" -m tickmux_server.cli watch --json --target {target} | head -1; echo "${{PIPESTATUS[0]}}"'
        )
    record, code = outcome.stdout.splitlines()
    assert json.loads(record)["revision"] == 1
    assert (code, outcome.stderr) == ("0", "")


async def _line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(LIMIT_S):
        return (await process.stdout.readline()).decode()


async def test_watch_json_tells_again_what_a_dead_source_no_longer_vouches_for() -> None:
    server = ScriptedServer()
    async with listening(server) as target:
        process = await start("watch", "--json", "--target", target)
        before = [json.loads(await _line(process)) for _ in server.quotes]
        server.say(status("binance", source_pb2.SOURCE_STATE_STALE, last_error="mute"))
        stale = [json.loads(await _line(process)) for _ in server.quotes]
        server.say(status("binance"))
        again = [json.loads(await _line(process)) for _ in server.quotes]
        process.send_signal(signal.SIGINT)
        await finish(process)
    for told, is_stale in ((before, False), (stale, True), (again, False)):
        assert {record["is_stale"] for record in told} == {is_stale}
        assert [record["symbol"] for record in told] == [record["symbol"] for record in before]
