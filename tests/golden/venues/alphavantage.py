"""What the Alpha Vantage adapter makes of the recordings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.golden.harvest import NOW, Harvest, StillClock
from tests.golden.venues.producer import Lines, Producer, numbered_lines

from tickmux_adapters.alphavantage.catalogue import instruments_of
from tickmux_adapters.alphavantage.decoder import AlphaVantageDecoder
from tickmux_adapters.alphavantage.inquiries import inquiries_for
from tickmux_adapters.alphavantage.refusals import Refused
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.poller import PolledChain

UNKNOWN = "IBM"
"""What was asked for where an answer does not say."""


def body(path: Path) -> Lines:
    """One body."""
    harvest = Harvest()
    harvest.message = 1
    _take(harvest, path.read_bytes())
    return harvest.lines


def cases(path: Path) -> Lines:
    """A body a line, each with where its wording was seen."""
    harvest = Harvest()
    for harvest.message, line in numbered_lines(path):
        _take(harvest, json.dumps(json.loads(line)["body"]).encode())
    return harvest.lines


def _take(harvest: Harvest, answer: bytes) -> None:
    document: dict[str, Any] = json.loads(answer)
    health = ChannelHealth(source="alphavantage", channel="0", sink=harvest, clock=StillClock())
    decoder = AlphaVantageDecoder(harvest.know, PolledChain(harvest, health), health)
    is_bulk = "data" in document
    (inquiry,) = inquiries_for(instruments_of("alphavantage", _asked(document)), bulk=is_bulk)
    try:
        decoder.take(inquiry, answer, NOW)
    except Refused:
        # A reason instead of data.
        return


def _asked(document: dict[str, Any]) -> list[str]:
    for part in document.values():
        if isinstance(part, dict) and "01. symbol" in part:
            return [part["01. symbol"]]
        if isinstance(part, dict) and "1. From_Currency Code" in part:
            return [f"{part['1. From_Currency Code']}/{part['3. To_Currency Code']}"]
    return [row["symbol"] for row in document.get("data", [])] or [UNKNOWN]


PRODUCERS: Mapping[str, Producer] = {
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
