import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.adapters.kraken_server import KrakenServer, pair, ticker
from tests.adapters.recorder import Recorder, Running, eventually

from tickmux_adapters.connection import FRAME_BYTES_MAX
from tickmux_adapters.kraken import ADAPTER
from tickmux_adapters.kraken.settings import KrakenSettings
from tickmux_adapters.model import Adapter, InstrumentState, SourceState, SystemClock

CONNECTING, LIVE, STALE, DOWN, REJECTED = (
    SourceState.CONNECTING,
    SourceState.LIVE,
    SourceState.STALE,
    SourceState.DOWN,
    SourceState.REJECTED,
)


@pytest.fixture
async def server() -> AsyncIterator[KrakenServer]:
    async with KrakenServer() as server:
        yield server


def make(server: KrakenServer, sink: Recorder, **settings: Any) -> Adapter:
    values: dict[str, Any] = {
        "adapter": "kraken",
        "symbols": ["BTCUSD", "ETHUSD"],
        "websocket_url": server.websocket_url,
        "retry_cap_s": 0.1,
        **settings,
    }
    return ADAPTER.create("kraken", KrakenSettings(**values), sink, SystemClock())


async def quoted(sink: Recorder, *symbols: str) -> None:
    await sink.until(lambda: all(any(quote.volume == 1020.88391276 for quote in sink.of(name)) for name in symbols))


async def test_listing_chain_snapshots_and_live(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, symbols=["XBT/USD", "ETHUSD"])) as adapter:
        await sink.until_live()
        await quoted(sink, "BTCUSD", "ETHUSD")
        status = adapter.statuses()[0]
    assert [type(event).__name__ for event in sink.events[:4]] == ["ChannelStatus", "Chain", "Instrument", "Instrument"]
    first = sink.instruments[0]
    assert (first.symbol, first.venue_symbol, first.base, first.quote) == ("BTCUSD", "BTC/USD", "BTC", "USD")
    assert (first.state, first.price_increment, first.size_increment) == (InstrumentState.TRADING, 0.1, 1e-08)
    (quote,) = sink.of("BTCUSD")
    assert (quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size) == (100.0, 5.45673101, 100.1, 0.36974422)
    assert (quote.last_price, quote.volume, quote.venue_time_ns) == (100.1, 1020.88391276, 1786562942066592000)
    assert sink.states == [CONNECTING, LIVE]
    assert (status.malformed, status.duplicates, status.inexact, status.last_error) == (0, 0, 0, "")
    subscription = next(message for message in server.received if message["params"]["channel"] == "ticker")
    assert subscription["params"]["event_trigger"] == "bbo"
    assert subscription["params"]["snapshot"] is True


