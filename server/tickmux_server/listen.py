"""Addresses to listen on: HOST:PORT, and whether other machines can reach them."""

import ipaddress
from typing import Final

PORT_MAX: Final = 65535


def split_address(address: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`; an IPv6 host stands in brackets, as in `[::1]:50051`.

    Raises:
        ValueError: it has another form.
    """
    host, colon, port = address.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or (":" in host and not is_bracketed):
        raise ValueError(f"expected HOST:PORT such as 127.0.0.1:50051, was {address!r}")
    if not (port.isascii() and port.isdigit()) or int(port) > PORT_MAX:
        raise ValueError(f"the port must be a number from 0 to {PORT_MAX}, was {port!r}")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host, by its name or number alone: nothing is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
