"""Worker: our own path from a frame's bytes to a framed quote in the log. Run by `ingest`."""

import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.kept_quotes import KeptQuote, values
from benchmarks.workers import Message, chunks, serve, settle_garbage_collector
from tickmux.v1 import quote_pb2
from tickmux_adapters.binance.decoder import BinanceDecoder
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.kraken.decoder import KrakenDecoder
from tickmux_adapters.model import ChannelStatus, Instrument, InstrumentState, QuoteUpdate, Sink, SystemClock
from tickmux_server.chain import QuoteChain
from tickmux_server.frames import payload
from tickmux_server.log import LogEntry, MemoryLog, QuoteEntry
from tickmux_server.publisher import Publisher

READ_FRAMES: Final = 64
"""Frames between two flushes: what one read of a busy socket brings."""
KEPT_INSTRUMENTS: Final = 1_000


class Discarding:
    """A sink that keeps nothing, to measure a decoder alone."""

    def instrument(self, instrument: Instrument) -> None:
        """Nothing."""

    def begin_chain(self, source: str, channel: str) -> None:
        """Nothing."""

    def quote(self, update: QuoteUpdate) -> None:
        """Nothing."""

    def status(self, status: ChannelStatus) -> None:
        """Nothing."""


class Gathering(Discarding):
    """A sink that keeps the updates, to measure the publisher alone."""

    def __init__(self) -> None:
        self.updates: list[QuoteUpdate] = []

    def quote(self, update: QuoteUpdate) -> None:
        """Keep it."""
        self.updates.append(update)


class OwnPath:
    """Decoder, publisher and log for one workload."""

    def __init__(self, path: Path) -> None:
        workload = json.loads(path.read_text(encoding="utf-8"))
        self._venue: str = workload["venue"]
        self._frames = [text.encode() for text in workload["frames"]]
        self._reads = chunks(self._frames, READ_FRAMES)
        self._instruments = [_instrument(listing) for listing in workload["listings"]]
        self._log = MemoryLog()
        self._publisher = self._publisher_into(self._log)
        self._decoder = self._decoder_into(self._publisher)
        self._lone_publisher = self._publisher_into(MemoryLog())
        self._lone_decoder = self._decoder_into(Discarding())
        gathering = Gathering()
        self._pass(self._decoder_into(gathering), _nothing)
        if len(gathering.updates) != len(self._frames):
            raise ValueError(f"{path.stem}: {len(self._frames)} frames made {len(gathering.updates)} updates")
        self._updates = chunks(gathering.updates, READ_FRAMES)

    def whole(self, passes: int) -> int:
        """CPU nanoseconds from bytes to the log."""
        before = self._log.head
        started_ns = time.thread_time_ns()
        for _ in range(passes):
            self._pass(self._decoder, self._publisher.flush)
        spent_ns = time.thread_time_ns() - started_ns
        if self._log.head - before != passes * len(self._frames):
            raise ValueError("a frame made no quote")
        return spent_ns

    def decode(self, passes: int) -> int:
        """CPU nanoseconds of the decoder alone."""
        started_ns = time.thread_time_ns()
        for _ in range(passes):
            self._pass(self._lone_decoder, _nothing)
        return time.thread_time_ns() - started_ns

    def publish(self, passes: int) -> int:
        """CPU nanoseconds of merging, encoding and appending to the log."""
        quote, flush = self._lone_publisher.quote, self._lone_publisher.flush
        spent_ns = 0
        for _ in range(passes):
            # The updates are of the same moments in each pass; a chain's time never goes back.
            self._lone_publisher.begin_chain(self._venue, "0")
            started_ns = time.thread_time_ns()
            for read in self._updates:
                for update in read:
                    quote(update)
                flush()
            spent_ns += time.thread_time_ns() - started_ns
        return spent_ns

    def quotes(self) -> dict[str, list[float | int | None]]:
        """What is known of each instrument after all frames."""
        latest: dict[str, bytes] = {}

        def read(_first: int, entries: Sequence[LogEntry]) -> None:
            latest.update((entry.instrument[1], entry.frame) for entry in entries if type(entry) is QuoteEntry)

        log = MemoryLog()
        log.read(read)
        publisher = self._publisher_into(log)
        self._pass(self._decoder_into(publisher), publisher.flush)
        return {symbol: values(quote_pb2.Quote.FromString(payload(frame))) for symbol, frame in latest.items()}

    def _publisher_into(self, log: MemoryLog) -> Publisher:
        publisher = Publisher(log, SystemClock(), flags={}, schedule=_unscheduled)
        for instrument in self._instruments:
            publisher.instrument(instrument)
        publisher.begin_chain(self._venue, "0")
        publisher.flush()
        return publisher

    def _decoder_into(self, sink: Sink) -> BinanceDecoder | KrakenDecoder:
        health = ChannelHealth(source=self._venue, channel="0", sink=sink, clock=SystemClock())
        if self._venue == "binance":
            return BinanceDecoder(self._instruments, sink, health)
        decoder = KrakenDecoder(sink, health)
        for instrument in self._instruments:
            decoder.add(instrument)
        return decoder

    def _pass(self, decoder: BinanceDecoder | KrakenDecoder, flush: Callable[[], None]) -> None:
        # A pass repeats what the decoder has seen, which it would skip within one chain.
        decoder.begin_chain()
        feed, wall_ns, monotonic_ns = decoder.feed, time.time_ns, time.monotonic_ns
        for read in self._reads:
            for frame in read:
                feed(frame, wall_ns(), monotonic_ns())
            flush()


