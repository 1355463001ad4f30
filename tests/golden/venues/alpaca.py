"""What the Alpaca adapters make of the recordings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.golden.harvest import NOW, Harvest, StillClock
from tests.golden.venues.producer import Lines, Producer, numbered_lines

from tickmux_adapters.alpaca.decoder import AlpacaDecoder
from tickmux_adapters.alpaca.market import Market, crypto_market, stock_market
from tickmux_adapters.alpaca.rest import parse_snapshot, split_snapshots
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Instrument
from tickmux_adapters.symbols import normalise_symbol

STOCKS = stock_market("sip")
CRYPTO = crypto_market("us")


def transcripts(path: Path) -> Lines:
    """Each session is a connection, and a chain, of its own."""
    harvest = Harvest()
    decoders: dict[str, AlpacaDecoder] = {}
    for harvest.message, line in numbered_lines(path):
        recorded = json.loads(line)
        if recorded["dir"] == ">":
            continue
        session, frame = recorded["session"], recorded["raw"]
        is_crypto = "crypto" in session
        if session not in decoders:
            decoders[session] = _decoder(harvest, CRYPTO if is_crypto else STOCKS)
        for message in json.loads(frame):
            if "S" in message:
                _add(decoders[session], harvest, message["S"], is_crypto=is_crypto)
        decoders[session].feed(frame.encode(), NOW.wall_ns, NOW.monotonic_ns)
    return harvest.lines


def snapshots(path: Path) -> Lines:
    """Each body seeds a chain of its own."""
    harvest = Harvest()
    for harvest.message, body in numbered_lines(path):
        document: dict[str, Any] = json.loads(body)
        parts = document.get("snapshots", document)
        is_crypto = "snapshots" in document
        if not any(isinstance(part, dict) and "latestQuote" in part for part in parts.values()):
            continue
        market = CRYPTO if is_crypto else STOCKS
        decoder = _decoder(harvest, market)
        for symbol, part in split_snapshots(body, market).items():
            _add(decoder, harvest, symbol, is_crypto=is_crypto)
            snapshot = parse_snapshot(symbol, part)
            if snapshot is not None:
                decoder.seed(symbol, snapshot, NOW)
    return harvest.lines


def _decoder(harvest: Harvest, market: Market) -> AlpacaDecoder:
    health = ChannelHealth(source="alpaca", channel="0", sink=harvest, clock=StillClock())
    return AlpacaDecoder(market, harvest, health)


def _add(decoder: AlpacaDecoder, harvest: Harvest, venue_symbol: str, *, is_crypto: bool) -> None:
    instrument = Instrument(
        source="alpaca",
        symbol=normalise_symbol(venue_symbol),
        type="crypto" if is_crypto else "stock",
        venue_symbol=venue_symbol,
    )
    harvest.know(instrument)
    decoder.add(instrument)


PRODUCERS: Mapping[str, Producer] = {
    "alpaca-docs__stream_transcripts.jsonl": transcripts,
    "alpaca-trade-api-go__rest_payloads.jsonl": snapshots,
}
