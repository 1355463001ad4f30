"""A server of a later version."""

from typing import Final

from tests.client.scripted_server import status
from tests.conformance.lines import caught_up, changed, quoted, was_reset
from tests.conformance.messages import later_field, live, quote, state
from tests.conformance.scenario import Call, Scenario, Send

from tickmux.v1 import market_data_service_pb2 as pb

_LATER_ENUM: Final = 42
_OPENING_STATUS: Final = status(_LATER_ENUM)  # type: ignore[arg-type]
_FIRST: Final = quote(1, later_bytes=20)
_FLAGGED: Final = quote(2, flags=[_LATER_ENUM, 4, 3], later_bytes=20)
_LATER: Final = pb.SubscribeResponse.FromString(live(_FLAGGED).SerializeToString() + later_field(20))

SCENARIOS: Final = (
    Scenario(
        31,
        "Fields, flags, states and continuities of a later version",
        calls=[
            Call(
                [
                    Send(
                        state(_FIRST, statuses=[_OPENING_STATUS]),
                        [
                            changed("UNKNOWN", is_healthy=False),
                            quoted(_FIRST, is_stale=True),
                            caught_up(stale=["binance/BTCUSDT"]),
                        ],
                    ),
                    Send(live(statuses=[status()]), [changed(stale=[])]),
                    Send(_LATER, [quoted(_FLAGGED)]),
                    Send(
                        state(quote(9), continuity=_LATER_ENUM),
                        [
                            was_reset(stale=["binance/BTCUSDT"]),
                            changed(),
                            quoted(quote(9), gap_before=True),
                            caught_up(),
                        ],
                    ),
                ]
            )
        ],
    ),
)
