import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.adapters.binance_server import BinanceServer, book, listed, mini, trade
from tests.adapters.recorder import Recorder, Running, eventually
from tests.adapters.test_binance_good_weather import make

from tickmux_adapters.binance import ADAPTER
from tickmux_adapters.binance.adapter import CONTROL_MESSAGES
from tickmux_adapters.binance.settings import BinanceSettings
from tickmux_adapters.connection import FRAME_BYTES_MAX, SOCKET_BYTES_MAX
from tickmux_adapters.errors import SettingsError
from tickmux_adapters.model import InstrumentState, QuoteUpdate, SourceState, SystemClock
from tickmux_adapters.pacing import SlidingWindow

CONNECTING, LIVE, STALE, DOWN, REJECTED = (
    SourceState.CONNECTING,
    SourceState.LIVE,
    SourceState.STALE,
    SourceState.DOWN,
    SourceState.REJECTED,
)


@pytest.fixture
async def server() -> AsyncIterator[BinanceServer]:
    async with BinanceServer() as server:
        yield server


async def settle(server: BinanceServer, sink: Recorder) -> None:
    """Wait until everything that was sent so far has been read."""
    marker = 900_000_000 + len(sink.events)
    await server.send("ethusdt@trade", trade("ETHUSDT", marker, "1.25"))
    await sink.until(lambda: any(quote.last_price == 1.25 for quote in sink.of("ETHUSDT")))


