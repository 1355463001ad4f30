"""What the Binance adapter makes of the recordings."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.golden.files import RECORDINGS
from tests.golden.harvest import NOW, Harvest, StillClock
from tests.golden.venues.producer import Lines, Producer, after, numbered_lines

from tickmux_adapters.binance.catalogue import match, parse_exchange_info
from tickmux_adapters.binance.decoder import BinanceDecoder
from tickmux_adapters.binance.feed import BinanceFeed
from tickmux_adapters.binance.messages import ExchangeInfo
from tickmux_adapters.binance.rest import BinanceRest
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Instrument
from tickmux_adapters.rest import RestClient
from tickmux_adapters.symbols import canonical_pair

LISTING = RECORDINGS / "binance" / "cryptofeed__BINANCE.0"
"""Of the day of most recordings; it names every symbol in them."""


class Recorded(RestClient):
    """Answers every request with one recorded body."""

    def __init__(self, body: bytes) -> None:
        self._recorded = body

    async def get(
        self, path: str, query: Mapping[str, str], *, weight: int, headers: Mapping[str, str] | None = None
    ) -> bytes:
        return self._recorded


def instruments_of(info: ExchangeInfo, symbols: Sequence[str] = ()) -> Sequence[Instrument]:
    """Some of the listed instruments, or all."""
    wanted = symbols or [canonical_pair(listed.base_asset, listed.quote_asset) for listed in info.symbols]
    return match(info, wanted, source="binance", instruments_per_channel=len(wanted)).instruments


def listed_instruments(symbols: Sequence[str]) -> Sequence[Instrument]:
    line = LISTING.read_bytes().splitlines()[0]
    return instruments_of(parse_exchange_info(after(line, b": ")), symbols)


def decoder_of(harvest: Harvest, symbols: Sequence[str]) -> BinanceDecoder:
    instruments = listed_instruments(symbols)
    for instrument in instruments:
        harvest.know(instrument)
    health = ChannelHealth(source="binance", channel="0", sink=harvest, clock=StillClock())
    return BinanceDecoder(instruments, harvest, health)


def session(symbols: Sequence[str], separator: bytes) -> Producer:
    """Frames of the combined stream, a line each."""

    def produce(path: Path) -> Lines:
        harvest = Harvest()
        decoder = decoder_of(harvest, symbols)
        for harvest.message, line in numbered_lines(path):
            decoder.feed(after(line, separator), NOW.wall_ns, NOW.monotonic_ns)
        return harvest.lines

    return produce


def listing(path: Path) -> Lines:
    harvest = Harvest()
    harvest.message = 1
    take_listing(harvest, after(path.read_bytes().splitlines()[0], b": "))
    return harvest.lines


def take_listing(harvest: Harvest, body: bytes) -> None:
    """Announce every instrument and begin a chain of quotes with it."""
    instruments = instruments_of(asyncio.run(BinanceRest(Recorded(body)).exchange_info()))
    health = ChannelHealth(source="binance", channel="0", sink=harvest, clock=StillClock())
    feed = BinanceFeed(
        instruments,
        rest=BinanceRest(Recorded(b"")),
        sink=harvest,
        health=health,
        clock=StillClock(),
        answer_timeout_s=5.0,
    )
    for instrument in instruments:
        harvest.instrument(instrument)
    feed.begin_chain(NOW)


def rest_bodies(path: Path) -> Lines:
    harvest = Harvest()
    routes = json.loads(path.read_bytes())["routes"]
    bodies = [(route, answer["data"]) for route, methods in routes.items() for answer in methods["GET"]]
    for harvest.message, (route, body) in enumerate(bodies, 1):
        if route == "/api/v3/exchangeInfo":
            take_listing(harvest, json.dumps(body).encode())
        elif route in {"/api/v3/ticker/bookTicker", "/api/v3/ticker/24hr"}:
            seed(harvest, route, body if isinstance(body, list) else [body])
    return harvest.lines


def seed(harvest: Harvest, route: str, entries: list[dict[str, Any]]) -> None:
    """Begin a chain with one body; asked for one symbol alone, the venue answered without the list around it."""
    symbols = [entry["symbol"] for entry in entries]
    rest = BinanceRest(Recorded(json.dumps(entries).encode()))
    decoder = decoder_of(harvest, symbols)
    if route == "/api/v3/ticker/bookTicker":
        for book in asyncio.run(rest.book_tickers(symbols)):
            decoder.seed_book(book, NOW)
    else:
        for day in asyncio.run(rest.day_tickers(symbols)):
            decoder.seed_day(day, NOW)


PRODUCERS: Mapping[str, Producer] = {
    "collect-binancefutures__btcusdt_20220811.dat": session(["BTCUSDT"], b" "),
    "crypto-msg-parser__spot_frames.jsonl": session(["BTCUSDT", "ETHUSDT", "ETHBTC"], b""),
    "cryptofeed__BINANCE.0": listing,
    "cryptofeed__BINANCE.ws.1.0": session(["NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"], b": "),
    "gocryptotrader__http_spot_public.json": rest_bodies,
}
