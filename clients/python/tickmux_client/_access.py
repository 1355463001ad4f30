"""TLS and tokens: what a client trusts, and how it shows who it is."""

import contextlib
import ipaddress
import re
from os import PathLike
from pathlib import Path
from typing import Final

import grpc

from tickmux_client import _arguments
from tickmux_client._options import ConnectOptions, Metadata

AUTHORIZATION: Final = "authorization"

_SCHEME: Final = re.compile(r"([a-z][a-z0-9-]*):(?!\d+$)")
"""The scheme of a gRPC target: `localhost:50051` has none."""


def credentials(options: ConnectOptions) -> grpc.ChannelCredentials | None:
    """What the channel encrypts with; None for clear text.

    Raises:
        OSError: a file cannot be read.
        ValueError: options that do not go together, or a file that holds something else.
    """
    given = options.get("credentials")
    certificate, key, ca = options.get("tls_certificate"), options.get("tls_key"), options.get("tls_ca")
    if (certificate is None) != (key is None):
        raise ValueError("tls_certificate and tls_key go together: give both, or neither")
    if not (options.get("tls") or ca or certificate):
        return given
    if given is not None:
        raise ValueError("credentials take the place of the tls options: give one or the others")
    return grpc.ssl_channel_credentials(
        _read("tls_ca", ca, "CERTIFICATE"),
        _read("tls_key", key, "PRIVATE KEY"),
        _read("tls_certificate", certificate, "CERTIFICATE"),
    )


def call_metadata(target: str, options: ConnectOptions, *, is_encrypted: bool) -> Metadata:
    """What is sent with every call: the metadata of the options, and the token.

    Raises:
        TypeError: the metadata are no pairs of text, or the token is no text. The text does not hold them.
        ValueError: the token is none, or others could read it on its way. The text does not hold it.
    """
    metadata = _arguments.pairs("metadata", options.get("metadata", ()), (str, bytes), '[("x-desk", "7")]')
    token = _arguments.instance("token", options.get("token") or "", str, "a text", is_secret=True)
    if not token:
        return metadata
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise ValueError("token: expected letters, digits and signs without spaces or line ends (it is not shown here)")
    if any(name.lower() == AUTHORIZATION for name, _ in metadata):
        raise ValueError("token: the metadata holds an authorization already; give one or the other")
    if not (is_encrypted or options.get("token_in_clear_text") or _stays_on_this_machine(target)):
        raise ValueError(
            f"token: it would travel to {target} in clear text; encrypt with tls=True or tls_ca=FILE, or accept that "
            "with token_in_clear_text=True"
        )
    return (*metadata, (AUTHORIZATION, f"Bearer {token}"))


def _read(option: str, file: str | PathLike[str] | None, label: str) -> bytes | None:
    if file is None:
        return None
    content = Path(file).read_bytes()
    # grpc itself says of anything else, at the first call, that it failed to create a security handshaker.
    if f"{label}-----".encode() not in content:
        raise ValueError(f"{option}: {file} holds no {label.lower()} in PEM form")
    return content


def _stays_on_this_machine(target: str) -> bool:
    """Whether no other machine is on the way to a gRPC target, by its text alone; in doubt it is not."""
    scheme = _SCHEME.match(target)
    kind = scheme[1] if scheme else "dns"
    if kind in {"unix", "unix-abstract"}:
        return True
    if kind not in {"dns", "ipv4", "ipv6"}:
        return False
    addresses = target[scheme.end() :] if scheme else target
    if kind == "dns" and addresses.startswith("//"):
        authority, _, addresses = addresses.removeprefix("//").partition("/")
        # With an authority, a name server of the caller's choice says where it is.
        return not authority and _is_loopback(addresses)
    return all(_is_loopback(address) for address in addresses.split(","))


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0] if re.search(r"[^:]:\d+$|\]:\d+$", address) else address
    host = host.strip("[]")
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host.lower() == "localhost"
