"""ccxt.pro against a simulator: prints what it received, one JSON object a line.

Arguments: venue (binance or kraken), REST URL, WebSocket URL, number of results of each kind.
"""

import asyncio
import json
import sys

import ccxt.pro


def client(venue: str, rest_url: str, websocket_url: str) -> ccxt.pro.Exchange:
    """ccxt's client of the venue, with nothing changed but the URLs."""
    if venue == "binance":
        exchange = ccxt.pro.binance({"options": {"fetchMarkets": {"types": ["spot"]}, "defaultType": "spot"}})
        exchange.urls["api"]["public"] = f"{rest_url}/api/v3"
        exchange.urls["api"]["ws"]["spot"] = f"{websocket_url}/ws"
        return exchange
    exchange = ccxt.pro.kraken()
    exchange.urls["api"]["public"] = rest_url
    exchange.urls["api"]["ws"]["publicV2"] = websocket_url
    return exchange


async def watch_quotes(exchange: ccxt.pro.Exchange, symbol: str, count: int) -> None:
    """Print the top of book, as it changes."""
    for _ in range(count):
        for one, quote in (await exchange.watch_bids_asks([symbol])).items():
            emit("quote", one, [quote["bid"], quote["bidVolume"], quote["ask"], quote["askVolume"]])


async def watch_trades(exchange: ccxt.pro.Exchange, symbol: str, count: int) -> None:
    """Print trades."""
    seen = 0
    while seen < count:
        for trade in await exchange.watch_trades(symbol):
            emit("trade", trade["symbol"], [trade["id"], trade["price"], trade["amount"], trade["side"]])
            seen += 1


async def watch_ticker(exchange: ccxt.pro.Exchange, symbol: str) -> None:
    """Print two tickers."""
    for _ in range(2):
        ticker = await exchange.watch_ticker(symbol)
        emit("ticker", ticker["symbol"], [ticker["last"], ticker["baseVolume"]])


async def watch_book(exchange: ccxt.pro.Exchange, symbol: str, count: int) -> None:
    """Print the top of a book that ccxt maintains itself, at Binance by its sequence numbers."""
    for _ in range(count):
        book = await exchange.watch_order_book(symbol, 10)
        emit("book", book["symbol"], [*book["bids"][0], *book["asks"][0]])


async def watch(venue: str, rest_url: str, websocket_url: str, count: int) -> None:
    """Watch quotes, trades, tickers and a book at the same time."""
    exchange = client(venue, rest_url, websocket_url)
    symbol = "BTC/USDT" if venue == "binance" else "BTC/USD"
    try:
        emit("markets", "", sorted(await exchange.load_markets()))
        await asyncio.gather(
            watch_quotes(exchange, symbol, count),
            watch_trades(exchange, symbol, count),
            watch_ticker(exchange, symbol),
            watch_book(exchange, symbol, count),
        )
    finally:
        await exchange.close()


def emit(kind: str, symbol: str, values: object) -> None:
    """Print one result."""
    sys.stdout.write(json.dumps({"kind": kind, "symbol": symbol, "values": values}) + "\n")


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
