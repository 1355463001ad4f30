"""The simulated accounts: their keys, their plans, and how a request shows a key."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final, NamedTuple

KEY_HEADER: Final = "APCA-API-KEY-ID"
SECRET_HEADER: Final = "APCA-API-SECRET-KEY"  # noqa: S105 - its name, not its value
OAUTH_KEY: Final = "oauth"
"""Instead of a key: the secret is an OAuth token then."""


class Account(NamedTuple):
    """A customer. The keys are made up and open nothing anywhere else."""

    key: str
    secret: str
    token: str
    is_plus: bool
    """Algo Trader Plus: every symbol, the consolidated feed, and 50 times the requests."""


BASIC: Final = Account("PKSIMULATEDBASIC0001", "simulated-basic-secret", "simulated-basic-token", is_plus=False)
PLUS: Final = Account("PKSIMULATEDPLUS00002", "simulated-plus-secret", "simulated-plus-token", is_plus=True)
ACCOUNTS: Final = (BASIC, PLUS)


def account_of(key: object, secret: object) -> Account | None:
    """The account of a pair of credentials, if there is one."""
    for account in ACCOUNTS:
        if (key, secret) in ((account.key, account.secret), (OAUTH_KEY, account.token)):
            return account
    return None


def credentials(headers: Mapping[str, str]) -> tuple[str, str] | None:
    """What headers show: the two of Alpaca, HTTP Basic, or a bearer token. None if they show nothing at all."""
    key, secret = headers.get(KEY_HEADER), headers.get(SECRET_HEADER)
    if key is not None or secret is not None:
        return key or "", secret or ""
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return OAUTH_KEY, value
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, password
    return None
