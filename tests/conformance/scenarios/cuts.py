"""The connection breaks where it hurts."""

from typing import Final

from tests.conformance.lines import all_quoted, caught_up, changed, disconnected, quoted, reconnected, was_reset
from tests.conformance.messages import live, quote, quotes, resumed, state
from tests.conformance.scenario import Call, Scenario, Send, Tear

_BATCH: Final = quotes(3, 200)
_ETHER: Final = quote(5, "ETHUSDT")
_KEPT: Final = ["binance/BTCUSDT", "binance/ETHUSDT"]

SCENARIOS: Final = (
    Scenario(
        3,
        "Cut in the middle of a batch: it comes again, whole",
        calls=[
            Call(
                [
                    Send(
                        state(quote(1), _ETHER, token="t1"), [changed(), quoted(quote(1)), quoted(_ETHER), caught_up()]
                    ),
                    Send(live(quote(2), token="t2"), [quoted(quote(2))]),
                    Tear(live(*_BATCH, token="t3"), [disconnected(stale=_KEPT)]),
                ]
            ),
            Call(
                resume_token="t2",
                steps=[
                    Send(
                        resumed(*_BATCH, token="t3"),
                        [reconnected(resumed=True), changed(), *all_quoted(_BATCH), caught_up()],
                    )
                ],
            ),
        ],
    ),
    Scenario(
        4,
        "Cut in the middle of the state: there is no token yet, and all begins anew",
        calls=[
            Call(
                [
                    Send(state(quote(1), is_complete=False), [changed(), quoted(quote(1))]),
                    Tear(live(*quotes(1, 100, "ETHUSDT")), [disconnected(stale=["binance/BTCUSDT"])]),
                ]
            ),
            Call(
                [
                    Send(
                        state(quote(3), _ETHER, token="t1"),
                        [
                            reconnected(resumed=False),
                            was_reset(stale=["binance/BTCUSDT"]),
                            changed(),
                            quoted(quote(3), gap_before=True),
                            quoted(_ETHER, gap_before=True),
                            caught_up(),
                        ],
                    ),
                    Send(live(quote(4)), [quoted(quote(4))]),
                ]
            ),
        ],
    ),
)
