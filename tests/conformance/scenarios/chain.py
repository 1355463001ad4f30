"""Revisions that are missing, and chains that end."""

from typing import Final

from tests.client.scripted_server import status
from tests.conformance.lines import (
    Pattern,
    all_quoted,
    caught_up,
    changed,
    conflated,
    cut_off,
    hole,
    missed,
    quoted,
    reconnected,
    was_reset,
)
from tests.conformance.messages import live, quote, quotes, reset, resumed, state
from tests.conformance.scenario import Call, Cut, Scenario, Send

_OPENING: Final = Send(
    state(quote(1), quote(1, "ETHUSDT"), token="t1"),
    [changed(), quoted(quote(1)), quoted(quote(1, "ETHUSDT")), caught_up()],
)
_KEPT: Final = ["binance/BTCUSDT", "binance/ETHUSDT"]


def _after_gap(revision: int, symbol: str = "BTCUSDT", *, epoch: int = 1) -> Pattern:
    return quoted(quote(revision, symbol, epoch=epoch), gap_before=True)


SCENARIOS: Final = (
    Scenario(
        10,
        "RESET in the middle of a stream: what was kept is stale until it comes anew",
        calls=[
            Call(
                [
                    _OPENING,
                    Send(
                        reset(quote(20), token="t20"),
                        [was_reset(stale=_KEPT), changed(), _after_gap(20), caught_up(stale=["binance/ETHUSDT"])],
                    ),
                    Send(live(quote(21), quote(1, "SOLUSDT")), [quoted(quote(21)), _after_gap(1, "SOLUSDT")]),
                ]
            )
        ],
    ),
    Scenario(
        11,
        "Missing revisions: a Hole, of each instrument and epoch",
        calls=[
            Call(
                [
                    _OPENING,
                    Send(
                        live(quote(2), quote(5), quote(6)),
                        [quoted(quote(2)), hole(3, 5), _after_gap(5), quoted(quote(6))],
                    ),
                    Send(live(quote(3, "SOLUSDT")), [hole(1, 3, "SOLUSDT"), _after_gap(3, "SOLUSDT")]),
                    Send(
                        live(quote(2, epoch=2), statuses=[status(epoch=2)]),
                        [changed(epoch=2), hole(1, 2, epoch=2), _after_gap(2, epoch=2)],
                    ),
                    Send(
                        live(quote(1, epoch=3), statuses=[status(epoch=3)]),
                        [changed(epoch=3), _after_gap(1, epoch=3)],
                    ),
                ]
            )
        ],
    ),
    Scenario(
        12,
        "Missing revisions over a resume: a Hole",
        calls=[
            Call([_OPENING, Send(live(quote(2), token="t2"), [quoted(quote(2))]), Cut([cut_off()])]),
            Call(
                [
                    Send(
                        resumed(*quotes(5, 6), quote(2, "ETHUSDT")),
                        [
                            reconnected(resumed=True),
                            changed(),
                            hole(3, 5),
                            quoted(quote(5), gap_before=True, is_stale=True),
                            *missed(quote(6), quote(2, "ETHUSDT")),
                            caught_up(),
                        ],
                    )
                ],
                resume_token="t2",
            ),
        ],
    ),
    Scenario(
        13,
        "A lower epoch is a repeat in one log, and news in another",
        calls=[
            Call(
                [
                    Send(
                        state(quote(5, epoch=9), token="t1", statuses=[status(epoch=9)]),
                        [changed(epoch=9), quoted(quote(5, epoch=9)), caught_up()],
                    ),
                    Send(live(quote(7, epoch=8), quote(6, epoch=9)), [quoted(quote(6, epoch=9))]),
                    Cut([cut_off()]),
                ]
            ),
            Call(
                [
                    Send(
                        reset(quote(1, epoch=3), token="t2", epoch=3),
                        [
                            reconnected(resumed=False),
                            was_reset(),
                            changed(epoch=3),
                            _after_gap(1, epoch=3),
                            caught_up(),
                        ],
                    ),
                    Send(live(*quotes(2, 3, epoch=3)), all_quoted(quotes(2, 3, epoch=3))),
                ],
                resume_token="t1",
            ),
        ],
    ),
    Scenario(
        14,
        "Conflated updates: no Hole, unless more is missing than was counted",
        calls=[
            Call(
                [
                    _OPENING,
                    Send(live(quote(5), conflated=3), [conflated(3), _after_gap(5)]),
                    # One count for a walk of two responses.
                    Send(live(quote(8), conflated=4), [conflated(4), _after_gap(8)]),
                    Send(live(quote(4, "ETHUSDT")), [_after_gap(4, "ETHUSDT")]),
                    Send(live(quote(6, "ETHUSDT")), [hole(5, 6, "ETHUSDT"), _after_gap(6, "ETHUSDT")]),
                    Send(live(quote(12), conflated=2), [conflated(2), hole(9, 12), _after_gap(12)]),
                ]
            )
        ],
    ),
    Scenario(
        15,
        "LATEST: no Hole, also over a resume",
        options={"delivery": "LATEST"},
        calls=[
            Call(
                [
                    _OPENING,
                    Send(live(quote(5), token="t5", conflated=3), [conflated(3), _after_gap(5)]),
                    Send(live(quote(9), token="t9"), [_after_gap(9)]),
                    Cut([cut_off()]),
                ]
            ),
            Call(
                [
                    Send(
                        resumed(quote(30)),
                        [
                            reconnected(resumed=True),
                            changed(),
                            quoted(quote(30), gap_before=True, is_stale=True),
                            caught_up(),
                        ],
                    ),
                    Send(live(quote(7, "SOLUSDT")), [_after_gap(7, "SOLUSDT")]),
                ],
                resume_token="t9",
            ),
        ],
    ),
)
