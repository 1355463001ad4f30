"""Each part runs, small: what it counts must be right, however long it takes here."""

from dataclasses import replace

from benchmarks import alpaca, consolidated, fan_out, hub, idle, ingest, restart, resume, stalled, stalled_scene
from benchmarks.fan_out_plan import Load
from benchmarks.workloads import generated_binance_trades, generated_kraken_tickers


async def test_fan_out_delivers_what_is_owed() -> None:
    load = Load(clients=3, rate=1_000, selecting=True, sample_every=1)

    run = await fan_out.measure(load, seconds=0.8)

    assert run.owed > 1_600
    assert run.delivered + run.conflated == run.owed
    assert run.latencies_ms[0] > 0
    text = fan_out.fan_out_table({load: [run]}, 0.8)
    assert "3 x 1000/s: all and 100 symbols" in text


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