class Encodings:
    """The same updates of many instruments, encoded from pieces and by protobuf messages that are kept."""

    def __init__(self, updates: int) -> None:
        source = random.Random(1)
        listings = [
            {
                "source": "binance",
                "exchange": "Binance",
                "symbol": f"C{number:03}USDT",
                "venue_symbol": f"C{number:03}USDT",
            }
            for number in range(KEPT_INSTRUMENTS)
        ]
        self._chains = [QuoteChain(_instrument(listing), (), 1_790_000_000_000) for listing in listings]
        self._kept = [KeptQuote(listing, epoch=1_790_000_000_000) for listing in listings]
        now_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
        self._updates = [
            (
                chosen,
                QuoteUpdate(
                    instrument=("binance", listings[chosen]["symbol"]),
                    received_at_ns=now_ns + 1_000 * number,
                    received_monotonic_ns=monotonic_ns + 1_000 * number,
                    bid_price=round(source.uniform(1, 60_000), 2),
                    bid_size=round(source.uniform(0, 9), 5),
                    ask_price=round(source.uniform(1, 60_000), 2),
                    ask_size=round(source.uniform(0, 9), 5),
                ),
            )
            for number, chosen in enumerate(source.choices(range(KEPT_INSTRUMENTS), k=updates))
        ]

    def pieces(self) -> int:
        """CPU nanoseconds of our own encoding."""
        chains = self._chains
        started_ns = time.thread_time_ns()
        for chosen, update in self._updates:
            chains[chosen].merge(update)
        return time.thread_time_ns() - started_ns

    def kept(self) -> int:
        """CPU nanoseconds of changing and serialising protobuf messages."""
        quotes = self._kept
        started_ns = time.thread_time_ns()
        for chosen, update in self._updates:
            quotes[chosen].take(
                update.received_at_ns,
                update.received_monotonic_ns,
                book=(update.bid_price, update.bid_size, update.ask_price, update.ask_size),  # type: ignore[arg-type]
            )
        return time.thread_time_ns() - started_ns


class Answers:
    """What `ingest` asks for."""

    def __init__(self) -> None:
        self._paths: dict[str, OwnPath] = {}
        self._encodings: Encodings | None = None

    def __call__(self, request: Message) -> Message:
        """One measurement."""
        if request["do"] == "load":
            self._paths[request["name"]] = OwnPath(Path(request["path"]))
            return {"quotes": self._paths[request["name"]].quotes()}
        if request["do"] == "settle":
            self._encodings = Encodings(request["updates"])
            settle_garbage_collector()
            return {}
        if request["do"] in ("pieces", "kept"):
            assert self._encodings is not None
            return {"cpu_ns": getattr(self._encodings, request["do"])()}
        return {"cpu_ns": getattr(self._paths[request["name"]], request["do"])(request["passes"])}


def _instrument(listing: dict[str, str]) -> Instrument:
    return Instrument(
        source=listing["source"],
        symbol=listing["symbol"],
        type="crypto",
        exchange=listing["exchange"],
        venue_symbol=listing["venue_symbol"],
        state=InstrumentState.TRADING,
    )


def _nothing() -> None:
    pass


def _unscheduled(_flush: Callable[[], None]) -> None:
    pass


if __name__ == "__main__":
    serve(Answers())
