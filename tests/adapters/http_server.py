"""A small HTTP server on loopback that answers as a test tells it, and keeps what it was asked."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Reply:
    """One answer."""

    body: str = "{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


Replier = Callable[[web.Request], Reply | Awaitable[Reply]]


class HttpServer:
    """Serves until its block ends; `replier` may be changed at any time."""

    def __init__(self, replier: Replier) -> None:
        self.replier = replier
        self.asked: list[web.Request] = []
        self.port = 0
        self.cancelled = 0
        """Requests that the client gave up while they were being answered."""
        self._arrived = asyncio.Condition()

    async def __aenter__(self) -> "HttpServer":
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def until_asked(self, times: int) -> None:
        """Wait until so many requests have come in all."""
        async with asyncio.timeout(20.0), self._arrived:
            await self._arrived.wait_for(lambda: len(self.asked) >= times)

    async def _answer(self, request: web.Request) -> web.Response:
        async with self._arrived:
            self.asked.append(request)
            self._arrived.notify_all()
        reply = self.replier(request)
        try:
            if not isinstance(reply, Reply):
                reply = await reply
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return web.Response(
            status=reply.status, text=reply.body, headers=reply.headers, content_type=reply.content_type
        )
