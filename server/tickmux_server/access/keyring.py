"""The tokens in force: whose a call is, by its metadata. Pure: records in, principals out, and the time is injected."""

import hmac
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from tickmux_server.access.principal import Principal
from tickmux_server.access.tokens import TOKEN, TokenRecord, digest_of
from tickmux_server.errors import Unauthenticated

METADATA_KEY: Final = "authorization"
SCHEME: Final = "bearer "

Metadata = Iterable[tuple[str, str | bytes]]


class Keyring:
    """Knows every token by its digest; the records may be replaced at any time."""

    def __init__(self, records: Iterable[TokenRecord], wall_ns: Callable[[], int]) -> None:
        self._wall_ns = wall_ns
        self._records: dict[bytes, TokenRecord] = {}
        self.replace(records)

    def __len__(self) -> int:
        return len(self._records)

    def replace(self, records: Iterable[TokenRecord]) -> None:
        """Put other records in force."""
        self._records = {record.digest(): record for record in records}

    def identify(self, metadata: Metadata) -> bytes:
        """The digest of the token that a call carries.

        Raises:
            Unauthenticated: There is no token in force, for whatever reason: the error does not tell which.
        """
        sent = digest_of(_bearer(metadata))
        found: bytes | None = None
        # Every digest is compared, each in constant time, so that time tells nothing about any of them.
        for digest in self._records:
            if hmac.compare_digest(digest, sent):
                found = digest
        if found is None:
            raise Unauthenticated
        self.principal(found)
        return found

    def principal(self, digest: bytes) -> Principal:
        """What a token that was identified may do now.

        Raises:
            Unauthenticated: It is no longer in force.
        """
        record = self._records.get(digest)
        if record is None or record.state(self._now()) != "valid":
            raise Unauthenticated
        return _principal(record)

    def objection(self, digest: bytes, before: Principal) -> str:
        """Why a stream that was opened under some rights may not go on; empty if it may."""
        record = self._records.get(digest)
        if record is None:
            return "was removed"
        state = record.state(self._now())
        if state != "valid":
            return f"has {state}" if state == "expired" else f"was {state}"
        return "allows less than before" if _principal(record).narrows(before) else ""

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall_ns() / 1e9, UTC)


def _bearer(metadata: Metadata) -> str:
    """The token of a call, in the one form that is accepted; the scheme's case means nothing (RFC 9110, 11.1).

    Raises:
        Unauthenticated: There is none, or more than one, or it has another form.
    """
    values = [value for key, value in metadata if key.lower() == METADATA_KEY]
    if len(values) != 1 or not isinstance(values[0], str):
        raise Unauthenticated
    scheme, token = values[0][: len(SCHEME)], values[0][len(SCHEME) :]
    if scheme.lower() != SCHEME or not TOKEN.fullmatch(token):
        raise Unauthenticated
    return token


def _principal(record: TokenRecord) -> Principal:
    sources = None if record.sources is None else frozenset(record.sources)
    return Principal(record.name, sources, record.streams_max, record.names_max)
