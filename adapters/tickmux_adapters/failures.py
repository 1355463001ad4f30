"""What went wrong on the way to a venue, in one clear line."""

import email.utils
import re
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from tickmux_adapters.errors import BudgetSpent, VenueError, VenueRejected
from tickmux_adapters.secrets import redact

REFUSING_STATUSES: Final = {
    401: "the venue refuses our keys",
    403: "the venue's firewall refuses us",
    418: "our address is banned for asking too often",
    451: "the venue does not serve this location",
}
WAIT_S_MAX: Final = 86_400.0
"""Whatever a venue asks for, we look again after a day."""
REFUSED_WAIT_S_MIN: Final = 5.0
"""After a refusal we wait this long at least: who comes back at once is banned for longer."""
TOO_MANY_WAIT_S: Final = 60.0
"""After HTTP 429 without a wish of the venue's: its request windows are that long."""


def host_of(url: str) -> str:
    """Host and port of a URL, as messages name it; empty where it names none. Takes whatever a venue may send."""
    try:
        netloc = urlsplit(url).netloc
    except ValueError:
        netloc = re.split(r"[/?#]", url.partition("//")[2], maxsplit=1)[0]
    return netloc.rpartition("@")[2]


def refusal(status: int, headers: Mapping[str, str], host: str, text: str = "") -> VenueError:
    """The error for an HTTP status that is not a success; its `retry_after_s` is within bounds, or None."""
    asked_s = retry_after(headers.get("Retry-After"))
    said = f": {redact(text)}" if text else ""
    if 300 <= status < 400:
        return VenueError(
            f"{host} answered HTTP {status}, a redirect to {redact(host_of(headers.get('Location', ''))) or 'itself'}, "
            "which is not followed: check the source's URL",
            retry_after_s=asked_s,
        )
    if status in REFUSING_STATUSES:
        problem = f"{host} answered HTTP {status}, {REFUSING_STATUSES[status]}{said}"
        return VenueRejected(problem, retry_after_s=None if asked_s is None else max(asked_s, REFUSED_WAIT_S_MIN))
    if status == 429:
        wait_s = TOO_MANY_WAIT_S if asked_s is None else max(asked_s, REFUSED_WAIT_S_MIN)
        return BudgetSpent(
            f"{host} answered HTTP 429, too many requests{said}", retry_after_s=wait_s, is_dated=asked_s is not None
        )
    return VenueError(f"{host} answered HTTP {status}{said}", retry_after_s=asked_s)


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, a day at most; None if it says nothing usable.

    Args:
        value: a number of seconds or a date, as RFC 9110 has it.
    """
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value), WAIT_S_MAX)
    try:
        return min(max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time()), WAIT_S_MAX)
    except (ValueError, OverflowError):
        return None


def transport_error(error: Exception, host: str, timeout_s: float) -> VenueError:
    """The error for a connection that could not be made or was lost.

    Args:
        error: what aiohttp, the operating system or a timeout raised.
        host: host and port that we talked to.
        timeout_s: how long we had waited, if it was a timeout.
    """
    if isinstance(error, VenueError):
        return error
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return refusal(error.status, error.headers or {}, host)
    return VenueError(_problem(error, host, timeout_s))


def _problem(error: Exception, host: str, timeout_s: float) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"cannot resolve {host}: {_reason(error.os_error)}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"{host} has a certificate that cannot be trusted: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {host}: {_reason(error.os_error)}"
    if isinstance(error, TimeoutError):
        return f"no answer from {host} within {timeout_s:g} s"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionResetError | BrokenPipeError):
        return f"connection to {host} lost"
    return f"connection to {host} failed: {_reason(error)}"


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    # The texts of these tell the whole URL, with the key in it.
    is_about_url = isinstance(error, aiohttp.ClientResponseError)
    text = getattr(error, "message" if is_about_url else "strerror", None) or str(error)
    return redact(" ".join(text.split())) or type(error).__name__
