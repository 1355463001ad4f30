import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.alpaca_messages import (
    as_json,
    as_msgpack,
    at,
    cancel,
    correction,
    daily_bar,
    quote,
    status,
    trade,
)
from tests.adapters.alpaca_server import KEY, SECRET, AlpacaServer, asset, snapshot
from tests.adapters.http_server import Reply
from tests.adapters.recorder import Recorder, Running, eventually

from tickmux_adapters import backoff
from tickmux_adapters.alpaca import CRYPTO, STOCKS
from tickmux_adapters.alpaca.adapter import REFUSALS_MAX
from tickmux_adapters.alpaca.settings import AlpacaSettings, CryptoSettings, StockSettings
from tickmux_adapters.connection import FRAME_BYTES_MAX
from tickmux_adapters.errors import SettingsError
from tickmux_adapters.model import UNCHANGED, Adapter, Clock, InstrumentState, SourceState, SystemClock
from tickmux_adapters.registry import AdapterType, registered

CONNECTING, LIVE, STALE, DOWN, REJECTED = (
    SourceState.CONNECTING,
    SourceState.LIVE,
    SourceState.STALE,
    SourceState.DOWN,
    SourceState.REJECTED,
)
HTML = "<html><body>502 Bad Gateway</body></html>"
NS_PER_S = 1_000_000_000
AT_S = 1_769_439_600
"""What `at` counts from, Unix seconds."""
ASSETS, SNAPSHOTS = "/v2/assets", "/v2/stocks/snapshots"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", KEY)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)


@pytest.fixture
async def server() -> AsyncIterator[AlpacaServer]:
    async with AlpacaServer() as server:
        yield server


def make(
    server: AlpacaServer, sink: Recorder, kind: AdapterType = STOCKS, clock: Clock | None = None, **settings: Any
) -> Adapter:
    values: dict[str, Any] = {
        "adapter": kind.name,
        "symbols": ["AAPL", "IBM"] if kind is STOCKS else ["BTCUSD", "ETHUSD"],
        "websocket_url": server.websocket_url,
        "rest_url": server.rest.url,
        "trading_url": server.rest.url,
        "retry_cap_s": 0.05,
        "contended_retry_s": 0.05,
        **settings,
    }
    return kind.create(kind.name, kind.settings(**values), sink, clock or SystemClock())


def hasty() -> dict[str, Any]:
    """Deadlines as short as a test can bear, and pings that keep within them."""
    return {"stale_after_s": 0.3, "reconnect_after_s": 0.6, "ping_interval_s": 0.1, "overlap_s": 0.1}


def bids(sink: Recorder, symbol: str) -> list[Any]:
    return [update.bid_price for update in sink.of(symbol) if update.bid_price is not UNCHANGED]


def lasts(sink: Recorder, symbol: str) -> list[Any]:
    return [update.last_price for update in sink.of(symbol) if update.last_price is not UNCHANGED]


def test_both_kinds_are_registered_and_exclusive() -> None:
    kinds = registered()
    assert (kinds["alpaca"], kinds["alpaca-crypto"]) == (STOCKS, CRYPTO)
    assert STOCKS.exclusive
    assert CRYPTO.exclusive


@pytest.mark.parametrize(("kind", "settings"), [(STOCKS, StockSettings), (CRYPTO, CryptoSettings)])
def test_what_is_not_from_the_venue_itself_is_simulated(kind: AdapterType, settings: type[AlpacaSettings]) -> None:
    assert not kind.is_simulated(settings(adapter=kind.name))
    assert kind.is_simulated(settings(adapter=kind.name, websocket_url="wss://stream.data.sandbox.alpaca.markets"))
    assert kind.is_simulated(settings(adapter=kind.name, rest_url="https://data.sandbox.alpaca.markets"))
    # Where the list of assets comes from says nothing of the quotes.
    assert not kind.is_simulated(settings(adapter=kind.name, trading_url="https://api.alpaca.markets"))


