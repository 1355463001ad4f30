"""The command line: commands, options and the help that teaches them."""

import argparse
import os
from collections.abc import Sequence
from typing import Final

from tickmux_server.cli.access_arguments import (
    MAKING,
    MAKING_EXAMPLES,
    AddCommand,
    add_client_access,
    add_server_access,
    add_token_commands,
)

DEFAULT_TARGET: Final = "127.0.0.1:50051"

OVERVIEW: Final = """\
Live market data of many venues, normalised to one quote and served over gRPC.

Begin here, with simulated venues and no network:
  tickmux serve --demo

With the live venues (no keys needed), and in another terminal:
  tickmux serve
  tickmux watch 'BTC*'
  tickmux snapshot BTCUSDT --json
"""

EPILOGUE: Final = """\
exit codes:
  0    done; also when you end `serve` or `watch` with Ctrl-C, and when the reader of a pipe has gone
  1    the server cannot be reached, refused the request, or is not serving
  2    the command line or the configuration cannot be used
  3    a symbol that you named matches nothing (what did match was printed)
  130  Ctrl-C in a command that would have ended by itself

environment:
  TICKMUX_TARGET    address that watch, snapshot, sources, instruments and health ask (--target)
  TICKMUX_TOKEN     token that they send; TICKMUX_TOKEN_FILE names a file that holds it (--token-file)
  TICKMUX_TLS, TICKMUX_CA, TICKMUX_CERTIFICATE, TICKMUX_KEY, TICKMUX_SERVER_NAME
                    how they encrypt (--tls, --ca, --certificate, --key, --server-name)
  TICKMUX_CONFIG    configuration file of serve and token (--config)
  TICKMUX_TOKENS    file of tokens of serve and token (--tokens)
  TICKMUX_LISTEN    any setting of serve by its name in upper case; lists are separated by commas, and
                    TICKMUX_SOURCES__BINANCE__SYMBOLS=BTCUSDT,ETHUSDT reaches into [sources.binance]

keys of the venues that want them, each in its variable, or in a file that the variable with _FILE behind it names:
  APCA_API_KEY_ID, APCA_API_SECRET_KEY    alpaca and alpaca-crypto
  ALPHAVANTAGE_API_KEY                    alphavantage
  COINGECKO_API_KEY                       coingecko, which also does without

`tickmux COMMAND --help` explains each command.
"""

SERVE: Final = """\
Run the server: take quotes from every configured source and serve them over gRPC, until Ctrl-C or SIGTERM.

Without a file it takes ten popular pairs from Binance, Kraken and CoinGecko, live. A later layer wins: defaults,
TOML file, environment, flags. Times in the log are UTC; records go to stderr.
"""
SERVE_EXAMPLES: Final = """\
examples:
  tickmux serve                          the live venues, on 127.0.0.1:50051
  tickmux serve --demo                   simulated venues and a live table; needs no network
  tickmux serve --config tickmux.toml
  tickmux serve --listen 0.0.0.0:50051 --tls-certificate server.pem --tls-key server-key.pem --tokens tokens.jsonl

a file:
  listen = "127.0.0.1:50051"
  [sources.binance]
  adapter = "binance"
  symbols = ["BTCUSDT", "ETHUSDT"]
  [sources.alpaca]
  adapter = "alpaca"                     # or kraken, alpaca-crypto, coingecko, alphavantage
  symbols = ["AAPL", "BRK.B"]
"""

WATCH: Final = """\
Show quotes as they move, with the health of their sources, until Ctrl-C.

On a terminal it is a live table. In a pipe it is a plain table every few seconds, or with --json every
update as one object a line. Rows marked ! are not known to be the present: their source is stale or down, or the
server cannot be reached. It rides through restarts of the server. In a narrow window STATE is short: of the flags
of a quote H is halted, D delayed, I indicative; and conn, thr, rej are sources connecting, throttled, rejected.
"""
WATCH_EXAMPLES: Final = """\
examples:
  tickmux watch
  tickmux watch 'BTC*' ETHUSDT
  tickmux watch --source kraken
  tickmux watch --source consolidated    the best bid and ask over all sources, and who gives them
  tickmux watch BTCUSDT --json | head -3
"""

SNAPSHOT: Final = "Print the latest quote of each instrument, once."
SNAPSHOT_EXAMPLES: Final = """\
examples:
  tickmux snapshot
  tickmux snapshot BTCUSDT 'ETH*'
  tickmux snapshot BTCUSDT --json        {"symbols": [{"symbol": "BTCUSDT", "type": "crypto", ...}]}

In JSON the first eight keys are always symbol, type, exchange, last_price, volume, bid_price, ask_price and
timestamp; null = not known. Times are RFC 3339 in UTC, prices are the venue's own decimals.
"""

