"""Streams that are cut and go on: what both flavours of the client make of tokens, snapshots and farewells."""

import asyncio

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from tests.client.flavours import FLAVOURS, LIMIT_S, Flavour, collect, is_revision, kinds, serving
from tests.client.scripted_server import (
    CUT,
    Fail,
    Hang,
    Script,
    Step,
    error_info,
    live,
    opening,
    quote,
    snapshot_of,
    status,
)

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import quote_pb2
from tickmux_client import (
    CaughtUp,
    Delivery,
    Disconnected,
    GoingAway,
    Quote,
    Reconnected,
    Reset,
    SourceChanged,
    UnavailableError,
)

pytestmark = pytest.mark.parametrize("flavour", FLAVOURS)

FAREWELL = pb.SubscribeResponse(going_away=True, resume_token="last")


def resumed(*quotes: quote_pb2.Quote) -> pb.SubscribeResponse:
    return pb.SubscribeResponse(
        continuity=pb.CONTINUITY_RESUMED, source_statuses=[status()], quotes=quotes, caught_up=True
    )


async def test_a_resume_continues_and_drops_repeats(flavour: Flavour) -> None:
    back = resumed(quote("A", 8), quote("A", 9))
    script = Script([[opening(quote("A", 7), token="t7"), live(quote("A", 8), token="t8"), CUT], [back, Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(9))
    assert [request.resume_token for request in script.requests] == ["", "t8"]
    assert kinds(events) == [
        SourceChanged, Quote, CaughtUp, Quote, Disconnected, Reconnected, SourceChanged, Quote,
    ]  # fmt: skip
    assert not any(event.gap_before for event in events if isinstance(event, Quote))


async def test_a_server_that_does_not_resume_is_asked_anew(flavour: Flavour) -> None:
    refusal = Fail(grpc.StatusCode.UNIMPLEMENTED, details=[error_info("NOT_SERVED_YET")])
    script = Script([[opening(token="t"), CUT], [refusal], [opening(quote("A", 9)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(9))
    assert [request.resume_token for request in script.requests] == ["", "t", ""]
    assert kinds(events)[2:6] == [Disconnected, Disconnected, Reconnected, Reset]


async def test_going_away_is_followed_by_a_stream_at_the_time_that_the_server_gives(flavour: Flavour) -> None:
    later = error_details_pb2.RetryInfo(retry_delay=Duration(nanos=300_000_000))
    moved = Fail(grpc.StatusCode.UNAVAILABLE, "moved", [error_info("GOING_AWAY"), later])
    script = Script([[opening(quote("A", 1)), FAREWELL, moved], [resumed(quote("A", 2)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(2))
    assert kinds(events) == [SourceChanged, Quote, CaughtUp, GoingAway, Reconnected, SourceChanged, Quote]
    assert script.requests[1].resume_token == "last"
    back = events[4]
    assert back.resumed
    assert back.outage_s >= 0.3
    assert not events[-1].gap_before


@pytest.mark.parametrize("then", [Hang(), live(quote("A", 9))], ids=["silence", "more"])
async def test_a_server_that_goes_away_and_does_not_go_is_left(flavour: Flavour, then: Step) -> None:
    script = Script([[opening(quote("A", 1)), FAREWELL, then, Hang()], [resumed(quote("A", 2)), Hang()]])
    # Well before its missing heartbeats would end the stream, after 15 s.
    async with serving(script) as target, asyncio.timeout(LIMIT_S / 2):
        events = await collect(flavour, target, "subscribe", is_revision(2))
    assert kinds(events) == [SourceChanged, Quote, CaughtUp, GoingAway, Reconnected, SourceChanged, Quote]


async def test_a_farewell_before_the_state_is_complete_begins_anew(flavour: Flavour) -> None:
    half = pb.SubscribeResponse(continuity=pb.CONTINUITY_SNAPSHOT, source_statuses=[status()], quotes=[quote("A", 1)])
    farewell = pb.SubscribeResponse(going_away=True)
    script = Script([[half, farewell, CUT], [opening(quote("A", 2)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(2))
    assert kinds(events) == [SourceChanged, Quote, GoingAway, Reconnected, Reset, SourceChanged, Quote]
    assert not script.requests[1].resume_token


async def test_a_stream_joins_the_snapshot_before_it(flavour: Flavour) -> None:
    taken = snapshot_of(quote("A", 5), quote("B", 7), token="t5")
    back = resumed(quote("B", 6), quote("B", 7), quote("A", 6), quote("B", 8))
    script = Script([[back, CUT], [resumed(quote("A", 6), quote("B", 9)), Hang()]])
    async with serving(script) as target:
        events = await collect(flavour, target, "subscribe", is_revision(9), after=taken)
    assert [request.resume_token for request in script.requests] == ["t5", "t5"]
    assert kinds(events) == [
        SourceChanged, Quote, Quote, CaughtUp, Disconnected, Reconnected, SourceChanged, Quote,
    ]  # fmt: skip
    quotes = [event for event in events if isinstance(event, Quote)]
    assert [(event.symbol, event.revision) for event in quotes] == [("A", 6), ("B", 8), ("B", 9)]
    assert not any(event.gap_before for event in quotes)


async def test_a_kept_quote_is_stale_from_a_cut_until_what_was_missed_has_come(flavour: Flavour) -> None:
    back = resumed(quote("A", 1))
    script = Script([[opening(quote("QUIET", 7), token="t"), CUT], [back, live(quote("A", 2)), Hang()]])
    kept: list[Quote] = []
    stale: list[tuple[type, bool]] = []

    def until(item: object) -> bool:
        if isinstance(item, Quote) and not kept:
            kept.append(item)
        if kept and isinstance(item, Quote | Disconnected | Reconnected | CaughtUp):
            stale.append((type(item), kept[0].is_stale))
        return is_revision(2)(item)

    async with serving(script) as target:
        await collect(flavour, target, "subscribe", until)
    assert stale == [
        (Quote, False), (CaughtUp, False), (Disconnected, True),
        (Reconnected, True), (Quote, True), (CaughtUp, False), (Quote, False),
    ]  # fmt: skip


async def test_who_takes_quotes_alone_is_told_that_missed_ones_are_not_the_present(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 7), token="t"), CUT], [resumed(quote("A", 8)), live(quote("A", 9)), Hang()]])
    kept: list[Quote] = []
    stale: list[list[bool]] = []

    def until(item: Quote) -> bool:
        kept.append(item)
        stale.append([held.is_stale for held in kept])
        return is_revision(9)(item)

    async with serving(script) as target:
        await collect(flavour, target, "quotes", until)
    assert stale == [[False], [True, True], [False, False, False]]


async def test_a_stream_that_ends_rather_than_conflates_says_where_it_stood(flavour: Flavour) -> None:
    info = error_info("CLIENT_TOO_FAR_BEHIND")
    info.metadata["resume_token"] = "t9"
    behind = Fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "too far behind", [info])
    async with serving(Script([[opening(quote("A", 1), token="t1"), behind]])) as target:
        with pytest.raises(UnavailableError) as caught:
            await collect(flavour, target, "quotes", lambda _: False, delivery=Delivery.ALL_OR_END)
    assert (caught.value.reason, caught.value.resume_token) == ("CLIENT_TOO_FAR_BEHIND", "t9")
