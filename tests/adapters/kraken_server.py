"""A small Kraken on loopback that does what a test tells it. Built on another WebSocket library than the adapters."""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response


def pair(symbol: str, status: str = "online") -> str:
    base, quote = symbol.split("/")
    return (
        f'{{"symbol":"{symbol}","base":"{base}","quote":"{quote}","status":"{status}","qty_precision":8,'
        '"qty_increment":0.00000001,"price_precision":1,"price_increment":0.1,"qty_min":0.00010000}'
    )


def ticker(symbol: str, bid: str, ask: str, time: str | None, *, kind: str = "update", last: str = "100.10") -> str:
    timestamp = f',"timestamp":"{time}"' if time else ""
    return (
        f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{symbol}","bid":{bid},"bid_qty":5.45673101,'
        f'"ask":{ask},"ask_qty":0.36974422,"last":{last},"volume":1020.88391276,"vwap":63685.7,"low":63250,'
        f'"high":64409.2,"change":0.7,"change_pct":0{timestamp}}}]}}'
    )


class KrakenServer:
    """Sends status, listing, one answer a symbol, snapshots and heartbeats; and what it is told."""

    def __init__(self) -> None:
        self.pairs = {"BTC/USD": "online", "ETH/USD": "online", "XRP/USD": "online"}
        self.system = "online"
        self.silent: set[str] = set()
        self.wakes_when_unsubscribed = False
        self.lists = True
        self.refused: set[str] = set()
        self.already: set[str] = set()
        self.muted = False
        self.quotes_muted = False
        self.refuse_handshake: tuple[int, dict[str, str]] | None = None
        self.connections: dict[ServerConnection, set[str]] = {}
        self.received: list[dict[str, Any]] = []
        self.handshakes = 0
        self.port = 0
        self.price = 100.0

    async def __aenter__(self) -> "KrakenServer":
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server: Server = await serve(
            self._talk, "127.0.0.1", self.port, process_request=self._request, ping_interval=None, close_timeout=0.2
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        self._heart = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        self._heart.cancel()
        await asyncio.gather(self._heart, return_exceptions=True)
        self._server.close()
        await self._server.wait_closed()

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/v2"

    async def send(self, text: str, symbol: str | None = None) -> None:
        for connection, symbols in list(self.connections.items()):
            if symbol is None or symbol in symbols:
                await self._say(connection, text)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(0.03)
            if not self.muted:
                await self.send('{"channel":"heartbeat"}')

    async def _say(self, connection: ServerConnection, text: str) -> None:
        try:
            await connection.send(text, text=True)
        except ConnectionClosed:
            return

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes += 1
        if self.refuse_handshake is None:
            return None
        status, headers = self.refuse_handshake
        return Response(status, HTTPStatus(status).phrase, Headers({"Content-Length": "0", **headers}), b"")

    async def _talk(self, connection: ServerConnection) -> None:
        self.connections[connection] = set()
        status = (
            f'{{"version":"2.0.10","system":"{self.system}","api_version":"v2","connection_id":16763580994566763544}}'
        )
        await self._say(connection, f'{{"channel":"status","type":"update","data":[{status}]}}')
        try:
            async for text in connection:
                await self._answer(connection, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            del self.connections[connection]

    async def _answer(self, connection: ServerConnection, message: dict[str, Any]) -> None:
        self.received.append(message)
        parameters = message["params"]
        if parameters["channel"] == "instrument":
            await self._say(connection, _answer(message, True, result={"channel": "instrument", "snapshot": True}))
            if not self.lists:
                return
            pairs = ",".join(pair(symbol, status) for symbol, status in self.pairs.items())
            await self._say(
                connection, f'{{"channel":"instrument","type":"snapshot","data":{{"assets":[],"pairs":[{pairs}]}}}}'
            )
            return
        for symbol in parameters["symbol"]:
            if message["method"] == "unsubscribe":
                self.connections[connection].discard(symbol)
                if self.wakes_when_unsubscribed:
                    self.silent.discard(symbol)
                await self._say(connection, _answer(message, True, result={"channel": "ticker", "symbol": symbol}))
            elif symbol in self.refused:
                error = f"Currency pair not supported {symbol}"
                await self._say(connection, _answer(message, False, error=error, symbol=symbol))
            elif symbol in self.already:
                await self._say(connection, _answer(message, False, error="Already subscribed", symbol=symbol))
                await self._snapshot(connection, symbol)
            else:
                result = {"channel": "ticker", "event_trigger": "bbo", "snapshot": True, "symbol": symbol}
                await self._say(connection, _answer(message, True, result=result))
                await self._snapshot(connection, symbol)

    async def _snapshot(self, connection: ServerConnection, symbol: str) -> None:
        if symbol in self.silent or self.muted or self.quotes_muted:
            return
        self.connections[connection].add(symbol)
        text = ticker(
            symbol, f"{self.price}", f"{self.price + 0.1:.1f}", "2026-08-12T19:29:02.066592Z", kind="snapshot"
        )
        await self._say(connection, text)


def _answer(message: dict[str, Any], success: bool, **more: object) -> str:  # noqa: FBT001 - the protocol's own field
    stamps = {"time_in": "2026-09-24T03:54:32.996743Z", "time_out": "2026-09-24T03:54:32.996775Z"}
    return json.dumps({"method": message["method"], "req_id": message["req_id"], "success": success, **more, **stamps})
