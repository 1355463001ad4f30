"""A stream breaks, and goes on or begins anew."""

from typing import Final

from tests.conformance.lines import (
    all_quoted,
    caught_up,
    changed,
    cut_off,
    disconnected,
    missed,
    quoted,
    reconnected,
    was_reset,
)
from tests.conformance.messages import live, quote, quotes, resumed, state
from tests.conformance.scenario import Call, Cut, End, Scenario, Send, Tear

from tickmux.v1 import market_data_service_pb2 as pb

_BATCH: Final = quotes(3, 200)
_ETHER: Final = quote(5, "ETHUSDT")
_KEPT: Final = ["binance/BTCUSDT", "binance/ETHUSDT"]
_OPENING: Final = Send(state(quote(1), _ETHER, token="t1"), [changed(), quoted(quote(1)), quoted(_ETHER), caught_up()])
_GOES_ON: Final = (reconnected(resumed=True), changed())
_BEGINS_ANEW: Final = (reconnected(resumed=False), was_reset(stale=_KEPT), changed())

SCENARIOS: Final = (
    Scenario(
        5,
        "Cut in the middle of a batch: it comes again, whole",
        calls=[
            Call(
                [
                    _OPENING,
                    Send(live(quote(2), token="t2"), [quoted(quote(2))]),
                    Tear(live(*_BATCH, token="t3"), [cut_off(stale=_KEPT)]),
                ]
            ),
            Call(
                [Send(resumed(*_BATCH, token="t3"), [*_GOES_ON, *missed(*_BATCH), caught_up(stale=[])])],
                resume_token="t2",
            ),
        ],
    ),
    Scenario(
        6,
        "Cut in the middle of the state: no token yet, all begins anew",
        calls=[
            Call(
                [
                    Send(state(quote(1), is_complete=False), [changed(), quoted(quote(1))]),
                    Send(live(_ETHER), [quoted(_ETHER)]),
                    Tear(live(*quotes(1, 100, "SOLUSDT")), [cut_off(stale=_KEPT)]),
                ]
            ),
            Call(
                [
                    Send(
                        state(quote(3), token="t1"),
                        [*_BEGINS_ANEW, quoted(quote(3), gap_before=True), caught_up(stale=["binance/ETHUSDT"])],
                    ),
                    Send(live(quote(4)), [quoted(quote(4))]),
                ]
            ),
        ],
    ),
    Scenario(
        7,
        "What comes again after a cut is dropped",
        calls=[
            Call(
                [
                    _OPENING,
                    Send(live(*quotes(2, 4)), all_quoted(quotes(2, 4))),
                    Cut([cut_off(stale=_KEPT)]),
                ]
            ),
            Call(
                [
                    Send(resumed(*quotes(2, 5), token="t5"), [*_GOES_ON, *missed(quote(5)), caught_up(stale=[])]),
                    Send(live(*quotes(5, 6), token="t6"), [quoted(quote(6))]),
                ],
                resume_token="t1",
            ),
        ],
    ),
    Scenario(
        8,
        "RESET where a token cannot be honoured, which is never sent again",
        calls=[
            Call([_OPENING, Cut([cut_off()])]),
            Call(
                [
                    Send(
                        state(quote(9), continuity=pb.CONTINUITY_RESET, is_complete=False),
                        [*_BEGINS_ANEW, quoted(quote(9), gap_before=True)],
                    ),
                    Cut([cut_off(stale=_KEPT)]),
                ],
                resume_token="t1",
            ),
            Call(
                [
                    Send(
                        state(quote(9), token="t9"),
                        [*_BEGINS_ANEW, quoted(quote(9), gap_before=True), caught_up(stale=["binance/ETHUSDT"])],
                    ),
                    Send(live(quote(10)), [quoted(quote(10))]),
                ]
            ),
        ],
    ),
    Scenario(
        9,
        "A stream that just ends, and bytes that are no message",
        calls=[
            Call([_OPENING, End([disconnected("STREAM_ENDED", stale=_KEPT)])]),
            Call(
                [
                    Send(resumed(quote(2), token="t2"), [*_GOES_ON, *missed(quote(2)), caught_up()]),
                    Send(b"\xff\xff\xff", [disconnected(None, stale=_KEPT)]),
                ],
                resume_token="t1",
            ),
            Call([Send(resumed(quote(3)), [*_GOES_ON, *missed(quote(3)), caught_up()])], resume_token="t2"),
        ],
    ),
)