async def test_garbage_is_counted_and_its_neighbours_go_on(
    server: BinanceServer, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Recorder()
    garbage: list[str | bytes] = [
        "not json",
        "",
        "[]",
        "null",
        '{"stream":"ethusdt@trade","data":{"e":"trade","E":1790446152679,"s":"ETHU',
        '{"stream":"ethusdt@trade","data":{"E":1,"s":"ETHUSDT","t":2,"p":"nan"}}',
        '{"stream":"ethusdt@trade","data":{"E":1,"s":"ETHUSDT","t":2,"p":"-1.0"}}',
        '{"stream":"ethusdt@trade","data":{"E":1,"s":"ETHUSDT","t":2,"p":1.5}}',
        '{"stream":"ethusdt@trade","data":{"E":99999999999999999999,"s":"ETHUSDT","t":2,"p":"1.5"}}',
        '{"stream":"ethusdt@bookTicker","data":{"u":5,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}}',
        '{"stream":"dogeusdt@trade","data":{"E":1,"s":"DOGEUSDT","t":2,"p":"1.5"}}',
        b'{"stream":"ethusdt@trade","data":{"s":"\xff\xfe"}}',
        '{"stream":' + "[" * 100_000,
        "x" * (FRAME_BYTES_MAX + 1),
    ]
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        with caplog.at_level(logging.WARNING, "tickmux_adapters.health"):
            for frame in garbage:
                await server.send_raw(frame)
            await server.send("ethusdt@bookTicker", book("ETHUSDT", 6, "4000.12", "4000.13"))
            await settle(server, sink)
        status = adapter.statuses()[0]
        assert status.malformed == len(garbage)
        assert status.state is LIVE
        assert status.reconnects == 0
    assert 4000.12 in [quote.bid_price for quote in sink.of("ETHUSDT")]
    samples = [record for record in caplog.records if "skipped a message" in record.getMessage()]
    assert 1 <= len(samples) < len(garbage), "samples are logged at a bounded rate"
    assert all(len(record.getMessage()) < 600 for record in samples)


async def test_a_frame_too_large_to_read_replaces_the_connection_and_says_why(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        await server.send_raw("x" * (SOCKET_BYTES_MAX + 1))
        await sink.until_live(times=2)
        status = adapter.statuses()[0]
    assert status.malformed == 1
    assert "WebSocket protocol" in status.last_error
    assert len(sink.chains) == 2


async def test_repeats_and_late_messages_are_counted_and_skipped(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        await sink.until(lambda: len(sink.of("ETHUSDT")) == 2)
        for update_id in (10, 10, 9, 11):
            await server.send("ethusdt@bookTicker", book("ETHUSDT", update_id, f"{update_id}.00", "20.00"))
        for trade_id in (3, 2, 3, 4):
            await server.send("ethusdt@trade", trade("ETHUSDT", trade_id, f"{trade_id}.5"))
        for time in (1790446153000000, 1790446152000000, 1790446153000000, 1790446154000000):
            await server.send("ethusdt@miniTicker", mini("ETHUSDT", time, "1", f"{time}"))
        await settle(server, sink)
        assert adapter.statuses()[0].duplicates == 6
    quotes = sink.of("ETHUSDT")[2:-1]
    assert [quote.bid_price for quote in quotes[:2]] == [10.0, 11.0]
    assert [quote.last_price for quote in quotes[2:4]] == [3.5, 4.5]
    assert [quote.volume for quote in quotes[4:]] == [1790446153000000.0, 1790446154000000.0]


async def test_keys_in_another_order_and_answers_of_both_shapes(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        await server.send_raw('{"data":{"E":1,"s":"ETHUSDT","t":7,"p":"7.5","b":88,"a":99},"stream":"ethusdt@trade"}')
        await server.send_raw('{"result":null,"id":77,"data":"ethusdt@trade"}')
        await settle(server, sink)
        assert adapter.statuses()[0].malformed == 0
    assert 7.5 in [quote.last_price for quote in sink.of("ETHUSDT")]


@pytest.mark.parametrize(
    "answer",
    [
        '{"error":{"code":2,"msg":"Invalid request: invalid stream"},"id":1}',
        '{"code":2,"msg":"Invalid request: invalid stream"}',
    ],
)
async def test_a_refused_subscription_is_said_and_tried_again(server: BinanceServer, answer: str) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        await server.send_raw(answer)
        await sink.until_live(times=2)
    assert any("code 2: Invalid request: invalid stream" in status.last_error for status in sink.statuses)


async def test_a_subscription_that_is_never_answered_is_tried_again(server: BinanceServer) -> None:
    sink = Recorder()
    server.acknowledges = False
    async with Running(make(server, sink, answer_timeout_s=0.2)):
        await sink.until(lambda: sink.state is DOWN)
        assert "no answer to the subscription" in sink.last_error
        server.acknowledges = True
        await sink.until_live()


async def test_mute_is_stale_then_replaced_with_a_new_chain(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, stale_after_s=0.2, reconnect_after_s=0.6)) as adapter:
        await sink.until_live()
        server.muted = True
        await sink.until(lambda: sink.state is STALE)
        assert "has sent no data for" in sink.last_error
        await sink.until(lambda: len(sink.chains) == 2)
        server.muted = False
        await sink.until_live(times=2)
        assert adapter.statuses()[0].reconnects >= 1
    assert sink.states[:3] == [CONNECTING, LIVE, STALE]
    assert sink.state is LIVE


async def test_a_feed_that_speaks_again_in_time_keeps_its_chain(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, stale_after_s=0.2, reconnect_after_s=30)):
        await sink.until_live()
        server.muted = True
        await sink.until(lambda: sink.state is STALE)
        server.muted = False
        await sink.until_live(times=2)
    assert sink.states == [CONNECTING, LIVE, STALE, LIVE]
    assert len(sink.chains) == 1


async def test_pings_are_answered_and_do_not_count_as_data(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, stale_after_s=0.3, reconnect_after_s=30)):
        await sink.until_live()
        server.muted = True
        while sink.state is LIVE:
            (connection,) = server.streams
            async with asyncio.timeout(5):
                await (await connection.ping(b"1790446152679"))
            await asyncio.sleep(0.05)
        assert sink.state is STALE


async def test_a_restart_of_the_venue_is_down_then_a_new_chain(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        await server.stop()
        await sink.until(lambda: sink.state is DOWN and "connection refused" in sink.last_error)
        await server.start()
        await sink.until_live(times=2)
        assert adapter.statuses()[0].reconnects >= 1
    assert len(sink.chains) == 2


async def test_no_venue_reachable_is_down_with_the_reason_until_it_is(server: BinanceServer) -> None:
    sink = Recorder()
    await server.stop()
    async with Running(make(server, sink)):
        await sink.until(lambda: sink.state is DOWN)
        assert f"cannot connect to 127.0.0.1:{server.port}: connection refused" in sink.last_error
        assert sink.quotes == []
        await server.start()
        await sink.until_live()


async def test_a_host_that_does_not_exist_is_named(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, rest_url="http://venue.invalid")):
        await sink.until(lambda: sink.state is DOWN)
        assert "cannot resolve venue.invalid" in sink.last_error


async def test_a_venue_that_accepts_and_says_nothing_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        sink = Recorder()
        settings = BinanceSettings(
            adapter="binance",
            websocket_url=f"ws://127.0.0.1:{port}",
            rest_url=f"http://127.0.0.1:{port}",
            answer_timeout_s=0.2,
        )
        async with Running(ADAPTER.create("binance", settings, sink, SystemClock())):
            await sink.until(lambda: sink.state is DOWN)
            assert f"no answer from 127.0.0.1:{port} within 0.2 s" in sink.last_error


@pytest.mark.parametrize("status", [401, 403, 418, 451])
async def test_a_refusing_status_is_rejected_not_hammered(server: BinanceServer, status: int) -> None:
    sink = Recorder()
    server.refuse_rest = (status, {"Retry-After": "120"}, '{"code":-1003,"msg":"banned"}')
    async with Running(make(server, sink)):
        await sink.until(lambda: sink.state is REJECTED)
        assert f"HTTP {status}" in sink.last_error
        await asyncio.sleep(0.3)
    assert len(server.rest_calls) == 1


@pytest.mark.parametrize(("status", "state"), [(451, REJECTED), (429, DOWN)])
async def test_a_refused_handshake_waits_as_asked(server: BinanceServer, status: int, state: SourceState) -> None:
    sink = Recorder()
    server.refuse_handshake = (status, {"Retry-After": "120"})
    async with Running(make(server, sink)):
        await sink.until(lambda: sink.state is state)
        await asyncio.sleep(0.3)
    assert server.handshakes == 1
    assert sink.chains == []


async def test_too_many_messages_is_followed_by_a_pause(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        for connection in list(server.streams):
            await connection.close(1008, "Too many requests")
        await sink.until(lambda: sink.state is DOWN)
        assert "code 1008 Too many requests" in sink.last_error
        await asyncio.sleep(0.3)
    assert server.handshakes == 1


async def test_a_failing_seed_does_not_disturb_the_stream(server: BinanceServer) -> None:
    sink = Recorder()
    adapter = make(server, sink, symbols=["ETHUSDT"])
    async with Running(adapter):
        await sink.until(lambda: sink.instruments)
        server.refuse_rest = (503, {}, "unavailable")
        await sink.until_live()
        await eventually(lambda: len(server.rest_calls) >= 3)
        await server.send("ethusdt@bookTicker", book("ETHUSDT", 6, "4000.12", "4000.13"))
        await sink.until(lambda: sink.of("ETHUSDT"))
        assert adapter.statuses()[0].state is LIVE
        assert "cannot fetch the present state" in adapter.statuses()[0].last_error
        server.refuse_rest = None
        await sink.until(lambda: any(quote.volume == 1234.5 for quote in sink.of("ETHUSDT")))
    assert 99.0 not in [quote.bid_price for quote in sink.of("ETHUSDT")]


def seeded_in_last_chain(sink: Recorder, symbol: str) -> tuple[bool, bool]:
    """Whether a bid and a volume came in the last chain that only a seed can have brought."""
    if not sink.chains:
        return False, False
    begun = len(sink.events) - 1 - sink.events[::-1].index(sink.chains[-1])
    quotes = [
        event for event in sink.events[begun:] if isinstance(event, QuoteUpdate) and event.instrument[1] == symbol
    ]
    return any(quote.bid_price == 99.0 for quote in quotes), any(quote.volume == 1234.5 for quote in quotes)


async def test_a_failing_day_ticker_does_not_withhold_the_books(server: BinanceServer) -> None:
    server.refuse_path, server.refuse_rest = "/api/v3/ticker/24hr", (503, {}, "unavailable")
    sink = Recorder()
    async with Running(make(server, sink, symbols=["ETHUSDT"])):
        await sink.until(lambda: sink.of("ETHUSDT"))
        assert seeded_in_last_chain(sink, "ETHUSDT") == (True, False)
        server.refuse_rest = None
        await sink.until(lambda: seeded_in_last_chain(sink, "ETHUSDT")[1])


async def test_a_delisted_symbol_does_not_keep_the_others_from_being_seeded(server: BinanceServer) -> None:
    names = [f"C{number:03d}USDT" for number in range(150)]
    server.listing = [listed(name, name[:-4], "USDT") for name in names]
    sink = Recorder()
    async with Running(make(server, sink, symbols=names)) as adapter:
        await sink.until(lambda: all(seeded_in_last_chain(sink, name)[1] for name in names))
        del server.listing[7]
        for connection in list(server.streams):
            await connection.close()
        await sink.until_live(times=2)
        rest = names[:7] + names[8:]
        await sink.until(lambda: all(all(seeded_in_last_chain(sink, name)) for name in rest))
        assert "cannot fetch" not in adapter.statuses()[0].last_error
    assert sink.instruments[-1].symbol == names[7]
    assert sink.instruments[-1].state is InstrumentState.DELISTED
    assert [quote.halted for quote in sink.of(names[7])][-1] is True


async def test_a_batch_that_cannot_be_seeded_does_not_withhold_the_next(server: BinanceServer) -> None:
    names = [f"C{number:03d}USDT" for number in range(150)]
    server.listing = [listed(name, name[:-4], "USDT") for name in names]
    server.refuse_path, server.refuse_symbol = "/api/v3/ticker", names[7]
    sink = Recorder()
    async with Running(make(server, sink, symbols=names)) as adapter:
        await sink.until(lambda: all(all(seeded_in_last_chain(sink, name)) for name in names[100:]))
        await eventually(lambda: "cannot fetch the present state" in adapter.statuses()[0].last_error)
    assert seeded_in_last_chain(sink, names[0]) == (False, False)


async def test_unknown_and_colliding_symbols_are_named_and_the_others_run(server: BinanceServer) -> None:
    server.listing += [listed("XBTEUR", "XBT", "EUR"), listed("BTCEUR", "BTC", "EUR")]
    sink = Recorder()
    async with Running(make(server, sink, symbols=["btc-usdt", "BTCUSDTT", "BTCEUR"])) as adapter:
        await sink.until_live()
        error = adapter.statuses()[0].last_error
    assert "BTCUSDTT is not listed (nearest: BTCUSDT)" in error
    assert "BTCEUR would be the name of both XBTEUR and BTCEUR: refused" in error
    assert [instrument.symbol for instrument in sink.instruments] == ["BTCUSDT"]


async def test_nothing_listed_is_down_and_says_so(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, symbols=["NOPENOPE"])):
        await sink.until(lambda: sink.state is DOWN)
        assert "none of the configured symbols is listed; NOPENOPE is not listed" in sink.last_error


async def test_halts_and_delistings_are_found_and_said_again_in_a_new_chain(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, states_poll_s=0.1)):
        await sink.until_live()
        server.listing[1]["status"] = "BREAK"
        await sink.until(lambda: any(quote.halted is True for quote in sink.of("ETHUSDT")))
        assert sink.instruments[-1].state is InstrumentState.HALTED
        for connection in list(server.streams):
            await connection.close()
        await sink.until_live(times=2)
        after = sink.events.index(sink.chains[1], sink.events.index(sink.chains[0]) + 1)
        assert getattr(sink.events[after + 1], "halted", None) is True
        server.listing[1]["status"] = "TRADING"
        await sink.until(lambda: any(quote.halted is False for quote in sink.of("ETHUSDT")))
        del server.listing[1]
        await sink.until(lambda: sink.instruments[-1].state is InstrumentState.DELISTED)
    assert [quote for quote in sink.of("BTCUSDT") if quote.halted in (True, False)] == []