def test_the_test_feed_is_simulated_wherever_it_comes_from() -> None:
    assert STOCKS.is_simulated(StockSettings(adapter="alpaca", feed="test"))


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_stocks_from_the_list_to_the_quote(server: AlpacaServer, encoding: str) -> None:
    sink = Recorder()
    async with Running(make(server, sink, symbols=["aapl", "BRK.B"], encoding=encoding)) as adapter:
        await sink.until_live()
        await server.send(quote("AAPL", 171.22, 171.24), trade("BRK.B", 504.1, at(1)), daily_bar("BRK.B", 4_200))
        await sink.until(lambda: len(sink.quotes) == 3)
        (state,) = adapter.statuses()
    assert [server.handshakes[0].path, server.handshakes[0].headers.get("Content-Type")] == [
        "/v2/iex",
        "application/msgpack" if encoding == "msgpack" else None,
    ]
    assert [(one.symbol, one.exchange, one.type, one.quote) for one in sink.instruments] == [
        ("AAPL", "NASDAQ", "stock", "USD"),
        ("BRK.B", "NYSE", "stock", "USD"),
    ]
    book, last, volume = sink.quotes
    assert (book.bid_price, book.bid_size, book.ask_price, book.ask_size) == (171.22, 200.0, 171.24, 300.0)
    assert (last.last_price, last.volume, volume.volume) == (504.1, UNCHANGED, 4_200.0)
    assert (state.state, state.malformed, state.duplicates, state.last_error) == (LIVE, 0, 0, "")
    assert [type(event).__name__ for event in sink.events[:2]] == ["ChannelStatus", "Chain"]
    assert sink.states == [CONNECTING, LIVE]


async def test_crypto_from_the_list_to_the_quote(server: AlpacaServer) -> None:
    server.snapshots["ETH/USD"] = snapshot(quote("ETH/USD", 2_780.5, 2_781), None, daily_bar("ETH/USD", 9))
    sink = Recorder()
    async with Running(make(server, sink, CRYPTO, symbols=["BTC/USD", "ETHUSD"], feed="eu-1")):
        await sink.until_live()
        await server.send(quote("BTC/USD", 84_100.5, 84_101.25, bid_size=0.25), trade("BTC/USD", 84_100.75, at(1)))
        await sink.until(lambda: len(sink.quotes) == 3)
    assert server.handshakes[0].path == "/v1beta3/crypto/eu-1"
    assert "/v1beta3/crypto/eu-1/snapshots" in [request.path for request in server.asked]
    assert [(one.symbol, one.venue_symbol, one.exchange) for one in sink.instruments] == [
        ("BTCUSD", "BTC/USD", "Kraken"),
        ("ETHUSD", "ETH/USD", "Kraken"),
    ]
    assert (bids(sink, "BTCUSD"), lasts(sink, "BTCUSD"), bids(sink, "ETHUSD")) == ([84_100.5], [84_100.75], [2_780.5])
    assert {update.volume for update in sink.quotes} == {UNCHANGED}
    assert sink.of("BTCUSD")[0].bid_size == 0.25


async def test_the_delayed_feed_marks_every_update(server: AlpacaServer) -> None:
    server.snapshots["AAPL"] = snapshot(quote("AAPL", 10, 11), trade("AAPL", 10.5), daily_bar("AAPL", 7))
    sink = Recorder()
    async with Running(make(server, sink, feed="delayed_sip")):
        await sink.until_live()
        await server.send(quote("IBM", 1, 2), status("IBM", "H"))
        await sink.until(lambda: len(sink.quotes) == 5)
    assert {update.delayed for update in sink.quotes} == {True}
    assert server.asked[-1].query["feed"] == "delayed_sip"


# Keys


