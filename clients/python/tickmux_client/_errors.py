"""What a caller of the client can catch.

TickmuxClientError
├── InvalidRequestError    the request cannot be served as it is; its violations say why
├── AccessDeniedError      the server does not know the caller, or does not allow this
├── UnimplementedError     the server does not offer this (yet)
└── UnavailableError       the server cannot be reached or cannot serve now; trying again may help
"""

import re
from collections.abc import Mapping
from typing import Final, Protocol, cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

STATUS_DETAILS_KEY: Final = "grpc-status-details-bin"
"""Trailing metadata that holds a serialised google.rpc.Status."""
NO_CONNECTION: Final = re.compile(r"^failed to connect to all addresses; last error: (UNKNOWN: )?(ipv[46]:\S+: )?")
"""What grpc puts before the reason why a target cannot be reached; the reason must fit a line with the target."""


class TickmuxClientError(Exception):
    """Root of what the client raises. The text is one line that says what to do or what went wrong."""

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: str = "",
        retry_after_s: float | None = None,
        violations: Mapping[str, str] | None = None,
        resume_token: str = "",
    ) -> None:
        self.code = code
        """The gRPC status of the failed call."""
        self.reason = reason
        """Machine-readable reason (google.rpc.ErrorInfo), such as `UNKNOWN_SOURCE`; empty if the server gave none."""
        self.retry_after_s = retry_after_s
        """How long the server asks to wait before the next try; None if it does not say."""
        self.violations = dict(violations or {})
        """Per request field, in the order of the server: what is wrong with it."""
        self.resume_token = resume_token
        """Where a subscription that this error ended can go on, once its cause is gone; empty if nowhere."""
        super().__init__(message)


class InvalidRequestError(TickmuxClientError):
    """The request cannot be served as it is, however often it is sent."""


class AccessDeniedError(TickmuxClientError):
    """The server does not know the caller, or does not allow what was asked."""


class UnimplementedError(TickmuxClientError):
    """The server does not offer what was asked."""


class UnavailableError(TickmuxClientError):
    """The server cannot be reached or cannot serve now. Subscriptions try again by themselves."""


_PERMANENT: Final[dict[grpc.StatusCode, type[TickmuxClientError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: InvalidRequestError,
    grpc.StatusCode.FAILED_PRECONDITION: InvalidRequestError,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequestError,
    grpc.StatusCode.UNAUTHENTICATED: AccessDeniedError,
    grpc.StatusCode.PERMISSION_DENIED: AccessDeniedError,
    grpc.StatusCode.UNIMPLEMENTED: UnimplementedError,
}
"""Errors that the same call would meet again; every other status may heal."""


def closed(target: str) -> TickmuxClientError:
    """The error of using a client after its end."""
    return TickmuxClientError(
        f"the client of {target} is closed: make calls inside its `with` block", code=grpc.StatusCode.CANCELLED
    )


class RpcFailure(Protocol):
    """What the errors of both flavours of grpc offer."""

    def code(self) -> grpc.StatusCode: ...

    def details(self) -> str | None: ...

    def trailing_metadata(self) -> object: ...


def from_rpc(failure: grpc.RpcError, target: str) -> TickmuxClientError:
    """Translate what grpc raised for a call to `target`, with the google.rpc details that came along."""
    call = cast("RpcFailure", failure)
    code = call.code()
    text = NO_CONNECTION.sub("", " ".join((call.details() or "").split()))
    info, retry, bad_request = _details(call)
    violations = {violation.field: violation.description for violation in bad_request.field_violations}
    parts = [f"{code.name} from {target}"]
    if text:
        parts.append(text)
    parts += [f"{field}: {problem}" for field, problem in violations.items() if problem not in text]
    return _PERMANENT.get(code, UnavailableError)(
        ": ".join(parts),
        code=code,
        reason=info.reason,
        retry_after_s=None if retry is None else max(0.0, retry.retry_delay.ToTimedelta().total_seconds()),
        violations=violations,
        resume_token=info.metadata.get("resume_token", ""),
    )


def _details(
    call: RpcFailure,
) -> tuple[error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo | None, error_details_pb2.BadRequest]:
    info, retry, bad_request = error_details_pb2.ErrorInfo(), None, error_details_pb2.BadRequest()
    for detail in _status(call).details:
        retry_info = error_details_pb2.RetryInfo()
        try:
            if detail.Unpack(retry_info):
                retry = retry_info
            elif not detail.Unpack(info):
                detail.Unpack(bad_request)
        except DecodeError:
            # The status code stands by itself; a proxy that mangles a detail must not hide it.
            continue
    return info, retry, bad_request


def _status(call: RpcFailure) -> status_pb2.Status:
    metadata = cast("list[tuple[str, bytes]]", call.trailing_metadata() or [])
    for key, value in metadata:
        if key == STATUS_DETAILS_KEY:
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()
