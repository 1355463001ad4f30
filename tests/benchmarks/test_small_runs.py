"""Each part runs, small: what it counts must be right, however long it takes here."""

from dataclasses import replace

import pytest
from benchmarks import (
    alpaca,
    clients,
    consolidated,
    fan_out,
    fan_out_run,
    go_programs,
    hub,
    idle,
    ingest,
    java_reader,
    peer,
    restart,
    resume,
    stalled,
    stalled_scene,
)
from benchmarks.building import BUILD_S
from benchmarks.clients_plan import Plan as ClientsPlan
from benchmarks.fan_out_plan import Load
from benchmarks.workloads import generated_binance_trades, generated_kraken_tickers


def require_go() -> None:
    if not go_programs.has_go():
        pytest.skip(f"{go_programs.MISSING}: what is measured with programs in Go is not run")


FAN_OUT = Load(clients=3, rate=1_000, selecting=True, sample_every=1)
CLIENTS = ClientsPlan(
    rounds=1, quotes_each=(10,), seconds=0.1, warm_up_s=0.0, first_warm_up_s=0.0, latency_s=0.1, latency_warm_up_s=0.0
)


async def test_fan_out_delivers_what_is_owed_to_clients_in_python() -> None:
    run = await fan_out_run.measure(FAN_OUT, 0.8, fan_out_run.PYTHON_CLIENTS)

    assert run.owed > 1_600
    assert run.delivered + run.conflated == run.owed
    assert run.latencies_ms[0] > 0
    text = fan_out.fan_out_table({FAN_OUT: [run]}, 0.8, fan_out_run.PYTHON_CLIENTS)
    assert "3 x 1000/s: all and 100 symbols" in text
    assert "Go is not installed: clients in Python stand in" in text


@pytest.mark.timeout(BUILD_S + 60)
async def test_fan_out_delivers_what_is_owed_to_clients_in_go() -> None:
    require_go()

    async with go_programs.go_programs("load") as programs:
        in_go = fan_out_run.fastest_clients(programs)
        run = await fan_out_run.measure(FAN_OUT, 0.8, in_go)

    assert in_go.language == "Go"
    assert run.owed > 1_600
    assert run.delivered + run.conflated == run.owed
    assert run.latencies_ms[0] > 0
    assert "not installed" not in fan_out.fan_out_table({FAN_OUT: [run]}, 0.8, in_go)


@pytest.mark.timeout(BUILD_S + 60)
async def test_both_servers_deliver_what_they_owe() -> None:
    require_go()

    async with go_programs.go_programs("load", "peer") as programs:
        assert programs is not None
        pair = await peer.measure(FAN_OUT, 0.8, programs, ours_first=False)

    assert pair.ours.owed == pair.plain.owed > 1_600
    assert pair.ours.delivered + pair.ours.conflated == pair.ours.owed
    assert pair.plain.delivered + pair.plain.conflated == pair.plain.owed
    assert pair.plain.responses == pair.plain.delivered
    assert pair.plain.latencies_ms[0] > 0
    text = peer.peer_table({FAN_OUT: [pair]}, 0.8)
    assert "plain Go" in text
    assert "3 x 1,000/s, tickmux to plain Go" in text


@pytest.mark.timeout(2 * BUILD_S)
async def test_each_client_is_measured_beside_the_generated_code() -> None:
    require_go()

    text = await clients.report(CLIENTS)

    measured = ["Python, asyncio", "Python, synchronous", "Go"]
    has_java = java_reader.MISSING not in text
    for name in [*measured, "Java"] if has_java else measured:
        assert text.count(f"\n{name} ") == 2, text
        assert f"goal: {name}: " in text
    assert "nan" not in text
    if not has_java:
        pytest.skip(f"{java_reader.MISSING}: the Java client was not measured")


