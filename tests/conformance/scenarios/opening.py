"""How a stream begins, and what a quote says."""

from typing import Final

from tests.conformance.lines import all_quoted, caught_up, changed, quoted
from tests.conformance.messages import live, quote, quotes, state, status
from tests.conformance.scenario import Call, Scenario, Send

from tickmux.v1 import source_pb2

_STATE: Final = [quote(7), quote(3, "ETHUSDT"), quote(4, "BTCUSD", source="kraken", channel="1", epoch=5)]
_STALE: Final = source_pb2.SOURCE_STATE_STALE
_FIRST: Final = quote(1, "SOLUSDT")
_NUMBERS: Final = (
    *("bid_price", "bid_size", "ask_price", "ask_size"),
    *("last_price", "volume", "bid_ask_age_ms", "last_age_ms"),
)
_UNKNOWN: Final = quote(1, without=(*_NUMBERS, "timestamp"))
_ZERO: Final = quote(2, zero=_NUMBERS, without=("timestamp",))
_FLAGGED: Final = quote(3, flags=[3, 1, 4])

SCENARIOS: Final = (
    Scenario(
        1,
        "The state, with its statuses before its quotes, then live quotes",
        options={"symbols": ["BTC*", "ETHUSDT", "SOLUSDT"], "sources": ["binance", "kraken"]},
        calls=[
            Call(
                [
                    Send(
                        state(*_STATE, statuses=[status(), status(_STALE, source="kraken", channel="1", epoch=5)]),
                        [
                            changed(),
                            changed("STALE", source="kraken", channel="1", epoch=5),
                            quoted(_STATE[0]),
                            quoted(_STATE[1]),
                            quoted(_STATE[2], is_stale=True),
                            caught_up(stale=["kraken/BTCUSD"]),
                        ],
                    ),
                    Send(live(*quotes(8, 10), _FIRST), all_quoted([*quotes(8, 10), _FIRST])),
                    Send(live(quote(4, "ETHUSDT")), [quoted(quote(4, "ETHUSDT"))]),
                ]
            )
        ],
    ),
    Scenario(
        2,
        "What is not known is not zero",
        calls=[
            Call(
                [
                    Send(state(_UNKNOWN), [changed(), quoted(_UNKNOWN), caught_up()]),
                    Send(live(_ZERO, _FLAGGED), [quoted(_ZERO), quoted(_FLAGGED)]),
                ]
            )
        ],
    ),
)
