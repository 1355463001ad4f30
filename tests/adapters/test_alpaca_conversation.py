import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec
import pytest
from tests.adapters.alpaca_messages import Message, as_json, as_msgpack, at, quote
from tests.adapters.alpaca_server import KEY, SECRET, asset
from tests.adapters.clock import ManualClock
from tests.adapters.recorder import Recorder

from tickmux_adapters.alpaca.catalogue import parse_assets
from tickmux_adapters.alpaca.conversation import SYMBOLS_PER_MESSAGE, AlpacaConversation, Keys
from tickmux_adapters.alpaca.feed import AlpacaFeed
from tickmux_adapters.alpaca.market import Market, crypto_market, stock_market
from tickmux_adapters.alpaca.rest import AlpacaRest
from tickmux_adapters.alpaca.settings import StockSettings
from tickmux_adapters.conversation import Heard
from tickmux_adapters.errors import VenueError, VenueRejected
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import InstrumentState, Moment
from tickmux_adapters.secrets import KeyUnusable

CONNECTED: Message = {"T": "success", "msg": "connected"}
AUTHENTICATED: Message = {"T": "success", "msg": "authenticated"}
NASDAQ = {"AAPL": "NASDAQ", "MSFT": "NASDAQ"}


class Talk:
    """A feed, and the conversation of its connection: a test says what the venue says, and when."""

    def __init__(
        self, http: aiohttp.ClientSession, market: Market, symbols: list[str], exchanges: dict[str, str]
    ) -> None:
        self.clock = ManualClock()
        self.sink = Recorder()
        self.health = ChannelHealth(source="alpaca", channel="0", sink=self.sink, clock=self.clock)
        settings = StockSettings(adapter="alpaca", contended_retry_s=20.0)
        self.feed = AlpacaFeed(
            symbols,
            exchanges,
            market=market,
            settings=settings,
            rest=AlpacaRest(http, settings, market, self.clock),
            sink=self.sink,
            health=self.health,
            clock=self.clock,
        )
        self.feed.begin()
        self.connect()

    def connect(self) -> None:
        self.conversation: AlpacaConversation = self.feed.converse()
        assert list(self.conversation.opening()) == []
        self.feed.begin_chain(Moment(self.clock.wall_ns(), self.clock.monotonic_ns()))

    def hear(self, *messages: Message, packed: bool = False) -> Heard:
        frame = as_msgpack(*messages) if packed else as_json(*messages)
        return self.conversation.feed(frame, self.clock.wall_ns(), self.clock.monotonic_ns())

    def wait(self, seconds: float = 0.0) -> list[dict[str, Any]]:
        """Let time pass; what is then said."""
        self.clock.forward(seconds)
        said = self.conversation.due(self.clock.monotonic_ns())
        return [json.loads(one) if isinstance(one, str) else msgspec.msgpack.decode(one) for one in said]

    def authenticate(self) -> list[dict[str, Any]]:
        """Up to the subscription; returns that."""
        self.hear(CONNECTED)
        self.wait()
        self.hear(AUTHENTICATED)
        return self.wait()

    def list(self, *symbols: str, **channels: list[str]) -> None:
        listed = {"trades": [*symbols], "quotes": [*symbols], "dailyBars": [*symbols], "statuses": [*symbols]}
        self.hear({"T": "subscription", **listed, **channels})

    def assets(self, *assets: dict[str, Any]) -> None:
        self.feed.take_assets(parse_assets(json.dumps(assets).encode(), self.health.count_malformed))

    @property
    def note(self) -> str:
        return self.health.status().last_error


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", KEY)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def stocks(http: aiohttp.ClientSession, *symbols: str, exchanges: dict[str, str] | None = None) -> Talk:
    return Talk(http, stock_market("iex"), list(symbols), dict(exchanges or {}))


async def test_each_step_waits_for_the_one_before(http: aiohttp.ClientSession) -> None:
    talk = stocks(http, "AAPL", "MSFT", exchanges=NASDAQ)
    assert talk.wait(1) == []
    assert talk.hear(CONNECTED) is Heard.ALIVE
    assert talk.wait() == [{"action": "auth", "key": KEY, "secret": SECRET}]
    assert talk.wait(1) == []
    assert not talk.feed.authenticated.is_set()
    assert talk.hear(AUTHENTICATED) is Heard.ALIVE
    assert talk.feed.authenticated.is_set()
    both = ["AAPL", "MSFT"]
    (message,) = talk.wait()
    assert message == {"action": "subscribe", "trades": both, "quotes": both, "dailyBars": both, "statuses": both}
    assert talk.wait(1) == []
    assert not talk.conversation.ready
    talk.list("AAPL", "MSFT")
    assert talk.conversation.ready
    assert talk.wait(1_000) == []
    assert talk.note == ""