async def test_a_failing_look_for_halts_is_said_and_disturbs_nothing(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, states_poll_s=0.1)) as adapter:
        await sink.until_live()
        await sink.until(lambda: len(sink.of("ETHUSDT")) == 2)
        server.refuse_rest = (503, {}, "unavailable")
        await eventually(lambda: "cannot look for halts" in adapter.statuses()[0].last_error)
        assert adapter.statuses()[0].state is LIVE
    assert len(sink.chains) == 1


async def test_replaced_while_it_delivers_nothing_missed_nothing_twice(server: BinanceServer) -> None:
    sink = Recorder()
    sent: list[int] = []
    stop = asyncio.Event()

    async def publish() -> None:
        while not stop.is_set():
            sent.append(len(sent) + 1)
            await server.send("ethusdt@trade", trade("ETHUSDT", sent[-1], f"{sent[-1]}"))
            await asyncio.sleep(0)

    async with Running(make(server, sink, overlap_s=0.3)) as adapter:
        await sink.until_live()
        await sink.until(lambda: len(sink.of("ETHUSDT")) == 2)
        publishing = asyncio.create_task(publish())
        await sink.until(lambda: len(sink.of("ETHUSDT")) > 100)
        (old,) = server.streams
        await old.send('{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}')
        await old.wait_closed()
        before = len(sink.of("ETHUSDT"))
        await sink.until(lambda: len(sink.of("ETHUSDT")) > before + 100)
        stop.set()
        await publishing
        await sink.until(lambda: sink.of("ETHUSDT")[-1].last_price == sent[-1])
        status = adapter.statuses()[0]
    assert [quote.last_price for quote in sink.of("ETHUSDT")[2:]] == sent
    assert len(sink.chains) == 1
    assert sink.states == [CONNECTING, LIVE]
    assert status.reconnects == 1
    assert status.duplicates > 0


