"""What the Kraken adapter makes of the recordings."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from tests.golden.harvest import NOW, Harvest, StillClock
from tests.golden.venues.producer import Lines, Producer, numbered_lines

from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.kraken.catalogue import canonical, instrument_of
from tickmux_adapters.kraken.conversation import decode_listing
from tickmux_adapters.kraken.feed import KrakenFeed
from tickmux_adapters.kraken.messages import AnyFrame, Pair

UNLISTED = Pair(symbol="BTC/USD", base="BTC", quote="USD", status="online")
"""Quoted in the recorded frames, but not in the excerpt of a listing among them."""


def frames(path: Path) -> Lines:
    return _session(numbered_lines(path), ["BTCUSD", "ETHBTC", "EURUSD"])


def listing(path: Path) -> Lines:
    frame = path.read_bytes()
    pairs = decode_listing(msgspec.json.decode(frame, type=AnyFrame).data).pairs
    return _session([(1, frame)], [canonical(pair) for pair in pairs])


def _session(messages: Iterable[tuple[int, bytes]], symbols: Sequence[str]) -> Lines:
    harvest = Harvest()
    clock = StillClock()
    health = ChannelHealth(source="kraken", channel="0", sink=harvest, clock=clock)
    feed = KrakenFeed(symbols, sink=harvest, health=health, clock=clock, snapshot_timeout_s=5.0, quiet_probe_s=30.0)
    unlisted = instrument_of(UNLISTED, source="kraken", channel="0")
    harvest.know(unlisted)
    feed.decoder.add(unlisted)
    feed.begin_chain(NOW)
    conversation = feed.converse()
    conversation.opening()
    for harvest.message, frame in messages:
        conversation.feed(frame, NOW.wall_ns, NOW.monotonic_ns)
    return harvest.lines


PRODUCERS: Mapping[str, Producer] = {
    "kraken-async-rs__public_frames.jsonl": frames,
    "kraken-data-recorder__instrument_snapshot.json": listing,
}