async def test_updates_in_order_once_each(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await quoted(sink, "BTCUSD", "ETHUSD")
        later = "2026-08-12T19:29:03.000001Z"
        frames = [
            ticker("BTC/USD", "101.0", "102.0", later),
            ticker("BTC/USD", "101.0", "102.0", later),  # a repeat
            ticker("BTC/USD", "101.5", "102.0", later),  # another update of the same instant
            ticker("BTC/USD", "101.0", "102.0", later),  # and back, in the same instant
            ticker("BTC/USD", "99.0", "102.0", "2026-08-12T19:29:02.999999Z"),  # late
            ticker("BTC/USD", "0", "103.0", "2026-08-12T19:29:04Z", last="0"),
            ticker("BTC/USD", "104.0", "105.0", None),
            ticker("BTC/USD", "106.0", "107.0", "1970-01-01T00:00:00Z"),
        ]
        for frame in frames:
            await server.send(frame, "BTC/USD")
        await sink.until(lambda: sink.of("BTCUSD")[-1].bid_price == 106.0)
        status = adapter.statuses()[0]
    quotes = sink.of("BTCUSD")[1:]
    assert [quote.bid_price for quote in quotes] == [101.0, 101.5, 101.0, None, 104.0, 106.0]
    gone = quotes[3]
    assert (gone.bid_size, gone.ask_price, gone.last_price) == (None, 103.0, None)
    assert [quote.venue_time_ns is None for quote in quotes] == [False, False, False, False, True, True]
    assert (status.duplicates, status.malformed) == (2, 0)


async def test_garbage_is_counted_and_its_neighbours_go_on(server: KrakenServer) -> None:
    garbage = [
        "error code: 1015",
        "",
        "[]",
        '{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":1.0',
        ticker("BTC/USD", '"x"', "2.0", None),
        ticker("BTC/USD", "-1.0", "2.0", None),
        ticker("BTC/USD", "55.5", "nan", None),
        ticker("BTC/USD", "[1]", "2.0", None),
        ticker("BTC/USD", "true", "2.0", None),
        ticker("BTC/USD", "1.0", "2.0", "yesterday"),
        ticker("NOPE/USD", "1.0", "2.0", None),
        '{"channel":"book","type":"update","data":[]}',
        '{"channel":"ticker","data":' + "[" * 100_000,
        "x" * (FRAME_BYTES_MAX + 1),
    ]
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await quoted(sink, "BTCUSD", "ETHUSD")
        for frame in garbage:
            await server.send(frame)
        await server.send(ticker("BTC/USD", "7.5", '"x"', None), "BTC/USD")
        await server.send(ticker("BTC/USD", "100.0", "8.0", None), "BTC/USD")
        await server.send(ticker("ETH/USD", "7.5", "8.0", None), "ETH/USD")
        await sink.until(lambda: sink.of("ETHUSD")[-1].bid_price == 7.5)
        status = adapter.statuses()[0]
    assert (status.malformed, status.state, status.reconnects) == (len(garbage) + 1, LIVE, 0)
    # Nothing of a skipped message is left behind in the next one.
    assert [(quote.bid_price, quote.ask_price) for quote in sink.of("BTCUSD")] == [(100.0, 100.1), (100.0, 8.0)]


async def test_more_digits_than_a_double_holds_are_counted(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await quoted(sink, "BTCUSD")
        await server.send(ticker("BTC/USD", "0.12345678901234567", "12345678901234567", None), "BTC/USD")
        await sink.until(lambda: len(sink.of("BTCUSD")) == 2)
        assert adapter.statuses()[0].inexact == 2


async def test_one_bad_symbol_fails_alone_and_is_named(server: KrakenServer) -> None:
    server.refused = {"ETH/USD"}
    sink = Recorder()
    async with Running(make(server, sink, symbols=["BTCUSD", "ETHUSD", "XPRUSD"])) as adapter:
        await sink.until_live()
        await quoted(sink, "BTCUSD")
        error = adapter.statuses()[0].last_error
    assert "ETH/USD is refused: Currency pair not supported ETH/USD" in error
    assert "XPRUSD is not listed (nearest: XRPUSD)" in error
    assert server.handshakes == 1


async def test_two_venue_symbols_of_one_canonical_name_are_both_refused(server: KrakenServer) -> None:
    server.pairs["XBT/USD"] = "online"
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await quoted(sink, "ETHUSD")
        assert "BTCUSD would be the name of both BTC/USD and XBT/USD: refused" in adapter.statuses()[0].last_error
    assert [instrument.symbol for instrument in sink.instruments] == ["ETHUSD"]


async def test_already_subscribed_is_a_success(server: KrakenServer) -> None:
    server.already = {"ETH/USD"}
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        await quoted(sink, "BTCUSD", "ETHUSD")
        assert adapter.statuses()[0].last_error == ""


async def test_nothing_listed_is_down_and_says_so(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, symbols=["NOPE"])):
        await sink.until(lambda: sink.state is DOWN)
    assert "none of the configured symbols is listed; NOPE is not listed" in sink.last_error


async def test_an_instrument_that_stays_silent_costs_the_others_one_reconnect_only(server: KrakenServer) -> None:
    server.silent = {"ETH/USD"}
    sink = Recorder()
    async with Running(make(server, sink, snapshot_timeout_s=0.2)) as adapter:
        await sink.until_live(times=2)
        await asyncio.sleep(1.0)
        status = adapter.statuses()[0]
        assert (status.state, status.reconnects) == (LIVE, 1)
        assert "ETH/USD is subscribed but silent" in status.last_error
        repeated = [m["method"] for m in server.received if m["params"].get("symbol") == ["ETH/USD"]]
        assert repeated == ["unsubscribe", "subscribe"]
        for symbols in server.connections.values():
            symbols.add("ETH/USD")
        await server.send(ticker("ETH/USD", "7.5", "8.0", None), "ETH/USD")
        await sink.until(lambda: sink.of("ETHUSD"))
        await eventually(lambda: "silent" not in adapter.statuses()[0].last_error.partition(";")[2])
    assert len(sink.chains) == 2


async def test_many_silent_instruments_cost_one_connection(server: KrakenServer) -> None:
    names = [f"S{number}/USD" for number in range(6)]
    server.pairs.update(dict.fromkeys(names, "online"))
    server.silent = set(names)
    sink = Recorder()
    symbols = ["BTCUSD", *(name.replace("/", "") for name in names)]
    async with Running(make(server, sink, symbols=symbols, snapshot_timeout_s=0.3)) as adapter:
        await sink.until_live(times=2)
        await asyncio.sleep(1.5)
        status = adapter.statuses()[0]
        assert (status.state, status.reconnects) == (LIVE, 1)
        assert all(f"{name} is subscribed but silent" in status.last_error for name in names)
    assert len(sink.chains) == 2


async def test_a_subscription_again_wakes_a_silent_instrument(server: KrakenServer) -> None:
    server.silent = {"ETH/USD"}
    server.wakes_when_unsubscribed = True
    sink = Recorder()
    async with Running(make(server, sink, snapshot_timeout_s=1.0)):
        await quoted(sink, "BTCUSD", "ETHUSD")
    assert server.handshakes == 1
    assert len(sink.chains) == 1


async def test_maintenance_halts_everything_and_is_said(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        await quoted(sink, "BTCUSD", "ETHUSD")
        await server.send(
            '{"channel":"status","data":[{"api_version":"v2","system":"maintenance","version":"2.0.6"}],"type":"update"}'
        )
        await sink.until(lambda: [sink.of(name)[-1].halted for name in ("BTCUSD", "ETHUSD")] == [True, True])
        assert "the venue is in state maintenance: nothing trades" in adapter.statuses()[0].last_error
        await server.send('{"channel":"status","data":[{"api_version":"v2","system":"online"}],"type":"update"}')
        await sink.until(lambda: [sink.of(name)[-1].halted for name in ("BTCUSD", "ETHUSD")] == [False, False])
        assert adapter.statuses()[0].last_error == ""


async def test_a_venue_in_maintenance_from_the_start_is_never_called_live(server: KrakenServer) -> None:
    server.system = "maintenance"
    server.silent = {"BTC/USD", "ETH/USD"}
    sink = Recorder()
    async with Running(make(server, sink, snapshot_timeout_s=0.1)) as adapter:
        await sink.until(lambda: len(sink.quotes) == 2)
        await asyncio.sleep(0.5)
        status = adapter.statuses()[0]
    assert sink.states == [CONNECTING]
    assert "maintenance" in status.last_error
    assert server.handshakes == 1
    assert [quote.halted for quote in sink.quotes] == [True, True]


@pytest.mark.parametrize(
    ("status", "state", "halted"),
    [
        ("cancel_only", InstrumentState.RESTRICTED, True),
        ("post_only", InstrumentState.RESTRICTED, True),
        ("maintenance", InstrumentState.HALTED, True),
        ("a_state_of_the_future", InstrumentState.HALTED, True),
        ("delisted", InstrumentState.DELISTED, True),
        ("limit_only", InstrumentState.RESTRICTED, False),
    ],
)
async def test_instrument_states(server: KrakenServer, *, status: str, state: InstrumentState, halted: bool) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await quoted(sink, "BTCUSD", "ETHUSD")
        update = (
            f'{{"channel":"instrument","type":"update","data":{{"assets":[],"pairs":[{pair("ETH/USD", status)}]}}}}'
        )
        await server.send(update)
        await sink.until(lambda: sink.instruments[-1].state is state)
    assert [quote.halted for quote in sink.of("ETHUSD")[1:]] == ([True] if halted else [])
    assert len(sink.of("BTCUSD")) == 1


async def test_an_instrument_listed_later_is_subscribed(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, symbols=["BTCUSD", "NEWUSD"])) as adapter:
        await quoted(sink, "BTCUSD")
        update = f'{{"channel":"instrument","type":"update","data":{{"assets":[],"pairs":[{pair("NEW/USD")}]}}}}'
        await server.send(update)
        await quoted(sink, "NEWUSD")
        assert adapter.statuses()[0].last_error == ""


async def test_mute_is_stale_and_replaced_at_once(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, stale_after_s=0.3, reconnect_after_s=0.3, snapshot_timeout_s=0.3)):
        await sink.until_live()
        server.muted = True
        await sink.until(lambda: sink.state is STALE)
        await eventually(lambda: server.handshakes >= 2)
        server.muted = False
        await sink.until_live(times=2)
    assert sink.states[:3] == [CONNECTING, LIVE, STALE]
    assert len(sink.chains) >= 2


