"""What belongs to what: instruments to sources, counts to instruments, tokens to their callers."""

from typing import Final

import grpc
from tests.client.scripted_server import status
from tests.conformance.lines import (
    AtLeast,
    caught_up,
    changed,
    conflated,
    cut_off,
    disconnected,
    error,
    going_away,
    hole,
    missed,
    quoted,
    reconnected,
    unmatched,
    was_reset,
)
from tests.conformance.messages import completed, fail, live, quote, reset, resumed, state
from tests.conformance.scenario import Abort, Call, Cut, Scenario, Send, Silence

from tickmux.v1 import source_pb2

_KEPT: Final = ["binance/BTCUSDT", "binance/ETHUSDT"]
_BINANCE: Final = ["binance/BTCUSDT"]
_BOTH: Final = ["binance/BTCUSDT", "kraken/BTCUSDT"]
_DOWN: Final = source_pb2.SOURCE_STATE_DOWN
_OWN_TOKEN: Final = {"resume_token": "of the caller"}
_OPENING: Final = Send(
    state(quote(1), quote(1, "ETHUSDT"), token="t1"),
    [changed(), quoted(quote(1)), quoted(quote(1, "ETHUSDT")), caught_up()],
)
_REFUSED: Final = fail(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", violation="resume_token")
_SIGNED_MAX: Final = 2**63 - 1
_OLD: Final = quote(2**32 + 7, epoch=_SIGNED_MAX)
_NEW: Final = quote(1, epoch=_SIGNED_MAX + 9)


SCENARIOS: Final = (
    Scenario(
        34,
        "One symbol at two sources: two instruments, each by the health of its own source",
        calls=[
            Call(
                [
                    Send(
                        state(quote(5), quote(9, source="kraken"), statuses=[status(), status(source="kraken")]),
                        [
                            changed(),
                            changed(source="kraken"),
                            quoted(quote(5)),
                            quoted(quote(9, source="kraken")),
                            caught_up(),
                        ],
                    ),
                    Send(
                        live(quote(6), quote(10, source="kraken")),
                        [quoted(quote(6)), quoted(quote(10, source="kraken"))],
                    ),
                    Send(live(statuses=[status(_DOWN)]), [changed("DOWN", stale=_BINANCE)]),
                    Send(
                        live(quote(12, source="kraken")),
                        [hole(11, 12, source="kraken"), quoted(quote(12, source="kraken"), gap_before=True)],
                    ),
                    Send(
                        live(statuses=[status(_DOWN, source="kraken")]), [changed("DOWN", source="kraken", stale=_BOTH)]
                    ),
                ]
            )
        ],
    ),
    Scenario(
        35,
        "Epochs beyond what a signed number holds, and revisions beyond 32 bits",
        calls=[
            Call(
                [
                    Send(
                        state(_OLD, token="t1", statuses=[status(epoch=_SIGNED_MAX)]),
                        [changed(epoch=_SIGNED_MAX), quoted(_OLD), caught_up()],
                    ),
                    Send(live(statuses=[status(epoch=_NEW.epoch)]), [changed(epoch=_NEW.epoch, stale=_BINANCE)]),
                    Send(live(_NEW), [quoted(_NEW, gap_before=True)]),
                    # Of the chain before: dropped.
                    Send(
                        live(quote(2**32 + 8, epoch=_SIGNED_MAX), quote(3, epoch=_NEW.epoch)),
                        [hole(2, 3, epoch=_NEW.epoch), quoted(quote(3, epoch=_NEW.epoch), gap_before=True)],
                    ),
                ]
            )
        ],
    ),
    Scenario(
        36,
        "The caller's own token goes on: no Reset, and no Hole of what is not known",
        options=_OWN_TOKEN,
        calls=[
            Call(
                [
                    Send(resumed(quote(7), token="t7"), [changed(), *missed(quote(7)), caught_up(stale=[])]),
                    Send(live(quote(3, "ETHUSDT")), [quoted(quote(3, "ETHUSDT"))]),
                    Send(
                        live(quote(5, "ETHUSDT")),
                        [hole(4, 5, "ETHUSDT"), quoted(quote(5, "ETHUSDT"), gap_before=True)],
                    ),
                ],
                resume_token="of the caller",
            )
        ],
    ),
    Scenario(
        37,
        "The caller's own token cannot be honoured: a Reset, and gaps",
        options=_OWN_TOKEN,
        calls=[
            Call(
                [
                    Send(
                        state(quote(7), token="t7"),
                        [was_reset(), changed(), quoted(quote(7), gap_before=True), caught_up()],
                    ),
                    Send(
                        live(quote(3, "ETHUSDT")),
                        [hole(1, 3, "ETHUSDT"), quoted(quote(3, "ETHUSDT"), gap_before=True)],
                    ),
                ],
                resume_token="of the caller",
            )
        ],
    ),
    Scenario(
        38,
        "What matches nothing is told when it changes, not again and again",
        options={"symbols": ["BTCUSDT", "NOSUCH", "NOR"]},
        calls=[
            Call(
                [
                    Send(
                        state(quote(1), unmatched=["NOSUCH", "NOR"]),
                        [unmatched("NOSUCH", "NOR"), changed(), quoted(quote(1)), caught_up()],
                    ),
                    Send(
                        state(quote(2), unmatched=["NOSUCH", "NOR"]),
                        [was_reset(), changed(), quoted(quote(2), gap_before=True), caught_up()],
                    ),
                    Send(
                        state(quote(3), unmatched=["NOR"]),
                        [was_reset(), unmatched("NOR"), changed(), quoted(quote(3), gap_before=True), caught_up()],
                    ),
                ]
            )
        ],
    ),
    Scenario(
        39,
        "Going away, and then a cut or nothing: back by itself, without Disconnected",
        # Three of these are not waited for.
        options={"heartbeat_interval_s": 10},
        calls=[
            Call([_OPENING, Send(live(token="t2", is_going_away=True), [going_away()]), Cut()]),
            Call(
                [
                    Send(resumed(quote(2)), [reconnected(resumed=True), changed(), *missed(quote(2)), caught_up()]),
                    Send(live(token="t3", is_going_away=True), [going_away()]),
                    Silence(),
                ],
                resume_token="t2",
            ),
            Call(
                [Send(resumed(quote(3)), [reconnected(resumed=True), changed(), *missed(quote(3)), caught_up()])],
                resume_token="t3",
                waited_s_max=20.0,
            ),
        ],
    ),
    Scenario(
        40,
        "The token of a response without quotes counts",
        calls=[
            Call(
                [
                    Send(state(quote(1), is_complete=False), [changed(), quoted(quote(1))]),
                    Send(completed("t1"), [caught_up()]),
                    Cut([cut_off()]),
                ]
            ),
            Call(
                [
                    Send(resumed(quote(2)), [reconnected(resumed=True), changed(), *missed(quote(2)), caught_up()]),
                    Send(live(token="t9")),
                    Send(live(quote(3)), [quoted(quote(3))]),
                    Cut([cut_off()]),
                ],
                resume_token="t1",
            ),
            Call(
                [Send(resumed(quote(4)), [reconnected(resumed=True), changed(), *missed(quote(4)), caught_up()])],
                resume_token="t9",
            ),
        ],
    ),
    Scenario(
        41,
        "What Conflated has left excuses an instrument once, and nothing after a resume",
        calls=[
            Call(
                [
                    _OPENING,
                    Send(live(quote(3), conflated=5, token="t3"), [conflated(5), quoted(quote(3), gap_before=True)]),
                    Send(live(quote(5)), [hole(4, 5), quoted(quote(5), gap_before=True)]),
                    Cut([cut_off()]),
                ]
            ),
            Call(
                [
                    Send(
                        resumed(quote(3, "ETHUSDT")),
                        [
                            reconnected(resumed=True),
                            changed(),
                            hole(2, 3, "ETHUSDT"),
                            quoted(quote(3, "ETHUSDT"), gap_before=True, is_stale=True),
                            caught_up(),
                        ],
                    )
                ],
                resume_token="t3",
            ),
        ],
    ),
    Scenario(
        42,
        "Nothing that Conflated has left is of use after a RESET, whose state is complete",
        calls=[
            Call(
                [
                    _OPENING,
                    Send(live(conflated=5), [conflated(5)]),
                    Send(
                        reset(quote(20)),
                        [was_reset(), changed(), quoted(quote(20), gap_before=True), caught_up(["binance/ETHUSDT"])],
                    ),
                    Send(live(quote(22)), [hole(21, 22), quoted(quote(22), gap_before=True)]),
                    Send(
                        live(quote(2, "SOLUSDT")),
                        [hole(1, 2, "SOLUSDT"), quoted(quote(2, "SOLUSDT"), gap_before=True)],
                    ),
                ]
            )
        ],
    ),
    Scenario(
        43,
        "INVALID_ARGUMENT also without the token: the end",
        calls=[
            Call([_OPENING, Cut([cut_off()])]),
            Call([Abort(_REFUSED, [disconnected("INVALID_REQUEST", attempts=AtLeast(1))])], resume_token="t1"),
            Call([Abort(_REFUSED, [error("INVALID_REQUEST", "INVALID_ARGUMENT", "INVALID_REQUEST")])]),
        ],
    ),
    Scenario(
        44,
        "While missed updates come in every quote is stale, as the next may supersede it",
        calls=[
            Call([_OPENING, Cut([cut_off(stale=_KEPT)])]),
            Call(
                [
                    Send(
                        resumed(quote(2), is_complete=False),
                        [reconnected(resumed=True, stale=_KEPT), changed(stale=_KEPT), *missed(quote(2))],
                    ),
                    Send(live(quote(3)), missed(quote(3))),
                    Send(live(statuses=[status(_DOWN)]), [changed("DOWN", stale=_KEPT)]),
                    Send(live(statuses=[status()]), [changed(stale=_KEPT)]),
                    Send(completed("t3"), [caught_up(stale=[])]),
                    Send(live(quote(4)), [quoted(quote(4))]),
                    Cut([cut_off(stale=_KEPT)]),
                ],
                resume_token="t1",
            ),
            Call(
                [
                    Send(
                        resumed(),
                        [reconnected(resumed=True, stale=_KEPT), changed(stale=_KEPT), caught_up(stale=[])],
                    )
                ],
                resume_token="t3",
            ),
        ],
    ),
)
