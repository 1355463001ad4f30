"""What the Alpha Vantage adapter makes of the recordings."""

import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.golden.harvest import NOW, Harvest, StillClock
from tests.golden.venues.producer import Lines, Producer, numbered_lines

from tickmux_adapters.alphavantage.catalogue import instruments_of
from tickmux_adapters.alphavantage.decoder import AlphaVantageDecoder
from tickmux_adapters.alphavantage.inquiries import inquiries_for
from tickmux_adapters.alphavantage.refusals import Refused
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.poller import PolledChain

logger = logging.getLogger(__name__)


def answer_about(*symbols: str, bulk: bool = False) -> Producer:
    """One body, as the answer to one request."""

    def produce(path: Path) -> Lines:
        return _lines([(1, path.read_bytes())], symbols, bulk=bulk)

    return produce


def cases(path: Path) -> Lines:
    """A body a line, each as the answer about a stock."""
    bodies = ((number, json.dumps(json.loads(line)["body"]).encode()) for number, line in numbered_lines(path))
    return _lines(bodies, ["IBM"], bulk=False)


def _lines(bodies: Iterable[tuple[int, bytes]], symbols: Iterable[str], *, bulk: bool) -> Lines:
    harvest = Harvest()
    health = ChannelHealth(source="alphavantage", channel="0", sink=harvest, clock=StillClock())
    # The recordings list nothing: which instruments there are is the configuration's.
    decoder = AlphaVantageDecoder(harvest.know, PolledChain(harvest, health), health)
    (inquiry,) = inquiries_for(instruments_of("alphavantage", symbols), bulk=bulk)
    for harvest.message, body in bodies:
        try:
            decoder.take(inquiry, body, NOW)
        except Refused as refused:
            logger.info("%d: %s", harvest.message, refused)
    return harvest.lines


PRODUCERS: Mapping[str, Producer] = {
    "alphavantage-java__exchangerate_data-with-no-bid-or-ask-price.json": answer_about("USD/JPY"),
    "alphavantage-java__exchangerate_data.json": answer_about("BTC/CNY"),
    "alphavantage-java__timeseries_globalquote.json": answer_about("IBM"),
    "alphavantage-java__timeseries_realtimebulkquote.json": answer_about("MSFT", "AAPL", "IBM", bulk=True),
    "alphavantage_ruby__forex_exchange_rates.json": answer_about("USD/JPY"),
    "alphavantage_ruby__time_series_quote.json": answer_about("TSLA"),
    "errors__http200_bodies.jsonl": cases,
    "ledgerframe__av_global_quote_empty.json": answer_about("IBM"),
    "ledgerframe__av_global_quote_entitled.json": answer_about("TSLA"),
}
