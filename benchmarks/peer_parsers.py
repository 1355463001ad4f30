"""Worker: parsers of others, from a frame's bytes over their own object to the same framed Quote. Run by `ingest`.

Runs in the environment of the peers: of ours it imports the generated stubs and what needs nothing else.
"""

import abc
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benchmarks.kept_quotes import KeptQuote, values
from benchmarks.workers import Message, chunks, serve, settle_garbage_collector

READ_FRAMES: Final = 64
EPOCH: Final = 1_790_000_000_000

Listing = Mapping[str, str]


class PeerPath(abc.ABC):
    """One parser, and the quotes that its objects are written as."""

    def __init__(self, frames: Sequence[str], listings: Sequence[Listing], name: Callable[[Listing], str]) -> None:
        self._reads = chunks([frame.encode() for frame in frames], READ_FRAMES)
        self._by_name = {name(listing): KeptQuote(listing, epoch=EPOCH) for listing in listings}
        self._written: list[bytes] = []
        self.count = 0

    def whole(self, passes: int) -> int:
        """CPU nanoseconds from bytes to framed quotes."""
        return asyncio.run(self._passes(passes))

    async def _passes(self, passes: int) -> int:
        started_ns = time.thread_time_ns()
        for _ in range(passes):
            for read in self._reads:
                await self._read(read)
                self.count += len(self._written)
                self._written.clear()
        return time.thread_time_ns() - started_ns

    @abc.abstractmethod
    async def _read(self, frames: Sequence[bytes]) -> None:
        """Take frames as the peer takes them from its socket."""

    def quotes(self) -> dict[str, list[float | int | None]]:
        """What is known of each instrument after all frames."""
        self.whole(1)
        return {kept.quote.symbol: values(kept.quote) for kept in self._by_name.values() if kept.quote.revision}


class CryptofeedBinance(PeerPath):
    """cryptofeed's Binance feed with callbacks for tickers and trades.

    Its ticker has no sizes, which are read from the raw message that it carries; it takes trades as `aggTrade` only.
    """

    def __init__(self, frames: Sequence[str], listings: Sequence[Listing]) -> None:
        super().__init__(frames, listings, lambda listing: f"{listing['base']}-{listing['quote']}")
        defines, symbols = import_module("cryptofeed.defines"), import_module("cryptofeed.symbols")
        exchange = import_module("cryptofeed.exchanges.binance").Binance
        symbols.Symbols.set(
            exchange.id,
            {f"{listing['base']}-{listing['quote']}": listing["venue_symbol"] for listing in listings},
            {"instrument_type": {}},
        )
        self._feed = exchange(
            symbols=list(self._by_name),
            channels=[defines.TICKER, defines.TRADES],
            callbacks={defines.TICKER: self._ticker, defines.TRADES: self._trade},
        )

    async def _read(self, frames: Sequence[bytes]) -> None:
        handle: Callable[[str, Any, float], Awaitable[None]] = self._feed.message_handler
        for frame in frames:
            await handle(frame.decode(), None, time.time())

    async def _ticker(self, ticker: Any, _received_at: float) -> None:
        raw = ticker.raw
        book = (float(ticker.bid), float(raw["B"]), float(ticker.ask), float(raw["A"]))
        self._written.append(self._by_name[ticker.symbol].take(time.time_ns(), time.monotonic_ns(), book=book))

    async def _trade(self, trade: Any, _received_at: float) -> None:
        self._written.append(
            self._by_name[trade.symbol].take(
                time.time_ns(),
                time.monotonic_ns(),
                last=float(trade.price),
                venue_time_ms=round(trade.timestamp * 1000),
            )
        )


class Ccxt(PeerPath):
    """ccxt's exchange, fed through its own WebSocket client object, which decodes by orjson.

    What it would hand to waiting callers is written instead, so that its futures cost it nothing. Of Kraken it gives no
    venue time, which its quotes therefore lack.
    """

    def __init__(self, frames: Sequence[str], listings: Sequence[Listing], venue: str) -> None:
        super().__init__(frames, listings, lambda listing: f"{listing['base']}/{listing['quote']}")
        exchange = getattr(import_module("ccxt.pro"), venue)({"options": {"defaultType": "spot"}})
        exchange.set_markets(
            [
                exchange.safe_market_structure(
                    {
                        "id": listing["venue_symbol"],
                        "symbol": f"{listing['base']}/{listing['quote']}",
                        "base": listing["base"],
                        "quote": listing["quote"],
                        "type": "spot",
                        "spot": True,
                        "contract": False,
                    }
                )
                for listing in listings
            ]
        )
        url = "wss://stream.example/stream" if venue == "binance" else "wss://ws.example/v2"
        client = import_module("ccxt.async_support.base.ws.client").Client
        self._client = client.__new__(client)
        self._client.url = url
        self._client.verbose = False
        self._client.decompressBinary = True
        self._client.subscriptions = {}
        self._client.futures = {}
        self._client.on_message_callback = exchange.handle_message
        self._client.resolve = self._resolve

    async def _read(self, frames: Sequence[bytes]) -> None:
        handle = self._client.handle_text_or_binary_message
        for frame in frames:
            handle(frame.decode())

    def _resolve(self, result: Any, message_hash: str) -> None:
        kind = message_hash.replace("@", ":").partition(":")[0]
        if kind == "trade":
            trade = result[-1]
            self._take(trade, last=trade["price"], venue_time_ms=trade["timestamp"])
        elif kind == "bidask":
            self._take(result, book=_book(result))
        elif kind == "ticker":
            self._take(result, book=_book(result), last=result["last"], volume=result["baseVolume"])

    def _take(self, result: Any, **fields: Any) -> None:
        self._written.append(self._by_name[result["symbol"]].take(time.time_ns(), time.monotonic_ns(), **fields))


class Answers:
    """What `ingest` asks for."""

    def __init__(self) -> None:
        self._paths: dict[tuple[str, str], PeerPath] = {}

    def __call__(self, request: Message) -> Message:
        """One measurement."""
        if request["do"] == "settle":
            settle_garbage_collector()
            return {}
        key = (request["parser"], request["name"])
        if request["do"] == "load":
            self._paths[key] = _path(request["parser"], json.loads(Path(request["path"]).read_text(encoding="utf-8")))
            return {"quotes": self._paths[key].quotes()}
        path = self._paths[key]
        path.count = 0
        return {"cpu_ns": path.whole(request["passes"]), "quotes": path.count}


def _path(parser: str, workload: Mapping[str, Any]) -> PeerPath:
    if parser == "cryptofeed":
        return CryptofeedBinance(workload["aggregate_frames"] or workload["frames"], workload["listings"])
    return Ccxt(workload["frames"], workload["listings"], workload["venue"])


def _book(ticker: Mapping[str, Any]) -> tuple[float | None, float | None, float | None, float | None]:
    return (ticker["bid"], ticker["bidVolume"], ticker["ask"], ticker["askVolume"])


if __name__ == "__main__":
    serve(Answers())
