"""Where a program stands, and what it finds when it goes on from there after its own restart."""

import asyncio
from contextlib import aclosing, closing
from typing import Any

import grpc
import pytest
from tests.client.flavours import FLAVOURS, LIMIT_S, OPTIONS, Flavour, collect, given, is_revision, serving
from tests.client.scripted_server import Fail, Hang, Script, live, opening, quote, snapshot_of, status

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux_client import AccessDeniedError, CaughtUp, Event, InvalidRequestError, Quote, Reset, connect, sync
from tickmux_client._position import Position
from tickmux_client._session import Session

LAST = 99


def half(*responses: pb.SubscribeResponse) -> list[pb.SubscribeResponse]:
    """The state of the first response, begun by it and completed by the second."""
    first, second = responses
    first.caught_up = False
    second.caught_up = True
    return [first, second]


def reset(response: pb.SubscribeResponse) -> pb.SubscribeResponse:
    response.continuity = pb.CONTINUITY_RESET
    return response


WHOLE = [
    *half(opening(quote("A", 3), quote("B", 1)), live(quote("C", 5), token="state")),
    live(quote("A", 4), quote("A", 5), quote("B", 2), token="five"),
    live(quote("A", 6)),
    live(quote("A", 7), quote("B", 3), token="seven"),
    live(token="heartbeat"),
    *half(reset(opening(quote("A", 20), quote("B", 9))), live(quote("C", 8), token="anew")),
    live(quote("B", 10), quote("A", LAST), token="end"),
]
REVISIONS = {(item.symbol, item.revision) for response in WHOLE for item in response.quotes}
EVENTS = 19


def after(token: str) -> list[pb.SubscribeResponse]:
    """What a server answers that token with, or none."""
    if not token:
        return WHOLE
    (place,) = [place for place, response in enumerate(WHOLE) if response.resume_token == token]
    first = pb.SubscribeResponse(source_statuses=[status()], continuity=pb.CONTINUITY_RESUMED, caught_up=True)
    rest = WHOLE[place + 1 :]
    return rest if rest and rest[0].continuity == pb.CONTINUITY_RESET else [first, *rest]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(("method", "items"), [("subscribe", EVENTS), ("quotes", len(REVISIONS))])
async def test_a_program_cut_between_any_two_events_misses_nothing(flavour: Flavour, method: str, items: int) -> None:
    tokens = []
    for count in range(items):
        calls: list[Any] = [[*WHOLE, Hang()]] if count else []
        script = Script(calls)
        async with serving(script) as target:
            before, token = await given(flavour, target, method, count)
            calls.append([*after(token), Hang()])
            going_on = await collect(flavour, target, method, is_revision(LAST), resume_token=token)
        assert script.requests[-1].resume_token == token
        seen = [item for item in [*before, *going_on] if isinstance(item, Quote)]
        assert {(item.symbol, item.revision) for item in seen} == REVISIONS, count
        # The loss that the stream told of is told, if need be twice.
        if method == "subscribe":
            assert [event for event in [*before, *going_on] if isinstance(event, Reset)], count
        tokens.append(token)
    assert list(dict.fromkeys(tokens)) == ["", "state", "five", "seven", "heartbeat", "anew"]


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_the_token_of_a_response_counts_with_its_last_event(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 1), quote("B", 1), token="state"), live(quote("A", 2), token="two"), Hang()]])
    async with serving(script) as target:
        tokens = [(await given(flavour, target, "subscribe", count))[1] for count in range(1, 6)]
        of_quotes = [(await given(flavour, target, "quotes", count))[1] for count in range(1, 4)]
    assert tokens == ["", "", "", "state", "two"]
    assert of_quotes == ["", "state", "two"]


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("options", [{"resume_token": "mine"}, {"after": snapshot_of(token="mine")}])
async def test_before_the_first_event_it_is_where_the_program_began(flavour: Flavour, options: Any) -> None:
    async with connect("127.0.0.1:1") as client:
        with sync.connect("127.0.0.1:1") as sync_client:
            chosen: Any = client if flavour == "asyncio" else sync_client
            for method in (chosen.subscribe, chosen.quotes):
                assert method(**options).resume_token == "mine"
                assert method().resume_token == ""


async def test_a_response_without_quotes_moves_the_position_of_a_program_that_waits_for_one() -> None:
    refusal = Fail(grpc.StatusCode.PERMISSION_DENIED)
    script = Script([[opening(quote("A", 1), token="state"), live(token="heartbeat"), refusal]])
    async with (
        serving(script) as target,
        connect(target, **OPTIONS) as client,
        client.quotes() as quotes,
        asyncio.timeout(LIMIT_S),
    ):
        await anext(quotes)
        assert quotes.resume_token == "state"
        with pytest.raises(AccessDeniedError) as caught:
            await anext(quotes)
        assert quotes.resume_token == caught.value.resume_token == "heartbeat"


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_what_is_left_early_ends_its_call(flavour: Flavour) -> None:
    script = Script([[opening(quote("A", 1)), Hang()]])

    def with_sync(target: str) -> None:
        with sync.connect(target, **OPTIONS) as client:
            subscription = client.subscribe()
            next(subscription)
            next(subscription)
            subscription.close()
            assert list(subscription) == []
            with closing(client.quotes()) as quotes:
                assert next(quotes).revision == 1

    async def with_asyncio(target: str) -> None:
        async with connect(target, **OPTIONS) as client:
            subscription = client.subscribe()
            await anext(subscription)
            await anext(subscription)
            await subscription.aclose()
            assert [event async for event in subscription] == []
            async with aclosing(client.quotes()) as quotes:
                assert (await anext(quotes)).revision == 1

    async with serving(script) as target, asyncio.timeout(LIMIT_S):
        await (with_asyncio(target) if flavour == "asyncio" else asyncio.to_thread(with_sync, target))


def test_a_position_is_that_of_the_last_response_given_whole() -> None:
    position = Position("begun")
    responses: list[tuple[list[int], str]] = [([1, 2], "two"), ([], "none"), ([3], "three")]
    seen = [(item, position.resume_token) for items, token in responses for item in position.give(items, token)]
    assert seen == [(1, "begun"), (2, "two"), (3, "three")]
    next(position.give([4, 5], "five"))
    assert position.resume_token == "three"


def session(token: str = "") -> Session:
    request = pb.SubscribeRequest()
    request.heartbeat_interval.FromSeconds(5)
    if token:
        request.resume_token = token
    return Session(request, "host:1", {})


def take(subject: Session, response: pb.SubscribeResponse) -> list[Event]:
    return list(subject.give(subject.receive(response)))


def test_a_token_outlives_its_chain_until_the_new_state_is_complete() -> None:
    subject = session()
    subject.open()
    take(subject, opening(quote("A", 1), token="old"))
    first, second = half(reset(opening(quote("A", 1, epoch=2))), live(quote("B", 1, epoch=2), token="new"))
    take(subject, first)
    assert subject.position.resume_token == "old"
    assert any(isinstance(event, CaughtUp) for event in take(subject, second))
    assert subject.position.resume_token == "new"


def test_a_token_that_the_server_refuses_is_gone() -> None:
    subject = session()
    subject.open()
    take(subject, opening(quote("A", 1), token="old"))
    subject.lost(subject.ended())
    subject.open()
    list(subject.give(subject.lost(InvalidRequestError("no such token"))))
    assert subject.position.resume_token == ""
