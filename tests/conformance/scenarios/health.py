"""Whether what is kept can be taken for the present, and whether a stream is alive."""

from collections.abc import Sequence
from typing import Final

from tests.client.scripted_server import status
from tests.conformance.lines import caught_up, changed, disconnected, missed, quoted, reconnected
from tests.conformance.messages import live, quote, resumed, state
from tests.conformance.scenario import Call, Heartbeats, Scenario, Send, Silence

from tickmux.v1 import source_pb2

_ETHER: Final = quote(4, "ETHUSDT")
_ELSEWHERE: Final = quote(3, "SOLUSDT", channel="1")
_BOTH_SLOTS: Final = [status(), status(channel="1")]
_OPENING: Final = Send(
    state(quote(1), _ETHER, _ELSEWHERE, statuses=_BOTH_SLOTS, token="t1"),
    [changed(), changed(channel="1"), quoted(quote(1)), quoted(_ETHER), quoted(_ELSEWHERE), caught_up()],
)
# Longer than the least, as the first response may be a while on a machine that is busy.
_PACE: Final = {"heartbeat_interval_s": 2}
_OF_SLOT_0: Final = ["binance/BTCUSDT", "binance/ETHUSDT"]


def _turns(state: str, stale: Sequence[str]) -> Send:
    number = source_pb2.SourceState.Value(f"SOURCE_STATE_{state}")
    return Send(live(statuses=[status(number)]), [changed(state, stale=stale)])


def _with_error(error: str, messages: int = 0, since_s: int = 0) -> source_pb2.SourceStatus:
    rejected = status(source_pb2.SOURCE_STATE_REJECTED, messages=messages)
    rejected.last_error = error
    if since_s:
        rejected.since.FromSeconds(since_s)
    return rejected


SCENARIOS: Final = (
    Scenario(
        16,
        "A source goes away and comes back: what is kept turns stale and back",
        calls=[
            Call(
                [
                    _OPENING,
                    _turns("STALE", _OF_SLOT_0),
                    _turns("LIVE", []),
                    _turns("DOWN", _OF_SLOT_0),
                    _turns("CONNECTING", _OF_SLOT_0),
                    Send(live(quote(2)), [quoted(quote(2), is_stale=True)]),
                    _turns("LIVE", []),
                    _turns("THROTTLED", []),
                    _turns("REJECTED", _OF_SLOT_0),
                    Send(live(statuses=[_with_error("banned")]), [changed("REJECTED", stale=_OF_SLOT_0)]),
                    # The counters of a status are no news, its time is.
                    Send(live(statuses=[_with_error("banned", messages=7)])),
                    Send(live(statuses=[_with_error("banned", since_s=9)]), [changed("REJECTED", stale=_OF_SLOT_0)]),
                    Send(live(quote(3), statuses=[status()]), [changed(stale=[]), quoted(quote(3))]),
                ]
            )
        ],
    ),
    Scenario(
        17,
        "A new epoch: a quiet symbol is stale until it is quoted in it",
        calls=[
            Call(
                [
                    _OPENING,
                    Send(
                        live(quote(1, epoch=2), statuses=[status(epoch=2)]),
                        [changed(epoch=2, stale=_OF_SLOT_0), quoted(quote(1, epoch=2), gap_before=True)],
                    ),
                    Send(
                        live(statuses=[status(source_pb2.SOURCE_STATE_DOWN, channel="1")]),
                        [changed("DOWN", channel="1", stale=["binance/ETHUSDT", "binance/SOLUSDT"])],
                    ),
                    Send(
                        live(quote(1, "ETHUSDT", epoch=2)),
                        [quoted(quote(1, "ETHUSDT", epoch=2), gap_before=True)],
                    ),
                    Send(live(statuses=[status(channel="1")]), [changed(channel="1", stale=[])]),
                ]
            )
        ],
    ),
    Scenario(
        18,
        "Heartbeats stop: after three the stream is dead",
        options=_PACE,
        calls=[
            Call(
                [
                    _OPENING,
                    Send(live(quote(2), token="t2"), [quoted(quote(2))]),
                    Silence([disconnected("HEARTBEATS_MISSED", stale=[*_OF_SLOT_0, "binance/SOLUSDT"])]),
                ]
            ),
            Call(
                [
                    Send(
                        resumed(quote(3), statuses=_BOTH_SLOTS),
                        [
                            reconnected(resumed=True),
                            changed(),
                            changed(channel="1"),
                            *missed(quote(3)),
                            caught_up(),
                        ],
                    )
                ],
                resume_token="t2",
                waited_s_min=5.9,
                # Three of the library's default would be 15 s.
                waited_s_max=13.0,
            ),
        ],
    ),
    Scenario(
        19,
        "Heartbeats alone keep a quiet stream",
        options=_PACE,
        calls=[
            Call(
                [
                    _OPENING,
                    Heartbeats(live(statuses=_BOTH_SLOTS, token="t1"), count=8),
                    Send(live(quote(2)), [quoted(quote(2))]),
                ]
            )
        ],
    ),
)