@pytest.mark.parametrize("missing", ["APCA_API_KEY_ID", "APCA_API_SECRET_KEY"])
async def test_without_a_key_nothing_is_asked_and_the_status_says_what_to_set(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until(lambda: sink.state is REJECTED)
    assert f"set {missing}, or {missing}_FILE" in sink.last_error
    assert (server.handshakes, server.asked) == ([], [])


async def test_a_wrong_key_is_rejected_and_its_list_is_not_asked_for(
    server: AlpacaServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.keys = {}
    # The venue echoes what it was shown.
    server.refuses["auth"] = (402, f"auth failed for {KEY}/{SECRET}")
    sink = Recorder()
    with caplog.at_level(logging.DEBUG):
        async with Running(make(server, sink)) as adapter:
            await sink.until(lambda: sink.state is REJECTED)
            told = [sink.last_error, caplog.text, repr(adapter.statuses()), repr(sink.events)]
    assert "402: auth failed" in sink.last_error
    assert "set APCA_API_KEY_ID and APCA_API_SECRET_KEY" in sink.last_error
    assert (server.asked, sink.instruments) == ([], [])
    assert len(server.handshakes) == 1
    assert not any(KEY in text or SECRET in text for text in told)


async def test_a_key_in_a_file_that_changes_is_read_anew(
    server: AlpacaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(backoff, "REJECTED_RETRY_S", 0.01)
    file = tmp_path / "secret"
    file.write_text("of-yesterday\n")
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    monkeypatch.setenv("APCA_API_SECRET_KEY_FILE", str(file))
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until(lambda: sink.state is REJECTED)
        file.write_text(SECRET)
        await sink.until_live()
        await eventually(lambda: SNAPSHOTS in [request.path for request in server.asked])
        assert server.asked[-1].headers["APCA-API-SECRET-KEY"] == SECRET
        # The account gets another one, and the venue lets go of us.
        server.keys = {KEY: "of-tomorrow"}
        file.write_text("of-tomorrow")
        await server.drop()
        await sink.until_live(2)
    assert [message["secret"] for message in server.received if message["action"] == "auth"][-2:] == [
        SECRET,
        "of-tomorrow",
    ]


async def test_keys_may_stand_under_other_names(server: AlpacaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", KEY)
    monkeypatch.setenv("OTHER_SECRET", SECRET)
    monkeypatch.delenv("APCA_API_KEY_ID")
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    sink = Recorder()
    async with Running(make(server, sink, key_variable="OTHER_KEY", secret_variable="OTHER_SECRET")):
        await sink.until_live()


# What the venue refuses


async def test_of_two_sources_with_one_key_the_second_waits_patiently(server: AlpacaServer) -> None:
    first, second = Recorder(), Recorder()
    async with contextlib.AsyncExitStack() as later:
        async with Running(make(server, first)):
            await first.until_live()
            await later.enter_async_context(Running(make(server, second)))
            await second.until(lambda: second.state is DOWN)
            assert "another connection uses this key" in second.last_error
            assert "406: connection limit exceeded" in second.last_error
            tries = len(server.handshakes)
            await eventually(lambda: len(server.handshakes) > tries)
            assert (first.states, second.states) == ([CONNECTING, LIVE], [CONNECTING, DOWN])
        # The place is free.
        await second.until_live()


async def test_the_pause_after_a_contended_key_is_a_long_one(server: AlpacaServer) -> None:
    server.refuses["auth"] = (406, "connection limit exceeded")
    sink = Recorder()
    async with Running(make(server, sink, contended_retry_s=600.0)):
        await sink.until(lambda: sink.state is DOWN)
    assert len(server.handshakes) == 1


@pytest.mark.parametrize(
    ("action", "code", "text", "advice"),
    [
        ("auth", 409, "insufficient subscription", "extend the plan"),
        ("auth", 411, "insufficient scope", "keys with that scope"),
        ("subscribe", 405, "symbol limit exceeded", "2 symbols are more than the account's plan allows"),
        ("subscribe", 410, "invalid subscribe action for this feed", "set another `feed`"),
    ],
)
async def test_refusals_reject_the_source_and_say_what_to_do(
    server: AlpacaServer, action: str, code: int, text: str, advice: str
) -> None:
    server.refuses[action] = (code, text)
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until(lambda: sink.state is REJECTED)
    assert f"{code}: {text}" in sink.last_error
    assert advice in sink.last_error
    assert len(server.handshakes) == 1


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        (407, "slow client", "too slowly"),
        (500, "internal error", "error of its own"),
        (400, "invalid syntax", "spells"),
    ],
)
async def test_other_errors_cost_a_connection_and_begin_a_new_chain(
    server: AlpacaServer, code: int, text: str, said: str
) -> None:
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        await server.send(quote("AAPL", 1, 2, at(5)))
        await sink.until(lambda: bids(sink, "AAPL") == [1.0])
        await server.fail(code, text)
        await sink.until(lambda: sink.state is DOWN)
        assert f"{code}: {text}" in sink.last_error
        assert said in sink.last_error
        await sink.until_live(2)
        await server.send(quote("AAPL", 3, 4, at(4)))
        await sink.until(lambda: bids(sink, "AAPL") == [1.0, 3.0])
        (state,) = adapter.statuses()
    assert (len(sink.chains), state.reconnects, state.duplicates) == (2, 1, 0)


async def test_a_handshake_that_is_refused(server: AlpacaServer) -> None:
    server.refuse_handshake = (429, {"Retry-After": "3600"})
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until(lambda: sink.state is DOWN)
    assert "429, too many requests" in sink.last_error
    assert len(server.handshakes) == 1


# Silence


async def test_a_quiet_market_stays_live_for_as_long_as_pongs_come(server: AlpacaServer) -> None:
    sink = Recorder()
    clock = SystemClock()
    async with Running(make(server, sink, **hasty())) as adapter:
        await sink.until_live()
        begun_ns = clock.monotonic_ns()
        # Over several deadlines no message comes at all.
        await eventually(lambda: clock.monotonic_ns() - begun_ns > 1_500_000_000)
        (state,) = adapter.statuses()
        assert (state.state, state.reconnects) == (LIVE, 0)
        await server.send(quote("AAPL", 1, 2))
        await sink.until(lambda: bids(sink, "AAPL") == [1.0])
    assert sink.states == [CONNECTING, LIVE]


async def test_when_pongs_stop_it_is_stale_and_then_replaced(server: AlpacaServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, **hasty())) as adapter:
        await sink.until_live()
        server.freeze()
        await sink.until(lambda: sink.state is STALE)
        assert "is connected but has sent no data" in sink.last_error
        # The venue still holds the dead connection for one that uses our key, until it is gone there too.
        await sink.until(lambda: sink.state is DOWN)
        assert "another connection uses this key" in sink.last_error
        await server.drop()
        await sink.until_live(2)
        quotes = len(sink.quotes)
        await server.send(quote("AAPL", 1, 2))
        await sink.until(lambda: len(sink.quotes) > quotes)
        assert adapter.statuses()[0].reconnects >= 1
    assert sink.states == [CONNECTING, LIVE, STALE, DOWN, LIVE]


async def test_a_server_that_never_greets(server: AlpacaServer) -> None:
    server.greets = False
    sink = Recorder()
    async with Running(make(server, sink, answer_timeout_s=0.3)):
        await sink.until(lambda: sink.state is DOWN)
        assert "the venue sent no greeting within 0.3 s" in sink.last_error
        server.greets = True
        await sink.until_live()


async def test_a_venue_that_does_not_hear_our_keys(server: AlpacaServer) -> None:
    server.hears_auth = False
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until(lambda: sink.state is DOWN)
        assert "404: auth timeout" in sink.last_error
        server.hears_auth = True
        await sink.until_live()


async def test_a_venue_that_is_silent_after_our_keys(server: AlpacaServer) -> None:
    server.hears_auth = False
    server.auth_timeout_s = 600.0
    sink = Recorder()
    async with Running(make(server, sink, answer_timeout_s=0.3)):
        await sink.until(lambda: sink.state is DOWN)
    assert "no answer to our keys within 0.3 s" in sink.last_error


async def test_a_connection_that_is_cut_comes_back(server: AlpacaServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        await server.drop()
        await sink.until_live(2)
        await server.stop()
        await sink.until(lambda: "connection refused" in sink.last_error)
        await server.start()
        await sink.until_live(3)
    assert len(sink.chains) == 3


# Bad messages


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
async def test_garbage_is_counted_and_its_neighbours_go_on(server: AlpacaServer, encoding: str) -> None:
    encode = as_msgpack if encoding == "msgpack" else as_json
    frames: list[str | bytes] = [
        HTML,
        "",
        b"\x00\xff\xfe",
        "error code: 1015",
        "[" * 100_000,
        encode(quote("AAPL", 1, 2))[:-9],
        encode(quote("NOPE", 1, 2)),
        encode(quote("AAPL", -1, 2)),
        encode({**quote("AAPL", 1, 2), "bp": {"unexpected": True}}),
        "x" * (FRAME_BYTES_MAX + 1),
    ]
    sink = Recorder()
    async with Running(make(server, sink, encoding=encoding)) as adapter:
        await sink.until_live()
        for frame in frames:
            await server.send_raw(frame)
        await server.send(quote("AAPL", 5, 6), {"T": "new", "S": "AAPL"}, trade("IBM", 7))
        await sink.until(lambda: lasts(sink, "IBM") == [7.0])
        (state,) = adapter.statuses()
    assert bids(sink, "AAPL") == [5.0]
    assert (state.malformed, state.state, state.reconnects) == (len(frames) + 1, LIVE, 0)


async def test_a_venue_that_speaks_json_when_asked_for_msgpack_is_understood(server: AlpacaServer) -> None:
    server.speaks_json = True
    sink = Recorder()
    async with Running(make(server, sink, encoding="msgpack")):
        await sink.until_live()
        await server.send(quote("AAPL", 5, 6))
        await sink.until(lambda: bids(sink, "AAPL") == [5.0])


async def test_halts_corrections_and_cancels_over_the_wire(server: AlpacaServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        await server.send(trade("AAPL", 10, at(0), number=1), trade("AAPL", 11, at(1), number=2))
        await server.send(correction("AAPL", 2, 3, 11.5, at(2)), cancel("AAPL", 3, at(3)))
        await server.send(status("AAPL", "P", at(4)), status("AAPL", "T", at(5)), status("AAPL", "H", at(6)))
        await sink.until(lambda: len(sink.of("AAPL")) == 7)
        assert lasts(sink, "AAPL") == [10.0, 11.0, 11.5, 10.0]
        assert [update.halted for update in sink.of("AAPL")][4:] == [True, False, True]
        # The halt stands on the next connection, until a resumption is told or a trade proves it.
        await server.drop()
        await sink.until_live(2)
        assert sink.of("AAPL")[7].halted is True
        await server.send(status("AAPL", "T", at(7)))
        await sink.until(lambda: sink.of("AAPL")[-1].halted is False)


class SkewedClock:
    """The machine's clock, hours off."""

    def __init__(self, hours: int) -> None:
        self._ahead_ns = hours * 3_600 * NS_PER_S

    def wall_ns(self) -> int:
        return time.time_ns() + self._ahead_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()


@pytest.mark.parametrize("hours", [-6, 6])
async def test_a_clock_that_is_hours_off_changes_nothing_but_the_lag(server: AlpacaServer, hours: int) -> None:
    server.snapshots["IBM"] = snapshot(quote("IBM", 5, 6), trade("IBM", 5.5), daily_bar("IBM", 100))
    sink = Recorder()
    async with Running(make(server, sink, clock=SkewedClock(hours))) as adapter:
        await sink.until_live()
        await server.send(quote("AAPL", 1, 2, at(time.time() - AT_S)))
        await sink.until(lambda: bids(sink, "AAPL") == [1.0] and len(sink.of("IBM")) == 3)
        (state,) = adapter.statuses()
        await server.send(quote("AAPL", 2, 3, at(time.time() - AT_S)))
        await sink.until(lambda: bids(sink, "AAPL") == [1.0, 2.0])
        lag_ns = adapter.statuses()[0].lag_ns
    assert (state.state, state.malformed, state.duplicates) == (LIVE, 0, 0)
    assert lag_ns is not None
    assert round(lag_ns / 3_600 / NS_PER_S) == hours


# Requests


async def test_a_chain_is_seeded_and_the_stream_wins(server: AlpacaServer) -> None:
    for symbol, bid in (("AAPL", 10), ("IBM", 20)):
        server.snapshots[symbol] = snapshot(
            quote(symbol, bid, bid + 1), trade(symbol, bid + 0.5), daily_bar(symbol, 100)
        )
    server.rest_delay_s[SNAPSHOTS] = 0.3
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        await server.send(quote("AAPL", 11, 12, at(1)))
        await sink.until(lambda: len(sink.quotes) == 6)
        (state,) = adapter.statuses()
    assert (bids(sink, "AAPL"), bids(sink, "IBM")) == ([11.0], [20.0])
    assert (lasts(sink, "AAPL"), lasts(sink, "IBM")) == ([10.5], [20.5])
    assert sink.of("IBM")[0].venue_time_ns == AT_S * NS_PER_S
    assert state.last_error == ""
    request = server.asked[-1]
    assert (request.query["symbols"], request.query["feed"]) == ("AAPL,IBM", "iex")
    assert request.headers["APCA-API-KEY-ID"] == KEY


@pytest.mark.parametrize(
    "reply",
    [
        Reply(HTML, 502, content_type="text/html"),
        Reply(HTML, content_type="text/html"),
        Reply("", 200),
        Reply('{"AAPL": {"latestQuote": {"bp": "x", "bs": 1, "ap": 1, "as": 1, "t": "now"}}}'),
        Reply('{"code": 50010000, "message": "internal error"}'),
        Reply("{}", 408),
        Reply("{}", 302, {"Location": "http://127.0.0.1:9/elsewhere"}),
    ],
)
async def test_a_seed_that_fails_is_tried_again_and_disturbs_nothing(server: AlpacaServer, reply: Reply) -> None:
    server.snapshots["AAPL"] = snapshot(quote("AAPL", 10, 11), None, None)
    server.refuse_rest[SNAPSHOTS] = reply
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        await sink.until(lambda: "cannot fetch the present state" in sink.last_error)
        await server.send(quote("IBM", 1, 2))
        await sink.until(lambda: bids(sink, "IBM") == [1.0])
        del server.refuse_rest[SNAPSHOTS]
        await sink.until(lambda: bids(sink, "AAPL") == [10.0])
        (state,) = adapter.statuses()
    assert (state.state, state.reconnects) == (LIVE, 0)


@pytest.mark.parametrize("kind", [STOCKS, CRYPTO], ids=["stocks", "crypto"])
@pytest.mark.parametrize(
    "bad", [{"latestTrade": {"p": 1, "t": None}}, {"latestQuote": []}, {"dailyBar": {"v": 1}}, "text", 5]
)
async def test_a_snapshot_that_cannot_be_understood_takes_no_other_with_it(
    server: AlpacaServer, kind: AdapterType, bad: Any
) -> None:
    one, other = ("AAPL", "IBM") if kind is STOCKS else ("BTC/USD", "ETH/USD")
    server.snapshots = {one: bad, other: snapshot(quote(other, 10, 11), None, None)}
    sink = Recorder()
    async with Running(make(server, sink, kind)) as adapter:
        await sink.until(lambda: bids(sink, other.replace("/", "")) == [10.0])
        await sink.until(lambda: f"snapshot of {one} could not be understood" in sink.last_error)
        # It alone is asked for again.
        asked = len(server.asked)
        await server.rest.until_asked(asked + 1)
        assert {request.query["symbols"] for request in server.asked[asked:]} == {one}
        server.snapshots[one] = snapshot(quote(one, 1, 2), None, None)
        await sink.until(lambda: bids(sink, one.replace("/", "")) == [1.0])
        (state,) = adapter.statuses()
    assert state.malformed >= 1
    assert (state.state, state.reconnects, bids(sink, other.replace("/", ""))) == (LIVE, 0, [10.0])


async def test_an_asset_that_cannot_be_understood_is_counted_and_the_others_are_taken(server: AlpacaServer) -> None:
    server.assets.insert(0, {"class": "us_equity", "symbol": None})
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until_live()
        (state,) = adapter.statuses()
    assert [(one.symbol, one.exchange) for one in sink.instruments] == [("AAPL", "NASDAQ"), ("IBM", "NYSE")]
    assert (state.malformed, state.last_error) == (1, "")


async def test_a_seed_that_is_refused_says_so_and_disturbs_nothing(server: AlpacaServer) -> None:
    server.refuse_rest[SNAPSHOTS] = Reply(f'{{"message":"forbidden: {KEY}"}}', 403)
    sink = Recorder()
    async with Running(make(server, sink)) as adapter:
        await sink.until(lambda: "cannot fetch the present state" in sink.last_error)
        await server.send(quote("IBM", 1, 2))
        await sink.until(lambda: bids(sink, "IBM") == [1.0])
        (state,) = adapter.statuses()
    assert (state.state, KEY in sink.last_error, "HTTP 403" in sink.last_error) == (LIVE, False, True)
    assert [request.path for request in server.asked].count(SNAPSHOTS) == 1


async def test_a_seed_that_never_answers_times_out(server: AlpacaServer) -> None:
    server.rest_delay_s[SNAPSHOTS] = 60.0
    sink = Recorder()
    async with Running(make(server, sink, answer_timeout_s=0.2)):
        await sink.until(lambda: "no answer from" in sink.last_error)
        await server.send(quote("IBM", 1, 2))
        await sink.until(lambda: bids(sink, "IBM") == [1.0])
    assert sink.state is LIVE


@pytest.mark.parametrize("code", [401, 403, 404])
async def test_a_list_that_is_refused_leaves_exchanges_empty_and_says_what_to_set(
    server: AlpacaServer, code: int
) -> None:
    server.refuse_rest[ASSETS] = Reply('{"message": "forbidden."}', code)
    sink = Recorder()
    async with Running(make(server, sink, exchanges={"ibm": "NYSE"})):
        await sink.until_live()
        await sink.until(lambda: len(sink.instruments) == 2)
        await sink.until(lambda: "set `exchanges`" in sink.last_error)
        await eventually(lambda: server.clients[0].subscribed["quotes"] == ["IBM", "AAPL"])
        await server.send(quote("AAPL", 1, 2))
        await sink.until(lambda: bids(sink, "AAPL") == [1.0])
    assert [(one.symbol, one.exchange) for one in sink.instruments] == [("IBM", "NYSE"), ("AAPL", "")]
    assert [request.path for request in server.asked].count(ASSETS) == 1


NOT_THE_VENUES: list[tuple[str, str]] = [
    (HTML, "text/html"),
    ("{}", "application/json"),
    ('{"message": ""}', "application/json"),
    ('["forbidden."]', "application/json"),
    ("", "text/plain"),
]
"""Refusals that something between may have written: (body, type)."""


@pytest.mark.parametrize("code", [401, 403, 404])
@pytest.mark.parametrize(("body", "content_type"), NOT_THE_VENUES)
async def test_a_refusal_of_the_list_that_may_not_be_the_venues_own_is_asked_about_again(
    server: AlpacaServer, code: int, body: str, content_type: str
) -> None:
    server.refuse_next[ASSETS] = iter([Reply(body, code, content_type=content_type)] * (REFUSALS_MAX - 1))
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
    told = next(status.last_error for status in sink.statuses if status.state is DOWN)
    assert "AAPL, IBM must wait for the list of assets" in told
    assert f"HTTP {code}" in told
    assert [(one.symbol, one.exchange) for one in sink.instruments] == [("AAPL", "NASDAQ"), ("IBM", "NYSE")]
    assert "must wait" not in sink.last_error


@pytest.mark.parametrize(("body", "content_type"), NOT_THE_VENUES)
async def test_a_refusal_of_the_list_that_is_repeated_is_one(
    server: AlpacaServer, body: str, content_type: str
) -> None:
    refused = Reply(body, 403, content_type=content_type)
    # What fails between refusals says nothing of the keys.
    replies = [*[refused] * (REFUSALS_MAX - 1), Reply(HTML, 502), *[refused] * REFUSALS_MAX]
    left = iter(replies)
    server.refuse_next[ASSETS] = left
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until_live()
        assert "set `exchanges`" in sink.last_error
        assert [(one.symbol, one.exchange) for one in sink.instruments] == [("AAPL", ""), ("IBM", "")]
    assert next(left, None) is None
    assert [request.path for request in server.asked].count(ASSETS) == len(replies)


@pytest.mark.parametrize("reply", [Reply(HTML, 503), Reply(HTML), Reply("{}", 429, {"Retry-After": "0"})])
async def test_a_list_that_fails_is_asked_for_again_and_holds_up_only_who_needs_it(
    server: AlpacaServer, reply: Reply
) -> None:
    server.refuse_rest[ASSETS] = reply
    sink = Recorder()
    async with Running(make(server, sink, exchanges={"IBM": "NYSE"})):
        await sink.until_live()
        await sink.until(lambda: "AAPL must wait for the list of assets" in sink.last_error)
        await server.send(quote("IBM", 1, 2))
        await sink.until(lambda: bids(sink, "IBM") == [1.0])
        assert sink.states == [CONNECTING, LIVE]
        if reply.status == 429:
            # It waits for some seconds at least.
            return
        del server.refuse_rest[ASSETS]
        await eventually(lambda: "AAPL" in server.clients[0].subscribed["quotes"])
        await server.send(quote("AAPL", 3, 4))
        await sink.until(lambda: bids(sink, "AAPL") == [3.0])
    assert "must wait" not in sink.last_error


async def test_while_nothing_is_known_a_list_that_fails_is_an_outage(server: AlpacaServer) -> None:
    server.refuse_rest[ASSETS] = Reply(HTML, 500)
    sink = Recorder()
    async with Running(make(server, sink)):
        await sink.until(lambda: sink.state is DOWN)
        assert "AAPL, IBM must wait for the list of assets" in sink.last_error
        del server.refuse_rest[ASSETS]
        await sink.until_live()
    assert sink.states == [CONNECTING, DOWN, LIVE]
    assert len(server.handshakes) == 1


async def test_what_comes_later_is_seeded_later(server: AlpacaServer) -> None:
    server.snapshots = {symbol: snapshot(quote(symbol, 10, 11), None, None) for symbol in ("AAPL", "IBM")}
    server.rest_delay_s[ASSETS] = 0.3
    sink = Recorder()
    async with Running(make(server, sink, exchanges={"IBM": "NYSE"})):
        await sink.until(lambda: bids(sink, "IBM") and bids(sink, "AAPL"))
    asked = [request.query["symbols"] for request in server.asked if request.path == SNAPSHOTS]
    assert asked == ["IBM", "AAPL"]


async def test_what_comes_later_is_seeded_when_it_is_subscribed(server: AlpacaServer) -> None:
    server.snapshots = {symbol: snapshot(quote(symbol, 10, 11), None, None) for symbol in ("AAPL", "IBM")}
    server.snapshots["IBM"] = {"latestQuote": 5}  # of the first, which is asked for again and again
    server.rest_delay_s[ASSETS] = 0.3
    sink = Recorder()
    async with Running(make(server, sink, exchanges={"IBM": "NYSE"})) as adapter:
        await sink.until_live()
        server.answers.clear()
        await sink.until(lambda: "AAPL" in [one.symbol for one in sink.instruments])
        asked = len(server.asked)
        await server.rest.until_asked(asked + 3)
        # The subscription is sent, and not answered: until then a change might be missed.
        assert {request.query["symbols"] for request in server.asked[asked:]} == {"IBM"}
        server.answers.set()
        await sink.until(lambda: bids(sink, "AAPL") == [10.0])
        assert adapter.statuses()[0].state is LIVE
        # The next connection subscribes to everything at once.
        server.snapshots["IBM"] = snapshot(quote("IBM", 20, 21), None, None)
        await server.drop()
        await sink.until_live(2)
        await sink.until(lambda: bids(sink, "AAPL") == [10.0, 10.0] and bids(sink, "IBM") == [20.0])
    assert server.asked[-1].query["symbols"] == "IBM,AAPL"


async def test_a_list_that_brings_nothing_new_holds_up_no_seed(server: AlpacaServer) -> None:
    server.snapshots = {"IBM": snapshot(quote("IBM", 10, 11), None, None)}
    server.rest_delay_s[ASSETS] = 0.1
    sink = Recorder()
    async with Running(make(server, sink, symbols=["IBM", "NOPE"], exchanges={"IBM": "NYSE"})):
        await sink.until(lambda: bids(sink, "IBM") == [10.0])
        await sink.until(lambda: "NOPE is not listed" in sink.last_error)
        await server.drop()
        await sink.until(lambda: bids(sink, "IBM") == [10.0, 10.0])
    assert [request.query["symbols"] for request in server.asked if request.path == SNAPSHOTS] == ["IBM", "IBM"]


async def test_unknown_symbols_are_named_and_disturb_nobody(server: AlpacaServer) -> None:
    server.assets.append(asset("OLD", "NYSE", status="inactive"))
    server.leaves_out = {"IBM"}
    sink = Recorder()
    async with Running(make(server, sink, symbols=["AAPL", "AAPPL", "OLD", "IBM"])):
        await sink.until_live()
        await server.send(quote("AAPL", 1, 2))
        await sink.until(lambda: bids(sink, "AAPL") == [1.0])
        await sink.until(lambda: "does not list IBM in quotes" in sink.last_error)
    assert "AAPPL is not listed (nearest: AAPL)" in sink.last_error
    assert [update.halted for update in sink.of("OLD")] == [True]
    assert [one.state for one in sink.instruments if one.symbol == "OLD"] == [InstrumentState.DELISTED]


async def test_with_all_exchanges_configured_no_list_is_needed(server: AlpacaServer) -> None:
    sink = Recorder()
    async with Running(make(server, sink, exchanges={"AAPL": "NASDAQ", "IBM": "NYSE"})):
        await sink.until_live()
        await eventually(lambda: server.asked)
    assert {request.path for request in server.asked} == {SNAPSHOTS}


# The end, and settings


async def test_cancelling_ends_everything(server: AlpacaServer) -> None:
    server.rest_delay_s[ASSETS] = server.rest_delay_s[SNAPSHOTS] = 60.0
    before = asyncio.all_tasks()
    sink = Recorder()
    async with Running(make(server, sink, exchanges={"IBM": "NYSE"})):
        await sink.until_live()
        await server.rest.until_asked(2)
    await eventually(lambda: not server.clients)
    await eventually(lambda: server.rest.cancelled == 2)
    await eventually(lambda: asyncio.all_tasks() <= before)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("websocket_url", "https://stream.example"),
        ("rest_url", "ws://data.example"),
        ("trading_url", "paper"),
        ("ping_interval_s", 6.0),
        ("overlap_s", 6.0),
    ],
)
async def test_settings_that_cannot_work_are_refused(server: AlpacaServer, setting: str, value: Any) -> None:
    with pytest.raises(SettingsError) as error:
        make(server, Recorder(), **{setting: value})
    assert error.value.setting == setting


@pytest.mark.parametrize("setting", ["key_variable", "secret_variable"])
@pytest.mark.parametrize("pasted", [KEY, SECRET])
async def test_a_key_in_place_of_its_variable_is_refused_and_not_quoted(
    server: AlpacaServer, setting: Any, pasted: Any
) -> None:
    with pytest.raises(SettingsError) as error:
        make(server, Recorder(), STOCKS, **{setting: pasted})
    assert error.value.setting == setting
    assert pasted not in str(error.value)