SOURCES: Final = """\
Print the health of every source: is what it last said the present, and if not, why. Sources that are polled tell in
BUDGET what they may still ask of their venue, and when they ask next.
"""
SOURCES_EXAMPLES: Final = """\
examples:
  tickmux sources
  tickmux sources --json
"""

INSTRUMENTS: Final = "List what can be quoted, whether or not it has a quote yet."
INSTRUMENTS_EXAMPLES: Final = """\
examples:
  tickmux instruments
  tickmux instruments 'BTC*' --source kraken --json
"""

HEALTH: Final = "Ask whether the server serves (grpc.health.v1). Prints one line; exits with 0 only when it is SERVING."
HEALTH_EXAMPLES: Final = """\
examples:
  tickmux health
  tickmux health --target 127.0.0.1:50051 && echo ready
  TICKMUX_TOKEN_FILE=health.token tickmux health        of a server that asks for tokens, health needs one as well
"""


def parser(version: str) -> argparse.ArgumentParser:
    """The parser of every command; in its result the chosen one is `command`, and `chosen` is its parser."""
    root = argparse.ArgumentParser(
        prog="tickmux",
        description=OVERVIEW,
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"tickmux {version}")
    root.set_defaults(chosen=root)
    command = _commands_of(root, "command")

    _add_serve_options(command("serve", "run the server", SERVE, SERVE_EXAMPLES))

    watch = command("watch", "show quotes as they move", WATCH, WATCH_EXAMPLES)
    _add_selection(watch)
    _add_output(watch)
    # Ends a table that `serve --demo` started, however that process ended.
    watch.add_argument("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)
    watch.add_argument("--note", default="", help=argparse.SUPPRESS)

    snapshot = command("snapshot", "print the latest quotes", SNAPSHOT, SNAPSHOT_EXAMPLES)
    _add_selection(snapshot)
    _add_output(snapshot)

    _add_output(command("sources", "print the health of the sources", SOURCES, SOURCES_EXAMPLES))

    instruments = command("instruments", "list what can be quoted", INSTRUMENTS, INSTRUMENTS_EXAMPLES)
    _add_selection(instruments)
    _add_output(instruments)

    _add_target(command("health", "ask whether the server serves", HEALTH, HEALTH_EXAMPLES))

    add_token_commands(command("token", "make, list and revoke tokens", MAKING, MAKING_EXAMPLES), _commands_of)
    return root


def _commands_of(parser: argparse.ArgumentParser, dest: str) -> AddCommand:
    # Without any command at all the whole help is shown instead of an error.
    commands = parser.add_subparsers(dest=dest, metavar="COMMAND", title="commands", required=dest != "command")

    def command(name: str, summary: str, description: str, examples: str) -> argparse.ArgumentParser:
        added = commands.add_parser(
            name,
            help=summary,
            description=description,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        added.set_defaults(chosen=added)
        return added

    return command


def parse(arguments: Sequence[str] | None, version: str) -> argparse.Namespace:
    """Read the command line; without a command, print the help and exit with 2."""
    root = parser(version)
    options, unknown = root.parse_known_args(arguments)
    if unknown:
        # By the parser of the command, whose usage tells what it does take; argparse leaves this to the root.
        options.chosen.error(f"unrecognized arguments: {' '.join(unknown)}")
    if options.command is None:
        root.print_help()
        root.exit(2)
    return options


def _add_serve_options(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--config", metavar="FILE", help="TOML file with the settings (TICKMUX_CONFIG)")
    serve.add_argument("--listen", metavar="HOST:PORT", help=f"address to serve on (default {DEFAULT_TARGET})")
    add_server_access(serve)
    serve.add_argument("--log-level", metavar="LEVEL", help="debug, info (default), warning or error")
    serve.add_argument("--demo", action="store_true", help="serve simulated venues, started and ended with the server")
    serve.add_argument(
        "--table",
        action=argparse.BooleanOptionalAction,
        help="show the quotes here while serving, as `tickmux watch` does (the default with --demo)",
    )


def _add_selection(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "symbols",
        nargs="*",
        metavar="SYMBOL",
        help="BTCUSDT, btc/usdt, or a pattern: 'BTC*'; everything if none",
    )
    for option, what in (
        ("source", "configured source, such as kraken, or consolidated"),
        ("exchange", "listing exchange, such as Binance"),
        ("type", "asset class: crypto, stock or fx"),
    ):
        command.add_argument(
            f"--{option}", action="append", default=[], dest=f"{option}s", metavar="NAME", help=f"{what}; repeatable"
        )


def _add_output(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON, for programs")
    _add_target(command)


def _add_target(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--target",
        metavar="HOST:PORT",
        default=os.environ.get("TICKMUX_TARGET") or DEFAULT_TARGET,
        help="server to ask (TICKMUX_TARGET; default %(default)s)",
    )
    add_client_access(command)
