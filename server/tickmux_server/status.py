"""How our errors look to a client: one table from error to gRPC code, and google.rpc details on each."""

import asyncio
from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from tickmux_server import errors

DOMAIN: Final = "tickmux"

CODES: Final[dict[type[errors.RequestError], grpc.StatusCode]] = {
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.TokenEnded: grpc.StatusCode.UNAUTHENTICATED,
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotAllowed: grpc.StatusCode.PERMISSION_DENIED,
    errors.TooManyStreams: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.ClientTooFarBehind: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.ClientTooSlow: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.GoingAway: grpc.StatusCode.UNAVAILABLE,
    errors.InternalError: grpc.StatusCode.INTERNAL,
}

RETRY_AFTER_S_DEFAULT: Final = 1.0
"""What RetryInfo says on a retryable error that has no better idea."""

ABORT_TIMEOUT_S: Final = 0.5
"""An abort queues behind data that flow control holds back, so one that waits longer is for a client that reads
nothing: it is left to the transport."""

_RETRYABLE: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED})


def to_status(error: errors.RequestError) -> status_pb2.Status:
    """The google.rpc.Status of an error: ErrorInfo always, BadRequest and RetryInfo where they apply."""
    code = CODES[type(error)]
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)
    if isinstance(error, errors.ClientTooFarBehind):
        info.metadata["resume_token"] = error.resume_token
    details: list[any_pb2.Any] = [_packed(info)]
    if isinstance(error, errors.FieldsRefused):
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.problem)
            for violation in error.violations
        ]
        details.append(_packed(error_details_pb2.BadRequest(field_violations=violations)))
    if code in _RETRYABLE:
        delay = duration_pb2.Duration()
        delay.FromNanoseconds(int((error.retry_after_s or RETRY_AFTER_S_DEFAULT) * 1e9))
        details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    number: int = code.value[0]
    return status_pb2.Status(code=number, message=error.message, details=details)


async def begin(context: "grpc.aio.ServicerContext[bytes, bytes]") -> None:
    """Send the head of a stream's answer, unless that was done.

    By itself gRPC sends it with the first message, and when that write is cancelled, an error can no longer be sent
    behind it: the client would never hear of the end.

    Raises:
        asyncio.CancelledError: The connection is gone.
    """
    try:
        await context.send_initial_metadata(())
    except grpc.aio.UsageError:
        return
    except grpc.aio.InternalError:
        raise asyncio.CancelledError from None


async def abort(context: "grpc.aio.ServicerContext[bytes, bytes]", error: errors.RequestError) -> None:
    """End a call with an error. The handler is to return then; gRPC knows how the call ended.

    Raises:
        asyncio.CancelledError: The connection is gone, so that nobody is left to be told.
    """
    trailers = (("grpc-status-details-bin", to_status(error).SerializeToString()),)
    try:
        async with asyncio.timeout(ABORT_TIMEOUT_S):
            await context.abort(CODES[type(error)], error.message, trailing_metadata=trailers)
    except TimeoutError:
        return
    except grpc.aio.AbortError as aborted:
        # gRPC keeps this error with the call, and its traceback leads over our frames back to the call. Such a ring
        # would hold the call, and its place among the connection's calls, until the garbage collector comes by.
        aborted.__traceback__ = aborted.__context__ = None
    except grpc.aio.InternalError:
        raise asyncio.CancelledError from None


def _packed(
    message: error_details_pb2.ErrorInfo | error_details_pb2.BadRequest | error_details_pb2.RetryInfo,
) -> any_pb2.Any:
    detail = any_pb2.Any()
    detail.Pack(message)
    return detail
