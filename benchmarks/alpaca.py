"""What one core spends on Alpaca's messages, from bytes to framed quotes: both encodings, thin and full frames.

A feed of all stocks brings 7 000 to 22 000 messages a second at the open, many to a frame.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from benchmarks.arithmetic import Cost
from benchmarks.tables import table
from benchmarks.workers import settle_garbage_collector
from benchmarks.workloads import SEED, Walk
from tickmux_adapters.alpaca.decoder import AlpacaDecoder
from tickmux_adapters.alpaca.market import stock_market
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Instrument, Moment, SystemClock
from tickmux_server.log import MemoryLog
from tickmux_server.publisher import Publisher

ROUNDS: Final = 20
MESSAGES: Final = 6_000
STOCKS: Final = 200
TRADE_SHARE: Final = 0.3
FULL: Final = 30
START_NS: Final = 1_790_000_000_000_000_000
TIMESTAMP: Final = -1

Encode = Callable[[list[dict[str, Any]]], bytes]


def report(rounds: int = ROUNDS, messages: int = MESSAGES) -> str:
    """Measure and return the table."""
    told = _messages(messages)
    paths = {
        (encoding, size): Path([encode(told[at : at + size]) for at in range(0, messages, size)], messages)
        for encoding, encode in (("msgpack", _packed), ("json", _written))
        for size in (1, FULL)
    }
    settle_garbage_collector()
    costs: dict[tuple[str, int], list[float]] = {each: [] for each in paths}
    for _ in range(rounds):
        for each, path in paths.items():
            costs[each].append(path.run() / messages / 1000)
    rows = []
    for (encoding, size), repeats in costs.items():
        cost, msgpack = Cost(tuple(repeats)), Cost(tuple(costs["msgpack", size]))
        name = f"{encoding}, {size} message{'s' if size > 1 else ''} a frame"
        rows.append((name, f"{cost.median:.2f}", f"{cost.least:.2f}", f"{cost.times(msgpack):.2f}"))
    notes = [
        f"us/message: CPU time of one core from bytes to a framed Quote in the log; {TRADE_SHARE:.0%} are trades.",
        "x msgpack: median over rounds of neighbours in time, frames of the same size.",
    ]
    return table("ALPACA: bytes to framed quote, one core", ("", "us/message", "least", "x msgpack"), rows, notes)


class Path:
    """Decoder, publisher and log for one list of frames."""

    def __init__(self, frames: Sequence[bytes], messages: int) -> None:
        self._frames = frames
        self._messages = messages
        self._log = MemoryLog()
        self._publisher = Publisher(self._log, SystemClock(), flags={}, schedule=lambda flush: flush)
        health = ChannelHealth(source="alpaca", channel="0", sink=self._publisher, clock=SystemClock())
        self._decoder = AlpacaDecoder(stock_market("sip"), self._publisher, health)
        for number in range(STOCKS):
            instrument = Instrument(
                source="alpaca", symbol=_symbol(number), type="stock", exchange="NASDAQ", venue_symbol=_symbol(number)
            )
            self._publisher.instrument(instrument)
            self._decoder.add(instrument)

    def run(self) -> int:
        """CPU nanoseconds from bytes to the log.

        Raises:
            ValueError: a message made no quote.
        """
        # The frames repeat what was seen, which would be skipped within one chain.
        self._publisher.begin_chain("alpaca", "0")
        self._decoder.begin_chain(Moment(time.time_ns(), time.monotonic_ns()))
        self._publisher.flush()
        before, feed, flush = self._log.head, self._decoder.feed, self._publisher.flush
        started_ns = time.thread_time_ns()
        for frame in self._frames:
            feed(frame, time.time_ns(), time.monotonic_ns())
            flush()
        spent_ns = time.thread_time_ns() - started_ns
        if self._log.head - before != self._messages:
            raise ValueError(f"{self._messages} messages made {self._log.head - before} quotes")
        return spent_ns


def _messages(count: int) -> list[dict[str, Any]]:
    source = random.Random(SEED)
    walks = [Walk(source) for _ in range(STOCKS)]
    told: list[dict[str, Any]] = []
    for number in range(count):
        chosen = source.randrange(STOCKS)
        walk = walks[chosen]
        walk.step()
        bid, ask = round(walk.price(0), 2) + 1, round(walk.price(1), 2) + 2
        message: dict[str, Any] = {"T": "q", "S": _symbol(chosen), "bx": "V", "bp": bid, "bs": 2, "ax": "V", "ap": ask}
        message |= {"as": 1, "c": ["R"], "z": "C"}
        if source.random() < TRADE_SHARE:
            message = {"T": "t", "S": _symbol(chosen), "i": number, "x": "V", "p": bid, "s": 100, "c": ["@"], "z": "C"}
        told.append({**message, "t": START_NS + number * 1_000_003})
    return told


def _symbol(number: int) -> str:
    return f"S{number:03}"


def _written(messages: list[dict[str, Any]]) -> bytes:
    return msgspec.json.encode([{**each, "t": _text(each["t"])} for each in messages])


def _packed(messages: list[dict[str, Any]]) -> bytes:
    return msgspec.msgpack.encode([{**each, "t": _extension(each["t"])} for each in messages])


def _text(unix_ns: int) -> str:
    second, fraction_ns = divmod(unix_ns, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(second))}.{fraction_ns:09d}Z"


def _extension(unix_ns: int) -> msgspec.msgpack.Ext:
    second, fraction_ns = divmod(unix_ns, 1_000_000_000)
    return msgspec.msgpack.Ext(TIMESTAMP, (fraction_ns << 34 | second).to_bytes(8, "big"))
