"""The errors of the server.

TickmuxError
├── AddressUnavailable     the address to listen on is taken or not ours
├── ConfigError            (in config) the configuration cannot be used
└── RequestError           a call cannot be answered; `status` maps each kind to a gRPC code
    ├── Unauthenticated    the call carries no token in force
    ├── TokenEnded         the token of an open stream has expired, was revoked, or allows less now
    ├── FieldsRefused      fields of the request are at fault; repeating it cannot help
    │   ├── InvalidRequest   the request is wrong
    │   └── NotAllowed       the token may not ask this
    ├── TooManyStreams     the connection, the token or the server holds as many streams as it may
    ├── ClientTooSlow      the client did not read for as long as a write may take
    ├── ClientTooFarBehind what the client has yet to be sent is no longer kept, and it will not have it conflated
    ├── GoingAway          the server is ending the stream; reconnect
    └── InternalError      a defect of the server; its log says more
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class TickmuxError(Exception):
    """Root of what goes wrong in the server. Its text is one line that says what to do next."""


class AddressUnavailable(TickmuxError):
    """The address to listen on is taken, or is not an address of this machine."""

    def __init__(self, address: str, problem: str) -> None:
        self.address = address
        self.problem = problem
        super().__init__(f"cannot listen on {address}: {problem}; choose another address with --listen")


@dataclass(frozen=True, slots=True)
class Violation:
    """One field of a request that cannot be used."""

    field: str
    """Path of the field, such as `selection.symbols[3]`."""
    problem: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}" if self.field else self.problem


class RequestError(TickmuxError):
    """A call cannot be answered."""

    reason: ClassVar[str]
    """What clients switch on: the reason of google.rpc.ErrorInfo."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.message = message
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Unauthenticated(RequestError):
    """The call carries no token in force. The text is the same whatever is wrong with the one that it carries."""

    reason = "UNAUTHENTICATED"

    def __init__(self) -> None:
        super().__init__("this server asks for a token in force: send the metadata 'authorization: Bearer TOKEN'")


class TokenEnded(RequestError):
    """The token that a stream was opened with opens it no longer."""

    reason = "TOKEN_ENDED"

    def __init__(self, name: str, what: str) -> None:
        self.name = name
        super().__init__(f"the token '{name}' of this stream {what}; connect anew with one that is in force")


class FieldsRefused(RequestError):
    """Fields of the request are at fault; repeating it cannot help."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(str(violation) for violation in self.violations))


class InvalidRequest(FieldsRefused):
    """The request is wrong."""

    reason = "INVALID_REQUEST"


class NotAllowed(FieldsRefused):
    """The token may not ask this."""

    reason = "NOT_ALLOWED"


class TooManyStreams(RequestError):
    """The connection, the token, or the server, holds as many streams as it may."""

    reason = "TOO_MANY_STREAMS"


class ClientTooSlow(RequestError):
    """The client did not read for as long as a write may take."""

    reason = "CLIENT_TOO_SLOW"


class ClientTooFarBehind(RequestError):
    """What the client has yet to be sent is no longer kept, and it asked to be told rather than to miss it."""

    reason = "CLIENT_TOO_FAR_BEHIND"

    def __init__(self, message: str, *, resume_token: str) -> None:
        self.resume_token = resume_token
        """Stands for the point up to which nothing is missing."""
        super().__init__(message)


class GoingAway(RequestError):
    """The server is ending the stream, or is shutting down; reconnect."""

    reason = "GOING_AWAY"


class InternalError(RequestError):
    """A defect of the server; its log says more."""

    reason = "INTERNAL"
