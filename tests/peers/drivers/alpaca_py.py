"""alpaca-py against a simulator: prints what it received, one JSON object a line.

Arguments: encoding (msgpack or json), REST URL, WebSocket URL, key, secret, number of stock quotes to wait for.

The SDK speaks msgpack alone. For JSON its codec and the header that asks for msgpack are exchanged, and nothing else:
connecting, authenticating, subscribing, dispatching and its models stay its own.
"""

import asyncio
import datetime as dt
import json
import sys
from typing import Any

import msgpack
from alpaca.data.enums import DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.live import CryptoDataStream, StockDataStream, websocket
from alpaca.data.requests import (
    CryptoLatestQuoteRequest,
    CryptoSnapshotRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockSnapshotRequest,
)
from alpaca.trading.client import TradingClient

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class JsonInstant:
    """A time as JSON writes it, with what the SDK asks of a msgpack timestamp."""

    def __init__(self, text: str) -> None:
        """Keep the text, whose fraction may have more digits than a datetime."""
        self.text = text

    def to_datetime(self) -> dt.datetime:
        """The time to the microsecond."""
        head, _, fraction = self.text.removesuffix("Z").partition(".")
        return dt.datetime.fromisoformat(f"{head}.{fraction[:6].ljust(6, '0')}+00:00")


class JsonCodec:
    """JSON where the SDK expects the module msgpack."""

    @staticmethod
    def packb(message: Any) -> str:
        """A text message."""
        return json.dumps(message)

    @staticmethod
    def unpackb(text: Any) -> Any:
        """A frame, which must be text."""
        if not isinstance(text, str):
            raise TypeError("a binary frame came on a JSON connection")
        messages = json.loads(text)
        for message in messages:
            if "t" in message:
                message["t"] = JsonInstant(message["t"])
        return messages


class JsonSockets:
    """The SDK's WebSocket client without the header that asks for msgpack."""

    def __init__(self, client: Any) -> None:
        """Wrap the module that connects."""
        self._client = client

    def connect(self, endpoint: str, extra_headers: dict[str, str], **options: Any) -> Any:
        """Connect."""
        headers = {name: value for name, value in extra_headers.items() if name != "Content-Type"}
        return self._client.connect(endpoint, extra_headers=headers, **options)


def emit(kind: str, values: object) -> None:
    """Print one result."""
    sys.stdout.write(json.dumps({"kind": kind, "values": values}) + "\n")


def microseconds(time: dt.datetime) -> int:
    """Unix microseconds of a time."""
    return (time - EPOCH) // dt.timedelta(microseconds=1)


class Received:
    """Prints what comes, and knows when there is enough of everything."""

    def __init__(self, count: int) -> None:
        """Wait for so many stock quotes, and a few of everything else."""
        self.is_enough = asyncio.Event()
        self._wanted = {"stock quote": count, "stock trade": 3, "stock bar": 1, "stock daily bar": 1}
        self._wanted |= {"coin quote": 5, "coin trade": 3, "coin book": 5}

    async def quote(self, one: Any) -> None:
        """Take a quote."""
        values = [one.symbol, one.bid_price, one.bid_size, one.ask_price, one.ask_size, microseconds(one.timestamp)]
        self._take("coin quote" if "/" in one.symbol else "stock quote", values)

    async def trade(self, one: Any) -> None:
        """Take a trade."""
        values = [one.symbol, one.id, one.price, one.size, microseconds(one.timestamp)]
        self._take("coin trade" if "/" in one.symbol else "stock trade", values)

    async def bar(self, one: Any) -> None:
        """Take a minute bar."""
        self._take("stock bar", [one.symbol, one.open, one.high, one.low, one.close, one.volume, one.trade_count])

    async def daily_bar(self, one: Any) -> None:
        """Take a daily bar."""
        self._take("stock daily bar", [one.symbol, one.close, one.volume])

    async def book(self, one: Any) -> None:
        """Take a whole book or a change."""
        self._take("coin book", [one.symbol, one.reset, len(one.bids), len(one.asks)])

    def _take(self, kind: str, values: object) -> None:
        emit(kind, values)
        if kind in self._wanted:
            self._wanted[kind] -= 1
            if self._wanted[kind] <= 0:
                del self._wanted[kind]
        if not self._wanted:
            self.is_enough.set()