@pytest.mark.parametrize("packed", [False, True])
async def test_we_answer_in_the_encoding_of_the_greeting(http: aiohttp.ClientSession, packed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    talk = stocks(http, "AAPL", exchanges=NASDAQ)
    talk.hear(CONNECTED, packed=packed)
    (message,) = talk.conversation.due(0)
    assert isinstance(message, bytes) is packed


async def test_the_test_feed_has_two_channels_and_no_list(http: aiohttp.ClientSession) -> None:
    talk = Talk(http, stock_market("test"), ["FAKEPACA"], {})
    assert talk.authenticate() == [{"action": "subscribe", "trades": ["FAKEPACA"], "quotes": ["FAKEPACA"]}]
    assert not talk.feed.waits_for_list
    (instrument,) = talk.sink.instruments
    assert (instrument.symbol, instrument.exchange, instrument.state) == ("FAKEPACA", "", InstrumentState.UNSPECIFIED)
    talk.hear({"T": "subscription", "trades": ["FAKEPACA"], "quotes": ["FAKEPACA"], "bars": []})
    assert talk.conversation.ready
    await talk.feed.seed()


async def test_what_the_list_of_assets_brings_is_subscribed_beside_the_rest(http: aiohttp.ClientSession) -> None:
    talk = stocks(http, "AAPL", "BRK.B", "AAPPL", exchanges={"AAPL": "XNAS"})
    assert talk.feed.waits_for_list
    assert talk.authenticate()[0]["quotes"] == ["AAPL"]
    talk.list("AAPL")
    assert talk.conversation.ready
    talk.assets(asset("AAPL", "NASDAQ"), asset("BRK.B", "NYSE"))
    assert talk.wait()[0]["quotes"] == ["BRK.B"]
    talk.list("AAPL", "BRK.B")
    assert talk.note == "AAPPL is not listed (nearest: AAPL)"
    # What is announced first is announced again with its state, and its exchange stays.
    told = [(one.symbol, one.exchange, one.state) for one in talk.sink.instruments]
    trading = InstrumentState.TRADING
    assert told == [
        ("AAPL", "XNAS", InstrumentState.UNSPECIFIED),
        ("AAPL", "XNAS", trading),
        ("BRK.B", "NYSE", trading),
    ]


async def test_nothing_is_ready_before_something_is_known(http: aiohttp.ClientSession) -> None:
    talk = stocks(http, "AAPL")
    assert talk.authenticate() == []
    assert talk.wait(1_000) == []
    assert not talk.conversation.ready


async def test_many_symbols_go_out_in_portions(http: aiohttp.ClientSession) -> None:
    names = [f"S{number}" for number in range(SYMBOLS_PER_MESSAGE + 1)]
    talk = stocks(http, *names, exchanges=dict.fromkeys(names, "NYSE"))
    first, second = talk.authenticate()
    assert first["trades"] + second["trades"] == names
    talk.list(*first["trades"])
    assert not talk.conversation.ready
    talk.list(*names)
    assert talk.conversation.ready
    assert talk.note == ""


async def test_what_the_venue_does_not_list_is_named_and_holds_up_nobody(http: aiohttp.ClientSession) -> None:
    names = ["AAPL", "MSFT", "A", "B", "C"]
    talk = stocks(http, *names, exchanges=dict.fromkeys(names, "NYSE"))
    talk.authenticate()
    talk.list("AAPL", "MSFT", statuses=[])
    assert talk.conversation.ready
    assert "does not list A, B, C in quotes" in talk.note
    assert "does not list AAPL, MSFT, A and 2 more in statuses" in talk.note
    talk.list("AAPL")  # nothing was asked for, so this changes nothing
    assert "does not list A, B, C in quotes" in talk.note


async def test_a_list_may_be_null_where_it_is_empty(http: aiohttp.ClientSession) -> None:
    talk = stocks(http, "AAPL", exchanges=NASDAQ)
    talk.authenticate()
    everywhere = {"trades": ["AAPL"], "quotes": ["AAPL"], "dailyBars": ["*"], "statuses": None, "bars": None}
    assert talk.hear({"T": "subscription", **everywhere}) is Heard.ALIVE
    assert talk.conversation.ready
    assert talk.note == "the venue does not list AAPL in statuses"
    talk.connect()
    talk.authenticate()
    talk.hear({"T": "subscription", **dict.fromkeys(everywhere)})
    assert talk.conversation.ready
    assert talk.health.malformed == 0


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([], "no greeting"),
        ([CONNECTED], "no answer to our keys"),
        ([CONNECTED, AUTHENTICATED], "no answer to our subscription"),
    ],
)
async def test_a_step_that_is_not_answered_in_time(
    http: aiohttp.ClientSession, steps: list[Message], problem: str
) -> None:
    talk = stocks(http, "AAPL", exchanges=NASDAQ)
    for step in steps:
        talk.hear(step)
        talk.wait()
    talk.wait(9.9)
    with pytest.raises(VenueError, match=problem):
        talk.wait(1.2)


