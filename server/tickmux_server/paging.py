"""Pages of unary answers: where one ended, as an opaque token."""

import base64
import binascii
import hashlib
from typing import Annotated, Final

import msgspec

from tickmux_adapters.model import InstrumentKey
from tickmux_server.errors import InvalidRequest, Violation
from tickmux_server.selection import Selection, canonical

PAGE_SIZE_DEFAULT: Final = 5_000
PAGE_SIZE_MAX: Final = 10_000
_TOKEN_CHARS_MAX: Final = 1_024


class PageToken(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended."""

    version: int
    log: str
    """The life of the log that the first page was read from."""
    position: Annotated[int, msgspec.Meta(ge=0)]
    """The head of the log at the first page: what a stream that goes on after the last page has to begin from."""
    selection: str
    """Digest of the selection, so that a token is not taken for another question's."""
    last: InstrumentKey
    """The last instrument of the page."""


def page_size(asked: int) -> int:
    """The page size to serve.

    Raises:
        InvalidRequest: Out of bounds.
    """
    if not 0 <= asked <= PAGE_SIZE_MAX:
        raise InvalidRequest([Violation("page_size", f"{asked} is not between 1 and {PAGE_SIZE_MAX}")])
    return asked or PAGE_SIZE_DEFAULT


def encode(token: PageToken) -> str:
    """A token as text."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(token)).decode().rstrip("=")


def decode(text: str, *, log: str, selection: Selection) -> PageToken:
    """A token from text.

    Raises:
        InvalidRequest: Not a token of ours, or of another selection, or of a server that has restarted since.
    """
    problem = "not a token of this service; begin with the first page"
    try:
        if len(text) > _TOKEN_CHARS_MAX:
            raise InvalidRequest([Violation("page_token", problem)])
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        token = msgspec.msgpack.decode(raw, type=PageToken)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest([Violation("page_token", problem)]) from error
    if token.version != 1:
        raise InvalidRequest([Violation("page_token", problem)])
    if token.log != log:
        raise InvalidRequest([Violation("page_token", "the server has restarted since; begin with the first page")])
    if token.selection != digest(selection):
        raise InvalidRequest([Violation("page_token", "this token belongs to another selection")])
    return token


def digest(selection: Selection) -> str:
    """A short name of a selection, the same for all that mean the same."""
    return hashlib.blake2b(canonical(selection), digest_size=12).hexdigest()