class Stocks(StockDataStream):
    """The SDK's stream; its log is where the list of subscriptions and errors go, so they are printed as well."""

    async def _dispatch(self, message: dict[str, Any]) -> None:
        if message["T"] in {"subscription", "error"}:
            emit(message["T"], message)
        await super()._dispatch(message)


async def receive(websocket_url: str, key: str, secret: str, count: int) -> None:
    """Run both streams until there is enough of everything."""
    received = Received(count)
    stocks = Stocks(key, secret, url_override=f"{websocket_url}/v2/iex")
    coins = CryptoDataStream(key, secret, url_override=f"{websocket_url}/v1beta3/crypto/us")
    stocks.subscribe_quotes(received.quote, "AAPL", "SPY")
    stocks.subscribe_trades(received.trade, "SPY")
    stocks.subscribe_bars(received.bar, "SPY")
    stocks.subscribe_daily_bars(received.daily_bar, "SPY")
    coins.subscribe_quotes(received.quote, "BTC/USD")
    coins.subscribe_trades(received.trade, "BTC/USD")
    coins.subscribe_orderbooks(received.book, "ETH/USD")
    running = [asyncio.create_task(stream._run_forever()) for stream in (stocks, coins)]
    await received.is_enough.wait()
    for stream in (stocks, coins):
        await stream.stop_ws()
    await asyncio.gather(*running)


def ask(rest_url: str, key: str, secret: str) -> None:
    """Ask REST for snapshots, latest quotes and trades, and assets."""
    stocks = StockHistoricalDataClient(key, secret, url_override=rest_url)
    names = ["AAPL", "JPM"]
    for symbol, snapshot in stocks.get_stock_snapshot(
        StockSnapshotRequest(symbol_or_symbols=names, feed=DataFeed.IEX)
    ).items():
        emit("stock snapshot", [symbol, snapshot.latest_trade.price, snapshot.daily_bar.volume])
    for symbol, quote in stocks.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols=names)).items():
        emit("stock latest quote", [symbol, quote.bid_price, quote.ask_price, quote.bid_exchange])
    for symbol, trade in stocks.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=names)).items():
        emit("stock latest trade", [symbol, trade.price, trade.size, trade.id])
    coins = CryptoHistoricalDataClient(url_override=rest_url)  # without a key, as the venue allows
    pairs = ["BTC/USD", "DOGE/USD"]
    for symbol, snapshot in coins.get_crypto_snapshot(CryptoSnapshotRequest(symbol_or_symbols=pairs)).items():
        emit("coin snapshot", [symbol, snapshot.latest_quote.bid_price, snapshot.daily_bar.volume])
    for symbol, quote in coins.get_crypto_latest_quote(CryptoLatestQuoteRequest(symbol_or_symbols=pairs)).items():
        emit("coin latest quote", [symbol, quote.bid_price, quote.ask_price])
    trading = TradingClient(key, secret, url_override=rest_url)
    for asset in [*trading.get_all_assets(), trading.get_asset("BRK.B")]:
        emit("asset", [asset.symbol, asset.exchange.value, asset.asset_class.value, asset.price_increment])


if __name__ == "__main__":
    if sys.argv[1] == "json":
        websocket.msgpack = JsonCodec
        websocket.websockets_legacy = JsonSockets(websocket.websockets_legacy)
    elif websocket.msgpack is not msgpack:
        raise SystemExit("the SDK no longer uses msgpack: look at this driver again")
    ask(sys.argv[2], sys.argv[4], sys.argv[5])
    asyncio.run(receive(sys.argv[3], sys.argv[4], sys.argv[5], int(sys.argv[6])))