async def test_heartbeats_alone_keep_a_quiet_market_live(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, stale_after_s=0.3, reconnect_after_s=0.3)) as adapter:
        await sink.until_live()
        await asyncio.sleep(0.8)
        assert adapter.statuses()[0].reconnects == 0
    assert sink.states == [CONNECTING, LIVE]


async def test_heartbeats_without_quotes_are_found_out(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, quiet_probe_s=0.3, snapshot_timeout_s=0.3)):
        await quoted(sink, "BTCUSD", "ETHUSD")
        server.quotes_muted = True
        await sink.until(lambda: sink.state is DOWN)
        assert "heartbeats but no quotes, and BTC/USD no snapshot when asked" in sink.last_error
        server.quotes_muted = False
        await sink.until_live(times=2)
    assert len(sink.chains) >= 2


async def test_a_quiet_market_answers_the_probe_and_nothing_happens(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, quiet_probe_s=0.2, snapshot_timeout_s=1)) as adapter:
        await quoted(sink, "BTCUSD", "ETHUSD")
        await eventually(lambda: sum(message["method"] == "unsubscribe" for message in server.received) >= 3)
        assert adapter.statuses()[0].reconnects == 0
    assert sink.states == [CONNECTING, LIVE]
    assert len(sink.quotes) == 2


