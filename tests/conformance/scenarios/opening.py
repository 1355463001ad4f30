"""How a stream begins, and what a quote says."""

from typing import Final

from tests.client.scripted_server import status
from tests.conformance.lines import all_quoted, caught_up, changed, quoted, unmatched
from tests.conformance.messages import completed, live, quote, quotes, state
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
_SLOW_OPENING: Final = state(quote(7), is_complete=False, unmatched=["NOSUCH"])
# 4.5 MB, most of it in a field of a later version.
_LARGE: Final = [quote(revision, later_bytes=4096) for revision in range(2, 1100)]

SCENARIOS: Final = (
    Scenario(
        1,
        "The state, statuses before quotes, then live quotes",
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
    Scenario(
        3,
        "A slow state: what comes before caught_up is no hole, however late",
        options={"symbols": ["*USDT", "NOSUCH"]},
        calls=[
            Call(
                [
                    Send(_SLOW_OPENING, [unmatched("NOSUCH"), changed(), quoted(quote(7))]),
                    Send(live(quote(5, "ETHUSDT")), [quoted(quote(5, "ETHUSDT"))]),
                    Send(live(quote(9, "SOLUSDT")), [quoted(quote(9, "SOLUSDT"))]),
                    Send(completed(token="t1"), [caught_up()]),
                    Send(live(quote(8), quote(1, "ADAUSDT")), [quoted(quote(8)), quoted(quote(1, "ADAUSDT"))]),
                ]
            )
        ],
    ),
    Scenario(
        4,
        "A response over 4 MiB",
        calls=[
            Call(
                [
                    Send(state(quote(1)), [changed(), quoted(quote(1)), caught_up()]),
                    Send(live(*_LARGE), all_quoted(_LARGE)),
                    Send(live(quote(_LARGE[-1].revision + 1)), [quoted(quote(_LARGE[-1].revision + 1))]),
                ]
            )
        ],
    ),
)
