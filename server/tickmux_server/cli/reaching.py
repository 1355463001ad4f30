"""How the commands that ask reach a server: encrypted or not, and with which token."""

import argparse
import os
import re
from pathlib import Path
from typing import Final

from tickmux_client import AccessDeniedError, ConnectOptions, TickmuxClientError
from tickmux_server.cli.errors import CommandError, ExitCode
from tickmux_server.listen import split_address

TOKEN_VARIABLE: Final = "TICKMUX_TOKEN"  # noqa: S105 - a variable's name
TOKEN_FILE_BYTES_MAX: Final = 4096
_SCHEME: Final = re.compile(r"(dns|ipv4|ipv6|unix|unix-abstract|vsock|xds):|[a-z][a-z0-9+.-]*://")
_HUNG_UP: Final = ("Socket closed", "reset by peer", "recvmsg")
"""What gRPC says of a server that ended the connection instead of talking, one of these."""


def check_target(target: str) -> None:
    """Refuse an address to ask that is none; what has a scheme of gRPC's (`dns:`, `unix:`) is left to gRPC.

    Raises:
        CommandError: It is empty, or has no port.
    """
    if _SCHEME.match(target):
        return
    try:
        split_address(target)
    except ValueError as error:
        raise CommandError(f"--target: {error}", ExitCode.USAGE) from error


def connect_options(options: argparse.Namespace) -> ConnectOptions:
    """What `tickmux_client.connect` is told, from the command line and the environment.

    Raises:
        CommandError: options that do not go together, or a file that cannot be read.
    """
    chosen = ConnectOptions(tls=options.tls, token_in_clear_text=options.insecure)
    if (options.certificate is None) != (options.key is None):
        raise CommandError("--certificate and --key go together: give both, or neither", ExitCode.USAGE)
    # Read where they are used, but told by the names that they have here.
    for option in ("ca", "certificate", "key"):
        if file := getattr(options, option):
            _read(f"--{option}", file)
    if options.ca:
        chosen["tls_ca"] = options.ca
    if options.certificate:
        chosen["tls_certificate"], chosen["tls_key"] = options.certificate, options.key
    if options.server_name:
        chosen["tls_server_name"] = options.server_name
    if token := _token(options.token_file):
        chosen["token"] = token
    return chosen


def refusal(problem: ValueError) -> CommandError:
    """What the client objects to in its options, by the names that they have here."""
    if "clear text" in str(problem):
        return CommandError(
            "the token would travel to another machine in clear text: encrypt with --tls or --ca FILE, or accept that "
            "with --insecure",
            ExitCode.USAGE,
        )
    option, _, what = str(problem).partition(": ")
    named = f"{TOKEN_VARIABLE} or --token-file" if option == "token" else option.replace("tls_", "--")
    return CommandError(f"{named}: {what}", ExitCode.USAGE)


def explained_denial(error: AccessDeniedError, target: str, sent: ConnectOptions) -> CommandError:
    """What to do when a server does not know the caller, or does not allow what was asked."""
    if error.violations:
        return CommandError("; ".join(error.violations.values()))
    if error.reason == "TOKEN_ENDED":
        return CommandError(str(error))
    if sent.get("token"):
        return CommandError(
            f"the server at {target} does not take this token: it is unknown there, expired or revoked; beside the "
            "server `tickmux token list` tells, and `tickmux token add NAME` makes another"
        )
    return CommandError(
        f"the server at {target} asks for a token: set {TOKEN_VARIABLE}, or name a file that holds it with "
        "--token-file; `tickmux token add NAME`, beside the server, makes one"
    )


def encryption_hint(error: TickmuxClientError, sent: ConnectOptions) -> str:
    """What may be wrong with the encryption of a server that cannot be reached; empty if there is no sign of that."""
    text = str(error)
    hung_up = any(words in text for words in _HUNG_UP)
    if not (sent.get("tls") or sent.get("tls_ca") or sent.get("tls_certificate")):
        return "if it speaks TLS, add --ca FILE or --tls" if hung_up else ""
    if "CERTIFICATE_VERIFY_FAILED" in text:
        return "its certificate cannot be trusted: name the CA that signed it with --ca FILE, unless it has expired"
    if "Hostname Verification" in text:
        return "its certificate is for another name: give that one with --server-name"
    if "WRONG_VERSION_NUMBER" in text:
        return "it speaks clear text: leave --tls and --ca out"
    if "security handshaker" in text:
        return "the files cannot be used together: --key must be the key of --certificate"
    if hung_up and sent.get("tls_certificate"):
        return "it hung up: it may not trust this client certificate, or that has expired"
    return "it hung up: it may want a client certificate (--certificate and --key)" if hung_up else ""


def _token(file: str | None) -> str:
    """The token to send: of the file that was named, else of the environment; empty if there is none."""
    if not file and (token := os.environ.get(TOKEN_VARIABLE, "").strip()):
        return token
    file = file or os.environ.get(f"{TOKEN_VARIABLE}_FILE")
    if not file:
        return ""
    token = _read("--token-file", file).decode(errors="replace").strip()
    if not token:
        raise CommandError(f"--token-file: {file} is empty", ExitCode.USAGE)
    return token


def _read(option: str, file: str) -> bytes:
    try:
        with Path(file).open("rb") as opened:
            return opened.read(TOKEN_FILE_BYTES_MAX)
    except OSError as error:
        raise CommandError(f"{option}: {file} cannot be read: {error.strerror}", ExitCode.USAGE) from error
