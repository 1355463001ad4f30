"""The present state alone, and a stream that goes on after it."""

from typing import Final

from tests.client.scripted_server import status
from tests.conformance.lines import caught_up, changed, cut_off, error, missed, quoted, reconnected, snapshot
from tests.conformance.messages import live, quote, quotes, resumed, unavailable
from tests.conformance.scenario import Call, Cut, Page, Scenario, Send

from tickmux.v1 import market_data_service_pb2 as pb

_ETHER: Final = quote(3, "ETHUSDT")
_KEPT: Final = ["binance/BTCUSDT", "binance/ETHUSDT", "binance/SOLUSDT"]
_FLAGGED: Final = quote(9, "SOLUSDT", flags=[5])
_LIVE: Final = {"source": "binance", "channel": "0", "state": "LIVE", "epoch": 1, "is_healthy": True}
_SELECTED: Final = {"symbols": ["*USDT", "NOSUCH"]}

SCENARIOS: Final = (
    Scenario(
        32,
        "A snapshot of several pages, and a stream that goes on after it",
        options={**_SELECTED, "call": "snapshot-then-subscribe", "token": "tmx-never-to-be-shown"},
        pages=[
            Page(
                pb.GetSnapshotResponse(
                    quotes=[quote(5)],
                    source_statuses=[status()],
                    unmatched=["NOSUCH"],
                    next_page_token="p2",
                )
            ),
            Page(pb.GetSnapshotResponse(quotes=[_ETHER], next_page_token="p3"), page_token="p2"),
            Page(
                pb.GetSnapshotResponse(quotes=[_FLAGGED], resume_token="s1"),
                page_token="p3",
                sees=[
                    snapshot("s1", _LIVE, unmatched=["NOSUCH"]),
                    quoted(quote(5)),
                    quoted(_ETHER),
                    quoted(_FLAGGED, is_stale=True),
                ],
            ),
        ],
        calls=[
            Call(
                [
                    # The later pages were newer than the token, and have the first of these already.
                    Send(
                        resumed(*quotes(8, 10, "SOLUSDT"), quote(6), token="t6"),
                        [
                            changed(stale=_KEPT),
                            *missed(quote(10, "SOLUSDT"), quote(6)),
                            caught_up(stale=[]),
                        ],
                    ),
                    Send(
                        live(quote(4, "ETHUSDT"), quote(1, "ADAUSDT")),
                        [quoted(quote(4, "ETHUSDT")), quoted(quote(1, "ADAUSDT"))],
                    ),
                    Cut([cut_off()]),
                ],
                resume_token="s1",
            ),
            Call(
                [
                    Send(
                        resumed(quote(7)),
                        [reconnected(resumed=True), changed(), *missed(quote(7)), caught_up(stale=[])],
                    )
                ],
                resume_token="t6",
            ),
        ],
    ),
    Scenario(
        33,
        "A snapshot that cannot be had: an error at once",
        options={**_SELECTED, "call": "snapshot"},
        pages=[
            Page(
                unavailable(1.5, "STARTING"),
                sees=[error("UNAVAILABLE", "UNAVAILABLE", "STARTING", retry_after_s=1.5)],
            )
        ],
    ),
)