@pytest.mark.parametrize(
    ("code", "is_rejected", "advice"),
    [
        (400, False, "spelled"),
        (401, False, "authenticated"),
        (402, True, "set APCA_API_KEY_ID and APCA_API_SECRET_KEY"),
        (404, False, "waited in vain"),
        (405, True, "set fewer in `symbols`; the plan Basic allows 30"),
        (406, False, "another connection uses this key"),
        (407, False, "too slowly"),
        (409, True, "set another `feed`, or extend the plan"),
        (410, True, "set another `feed`"),
        (411, True, "keys with that scope"),
        (412, False, "the venue says 412: words of the venue"),
        (500, False, "error of its own"),
    ],
)
async def test_errors_of_the_venue(
    http: aiohttp.ClientSession,
    code: int,
    is_rejected: bool,  # noqa: FBT001 - a parameter of the test
    advice: str,
) -> None:
    talk = stocks(http, "AAPL", exchanges=NASDAQ)
    talk.authenticate()
    talk.hear({"T": "error", "code": code, "msg": f"words of the venue {KEY}"}, {"T": "error", "code": 400})
    with pytest.raises(VenueError, match=f"{code}: words of the venue") as error:
        talk.wait()
    assert isinstance(error.value, VenueRejected) is is_rejected
    assert advice in str(error.value)
    assert KEY not in str(error.value)
    assert error.value.retry_after_s == (20.0 if code == 406 else None)


async def test_being_authenticated_already_is_no_failure(http: aiohttp.ClientSession) -> None:
    talk = stocks(http, "AAPL", exchanges=NASDAQ)
    talk.hear(CONNECTED)
    talk.wait()
    talk.hear({"T": "error", "code": 403, "msg": "already authenticated"})
    assert talk.wait()[0]["action"] == "subscribe"


async def test_an_unknown_success_and_a_list_that_nobody_asked_for_change_nothing(http: aiohttp.ClientSession) -> None:
    talk = stocks(http, "AAPL", exchanges=NASDAQ)
    assert talk.hear({"T": "success", "msg": "welcome"}) is Heard.ALIVE
    talk.list("AAPL")
    assert talk.wait() == []
    assert not talk.conversation.ready


async def test_a_stream_of_the_past_ends_the_connection(http: aiohttp.ClientSession) -> None:
    talk = stocks(http, "AAPL", exchanges=NASDAQ)
    talk.authenticate()
    talk.list("AAPL")
    talk.hear(quote("AAPL", 1, 2, at(100)))
    for second in range(5):
        assert talk.wait(1.5) == []
        talk.hear(quote("AAPL", 1, 2, at(second)))
    with pytest.raises(VenueError, match="AAPL only repeats what is past"):
        talk.wait()


