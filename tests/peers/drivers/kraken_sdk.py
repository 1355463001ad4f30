"""python-kraken-sdk against a simulator: prints the data messages that it received, one JSON object a line.

Arguments: REST URL, WebSocket URL (ending in /v2), number of messages of each channel.
"""

import asyncio
import json
import sys
from typing import Any

from kraken.spot import Market, SpotOrderBookClient, SpotWSClient


class Book(SpotOrderBookClient):
    """The SDK's own order book: it checks the checksum of every message."""

    async def on_book_update(self, pair: str, message: Any) -> None:
        """Print the top of a book that passed."""
        book = self.get(pair=pair)
        if book is not None and book["valid"]:
            bid, ask = next(iter(book["bid"].items())), next(iter(book["ask"].items()))
            emit({"kind": "book", "pair": pair, "bid": bid[0], "ask": ask[0]})
        else:
            emit({"kind": "invalid book", "pair": pair})


def emit(result: object) -> None:
    """Print one result."""
    sys.stdout.write(json.dumps(result) + "\n")


async def receive(rest_url: str, websocket_url: str, count: int) -> None:
    """Subscribe to ticker, trade and book, and stop after enough of each."""
    counts = {"ticker": 0, "trade": 0, "book": 0, "instrument": 0}
    wanted = {"ticker": count, "trade": count, "book": count, "instrument": 1}
    is_enough = asyncio.Event()
    books = Book(depth=10)
    # The book asks REST for a pair's decimals, and its constructor takes no URL.
    books._SpotOrderBookClient__market = Market(url=rest_url)

    async def on_message(message: Any) -> None:
        channel = message.get("channel") if isinstance(message, dict) else None
        if channel in counts:
            counts[channel] += 1
            emit({"kind": "message", "message": message})
            if channel == "book":
                await books.on_message(message)
            if all(counts[name] >= wanted[name] for name in counts):
                is_enough.set()
        elif isinstance(message, dict) and message.get("method") == "subscribe":
            emit({"kind": "acknowledgement", "message": message})

    emit({"kind": "ticker by REST", "message": Market(url=rest_url).get_ticker(pair="XBTUSD")})
    socket = SpotWSClient(callback=on_message, rest_url=rest_url, ws_url=websocket_url.removesuffix("/v2"))
    await socket.start()
    try:
        await socket.subscribe(
            params={"channel": "ticker", "symbol": ["BTC/USD", "ETH/USD"], "event_trigger": "bbo", "snapshot": True}
        )
        await socket.subscribe(params={"channel": "trade", "symbol": ["BTC/USD"], "snapshot": True})
        await socket.subscribe(params={"channel": "book", "symbol": ["BTC/USD"], "depth": 10})
        await socket.subscribe(params={"channel": "instrument"})
        await is_enough.wait()
    finally:
        await socket.close()


if __name__ == "__main__":
    asyncio.run(receive(sys.argv[1], sys.argv[2], int(sys.argv[3])))
