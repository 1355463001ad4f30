"""The server ends a call, and says why: what is tried again, when, and what is not."""

from typing import Final

import grpc
from tests.client.scripted_server import Fail
from tests.conformance.lines import (
    AtLeast,
    caught_up,
    changed,
    cut_off,
    disconnected,
    error,
    going_away,
    missed,
    quoted,
    reconnected,
    was_reset,
)
from tests.conformance.messages import fail, live, quote, resumed, state, unavailable
from tests.conformance.scenario import Abort, Call, Cut, Scenario, Send

from tickmux.v1 import market_data_service_pb2 as pb

_OPENING: Final = Send(state(quote(1), token="t1"), [changed(), quoted(quote(1)), caught_up()])
_SECOND: Final = Send(live(quote(2), token="t2"), [quoted(quote(2))])
_KEPT: Final = ["binance/BTCUSDT"]
_UNKNOWN_TOKEN: Final = fail(grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
_ENDED_TOKEN: Final = fail(grpc.StatusCode.UNAUTHENTICATED, "TOKEN_ENDED")
_REFUSED_TOKEN: Final = fail(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", violation="resume_token")
_BUSY: Final = fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS", retry_after_s=0.3)
_BEHIND: Final = fail(
    grpc.StatusCode.RESOURCE_EXHAUSTED, "CLIENT_TOO_FAR_BEHIND", retry_after_s=2.5, resume_token="of the error"
)
_HALF_STATE: Final = state(quote(9), continuity=pb.CONTINUITY_RESET, is_complete=False)
_BEARER: Final = {"token": "tmx-never-to-be-shown"}


def _first(attempts: int) -> Send:
    """What a first state looks like that came after failures."""
    opening = [reconnected(resumed=False, attempts=attempts), *_OPENING.sees]
    return Send(_OPENING.response, opening)


SCENARIOS: Final = (
    Scenario(
        20,
        "Going away: no Disconnected, and back at the time that was asked for",
        calls=[
            Call(
                [
                    _OPENING,
                    Send(live(quote(2), token="t2", is_going_away=True), [quoted(quote(2)), going_away()]),
                    Abort(unavailable(0.4)),
                ]
            ),
            Call(
                [Send(resumed(quote(3)), [reconnected(resumed=True), changed(), *missed(quote(3)), caught_up()])],
                resume_token="t2",
                waited_s_min=0.4,
            ),
        ],
    ),
    Scenario(
        21,
        "UNAVAILABLE before the first response: never back before the time that was asked for",
        calls=[
            Call([Abort(unavailable(0.4, "STARTING"), [disconnected("STARTING", retry_in_s_min=0.4)])]),
            Call(
                [Abort(unavailable(0.2, "STARTING"), [disconnected("STARTING", attempts=1, retry_in_s_min=0.2)])],
                waited_s_min=0.4,
            ),
            Call([_first(2)], waited_s_min=0.2),
        ],
    ),
    Scenario(
        22,
        "RESOURCE_EXHAUSTED: tried again",
        calls=[
            Call([Abort(_BUSY, [disconnected("TOO_MANY_STREAMS", retry_in_s_min=0.3)])]),
            Call([_first(1)], waited_s_min=0.3),
        ],
    ),
    Scenario(
        23,
        "Too far behind under ALL_OR_END: the end, with a token",
        options={"delivery": "ALL_OR_END"},
        calls=[
            Call(
                [
                    _OPENING,
                    _SECOND,
                    Abort(
                        _BEHIND,
                        [
                            error(
                                "UNAVAILABLE",
                                "RESOURCE_EXHAUSTED",
                                "CLIENT_TOO_FAR_BEHIND",
                                resume_token="of the error",
                                retry_after_s=2.5,
                                stale=_KEPT,
                            )
                        ],
                    ),
                ]
            )
        ],
    ),
    Scenario(
        24,
        "UNAUTHENTICATED: the end, never tried again",
        options=_BEARER,
        calls=[Call([Abort(_UNKNOWN_TOKEN, [error("ACCESS_DENIED", "UNAUTHENTICATED", "UNAUTHENTICATED")])])],
    ),
    Scenario(
        25,
        "UNAUTHENTICATED in the middle of a stream: the end, with a token",
        options=_BEARER,
        calls=[
            Call(
                [
                    _OPENING,
                    _SECOND,
                    Abort(
                        _ENDED_TOKEN,
                        [error("ACCESS_DENIED", "UNAUTHENTICATED", "TOKEN_ENDED", resume_token="t2", stale=_KEPT)],
                    ),
                ]
            )
        ],
    ),
    Scenario(
        26,
        "An error while a new state is not complete yet: the end, with the token of before",
        calls=[
            Call(
                [
                    _OPENING,
                    Send(_HALF_STATE, [was_reset(stale=_KEPT), changed(), quoted(quote(9), gap_before=True)]),
                    Abort(
                        _ENDED_TOKEN,
                        [error("ACCESS_DENIED", "UNAUTHENTICATED", "TOKEN_ENDED", resume_token="t1", stale=_KEPT)],
                    ),
                ]
            )
        ],
    ),
    Scenario(
        27,
        "A later server refuses its predecessor's token: all begins anew",
        calls=[
            Call([_OPENING, Cut([cut_off(stale=_KEPT)])]),
            Call(
                [Abort(_REFUSED_TOKEN, [disconnected("INVALID_REQUEST", attempts=AtLeast(1), stale=_KEPT)])],
                resume_token="t1",
            ),
            Call(
                [
                    Send(
                        state(quote(5), token="t5"),
                        [
                            reconnected(resumed=False),
                            was_reset(stale=_KEPT),
                            changed(),
                            quoted(quote(5), gap_before=True),
                            caught_up(),
                        ],
                    )
                ]
            ),
        ],
    ),
    Scenario(
        28,
        "INVALID_ARGUMENT for the caller's own request: the end",
        options={"resume_token": "of the caller"},
        calls=[
            Call(
                [Abort(_REFUSED_TOKEN, [error("INVALID_REQUEST", "INVALID_ARGUMENT", "INVALID_REQUEST")])],
                resume_token="of the caller",
            )
        ],
    ),
    Scenario(
        29,
        "Permitted tries are spent: the end, with a token",
        options={"reconnects_max": 2},
        calls=[
            Call([_OPENING, Abort(unavailable(), [disconnected("GOING_AWAY", stale=_KEPT)])]),
            Call([Abort(unavailable(), [disconnected("GOING_AWAY", attempts=1)])], resume_token="t1"),
            Call(
                [
                    Abort(
                        unavailable(),
                        [error("UNAVAILABLE", "UNAVAILABLE", "GOING_AWAY", resume_token="t1", stale=_KEPT)],
                    )
                ],
                resume_token="t1",
            ),
        ],
    ),
    Scenario(
        30,
        "UNIMPLEMENTED, from a server that gives no details: the end",
        calls=[Call([Abort(Fail(grpc.StatusCode.UNIMPLEMENTED), [error("UNIMPLEMENTED", "UNIMPLEMENTED", "")])])],
    ),
)