async def test_old_age_replaces_a_connection(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, rotate_after_s=0.3, overlap_s=0.05)):
        await sink.until_live()
        await eventually(lambda: server.handshakes >= 4)
    assert len(sink.chains) == 1


async def test_a_connection_that_dies_before_its_replacement_delivers_is_a_hole(server: BinanceServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        (old,) = server.streams
        server.acknowledges = False
        await old.send('{"e":"serverShutdown","E":1770123456789}')
        await eventually(lambda: len(server.streams) == 2)
        server.acknowledges = True
        await old.close()
        await sink.until_live(times=2)
    assert len(sink.chains) == 2


async def test_subscriptions_go_out_in_chunks(server: BinanceServer) -> None:
    names = [f"C{number}USDT" for number in range(299)]
    server.listing = [listed(name, name[:-4], "USDT") for name in names]
    sink = Recorder()
    async with Running(make(server, sink, symbols=names)):
        await sink.until_live()
    sizes = [len(message["params"]) for message in server.received]
    assert sizes == [200, 200, 200, 200, 98]


def test_control_messages_stay_under_the_venues_rate() -> None:
    limit, window_s = CONTROL_MESSAGES
    window = SlidingWindow(limit=limit, window_s=window_s)
    delays = []
    for _ in range(5):
        delays.append(window.delay_s(0))
        window.spend(0)
    assert delays == [0, 0, 0, 0, 1.0], "the fifth waits until the first is a second old"


async def test_a_delisting_moves_no_instrument_to_another_slot(server: BinanceServer) -> None:
    names = [f"C{number}USDT" for number in range(302)]
    server.listing = [listed(name, name[:-4], "USDT") for name in names[1:]]
    sink = Recorder()
    async with Running(make(server, sink, symbols=names)):
        await sink.until_live(times=2)
    assert [instrument.channel for instrument in sink.instruments] == ["0"] * 299 + ["1"] * 2


async def test_a_slot_of_which_nothing_is_listed_is_down_and_the_others_run(server: BinanceServer) -> None:
    gone = [f"GONE{number}USDT" for number in range(300)]
    sink = Recorder()
    async with Running(make(server, sink, symbols=[*gone, "ETHUSDT"])) as adapter:
        await sink.until_live()
        first, second = adapter.statuses()
    assert (first.channel, first.state) == ("0", DOWN)
    assert "none of its symbols is listed" in first.last_error
    assert (second.channel, second.state) == ("1", LIVE)


async def test_more_instruments_than_a_slot_holds_get_a_second(server: BinanceServer) -> None:
    names = [f"C{number}USDT" for number in range(301)]
    server.listing = [listed(name, name[:-4], "USDT") for name in names]
    sink = Recorder()
    async with Running(make(server, sink, symbols=names)) as adapter:
        await sink.until_live(times=2)
        assert [status.channel for status in adapter.statuses()] == ["0", "1"]
    assert [instrument.channel for instrument in sink.instruments] == ["0"] * 300 + ["1"]
    assert {chain.channel for chain in sink.chains} == {"0", "1"}


def test_urls_that_cannot_work_are_refused_by_name() -> None:
    bad: dict[str, Any] = {"adapter": "binance", "websocket_url": "http://x"}
    with pytest.raises(SettingsError, match=r"sources\.one\.websocket_url"):
        ADAPTER.create("one", BinanceSettings(**bad), Recorder(), SystemClock())
