"""Tokens and their records: made, told apart, written as one line each. Pure: no files, and the time is given.

A record holds the SHA-256 of its token and never the token. A slow hash (bcrypt, scrypt, Argon2) makes guessing
expensive where people choose the secret; a token is 256 bits from the system's generator, which nobody guesses at any
speed, and it is checked on every call.
"""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal

import msgspec

TOKEN_PREFIX: Final = "tickmux_"  # noqa: S105 - what every token begins with
"""Lets people and secret scanners see what they have found."""
TOKEN: Final = re.compile(rf"{TOKEN_PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
TOKEN_BYTES: Final = 32
TOKENS_MAX: Final = 1000
"""Every call is compared with every token, which takes under a millisecond for so many."""
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")

_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}")
_DURATION: Final = re.compile(r"(\d{1,5})([smhdw])", re.ASCII)
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

State = Literal["valid", "expired", "revoked"]
Time = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class TokenRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One token of a token file, by everything but itself."""

    name: str
    """What people call it, and what the log says."""
    hash: str
    """`sha256:` and the digest of the token in hexadecimal."""
    created_at: Time | None = None
    expires_at: Time | None = None
    """From then on it opens nothing; None = it does not expire."""
    revoked_at: Time | None = None
    """Set once it was revoked: the record stays, so that the list can tell."""
    sources: list[str] | None = None
    """Sources that it may see; None = all of them."""
    streams_max: Count | None = None
    """Subscribe calls that it may have open at a time; None = as many as the server allows."""
    names_max: Count | None = None
    """Names and patterns that a selection of it may hold; None = as many as the server allows."""

    def state(self, now: datetime) -> State:
        """Whether it opens anything, and why not."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "valid"

    def digest(self) -> bytes:
        """The hash as bytes."""
        return bytes.fromhex(self.hash.removeprefix("sha256:"))


def new_token() -> str:
    """A token that did not exist before."""
    return TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> bytes:
    """The digest that a record of a token holds."""
    return hashlib.sha256(token.encode()).digest()


def hash_of(token: str) -> str:
    """The digest of a token as a record writes it."""
    return f"sha256:{digest_of(token).hex()}"


def parse(text: str) -> tuple[TokenRecord, ...]:
    """The records of a token file: one JSON object a line, empty lines between them allowed.

    Raises:
        ValueError: A line is no record, or two are of one token or one name. Names the line, never what it holds.
    """
    records: list[TokenRecord] = []
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = msgspec.json.decode(line, type=TokenRecord)
        except msgspec.DecodeError as error:
            raise ValueError(f"line {number} is no token: {_explained(error)}") from None
        if problem := _problem(record, seen):
            raise ValueError(f"line {number} is no token: {problem}")
        seen |= {record.name, record.hash}
        records.append(record)
    if len(records) > TOKENS_MAX:
        raise ValueError(f"it holds {len(records)} tokens; at most {TOKENS_MAX} are allowed")
    return tuple(records)


def dump(records: Iterable[TokenRecord]) -> str:
    """The text of a token file."""
    return "".join(msgspec.json.encode(record).decode() + "\n" for record in records)


def parse_expiry(text: str, now: datetime) -> datetime:
    """A time to come, from `30d` (s, m, h, d and w are understood) or `2027-01-01T00:00:00Z`.

    Raises:
        ValueError: It is neither, or it is over already.
    """
    if found := _DURATION.fullmatch(text):
        moment = (now + timedelta(**{_UNITS[found[2]]: int(found[1])})).replace(microsecond=0)
    else:
        try:
            moment = msgspec.convert(text, Time)
        except msgspec.ValidationError:
            raise ValueError(f"{text!r} is no time: write 30d, 12h, 90s, or 2027-01-01T00:00:00Z") from None
    if moment <= now:
        raise ValueError(f"{text} is not in the future")
    return moment.astimezone(UTC)


def parse_sources(text: str) -> list[str]:
    """Names of sources, from a text with commas between them.

    Raises:
        ValueError: One is no name of a source, or there is none.
    """
    names = [part.strip().casefold() for part in text.split(",")]
    if problem := _sources_problem(names):
        raise ValueError(problem)
    return list(dict.fromkeys(names))


def _problem(record: TokenRecord, seen: set[str]) -> str:
    if not NAME.fullmatch(record.name):
        return "its name must be made of letters, digits, dots, dashes and underscores"
    if not _HASH.fullmatch(record.hash):
        return "its hash must be 'sha256:' and 64 hexadecimal digits"
    if record.name in seen or record.hash in seen:
        return "another line has its name or its hash"
    return _sources_problem(record.sources) if record.sources is not None else ""


def _sources_problem(names: Sequence[str]) -> str:
    if not names:
        return "its sources are none: leave them out for all, revoke it for none"
    wrong = next((name for name in names if not SOURCE.fullmatch(name)), None)
    return "" if wrong is None else f"{wrong[:64]!r} is no name of a source; write them like kraken,alpaca-crypto"


def _explained(error: msgspec.DecodeError) -> str:
    # What msgspec says names types and fields; a value that it quotes is a number of ours, never the hash.
    text: Any = str(error)
    # `JSON` stays what it is.
    return text if text[:2].isupper() else f"{text[:1].lower()}{text[1:]}"
