"""The gate: looks once at every call, whatever its method, and lets nobody in without a token in force.

It is asked before a call's method is looked up, so that a stranger is told the same of methods that exist, of those
that do not, and of what is no method at all. It runs once a call and is nowhere on the way of a message.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, cast

import grpc

from tickmux_server import status
from tickmux_server.access.keyring import Keyring
from tickmux_server.access.principal import Principal, current
from tickmux_server.access.sessions import Sessions
from tickmux_server.errors import RequestError, Unauthenticated

if TYPE_CHECKING:
    # At run time they take no parameters.
    Handler = grpc.RpcMethodHandler[Any, Any]
    Lookup = Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]
Context = grpc.aio.ServicerContext[Any, Any]
Behavior = Callable[[Any, Context], Any]

SUBSCRIBE: Final = "/tickmux.v1.MarketDataService/Subscribe"


class Gate(grpc.aio.ServerInterceptor):
    """Admits calls that carry a token in force, and watches over those that stream."""

    def __init__(self, keyring: Keyring, sessions: Sessions) -> None:
        self._keyring = keyring
        self._sessions = sessions
        self.refused = 0
        """Calls without a token in force, ever."""

    async def intercept_service(
        self, continuation: "Lookup", handler_call_details: grpc.HandlerCallDetails
    ) -> "Handler | None":
        """Look at one call: its own handler if it is admitted, else one that refuses it unread."""
        try:
            digest = self._keyring.identify(handler_call_details.invocation_metadata or ())
        except Unauthenticated as error:
            self.refused += 1
            return _refusing(error)
        handler = await continuation(handler_call_details)
        if handler is None:
            # There is no such method, which gRPC answers with UNIMPLEMENTED.
            return None
        if handler.response_streaming:
            return self._streaming(handler, digest, is_subscription=handler_call_details.method == SUBSCRIBE)
        return self._answering(handler, digest)

    def _enter(self, digest: bytes) -> Principal:
        """Say for whom the call is, by the rights that its token has now.

        Asked again when the request is there: its sender may have waited with it until the token was revoked.

        Raises:
            Unauthenticated: The token is no longer in force.
        """
        principal = self._keyring.principal(digest)
        current.set(principal)
        return principal

    def _answering(self, handler: "Handler", digest: bytes) -> "Handler":
        inner = cast("Behavior", handler.unary_unary)

        async def behavior(request: object, context: Context) -> object:
            try:
                self._enter(digest)
            except Unauthenticated as error:
                await status.abort(context, error)
                return None
            return await inner(request, context)

        return grpc.unary_unary_rpc_method_handler(behavior, handler.request_deserializer, handler.response_serializer)

    def _streaming(self, handler: "Handler", digest: bytes, *, is_subscription: bool) -> "Handler":
        inner = _writing(cast("Behavior", handler.stream_stream or handler.unary_stream))

        async def behavior(request: object, context: Context) -> None:
            try:
                principal = self._enter(digest)
                await status.begin(context)
                with self._sessions.open(digest, principal, is_subscription=is_subscription) as session:
                    try:
                        await inner(request, context)
                    except asyncio.CancelledError:
                        if not context.done():
                            session.ending.claim()
                        raise
            except RequestError as error:
                await status.abort(context, error)

        make = (
            grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        )
        return make(behavior, handler.request_deserializer, handler.response_serializer)


def _refusing(error: RequestError) -> "Handler":
    async def refuse(_: object, context: Context) -> None:
        await status.abort(context, error)

    # Of this kind alone a handler begins without a message: whoever sends none is answered as well, and what a stranger
    # sends is never parsed.
    return grpc.stream_stream_rpc_method_handler(refuse)


def _writing(behavior: Behavior) -> Callable[[Any, Context], Awaitable[None]]:
    """A streaming behavior as a coroutine function; of a generator's messages each is written."""
    if not inspect.isasyncgenfunction(behavior):
        return behavior

    async def write_all(request: object, context: Context) -> None:
        async for message in behavior(request, context):
            await context.write(message)

    return write_all
