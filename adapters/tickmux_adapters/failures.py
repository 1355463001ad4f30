"""What went wrong on the way to a venue, in one clear line."""

import email.utils
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from tickmux_adapters.errors import VenueError, VenueRejected

REFUSING_STATUSES: Final = {
    401: "the venue refuses our keys",
    403: "the venue's firewall refuses us",
    418: "our address is banned for asking too often",
    451: "the venue does not serve this location",
}


def host_of(url: str) -> str:
    """Host and port of a URL, as messages name it."""
    return urlsplit(url).netloc


def refusal(status: int, headers: Mapping[str, str], host: str, text: str = "") -> VenueError:
    """The error for an HTTP status that is not a success."""
    retry_after_s = retry_after(headers.get("Retry-After"))
    said = f": {text}" if text else ""
    if status in REFUSING_STATUSES:
        return VenueRejected(
            f"{host} answered HTTP {status}, {REFUSING_STATUSES[status]}{said}", retry_after_s=retry_after_s
        )
    if status == 429:
        # Without a wish of the venue's, a minute: its request windows are that long.
        return VenueError(
            f"{host} answered HTTP 429, too many requests{said}",
            retry_after_s=60.0 if retry_after_s is None else retry_after_s,
        )
    return VenueError(f"{host} answered HTTP {status}{said}", retry_after_s=retry_after_s)


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for, which may hold a number or a date; None if it says nothing usable."""
    if not value:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) < 10:
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
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
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(text.split()) or type(error).__name__
