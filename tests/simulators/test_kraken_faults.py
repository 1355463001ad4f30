"""Each fault switch of the simulated Kraken, at run time, over real sockets."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import websockets
from tests.simulators.process import Raw, Simulator, simulator
from tests.simulators.test_kraken_books import Reader, decoded

pytestmark = pytest.mark.asyncio(loop_scope="module")

BBO = {"channel": "ticker", "symbol": ["BTC/USD", "ETH/USD"], "event_trigger": "bbo"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running() -> AsyncIterator[Simulator]:
    async with simulator("kraken", "--rate", "1500", "--heartbeat-interval-s", "0.2") as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def venue(running: Simulator) -> AsyncIterator[Simulator]:
    yield running
    await running.all_faults_off()


async def subscribed(raw: Raw, **params: Any) -> None:
    await raw.send({"method": "subscribe", "params": params})
    await raw.until(lambda one: one.get("success"))


async def next_of(raw: Raw, channel: str) -> Any:
    return await raw.until(lambda one: one.get("channel") == channel)


async def silence(raw: Raw, timeout_s: float = 0.5) -> None:
    """Wait until nothing comes any more, heartbeats included."""
    for _ in range(50_000):
        try:
            await raw.text(timeout_s=timeout_s)
        except TimeoutError:
            return
    pytest.fail("it goes on and on")


async def heartbeats_alone(raw: Raw) -> None:
    """Wait until heartbeats follow each other with nothing in between."""
    in_a_row = 0
    while in_a_row < 3:
        in_a_row = in_a_row + 1 if (await raw.json()).get("channel") == "heartbeat" else 0


async def test_the_two_kinds_of_mute_and_a_frozen_socket(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await subscribed(raw, **BBO)
        await venue.switch("data_mute")
        await silence(raw)
        assert (await raw.answer({"method": "ping", "req_id": 3}))["method"] == "pong"
        await raw.send({"method": "subscribe", "params": {**BBO, "symbol": ["SOL/USD"]}, "req_id": 4})
        assert (await raw.until(lambda one: one.get("req_id") == 4))["success"] is True
        await silence(raw)
        await venue.switch("data_mute", on=False)
        await next_of(raw, "ticker")
        await venue.switch("data_mute_with_heartbeats")
        await heartbeats_alone(raw)
        await venue.switch("data_mute_with_heartbeats", on=False)
        await next_of(raw, "ticker")
        await venue.switch("frozen_socket")
        await silence(raw)
        await raw.send({"method": "ping", "req_id": 5})
        await silence(raw)
        await venue.switch("frozen_socket", on=False)
        await raw.until(lambda one: one.get("req_id") == 5)


async def test_states_of_the_engine_are_pushed_and_end(venue: Simulator) -> None:
    async with venue.connect() as raw:
        online = await raw.json()
        await venue.switch("maintenance")
        assert await raw.text() == (
            '{"channel":"status","data":[{"api_version":"v2","system":"maintenance","version":"2.0.6"}],"type":"update"}'
        )
        assert (await venue.get_json("/0/public/SystemStatus"))["result"]["status"] == "maintenance"
        await venue.switch("maintenance", on=False)
        back = await next_of(raw, "status")
        assert back == online
        for system in ("cancel_only", "post_only"):
            await venue.switch(system)
            assert (await next_of(raw, "status"))["data"][0]["system"] == system
            await venue.switch(system, on=False)
            assert (await next_of(raw, "status"))["data"][0]["system"] == "online"
        await venue.switch("upcoming_maintenance", starts_in_s=600)
        (announced,) = (await next_of(raw, "status"))["data"][0]["upcoming_maintenance"]
        assert announced["time_to_start_s"] == 600
        await venue.switch("plain_status")
        (plain,) = (await next_of(raw, "status"))["data"]
        assert list(plain) == ["version", "system", "api_version", "connection_id"]


async def test_in_maintenance_data_stops_and_heartbeats_go_on(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await subscribed(raw, **BBO)
        await venue.switch("maintenance")
        await heartbeats_alone(raw)


async def test_a_halt_is_pushed_on_the_instrument_channel_and_ends(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await subscribed(raw, channel="instrument")
        await next_of(raw, "instrument")
        await venue.switch("halt", symbol="BTC/USD", status="cancel_only")
        update = await next_of(raw, "instrument")
        assert update["type"] == "update"
        assert [(pair["symbol"], pair["status"]) for pair in update["data"]["pairs"]] == [("BTC/USD", "cancel_only")]
        pairs = (await venue.get_json("/0/public/AssetPairs"))["result"]
        assert (pairs["XXBTZUSD"]["status"], pairs["XETHZUSD"]["status"]) == ("cancel_only", "online")
        await venue.switch("halt", on=False)
        update = await next_of(raw, "instrument")
        assert [(pair["symbol"], pair["status"]) for pair in update["data"]["pairs"]] == [("BTC/USD", "online")]


async def test_acknowledged_and_then_silent(venue: Simulator) -> None:
    await venue.switch("ack_then_silence", symbol="BTC/USD")
    async with venue.connect() as raw:
        await raw.send({"method": "subscribe", "params": BBO})
        acknowledged, delivered = set(), set()
        for _ in range(40):
            message = await raw.json()
            if message.get("success"):
                acknowledged.add(message["result"]["symbol"])
            elif message.get("channel") == "ticker":
                delivered.add(message["data"][0]["symbol"])
        assert acknowledged == {"BTC/USD", "ETH/USD"}
        assert delivered == {"ETH/USD"}


async def test_a_checksum_is_corrupted_once(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await raw.send({"method": "subscribe", "params": {"channel": "book", "symbol": ["BTC/USD"], "depth": 25}})
        reader = Reader(25)
        books, failed_at = 0, 0
        while not failed_at or books < failed_at + 20:
            text = await raw.text()
            if not text.startswith('{"channel":"book"'):
                continue
            books += 1
            if books == 20:
                await venue.switch("corrupted_checksum", once=True)
            try:
                reader.take(decoded(text))
            except AssertionError:
                assert not failed_at, "once"
                failed_at = books
    assert failed_at > 20


async def test_requests_are_refused(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await raw.text()
        await venue.switch("rate_limit_error", count=1)
        await raw.send({"method": "subscribe", "params": BBO})
        assert await raw.text() == '{"Error":"Exceeded msg rate"}'
        await venue.switch("already_subscribed", symbol="BTC/USD")
        await raw.send({"method": "subscribe", "params": BBO})
        refused = await raw.until(lambda one: one.get("success") is False)
        assert (refused["error"], refused["symbol"]) == ("Already subscribed", "BTC/USD")
        await raw.until(lambda one: one.get("channel") == "ticker" and one["data"][0]["symbol"] == "BTC/USD")


async def test_bad_frames_come_and_neighbours_go_on(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await subscribed(raw, **BBO)
        await venue.switch("malformed", once=True)
        await raw.until(lambda one: one.get("channel") == "ticker" and isinstance(one["data"][0]["bid"], dict))
        await venue.switch("non_json", once=True)
        while await raw.text() != "error code: 1015":
            pass
        await venue.switch("oversized", once=True)
        await raw.until(lambda one: len(one.get("padding", "")) > 1 << 20)
        await venue.switch("truncated", once=True)
        while (await raw.text())[-1] == "}":
            pass
        await next_of(raw, "ticker")


async def test_connections_are_closed_reset_and_refused(venue: Simulator) -> None:
    async with venue.connect() as raw:
        await venue.switch("close_connections")
        assert await raw.closed() == (1013, "Market data unavailable")
    async with venue.connect() as raw:
        await venue.switch("drop_connections")
        assert (await raw.closed())[0] == 1006
    await venue.switch("refuse_connections", count=1)
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with venue.connect():
            pass
    assert refused.value.response.status_code == 503


async def test_rest_fails(venue: Simulator) -> None:
    for fault, status in (
        ("rest_429", 429),
        ("rest_403", 403),
        ("rest_451", 451),
        ("rest_500", 500),
        ("rest_503", 503),
    ):
        await venue.switch(fault, path="AssetPairs")
        answered, _, headers = await venue.get("/0/public/AssetPairs")
        assert answered == status
        assert ("Retry-After" in headers) == (fault in {"rest_429", "rest_503"})
        await venue.switch(fault, on=False)
    await venue.switch("rest_error", text="EAPI:Rate limit exceeded")
    assert await venue.get_json("/0/public/Time") == {"error": ["EAPI:Rate limit exceeded"]}
