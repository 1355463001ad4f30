"""What the CoinGecko adapter makes of the recordings."""

import json
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from tests.golden.harvest import NOW, Harvest, StillClock
from tests.golden.payloads.coingecko import BASES
from tests.golden.venues.producer import Lines, Producer, numbered_lines

from tickmux_adapters.coingecko.catalogue import match
from tickmux_adapters.coingecko.decoder import PriceDecoder
from tickmux_adapters.errors import VenueError
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.poller import PolledChain

IDS = {base: coin for coin, base in BASES.items()}
CURRENCIES = ("USD", "EUR", "GBP", "BTC", "ETH")
SYMBOLS = [f"{base}/{currency}" for base in IDS for currency in CURRENCIES if base != currency]


class _Listener(Harvest):
    """Instruments are configured here, not recorded: those that a price announces give no line."""

    instrument = Harvest.know


def simple_price(path: Path) -> Lines:
    """One body of `/simple/price`."""
    harvest = _Listener()
    harvest.message = 1
    _take(harvest, path.read_bytes())
    return harvest.lines


def exchanges(path: Path) -> Lines:
    """Exchanges over HTTP, one a line; each is a poll, and a chain, of its own."""
    harvest = _Listener()
    for harvest.message, line in numbered_lines(path):
        exchange = json.loads(line)
        if urllib.parse.urlsplit(exchange["uri"]).path.rstrip("/").endswith("/simple/price"):
            _take(harvest, exchange["body"].encode())
    return harvest.lines


def errors(path: Path) -> Lines:
    """Bodies of refusals: none of them may pass for prices."""
    harvest = _Listener()
    for harvest.message, line in numbered_lines(path):
        _take(harvest, json.dumps(json.loads(line)["body"]).encode())
    return harvest.lines


def _take(harvest: Harvest, body: bytes) -> None:
    health = ChannelHealth(source="coingecko", channel="0", sink=harvest, clock=StillClock())
    decoder = PriceDecoder(chain=PolledChain(harvest, health), sink=harvest, health=health)
    asked = json.loads(body)
    for instrument in match(SYMBOLS, source="coingecko", more=(), ids=IDS, listing=None).instruments:
        prices = asked.get(instrument.venue_symbol)
        if isinstance(prices, dict) and instrument.quote.lower() in prices:
            decoder.add(instrument)
    try:
        decoder.take(body, list(asked), NOW)
    except VenueError:
        # Nothing of it is a price.
        return


PRODUCERS: Mapping[str, Producer] = {
    "coingecko-api-oas__simple_price.json": simple_price,
    "errors__bodies.jsonl": errors,
    "rotki__coingecko_vcr_dev.jsonl": exchanges,
}
