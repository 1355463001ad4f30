"""What the recordings of Alpha Vantage say: every body came with HTTP 200, and every value is text."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.golden.payloads.entries import Entry, Number, Quoted, Reader, Reason, Silent
from tests.golden.payloads.reading import exact, json_lines, pair, pair_type, rfc3339_ns

QUOTE = "Global Quote"
DELAYED = "DATA DELAYED"
RATE = "Realtime Currency Exchange Rate"


def body(path: Path) -> Iterator[Entry]:
    """One body."""
    return _body(1, exact(path.read_text(encoding="utf-8")))


def cases(path: Path) -> Iterator[Entry]:
    """A body a line, each with where its wording was seen."""
    for number, case in json_lines(path):
        yield from _body(number, case["body"])


def _body(number: int, answer: dict[str, Any]) -> Iterator[Entry]:
    quote_key = next((key for key in answer if key.startswith(QUOTE)), None)
    if quote_key is not None:
        yield _global_quote(number, answer[quote_key], is_delayed=DELAYED in quote_key)
    elif RATE in answer:
        yield _rate(number, answer[RATE])
    elif "ARTIFICIAL" in answer.get("message", ""):
        yield Silent(message=number, reason=Reason.ARTIFICIAL)
    elif answer.keys() & {"Information", "Note", "Error Message"}:
        yield Silent(message=number, reason=Reason.CONTROL)
    else:
        yield Silent(message=number, reason=Reason.NOT_ASKED)


def _global_quote(number: int, quote: dict[str, str], *, is_delayed: bool) -> Entry:
    if not quote:
        return Silent(message=number, reason=Reason.NOTHING_GIVEN)
    # The latest trading day is a date: no instant, so no time.
    return Quoted(
        message=number,
        symbol=quote["01. symbol"],
        type="stock",
        numbers={"last_price": _number(quote["05. price"]), "volume": Decimal(quote["06. volume"])},
        marks={"indicative": True} | ({"delayed": True} if is_delayed else {}),
    )


def _rate(number: int, rate: dict[str, str]) -> Quoted:
    base, quote = rate["1. From_Currency Code"], rate["3. To_Currency Code"]
    assert rate["7. Time Zone"] == "UTC"
    return Quoted(
        message=number,
        symbol=pair(base, quote),
        type=pair_type(base, quote),
        numbers={
            "last_price": _number(rate["5. Exchange Rate"]),
            "bid_price": _number(rate.get("8. Bid Price", "-")),
            "ask_price": _number(rate.get("9. Ask Price", "-")),
        },
        time_ns=rfc3339_ns(rate["6. Last Refreshed"]),
    )


def _number(text: str) -> Number:
    return None if text == "-" else Decimal(text) or None


READERS: Mapping[str, Reader] = {
    "alphavantage-java__exchangerate_data-with-no-bid-or-ask-price.json": body,
    "alphavantage-java__exchangerate_data.json": body,
    "alphavantage-java__timeseries_globalquote.json": body,
    "alphavantage-java__timeseries_realtimebulkquote.json": body,
    "alphavantage_ruby__forex_exchange_rates.json": body,
    "alphavantage_ruby__time_series_quote.json": body,
    "errors__http200_bodies.jsonl": cases,
    "ledgerframe__av_global_quote_empty.json": body,
    "ledgerframe__av_global_quote_entitled.json": body,
}