async def test_what_is_missing_on_a_machine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for toolchain in (go_programs, java_reader):
        monkeypatch.setattr(toolchain, "which", lambda _: None)

    beside = await peer.report(loads=(FAN_OUT,))
    alone = await clients.report(CLIENTS)

    assert "Go is not installed" in beside
    assert "missing" in next(line for line in beside.splitlines() if line.startswith("3 x"))
    consumption, latency = alone.split("\n\n")
    assert "the server that replays prepared bytes cannot be built" in consumption
    for reason in ("Go is missing: Go is not installed.", "Java is missing: a JDK or Maven is not installed."):
        assert reason in latency
    assert "\nPython, asyncio  " in latency


async def test_clients_that_resume_receive_exactly_what_they_missed() -> None:
    plan = resume.Plan(clients=20, rate=2_000, outage_s=0.5, spreads_s=(0.0, 0.2), base_s=0.2, pace_s=0.1)

    run = await resume.measure(plan)

    assert sum(run.owed) > 0
    assert run.quotes == run.owed
    assert run.conflated == 0
    assert run.resumed == (2,) * plan.clients
    assert (run.checked, run.broken) == (2, 0)
    assert [len(window.waited_s) for window in run.windows] == [0, 20, 0, 0, 20, 0]
    assert "received exactly what they were owed: 20 of 20 clients" in resume.resume_table(plan, run)


async def test_stalled_clients_take_nothing_from_others() -> None:
    plan = stalled_scene.Plan(
        healthy=4,
        rate=5_000,
        many=4,
        some=3,
        rounds=1,
        window_s=0.3,
        settle_s=0.3,
        stall_s=0.6,
        sip_bytes=20_000,
        end_limit_s=0.0,
    )

    latency = await stalled.measure_latency(plan)

    assert latency.streams == 3
    assert latency.kept is not None
    assert (latency.kept.whole, latency.kept.quotes) == (4, latency.kept.owed)
    assert latency.ratio > 0
    assert "latency of 4 healthy clients beside 3" in stalled.latency_table(plan, latency)

    memory = await stalled.measure_memory(plan)

    assert memory.streams == 4
    assert memory.kept.whole == 4
    assert "memory of 4 clients" in stalled.memory_table(plan, memory)


async def test_idle_connections_are_opened_and_closed() -> None:
    run = await idle.measure(connections=9, watch_s=0.1)

    assert [row.streams for row in run.rows] == [0, 0, 9, 0]
    assert run.connections == 9
    assert "do not fit" not in idle.idle_table(run, wanted=9)
    assert "10 connections do not fit" in idle.idle_table(run, wanted=10)


async def test_every_client_comes_back_after_a_restart() -> None:
    run = await restart.measure(clients=6)

    assert (run.sent_away, len(run.back_s)) == (6, 6)
    assert "back: 6 of 6" in restart.restart_table(run)


async def test_ingest_compares_the_parsers_over_equal_quotes() -> None:
    workloads = [
        replace(workload, frames=workload.frames[:300], aggregate_frames=workload.aggregate_frames[:300])
        for workload in (generated_binance_trades(), generated_kraken_tickers())
    ]

    text = await ingest.report(rounds=1, workloads=workloads)

    assert "binance trade" in text
    assert "kraken ticker" in text
    assert "tickmux" in text


def test_both_encodings_of_alpaca_make_a_quote_of_each_message() -> None:
    text = alpaca.report(rounds=1, messages=300)

    assert "msgpack, 1 message a frame" in text
    assert "json, 30 messages a frame" in text


def test_what_the_consolidator_adds_is_measured_over_revisions_that_it_makes() -> None:
    text = consolidated.report(rounds=1, updates=900)

    alone = next(line for line in text.splitlines() if line.startswith("1 venue"))
    assert float(alone.split()[-1]) > 0.9, "of a single venue each update that says something new is a revision"
    assert "3 venues" in text


def test_the_hub_is_measured_alone() -> None:
    text = hub.report(rounds=1, clients=3, updates=400)

    assert "3 wildcard clients" in text
    assert "nan" not in text