async def test_a_restart_of_the_venue_is_a_new_chain_with_nothing_old(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await quoted(sink, "BTCUSD", "ETHUSD")
        await server.stop()
        await sink.until(lambda: sink.state is DOWN and "connection refused" in sink.last_error)
        server.price = 200.0
        await server.start()
        await sink.until_live(times=2)
        await sink.until(lambda: len(sink.quotes) >= 4)
    second = len(sink.events) - 1 - sink.events[::-1].index(sink.chains[-1])
    after = [event for event in sink.events[second:] if event in sink.quotes]
    assert {quote.bid_price for quote in sink.quotes[-2:]} == {200.0}
    assert len(after) == 2


async def test_the_message_rate_error_while_subscribing_is_retried_later(server: KrakenServer) -> None:
    server.pairs = {}
    sink = Recorder()
    async with Running(make(server, sink)):
        await eventually(lambda: server.connections)
        await server.send('{"Error":"Exceeded msg rate"}')
        await sink.until(lambda: sink.state is DOWN)


async def test_a_refused_handshake_is_rejected_and_waits(server: KrakenServer) -> None:
    server.refuse_handshake = (403, {})
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until(lambda: sink.state is REJECTED)
        await asyncio.sleep(0.3)
    assert server.handshakes == 1
    assert "HTTP 403" in sink.last_error


async def test_replaced_while_it_delivers_nothing_missed_nothing_twice(server: KrakenServer) -> None:
    sink = Recorder()
    sent: list[int] = []
    stop = asyncio.Event()

    async def publish() -> None:
        while not stop.is_set():
            number = len(sent) + 1
            sent.append(number)
            # Three updates share each venue time.
            time = f"2026-08-12T20:{number // 3 // 60 % 60:02d}:{number // 3 % 60:02d}.000000Z"
            await server.send(ticker("BTC/USD", f"{number}", "99999.0", time), "BTC/USD")
            await asyncio.sleep(0.001)

    async with Running(make(server, sink, rotate_after_s=0.5, overlap_s=0.2)):
        await quoted(sink, "BTCUSD", "ETHUSD")
        publishing = asyncio.create_task(publish())
        await eventually(lambda: server.handshakes >= 3)
        stop.set()
        await publishing
        await sink.until(lambda: sink.of("BTCUSD")[-1].bid_price == sent[-1])
    assert [quote.bid_price for quote in sink.of("BTCUSD")[1:]] == sent
    assert len(sink.chains) == 1
    assert sink.states == [CONNECTING, LIVE]


async def test_known_instruments_do_not_wait_for_a_listing_that_does_not_come(server: KrakenServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, snapshot_timeout_s=0.2)) as adapter:
        await sink.until_live()
        await quoted(sink, "BTCUSD", "ETHUSD")
        server.lists = False
        for connection in list(server.connections):
            await connection.close()
        await sink.until_live(times=2)
        await eventually(lambda: "halts go unnoticed" in adapter.statuses()[0].last_error)
        assert adapter.statuses()[0].reconnects == 1
    assert len(sink.of("BTCUSD")) == 2


async def test_a_listing_that_never_comes_is_down_and_says_so(server: KrakenServer) -> None:
    server.lists = False
    sink = Recorder()
    async with Running(make(server, sink, snapshot_timeout_s=0.2)):
        await sink.until(lambda: sink.state is DOWN)
    assert "did not send its list of instruments" in sink.last_error
