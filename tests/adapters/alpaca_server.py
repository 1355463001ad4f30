"""A small Alpaca on loopback that does what a test tells it. Built on another WebSocket library than the adapters."""

import asyncio
import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web
from tests.adapters.alpaca_messages import Message, as_json, as_msgpack
from tests.adapters.http_server import HttpServer, Reply
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

KEY, SECRET = "PKTESTKEY0123456789", "secret-of-the-test-account"


class Client:
    """One connection: who it is, and what it subscribed to."""

    def __init__(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.connection = connection
        self.path = connection.request.path
        self.is_packed = connection.request.headers.get("Content-Type") == "application/msgpack"
        self.is_authenticated = False
        self.subscribed: dict[str, list[str]] = {}

    async def say(self, *messages: Message) -> None:
        await self.raw(as_msgpack(*messages) if self.is_packed else as_json(*messages).decode())

    async def raw(self, frame: str | bytes) -> None:
        try:
            await self.connection.send(frame)
        except ConnectionClosed:
            return


class AlpacaServer:
    """Greets, takes keys and subscriptions, lists assets, and sends what it is told."""

    def __init__(self) -> None:
        self.keys = {KEY: SECRET}
        self.assets = [
            asset("AAPL", "NASDAQ"),
            asset("IBM", "NYSE"),
            asset("BRK.B", "NYSE"),
            asset("BTC/USD", "CRYPTO"),
            asset("ETH/USD", "CRYPTO"),
        ]
        self.snapshots: dict[str, Any] = {}
        self.greets = True
        self.speaks_json = False
        """Whatever the client asks for."""
        self.hears_auth = True
        self.auth_timeout_s = 0.2
        self.refuses: dict[str, tuple[int, str]] = {}
        """By action: the error that answers it, after which the connection is closed."""
        self.leaves_out: set[str] = set()
        """Symbols that no list of subscriptions names."""
        self.refuse_handshake: tuple[int, dict[str, str]] | None = None
        self.refuse_rest: dict[str, Reply] = {}
        """By path: what is answered instead."""
        self.refuse_next: dict[str, Iterator[Reply]] = {}
        """By path: what is answered to the next requests, one each."""
        self.answers = asyncio.Event()
        """Cleared, subscriptions are taken but not answered until it is set."""
        self.answers.set()
        self.rest_delay_s: dict[str, float] = {}
        self.clients: list[Client] = []
        self.received: list[dict[str, Any]] = []
        self.handshakes: list[Request] = []
        self.port = 0
        self.rest = HttpServer(self._reply)

    async def __aenter__(self) -> "AlpacaServer":
        await self.rest.start()
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()
        await self.rest.stop()

    async def start(self) -> None:
        self._server: Server = await serve(
            self._talk, "127.0.0.1", self.port, process_request=self._request, ping_interval=None, close_timeout=0.2
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        self.answers.set()
        self._server.close()
        await self._server.wait_closed()

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def asked(self) -> list[web.Request]:
        """Requests so far."""
        return self.rest.asked

    async def send(self, *messages: Message) -> None:
        """One frame to everybody who is authenticated."""
        for client in list(self.clients):
            if client.is_authenticated:
                await client.say(*messages)

    async def send_raw(self, frame: str | bytes) -> None:
        for client in list(self.clients):
            await client.raw(frame)

    async def fail(self, code: int, text: str) -> None:
        """Send an error, and hang up."""
        for client in list(self.clients):
            await self._fail(client, code, text)

    async def drop(self) -> None:
        """Cut every connection without a close."""
        for client in list(self.clients):
            client.connection.transport.abort()

    def freeze(self) -> None:
        """Neither read nor answer pings any more, while every connection stays open."""
        for client in self.clients:
            client.connection.transport.pause_reading()

    @staticmethod
    async def _fail(client: Client, code: int, text: str) -> None:
        await client.say({"T": "error", "code": code, "msg": text})
        await client.connection.close()

    def _request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.handshakes.append(request)
        if self.refuse_handshake is None:
            return None
        status, headers = self.refuse_handshake
        return Response(status, HTTPStatus(status).phrase, Headers({"Content-Length": "0", **headers}), b"")

    async def _talk(self, connection: ServerConnection) -> None:
        client = Client(connection)
        client.is_packed = client.is_packed and not self.speaks_json
        self.clients.append(client)
        timer = asyncio.create_task(self._time_out(client))
        try:
            if self.greets:
                await client.say({"T": "success", "msg": "connected"})
            async for frame in connection:
                message = json.loads(frame) if isinstance(frame, str) else msgspec.msgpack.decode(frame)
                assert isinstance(frame, str) is not client.is_packed
                self.received.append(message)
                await self._answer(client, message)
        except ConnectionClosed:
            pass
        finally:
            timer.cancel()
            self.clients.remove(client)

    async def _time_out(self, client: Client) -> None:
        await asyncio.sleep(self.auth_timeout_s)
        if not client.is_authenticated and self.greets:
            await self._fail(client, 404, "auth timeout")

    async def _answer(self, client: Client, message: dict[str, Any]) -> None:
        action = message["action"]
        if action == "auth" and not self.hears_auth:
            return
        if action in self.refuses:
            await self._fail(client, *self.refuses[action])
        elif action == "auth":
            await self._authenticate(client, message["key"], message["secret"])
        else:
            for channel, symbols in message.items():
                if channel != "action":
                    client.subscribed.setdefault(channel, []).extend(symbols)
            listed = {
                channel: [symbol for symbol in symbols if symbol not in self.leaves_out]
                for channel, symbols in client.subscribed.items()
            }
            await self.answers.wait()
            await client.say({"T": "subscription", **listed})

    async def _authenticate(self, client: Client, key: str, secret: str) -> None:
        if self.keys.get(key) != secret:
            await self._fail(client, 402, "auth failed")
        elif any(each.is_authenticated and each.path == client.path for each in self.clients):
            await self._fail(client, 406, "connection limit exceeded")
        else:
            client.is_authenticated = True
            await client.say({"T": "success", "msg": "authenticated"})

    async def _reply(self, request: web.Request) -> Reply:
        await asyncio.sleep(self.rest_delay_s.get(request.path, 0.0))
        if request.path in self.refuse_rest:
            return self.refuse_rest[request.path]
        if (reply := next(self.refuse_next.get(request.path, iter(())), None)) is not None:
            return reply
        key = request.headers.get("APCA-API-KEY-ID", "")
        if self.keys.get(key) != request.headers.get("APCA-API-SECRET-KEY"):
            return Reply('{"message": "forbidden."}', 403)
        if request.path == "/v2/assets":
            wanted = request.query["asset_class"]
            return Reply(json.dumps([each for each in self.assets if each["class"] == wanted]))
        named = request.query["symbols"].split(",")
        found = {symbol: self.snapshots[symbol] for symbol in named if symbol in self.snapshots}
        return Reply(json.dumps({"snapshots": found} if "crypto" in request.path else found))


def asset(symbol: str, exchange: str, *, status: str = "active", tradable: bool = True) -> dict[str, Any]:
    is_crypto = "/" in symbol
    increments = {"price_increment": "0.001", "min_trade_increment": "0.000000001"} if is_crypto else {}
    return {
        "id": "b0b6dd9d-8b9b-48a9-ba46-b9d54906e415",
        "class": "crypto" if is_crypto else "us_equity",
        "exchange": exchange,
        "symbol": symbol,
        "status": status,
        "tradable": tradable,
        **increments,
    }


def snapshot(quote: Message | None, trade: Message | None, bar: Message | None) -> dict[str, Any]:
    """A snapshot with what messages of the stream say."""
    parts = {"latestQuote": quote, "latestTrade": trade, "dailyBar": bar}
    return {name: {key: part[key] for key in part if key not in "TS"} for name, part in parts.items() if part}
