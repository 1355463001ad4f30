"""Scripted servers on real sockets: what both flavours of the client make of good and bad days."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from tests.client.flavours import (
    FLAVOURS,
    LIMIT_S,
    OPTIONS,
    Flavour,
    collect,
    is_revision,
    kinds,
    serving,
)
from tests.client.scripted_server import CUT, Fail, Hang, Script, error_info, live, opening, quote, status
from tests.relay import Relay

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import source_pb2
from tickmux_client import (
    AccessDeniedError,
    CaughtUp,
    Conflated,
    Disconnected,
    Hole,
    InvalidRequestError,
    Quote,
    Reconnected,
    Reset,
    SourceChanged,
    UnavailableError,
    UnimplementedError,
    connect,
    sync,
)

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)


def keep_in(seen: list[Any]) -> Callable[[Any], bool]:
    """Never satisfied; keeps what came before the error."""

    def keep(item: object) -> bool:
        seen.append(item)
        return False

    return keep


async def test_state_then_live(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 7, bid=1.5)), live(quote("A", 8)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(8), symbols=["A"])
    assert kinds(events) == [SourceChanged, Quote, CaughtUp, Quote]
    assert events[1].bid_price == 1.5
    assert events[3].bid_price is None
    assert list(script.requests[0].selection.symbols) == ["A"]
    assert script.requests[0].delivery == pb.DELIVERY_ALL
    assert script.requests[0].heartbeat_interval.seconds == 5


async def test_a_cut_in_the_midst_of_the_state_begins_anew(flavour: Flavour) -> None:
    half = pb.SubscribeResponse(continuity=pb.CONTINUITY_SNAPSHOT, source_statuses=[status()], quotes=[quote("A", 7)])
    script = Script([[half, CUT], [opening(quote("A", 9), quote("B", 2)), live(quote("B", 3)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(3))
    assert kinds(events) == [
        SourceChanged, Quote, Disconnected, Reconnected, Reset, SourceChanged, Quote, Quote, CaughtUp, Quote,
    ]  # fmt: skip
    assert events[3].resumed is False
    assert [event.gap_before for event in events if isinstance(event, Quote)] == [False, True, True, False]


async def test_a_reset_in_the_stream(flavour: Flavour) -> None:
    reset = opening(quote("A", 20))
    reset.continuity = pb.CONTINUITY_RESET
    script = Script([[opening(quote("A", 7)), reset, Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(20))
    assert kinds(events) == [SourceChanged, Quote, CaughtUp, Reset, SourceChanged, Quote]


async def test_holes_and_conflation(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 1)), live(quote("A", 5), conflated=3), live(quote("A", 8)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(8))
    assert kinds(events)[3:] == [Conflated, Quote, Hole, Quote]
    assert events[3].count == 3
    assert events[5] == Hole("binance", "A", 1, expected_revision=6, seen_revision=8)


async def test_a_silent_stream_is_dead_after_three_heartbeats(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 1)), Hang()], [opening(quote("A", 2)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(2), heartbeat_interval_s=0.2)
    (lost,) = [event for event in events if isinstance(event, Disconnected)]
    assert lost.reason == "HEARTBEATS_MISSED"
    assert "3 heartbeats were missed" in lost.problem


async def test_a_server_that_says_nothing_at_all_is_dead_too(flavour: Flavour) -> None:
    script = Script([[Hang()], [opening(quote("A", 2)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(2), heartbeat_interval_s=0.2)
    assert kinds(events) == [Disconnected, Reconnected, SourceChanged, Quote]


async def test_an_end_without_an_error_reconnects(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 1))], [opening(quote("A", 2)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(2))
    assert [event.reason for event in events if isinstance(event, Disconnected)] == ["STREAM_ENDED"]


async def test_unavailable_waits_as_asked(flavour: Flavour) -> None:
    busy = Fail(
        grpc.StatusCode.UNAVAILABLE,
        "draining",
        [error_info("DRAINING"), error_details_pb2.RetryInfo(retry_delay=Duration(nanos=50_000_000))],
    )
    script = Script([[busy], [opening(quote("A", 1)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(1))
    lost, back = events[:2]
    assert lost.reason == "DRAINING"
    assert 0.05 <= lost.retry_in_s <= 0.07 + 1e-9
    assert back.outage_s >= 0.05


@pytest.mark.parametrize("method", ["subscribe", "quotes", "responses"])
async def test_an_invalid_request_is_raised_with_its_violations(flavour: Flavour, method: str) -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="selection.sources[0]", description="no such source")
    bad = Fail(
        grpc.StatusCode.INVALID_ARGUMENT,
        "unknown source `binanec`; did you mean `binance`?",
        [error_info("UNKNOWN_SOURCE"), error_details_pb2.BadRequest(field_violations=[violation])],
    )
    async with serving(Script([[bad]])) as target:
        with pytest.raises(InvalidRequestError) as caught:
            await collect(flavour, target, method, lambda _: False, sources="binanec")
    assert caught.value.code == grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.reason == "UNKNOWN_SOURCE"
    assert caught.value.violations == {"selection.sources[0]": "no such source"}
    assert str(caught.value) == (
        f"INVALID_ARGUMENT from {target}: unknown source `binanec`; did you mean `binance`?: "
        "selection.sources[0]: no such source"
    )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, AccessDeniedError),
        (grpc.StatusCode.PERMISSION_DENIED, AccessDeniedError),
        (grpc.StatusCode.UNIMPLEMENTED, UnimplementedError),
        (grpc.StatusCode.FAILED_PRECONDITION, InvalidRequestError),
    ],
)
async def test_what_cannot_heal_is_raised_at_once(flavour: Flavour, code: grpc.StatusCode, kind: type) -> None:
    script = Script([[Fail(code)]])
    async with serving(script) as target:
        with pytest.raises(kind):
            await collect(flavour, target, "subscribe", lambda _: False)
    assert len(script.requests) == 1


async def test_a_server_that_is_far_or_busy_is_given_time_to_accept(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 1)), Hang()]])
    async with serving(script) as target, Relay(target, accept_delay_s=0.4) as slow:
        events = await collect(flavour, slow.target, "subscribe", is_revision(1), reconnects_max=0)
    assert kinds(events) == [SourceChanged, Quote]


async def test_an_unreachable_server_is_told_and_raised_if_tries_are_limited(flavour: Flavour) -> None:
    seen: list[Any] = []
    async with serving(Script()) as target:
        pass
    with pytest.raises(UnavailableError, match=f"^UNAVAILABLE from {target}: .*[Rr]efused"):
        await collect(flavour, target, "subscribe", keep_in(seen), reconnects_max=1)
    assert kinds(seen) == [Disconnected]


async def test_quotes_only_with_gaps_and_staleness(flavour: Flavour) -> None:
    newer = status(source_pb2.SOURCE_STATE_LIVE, epoch=2)
    restart = pb.SubscribeResponse(source_statuses=[newer], quotes=[quote("A", 1, epoch=2)])
    script = Script([[opening(quote("A", 7), quote("QUIET", 3)), restart, Hang()]])
    kept: list[Quote] = []
    stale: list[bool] = []

    def until(item: Quote) -> bool:
        kept.append(item)
        stale[:] = [earlier.is_stale for earlier in kept]
        return item.revision == 1

    async with serving(script) as target:
        items = await collect(flavour, target, "quotes", until)
    assert kinds(items) == [Quote, Quote, Quote]
    assert [item.gap_before for item in items] == [False, False, True]
    assert stale == [True, True, False]


async def test_statuses_before_quotes_apply_to_them(flavour: Flavour) -> None:
    down = pb.SubscribeResponse(source_statuses=[status(source_pb2.SOURCE_STATE_DOWN)], quotes=[quote("A", 8)])
    script = Script([[opening(quote("A", 7)), down, Hang()]])
    stale: dict[int, bool] = {}

    def until(item: object) -> bool:
        if isinstance(item, Quote):
            stale[item.revision] = item.is_stale
        return isinstance(item, Quote) and item.revision == 8

    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", until)
    assert kinds(events)[3:] == [SourceChanged, Quote]
    assert stale == {7: False, 8: True}


async def test_a_quote_that_outlives_its_stream_is_stale(flavour: Flavour) -> None:
    fresh: list[bool] = []

    def until(item: Quote) -> bool:
        fresh.append(not item.is_stale)
        return True

    async with serving(Script([[opening(quote("A", 7)), Hang()]])) as target:
        (kept,) = await collect(flavour, target, "quotes", until)
    assert fresh == [True]
    assert kept.is_stale


async def test_a_slow_consumer_is_not_taken_for_a_dead_stream(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 1)), live(quote("A", 2)), Hang()]])
    silence_s = 0.4
    seen: list[type] = []

    async def with_asyncio(target: str) -> None:
        async with connect(target, **OPTIONS) as client:
            async for event in client.subscribe(heartbeat_interval_s=silence_s / 3):
                seen.append(type(event))
                if isinstance(event, CaughtUp):
                    await asyncio.sleep(2 * silence_s)
                elif is_revision(2)(event):
                    break

    def with_sync(target: str) -> None:
        with sync.connect(target, **OPTIONS) as client:
            for event in client.subscribe(heartbeat_interval_s=silence_s / 3):
                seen.append(type(event))
                if isinstance(event, CaughtUp):
                    time.sleep(2 * silence_s)
                elif is_revision(2)(event):
                    break

    async with serving(script) as target, asyncio.timeout(LIMIT_S):
        await (with_asyncio(target) if flavour == "asyncio" else asyncio.to_thread(with_sync, target))
    assert seen == [SourceChanged, Quote, CaughtUp, Quote]


async def test_raw_responses_of_one_call(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 7)), live(quote("A", 9)), CUT]])
    seen: list[pb.SubscribeResponse] = []
    async with serving(script) as target:
        with pytest.raises(UnavailableError):
            await collect(flavour, target, "responses", keep_in(seen))
    assert seen == [opening(quote("A", 7)), live(quote("A", 9))]
    assert len(script.requests) == 1


async def test_metadata_goes_with_the_call(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 1)), Hang()]])
    async with serving(script) as target:
        options = {**OPTIONS, "metadata": [("authorization", "Bearer x")]}
        if flavour == "asyncio":
            async with connect(target, **options) as client:
                await anext(client.subscribe())
        else:
            with sync.connect(target, **options) as sync_client:
                await asyncio.to_thread(next, sync_client.subscribe())
    assert script.metadata[0]["authorization"] == "Bearer x"


async def test_breaking_out_ends_the_call_while_the_client_lives_on(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 1)), Hang()]])

    def with_sync(client: sync.Client) -> None:
        for _ in client.subscribe():
            break

    async with serving(script) as target, asyncio.timeout(LIMIT_S):
        if flavour == "asyncio":
            async with connect(target, **OPTIONS) as client:
                async for _ in client.subscribe():
                    break
                await script.all_closed.wait()
        else:
            with sync.connect(target, **OPTIONS) as sync_client:
                await asyncio.to_thread(with_sync, sync_client)
                await script.all_closed.wait()
    assert not [thread for thread in threading.enumerate() if "silence" in thread.name]


async def test_closing_the_client_ends_the_iteration(flavour: Flavour) -> None:
    # Well before its silence would end it, after 15 s.
    script = Script([[opening(quote("A", 1)), Hang()]])
    async with serving(script) as target, asyncio.timeout(LIMIT_S / 2):
        caught_up = asyncio.Event()
        loop = asyncio.get_running_loop()
        client = connect(target, **OPTIONS)
        sync_client = sync.connect(target, **OPTIONS)

        async def with_asyncio() -> None:
            async for event in client.subscribe():
                if isinstance(event, CaughtUp):
                    caught_up.set()

        def with_sync() -> None:
            for event in sync_client.subscribe():
                if isinstance(event, CaughtUp):
                    loop.call_soon_threadsafe(caught_up.set)

        task = asyncio.create_task(with_asyncio() if flavour == "asyncio" else asyncio.to_thread(with_sync))
        await caught_up.wait()
        sync_client.close()
        await client.close()
        await task
