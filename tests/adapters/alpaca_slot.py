"""A slot of Alpaca's for tests: a decoder, and what it delivered."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.adapters.alpaca_messages import (
    Message,
    as_json,
    as_msgpack,
)
from tests.adapters.clock import ManualClock
from tests.adapters.recorder import Recorder

from tickmux_adapters.alpaca.decoder import AlpacaDecoder
from tickmux_adapters.alpaca.market import Market
from tickmux_adapters.alpaca.messages import Snapshot
from tickmux_adapters.conversation import Heard
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import UNCHANGED, Instrument, InstrumentState, Moment
from tickmux_adapters.symbols import normalise_symbol

NS_PER_S = 1_000_000_000


Encode = Callable[..., bytes]


both = pytest.mark.parametrize("encode", [as_json, as_msgpack], ids=["json", "msgpack"])


class Slot:
    """A decoder and what it delivered."""

    def __init__(self, market: Market, *symbols: str) -> None:
        self.market = market
        self.sink = Recorder()
        self.clock = ManualClock()
        self.health = ChannelHealth(source="alpaca", channel="0", sink=self.sink, clock=self.clock)
        self.decoder = AlpacaDecoder(market, self.sink, self.health)
        for symbol in symbols:
            self.add(symbol)

    def add(self, venue_symbol: str, state: InstrumentState = InstrumentState.TRADING) -> None:
        symbol = normalise_symbol(venue_symbol)
        self.decoder.add(
            Instrument(
                source="alpaca",
                symbol=symbol,
                type=self.market.type,
                venue_symbol=venue_symbol,
                channel="0",
                state=state,
            )
        )

    def hear(self, *messages: Message, encode: Encode = as_json) -> Heard:
        return self.feed(encode(*messages))

    def feed(self, frame: bytes) -> Heard:
        return self.decoder.feed(frame, self.clock.wall_ns(), self.clock.monotonic_ns())

    def begin_chain(self) -> None:
        self.decoder.begin_chain(Moment(self.clock.wall_ns(), self.clock.monotonic_ns()))

    def seed(self, symbol: str, snapshot: dict[str, Any]) -> None:
        body = json.dumps(snapshot).encode()
        decoded = msgspec.json.Decoder(Snapshot, float_hook=str).decode(body)
        self.decoder.seed(symbol, decoded, Moment(self.clock.wall_ns(), self.clock.monotonic_ns()))

    def values(self, field: str) -> list[Any]:
        """What the updates that carry a field say of it."""
        values = [getattr(update, field) for update in self.sink.quotes]
        return [value for value in values if value is not UNCHANGED]


def nanoseconds(text: str) -> int:
    """By other means than the adapter's."""
    whole = dt.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=dt.UTC)
    return int(whole.timestamp()) * NS_PER_S + int(Decimal("0" + text[19:-1] if text[19:-1] else "0") * NS_PER_S)


SEED = {
    "latestQuote": {"bp": 1, "bs": 1, "ap": 2, "as": 1, "t": "2026-01-26T15:00:00.5Z"},
    "latestTrade": {"p": 1.5, "t": "2026-01-26T14:00:00Z", "i": 7, "x": "V", "c": ["@"], "z": "C"},
    "dailyBar": {"v": 100, "t": "2026-01-26T05:00:00Z"},
}
