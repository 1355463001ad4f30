"""The simulated Alpaca's conversation over real sockets: who may talk, and what requests are answered with."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import websockets
from tests.simulators.alpaca import CRYPTO, IEX, PLUS, SIP, TEST, authenticated, ended, key_of, pong, talk
from tests.simulators.process import Simulator, simulator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def venue() -> AsyncIterator[Simulator]:
    async with simulator("alpaca", "--rate", "800") as running:
        yield running


both_encodings = pytest.mark.parametrize("is_binary", [False, True], ids=["json", "msgpack"])


async def test_the_first_line_gives_a_key_and_addresses_without_a_path(venue: Simulator) -> None:
    port = venue.announced["port"]
    assert venue.announced["websocket_url"] == f"ws://127.0.0.1:{port}"
    assert venue.announced["rest_url"] == f"http://127.0.0.1:{port}"
    assert all(key_of(venue))


@both_encodings
async def test_it_greets_authenticates_and_lists_everything_that_is_subscribed(
    venue: Simulator,
    is_binary: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    async with authenticated(venue, IEX, is_plus=False, is_binary=is_binary) as one:
        empty: dict[str, Any] = {"T": "subscription"} | {
            channel: []
            for channel in (
                *("trades", "quotes", "bars", "updatedBars", "dailyBars"),
                *("statuses", "lulds", "corrections", "cancelErrors"),
            )
        }
        listed = await one.subscribe(
            trades=["AAPL"], quotes=["AMD", "CLDR"], bars=["*"], dailyBars=["VOO"], statuses=["*"]
        )
        wanted = empty | {"trades": ["AAPL"], "quotes": ["AMD", "CLDR"], "bars": ["*"], "dailyBars": ["VOO"]}
        wanted |= {"statuses": ["*"], "corrections": ["AAPL"], "cancelErrors": ["AAPL"]}
        assert listed == wanted
        assert list(listed) == list(wanted)
        listed = await one.subscribe(trades=["MSFT", "AAPL"])
        assert listed["trades"] == listed["corrections"] == listed["cancelErrors"] == ["AAPL", "MSFT"]
        await one.send({"action": "unsubscribe", "bars": ["*"], "trades": ["AAPL"], "quotes": ["NEVER"]})
        listed = await one.control()
        assert (listed["bars"], listed["trades"], listed["corrections"]) == ([], ["MSFT"], ["MSFT"])
        assert listed["quotes"] == ["AMD", "CLDR"]
        assert (await one.subscribe(imbalances=["AAPL"]))["imbalances"] == ["AAPL"]


async def test_the_list_names_the_channels_of_the_feed(venue: Simulator) -> None:
    async with authenticated(venue, TEST) as one:
        assert list(await one.subscribe(quotes=["FAKEPACA"])) == ["T", "trades", "quotes", "bars"]
    for location in ("us", "us-1", "eu-1"):
        async with authenticated(venue, f"/v1beta3/crypto/{location}") as one:
            assert list(await one.subscribe(quotes=["BTC/USD"])) == [
                *("T", "trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars"),
            ]


async def test_all_ways_to_authenticate(venue: Simulator) -> None:
    key, secret = key_of(venue)
    basic = base64.b64encode(f"{key}:{secret}".encode()).decode()
    for headers in (
        {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret},
        {"Authorization": f"Basic {basic}"},
        {"Authorization": "Bearer simulated-basic-token"},
    ):
        async with talk(venue, IEX, headers=headers) as one:
            assert await one.control() == {"T": "success", "msg": "authenticated"}
    async with talk(venue, IEX) as one:
        assert (await one.authenticate("oauth", "simulated-basic-token"))["msg"] == "authenticated"
    for headers in (
        {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": "wrong"},
        {"Authorization": "Basic !"},
        {"Authorization": "Bearer nonsense"},
    ):
        async with talk(venue, IEX, headers=headers) as one:
            assert await one.control() == {"T": "error", "code": 402, "msg": "auth failed"}
            assert await ended(one) == 1000


@pytest.mark.parametrize(
    "credentials",
    [("wrong", "wrong"), (PLUS[0], "wrong"), ("oauth", PLUS[1]), (None, None), (["x"], {"y": 1})],
)
async def test_wrong_credentials_end_the_connection(venue: Simulator, credentials: tuple[Any, Any]) -> None:
    async with talk(venue, CRYPTO) as one:
        assert await one.authenticate(*credentials) == {"T": "error", "code": 402, "msg": "auth failed"}
        assert await ended(one) == 1000


async def test_who_does_not_authenticate_is_closed() -> None:
    async with simulator("alpaca", "--auth-timeout-s", "0.3", "--error-close-code", "4404") as hasty:
        async with talk(hasty, IEX) as one:
            assert await one.control() == {"T": "error", "code": 404, "msg": "auth timeout"}
            assert await ended(one) == 4404
        async with authenticated(hasty, IEX) as one:
            await one.subscribe(quotes=["AAPL"])
            for _ in range(5):
                await one.next("q")


@both_encodings
async def test_requests_that_are_refused_leave_the_connection_open(
    venue: Simulator,
    is_binary: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    subscribe = {"action": "subscribe", "quotes": ["AAPL"]}
    async with talk(venue, IEX, is_binary=is_binary) as one:
        assert await one.refused(subscribe) == 401
        assert await one.refused({"action": "unsubscribe", "quotes": ["AAPL"]}) == 401
        assert (await one.authenticate(*key_of(venue)))["msg"] == "authenticated"
        assert await one.refused({"action": "auth", "key": PLUS[0], "secret": PLUS[1]}) == 403
        requests: tuple[Any, ...] = (
            {"action": "dance"},
            {},
            [],
            "subscribe",
            7,
            {"action": ["subscribe"]},
            {"action": "subscribe", "quotes": "AAPL"},
            {"action": "subscribe", "quotes": ["aapl"]},
            {"action": "subscribe", "quotes": [""]},
            {"action": "subscribe", "quotes": [7]},
            {"action": "subscribe", "quotes": ["BTC/USDT/X"]},
            {"action": "subscribe", "nonsense": ["AAPL"]},
        )
        for request in requests:
            assert await one.refused(request) == 400, request
        await one.raw.socket.send(b"\xc1" if is_binary else "{")
        assert (await one.control())["code"] == 400
        assert (await one.subscribe(quotes=["AAPL"]))["quotes"] == ["AAPL"]
        await one.next("q", "AAPL")


async def test_a_text_that_is_not_json_is_refused_and_a_deep_one_too(venue: Simulator) -> None:
    async with authenticated(venue, IEX) as one:
        for text in ("nonsense", "", "[" * 50_000, '{"action":'):
            await one.raw.socket.send(text)
            assert await one.control() == {"T": "error", "code": 400, "msg": "invalid syntax"}


async def test_channels_of_another_feed_are_refused(venue: Simulator) -> None:
    for path, channel, symbol in (
        (CRYPTO, "statuses", "BTC/USD"),
        (CRYPTO, "corrections", "BTC/USD"),
        (IEX, "orderbooks", "AAPL"),
        (TEST, "dailyBars", "FAKEPACA"),
    ):
        async with authenticated(venue, path) as one:
            assert await one.refused({"action": "subscribe", channel: [symbol]}) == 410
            assert (await one.subscribe(quotes=[]))["quotes"] == []


async def test_a_basic_key_has_30_symbols(venue: Simulator) -> None:
    symbols = [f"S{number}" for number in range(30)]
    async with authenticated(venue, IEX, is_plus=False) as one:
        assert len((await one.subscribe(quotes=symbols, trades=symbols[:10]))["quotes"]) == 30
        for request in ({"trades": ["ONEMORE"]}, {"quotes": ["*"]}, {"trades": ["*"], "bars": ["AAPL"]}):
            assert await one.refused({"action": "subscribe", **request}) == 405
        listed = await one.subscribe(bars=["*"], dailyBars=["SPY"], trades=["S29"])
        assert (listed["quotes"], listed["bars"]) == (symbols, ["*"])
        assert listed["trades"] == [*symbols[:10], "S29"]
        await one.send({"action": "unsubscribe", "quotes": ["S0"], "trades": ["S0"]})
        await one.control()
        assert (await one.subscribe(trades=["ONEMORE"]))["trades"][-1] == "ONEMORE"
    async with authenticated(venue, IEX) as one:
        assert (await one.subscribe(quotes=["*", *symbols, "ONEMORE"]))["quotes"][-1] == "ONEMORE"


async def test_the_consolidated_feed_is_for_the_plus_plan(venue: Simulator) -> None:
    async with talk(venue, SIP) as one:
        answer = await one.authenticate(*key_of(venue))
        assert answer == {"T": "error", "code": 409, "msg": "insufficient subscription"}
        assert await ended(one) == 1000
    async with authenticated(venue, SIP) as one:
        await one.subscribe(quotes=["AAPL"])
        letters: set[str] = set()
        # The best bid changes its exchange as it moves, and may rest for a while.
        async with asyncio.timeout(60):
            while len(letters) < 2:
                letters.add((await one.next("q"))["bx"])
    async with authenticated(venue, "/v2/delayed_sip", is_plus=False) as one:
        await one.subscribe(quotes=["AAPL"])
        await one.next("q")


async def test_one_connection_of_a_key_on_a_feed(venue: Simulator) -> None:
    async with authenticated(venue, IEX, is_plus=False) as first:
        async with talk(venue, IEX) as second:
            answer = await second.authenticate(*key_of(venue))
            assert answer == {"T": "error", "code": 406, "msg": "connection limit exceeded"}
            assert await ended(second) == 1000
        async with authenticated(venue, IEX), authenticated(venue, CRYPTO, is_plus=False):
            pass
        await first.subscribe(quotes=["AAPL"])
        await first.next("q")
    async with authenticated(venue, IEX, is_plus=False):
        pass


async def test_unknown_paths_are_not_upgraded(venue: Simulator) -> None:
    for path in ("", "/", "/v2", "/v2/nonsense", "/v1beta3/crypto/mars"):
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with venue.connect(path):
                pass
        assert refused.value.response.status_code == 404


async def test_pings_are_answered_before_and_after_authentication(venue: Simulator) -> None:
    async with talk(venue, IEX) as one:
        await pong(one)
        await one.authenticate(*key_of(venue))
        await pong(one)


async def test_the_server_pings_if_that_is_wanted_and_else_not() -> None:
    async with simulator("alpaca", "--server-ping-s", "0.05") as pinging, authenticated(pinging, IEX) as one:
        while not (await pinging.state())["counters"]["pongs_received"]:
            await pong(one)
        assert (await pinging.state())["counters"]["pings_sent"] >= 1
