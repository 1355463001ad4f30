"""Options of TLS and tokens: those of the server, those of whoever asks one, and the commands that make tokens."""

import argparse
import os
from collections.abc import Callable
from typing import Final

DEFAULT_TOKEN_FILE: Final = "tokens.jsonl"  # noqa: S105 - a file's name
TRUE_WORDS: Final = frozenset({"1", "true", "yes", "on"})

MAKING: Final = """\
Make, list and revoke the tokens of a server that runs with --tokens FILE. Every call must then carry one.

The file holds names, rights and hashes, never a token. A running server takes every change within seconds, and ends the
streams of a token that is revoked, has expired, or allows less than before.
"""
MAKING_EXAMPLES: Final = f"""\
examples:
  tickmux token add desk-7                            sees everything, until it is revoked
  tickmux token add partner --sources kraken,binance --expires 30d --streams-max 10
  tickmux token list
  tickmux token revoke partner
  tickmux serve --tokens {DEFAULT_TOKEN_FILE}

whoever asks a server sends the token from the environment, or from a file:
  TICKMUX_TOKEN=... tickmux watch
  tickmux watch --token-file desk-7.token
"""
ADD: Final = """\
Make a token, add it to the file by its hash, and print it, this once. The file is made if it is not there.
"""
ADD_EXAMPLES: Final = """\
examples:
  tickmux token add desk-7
  tickmux token add desk-7 --expires 30d > desk-7.token
  tickmux token add partner --sources kraken --streams-max 2 --names-max 50 --tokens /etc/tickmux/tokens.jsonl
"""
LIST: Final = "List the tokens of the file: names, states and rights. Neither tokens nor hashes are shown."
LIST_EXAMPLES: Final = """\
examples:
  tickmux token list
  tickmux token list --json
"""
REVOKE: Final = "Revoke a token: it opens nothing any more, and a running server ends its streams within seconds."
REVOKE_EXAMPLES: Final = """\
examples:
  tickmux token revoke desk-7
"""


AddCommand = Callable[[str, str, str, str], argparse.ArgumentParser]
"""Makes a command: name, summary, description, examples."""
CommandsOf = Callable[[argparse.ArgumentParser, str], AddCommand]
"""Lets a parser have commands, the chosen one under a name in its result."""


def add_token_commands(token: argparse.ArgumentParser, commands_of: CommandsOf) -> None:
    """`token add`, `token list` and `token revoke`."""
    command = commands_of(token, "action")
    add = command("add", "make a token and print it", ADD, ADD_EXAMPLES)
    add.add_argument("name", metavar="NAME", help="what to call it, in the list and in the server's log")
    add.add_argument(
        "--sources",
        metavar="A,B",
        help="the only sources that it may see (default: all); consolidated shows the best of every source",
    )
    add.add_argument(
        "--expires", metavar="WHEN", help="when it ends: 30d, 12h, 90s, or 2027-01-01T00:00:00Z (default: never)"
    )
    add.add_argument("--streams-max", metavar="N", type=int, help="subscriptions that it may have open at a time")
    add.add_argument("--names-max", metavar="N", type=int, help="names and patterns that a selection of it may hold")
    listing = command("list", "list tokens with their state", LIST, LIST_EXAMPLES)
    listing.add_argument("--json", action="store_true", help="print JSON, for programs")
    revoke = command("revoke", "revoke a token", REVOKE, REVOKE_EXAMPLES)
    revoke.add_argument("name", metavar="NAME", help="as `tickmux token list` shows it")
    for one in (add, listing, revoke):
        one.add_argument(
            "--tokens",
            metavar="FILE",
            help="the server's file of tokens, as `tickmux serve` is told it (TICKMUX_TOKENS, or `tokens` in the "
            f"configuration file; default {DEFAULT_TOKEN_FILE})",
        )
        one.add_argument("--config", metavar="FILE", help="the server's TOML file, which may name it (TICKMUX_CONFIG)")
        # What --tokens was once called.
        one.add_argument("--file", dest="tokens", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def add_server_access(serve: argparse.ArgumentParser) -> None:
    """The options of `serve` that say who may call."""
    serve.add_argument("--tls-certificate", metavar="FILE", help="PEM file of the server's certificate and its chain")
    serve.add_argument("--tls-key", metavar="FILE", help="PEM file of its private key")
    serve.add_argument(
        "--tls-client-ca", metavar="FILE", help="PEM file of the CA that clients must show a certificate of"
    )
    serve.add_argument(
        "--tokens", metavar="FILE", help="file of tokens, one of which every call must carry (see `tickmux token`)"
    )
    serve.add_argument(
        "--insecure",
        action="store_true",
        default=None,
        help="allow an address that other machines can reach without TLS, without tokens, or without both",
    )


def add_client_access(command: argparse.ArgumentParser) -> None:
    """The options of whoever asks a server."""
    access = command.add_argument_group("TLS and tokens")
    access.add_argument(
        "--tls",
        action=argparse.BooleanOptionalAction,
        default=os.environ.get("TICKMUX_TLS", "").lower() in TRUE_WORDS,
        help="encrypt, and trust the usual authorities (TICKMUX_TLS=true)",
    )
    for option, what in (
        ("ca", "encrypt, and trust the CA of this PEM file"),
        ("certificate", "show this certificate to a server that asks for one, PEM file"),
        ("key", "its private key, PEM file"),
    ):
        variable = f"TICKMUX_{option.upper()}"
        access.add_argument(
            f"--{option}", metavar="FILE", default=os.environ.get(variable) or None, help=f"{what} ({variable})"
        )
    # Its variable is looked at last, since TICKMUX_TOKEN comes before it, and a flag before both.
    access.add_argument(
        "--token-file",
        metavar="FILE",
        help="file that holds the token (TICKMUX_TOKEN_FILE; or the token itself in TICKMUX_TOKEN)",
    )
    access.add_argument(
        "--server-name",
        metavar="NAME",
        default=os.environ.get("TICKMUX_SERVER_NAME") or None,
        help="name that the server's certificate has, if not the target's (TICKMUX_SERVER_NAME)",
    )
    access.add_argument(
        "--insecure", action="store_true", help="send the token in clear text to another machine all the same"
    )
