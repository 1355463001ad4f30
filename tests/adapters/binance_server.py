"""A small Binance on loopback that does what a test tells it. Built on another WebSocket library than the adapters."""

import asyncio
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

CANARY = "btcusdt@bookTicker"


def listed(symbol: str, base: str, quote: str, status: str = "TRADING") -> dict[str, Any]:
    return {
        "symbol": symbol,
        "status": status,
        "baseAsset": base,
        "quoteAsset": quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000.00", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00", "stepSize": "0.00001000"},
        ],
    }


def book(symbol: str, update_id: int, bid: str = "100.00", ask: str = "100.01") -> dict[str, Any]:
    return {"u": update_id, "s": symbol, "b": bid, "B": "1.50000000", "a": ask, "A": "2.00000000"}


def trade(symbol: str, trade_id: int, price: str, time: int = 1790446152678000) -> dict[str, Any]:
    return {"e": "trade", "E": time, "s": symbol, "t": trade_id, "p": price, "q": "0.1", "T": time, "m": True}


def mini(symbol: str, time: int, last: str, volume: str) -> dict[str, Any]:
    return {"e": "24hrMiniTicker", "E": time, "s": symbol, "c": last, "o": "1", "h": "1", "l": "1", "v": volume}


class BinanceServer:
    """Acknowledges subscriptions, ticks the canary, and sends what it is told to those that subscribed."""

    def __init__(self) -> None:
        self.listing = [listed("BTCUSDT", "BTC", "USDT"), listed("ETHUSDT", "ETH", "USDT")]
        self.streams: dict[ServerConnection, set[str]] = {}
        self.received: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.acknowledges = True
        self.refuse_handshake: tuple[int, dict[str, str]] | None = None
        self.refuse_rest: tuple[int, dict[str, str], str] | None = None
        self.refuse_path = "/"
        """Only requests under this path are refused."""
        self.refuse_symbol = ""
        """Requests under that path that name this symbol are refused as if it were unknown."""
        self.muted = False
        self.canary_id = 0
        self.rest_calls: list[str] = []
        self._server: Server | None = None
        self._canary: asyncio.Task[None] | None = None
        self.port = 0
        self.handshakes = 0

    async def __aenter__(self) -> "BinanceServer":
        await self.start()
        return self

    async def start(self) -> None:
        self._server = await serve(
            self._talk, "127.0.0.1", self.port, process_request=self._request, ping_interval=None, close_timeout=0.2
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._canary = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        assert self._server is not None
        assert self._canary is not None
        self._canary.cancel()
        await asyncio.gather(self._canary, return_exceptions=True)
        self._server.close()
        await self._server.wait_closed()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def send(self, stream: str, data: dict[str, Any]) -> None:
        """Send data to every connection that subscribed to the stream."""
        await self.send_raw(json.dumps({"stream": stream, "data": data}, separators=(",", ":")), stream)

    async def send_raw(self, text: str | bytes, stream: str | None = None) -> None:
        """Send a frame as it is, to the subscribers of a stream or to all."""
        for connection, streams in list(self.streams.items()):
            if stream is None or stream in streams:
                try:
                    await connection.send(text, text=True)
                except ConnectionClosed:
                    continue

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            if not self.muted:
                self.canary_id += 1
                await self.send(CANARY, book("BTCUSDT", self.canary_id, "50000.00", "50000.01"))

    async def _talk(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.paths.append(connection.request.path)
        self.streams[connection] = set()
        try:
            async for text in connection:
                message = json.loads(text)
                self.received.append(message)
                if message["method"] == "SUBSCRIBE" and self.acknowledges:
                    self.streams[connection].update(message["params"])
                    await connection.send(json.dumps({"result": None, "id": message["id"]}))
        except ConnectionClosed:
            pass
        finally:
            del self.streams[connection]

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        if parts.path.startswith("/stream"):
            self.handshakes += 1
            if self.refuse_handshake is None:
                return None
            status, headers = self.refuse_handshake
            return _response(status, headers, "")
        self.rest_calls.append(request.path)
        if self.refuse_rest is not None and parts.path.startswith(self.refuse_path):
            return _response(*self.refuse_rest)
        return self._rest(parts.path, {key: value[0] for key, value in parse_qs(parts.query).items()})

    def _rest(self, path: str, query: dict[str, str]) -> Response:
        names = [each["symbol"] for each in self.listing]
        wanted = json.loads(query["symbols"]) if "symbols" in query else names
        is_refused = path.startswith(self.refuse_path) and self.refuse_symbol in wanted
        if is_refused or not set(wanted) <= set(names):
            return _response(400, {}, '{"code":-1121,"msg":"Invalid symbol."}')
        body: object
        if path == "/api/v3/exchangeInfo":
            body = {"timezone": "UTC", "symbols": [each for each in self.listing if each["symbol"] in wanted]}
        elif path == "/api/v3/ticker/bookTicker":
            body = [
                {"symbol": name, "bidPrice": "99.00", "bidQty": "9.0", "askPrice": "99.50", "askQty": "9.5"}
                for name in wanted
            ]
        elif path == "/api/v3/ticker/24hr":
            assert query["type"] == "MINI"
            body = [
                {"symbol": name, "lastPrice": "99.25", "volume": "1234.5", "closeTime": 1790446152000}
                for name in wanted
            ]
        else:
            return _response(404, {}, "")
        return _response(200, {}, json.dumps(body))


def _response(status: int, headers: dict[str, str], text: str) -> Response:
    body = text.encode()
    fields = Headers({"Content-Length": str(len(body)), "Content-Type": "application/json", **headers})
    fields["Connection"] = "close"
    return Response(status, HTTPStatus(status).phrase, fields, body)