async def test_a_key_is_read_for_each_connection(http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = stocks(http, "AAPL", exchanges=NASDAQ)
    monkeypatch.setenv("APCA_API_KEY_ID", "PKANOTHERKEY98765")
    talk.connect()
    talk.hear(CONNECTED)
    assert talk.wait()[0]["key"] == "PKANOTHERKEY98765"
    monkeypatch.delenv("APCA_API_SECRET_KEY")
    with pytest.raises(KeyUnusable, match="set APCA_API_SECRET_KEY, or APCA_API_SECRET_KEY_FILE"):
        talk.feed.converse()


def test_keys_show_themselves_to_nobody() -> None:
    assert SECRET not in repr(Keys(KEY, SECRET))
    assert KEY not in str(Keys(KEY, SECRET))


async def test_pairs_are_found_by_their_canonical_names(http: aiohttp.ClientSession) -> None:
    talk = Talk(http, crypto_market("us"), ["BTCUSD", "ETHUSD", "ETHUSDT"], {})
    talk.assets(asset("ETH/USD", "CRYPTO"), asset("BTC/USD", "CRYPTO", tradable=False), asset("AAPL", "NASDAQ"))
    assert talk.authenticate() == [
        {"action": "subscribe", "trades": ["BTC/USD", "ETH/USD"], "quotes": ["BTC/USD", "ETH/USD"]}
    ]
    bitcoin, ether = talk.sink.instruments
    assert (bitcoin.symbol, bitcoin.type, bitcoin.exchange, bitcoin.base, bitcoin.quote) == (
        "BTCUSD",
        "crypto",
        "Alpaca",
        "BTC",
        "USD",
    )
    assert (bitcoin.state, ether.state) == (InstrumentState.RESTRICTED, InstrumentState.TRADING)
    assert (ether.price_increment, ether.size_increment) == (0.001, 1e-09)
    assert talk.note == "ETHUSDT is not listed (nearest: ETHUSD)"


@pytest.mark.parametrize(("feed", "exchange"), [("us", "Alpaca"), ("us-1", "Kraken"), ("eu-1", "Kraken")])
async def test_without_a_list_pairs_are_taken_as_they_are_spelled(
    http: aiohttp.ClientSession, feed: Any, exchange: str
) -> None:
    talk = Talk(http, crypto_market(feed), ["BTCUSD", "ETHUSDT", "USDCUSDT", "SOLBTC", "EURGBP"], {})
    talk.feed.take_list_refused("HTTP 403")
    assert [one.venue_symbol for one in talk.sink.instruments] == ["BTC/USD", "ETH/USDT", "USDC/USDT", "SOL/BTC"]
    assert {one.exchange for one in talk.sink.instruments} == {exchange}
    assert "EURGBP is no pair against one of USDT, USDC, USD, BTC" in talk.note
    assert "the list of assets is refused (HTTP 403)" in talk.note


async def test_without_a_list_stocks_have_no_exchange_but_the_configured(http: aiohttp.ClientSession) -> None:
    talk = stocks(http, "AAPL", "IBM", exchanges=NASDAQ)
    talk.feed.take_list_refused("HTTP 401")
    assert [(one.symbol, one.exchange) for one in talk.sink.instruments] == [("AAPL", "NASDAQ"), ("IBM", "")]
    assert "set `exchanges`" in talk.note


async def test_names_that_two_share_are_both_refused_and_the_active_one_of_a_name_is_taken(
    http: aiohttp.ClientSession,
) -> None:
    talk = stocks(http, "AB", "META", "OLD")
    talk.assets(
        asset("A-B", "NYSE"),
        asset("AB", "NYSE"),
        asset("META", "NASDAQ"),
        asset("META", "ARCA", status="inactive"),
        asset("OLD", "NYSE", status="inactive"),
    )
    assert talk.note == "AB would be the name of both A-B and AB: refused"
    meta, old = talk.sink.instruments
    assert (meta.exchange, meta.state) == ("NASDAQ", InstrumentState.TRADING)
    assert (old.symbol, old.state) == ("OLD", InstrumentState.DELISTED)
    # The chain has begun, so that it is halted from here on.
    assert [(update.instrument[1], update.halted) for update in talk.sink.quotes] == [("OLD", True)]


async def test_a_list_that_lacks_everything_but_names_is_taken(http: aiohttp.ClientSession) -> None:
    talk = stocks(http, "AAPL")
    talk.assets({"symbol": "AAPL", "exchange": None, "price_increment": "x"})
    (apple,) = talk.sink.instruments
    assert (apple.exchange, apple.state, apple.price_increment) == ("", InstrumentState.UNSPECIFIED, None)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"code":1}', b'[{"name":"AAPL"}]', b'[{"symbol":5}]'])
def test_a_list_that_cannot_be_understood(body: bytes) -> None:
    with pytest.raises(VenueError, match="list of assets could not be understood"):
        parse_assets(body, never)


def never(problem: str, entry: bytes) -> None:
    raise AssertionError(f"skipped {entry!r}: {problem}")


def test_an_asset_that_cannot_be_understood_takes_no_other_with_it() -> None:
    skipped: list[bytes] = []
    body = b'[{"symbol":"A","exchange":5},{"symbol":"B"},null,{"symbol":"C","exchange":"NYSE"},{"name":"D"}]'
    assets = parse_assets(body, lambda _, entry: skipped.append(entry))
    assert [one.symbol for one in assets] == ["B", "C"]
    assert skipped == [b'{"symbol":"A","exchange":5}', b"null", b'{"name":"D"}']
    assert parse_assets(b"[]", never) == []
