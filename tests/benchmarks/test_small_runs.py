"""Each part runs, small: what it counts must be right, however long it takes here."""

from dataclasses import replace

from benchmarks import alpaca, consolidated, fan_out, hub, ingest
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
