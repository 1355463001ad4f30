"""`tickmux token`: makes, lists and revokes the tokens of a server's file."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from tickmux_adapters.symbols import nearest
from tickmux_server.access import tokens
from tickmux_server.access.token_file import TokenFile, TokenFileUnusable
from tickmux_server.access.tokens import TokenRecord
from tickmux_server.cli.access_arguments import DEFAULT_TOKEN_FILE
from tickmux_server.cli.asking import say
from tickmux_server.cli.errors import CommandError, ExitCode
from tickmux_server.cli.figures import UNKNOWN
from tickmux_server.cli.jsonlines import line
from tickmux_server.cli.layout import Column
from tickmux_server.cli.stdout import StdoutFailed, abandon, write_now
from tickmux_server.cli.table import Cell, plain_text, table
from tickmux_server.config import ConfigError, read_toml

PIPE_WIDTH: Final = 200
LIMIT_MAX: Final = 1_000_000
"""Of streams, and of names in a selection: far more than any server serves."""
COLUMNS: Final = tuple(
    Column(title, is_right=title in {"STREAMS", "NAMES"})
    for title in ("NAME", "STATE", "EXPIRES", "STREAMS", "NAMES", "MADE", "SOURCES")
)


def token(options: argparse.Namespace) -> ExitCode:
    """Run `token add`, `token list` or `token revoke`.

    Raises:
        CommandError: it cannot be done; the file is as it was.
    """
    file = TokenFile(_file(options))
    run = {"add": _add, "list": _list, "revoke": _revoke}[options.action]
    try:
        return run(file, options)
    except TokenFileUnusable as error:
        known = file.path.exists() or options.action == "add"
        hint = "" if known else "; name the server's file with --tokens or TICKMUX_TOKENS"
        raise CommandError(f"{error}{hint}") from error


def _file(options: argparse.Namespace) -> Path:
    """The file that the flag names, else the environment, else the configuration, as for `tickmux serve`."""
    if named := options.tokens or os.environ.get("TICKMUX_TOKENS"):
        return Path(named)
    config = options.config or os.environ.get("TICKMUX_CONFIG")
    if not config:
        return Path(DEFAULT_TOKEN_FILE)
    try:
        named = read_toml(Path(config)).get("tokens") or DEFAULT_TOKEN_FILE
    except ConfigError as error:
        raise CommandError(str(error), ExitCode.USAGE) from error
    if not isinstance(named, str):
        raise CommandError(f"{config}: tokens: expected a text in quotes, the file of tokens", ExitCode.USAGE)
    return Path(named)


def _add(file: TokenFile, options: argparse.Namespace) -> ExitCode:
    now = datetime.now(UTC).replace(microsecond=0)
    secret = tokens.new_token()
    record = _record(options, tokens.hash_of(secret), now)

    def edit(records: Sequence[TokenRecord]) -> Sequence[TokenRecord]:
        if any(known.name == record.name and known.state(now) == "valid" for known in records):
            raise CommandError(
                f"there is a token {record.name!r} already: choose another name, or revoke that one first "
                f"(tickmux token revoke {record.name})"
            )
        kept = [known for known in records if known.name != record.name]
        if len(kept) >= tokens.TOKENS_MAX:
            raise CommandError(f"{file.path} holds {tokens.TOKENS_MAX} tokens, which is all that a server takes")
        return [*kept, record]

    # A token that nobody has seen must not open anything, and none is shown that is not kept.
    file.change(edit, create=True, confirm=lambda: _show(secret))
    say(f"token {record.name} is in {file.path}; it is shown this once, so keep it where its user finds it")
    say("its user sends it from TICKMUX_TOKEN, or with --token-file from a file that holds it")
    say(f"a server that runs with --tokens {file.path} takes it within seconds")
    return ExitCode.OK


def _show(secret: str) -> None:
    problem = "it is closed" if sys.__stdout__ is None else ""
    try:
        write_now(f"{secret}\n")
    except BrokenPipeError:
        abandon()
        problem = "its reader has gone"
    except StdoutFailed as error:
        raise CommandError(f"no token was made, since nobody would have seen it: {error}") from error
    if problem:
        raise CommandError(f"no token was made, since nobody would have seen it: stdout cannot be written, {problem}")


def _list(file: TokenFile, options: argparse.Namespace) -> ExitCode:
    now = datetime.now(UTC)
    records = file.read()
    if options.json:
        write_now(line({"tokens": [_shown(record, now) for record in records]}) + "\n")
        return ExitCode.OK
    if not records:
        say(f"{file.path} holds no token: make one with `tickmux token add NAME`")
        return ExitCode.OK
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH
    write_now(plain_text(table(COLUMNS, [_cells(record, now) for record in records], width)) + "\n")
    return ExitCode.OK


def _revoke(file: TokenFile, options: argparse.Namespace) -> ExitCode:
    now = datetime.now(UTC).replace(microsecond=0)

    def edit(records: Sequence[TokenRecord]) -> Sequence[TokenRecord]:
        names = [record.name for record in records]
        if options.name not in names:
            likely = nearest(options.name, names)
            hint = f"did you mean {likely}?" if likely else "`tickmux token list` tells which there are"
            raise CommandError(f"there is no token {options.name!r} in {file.path}; {hint}")
        return [
            msgspec.structs.replace(record, revoked_at=record.revoked_at or now)
            if record.name == options.name
            else record
            for record in records
        ]

    file.change(edit)
    say(
        f"token {options.name} is revoked; a server that runs with --tokens {file.path} ends its streams within seconds"
    )
    return ExitCode.OK


def _record(options: argparse.Namespace, digest: str, now: datetime) -> TokenRecord:
    if not tokens.NAME.fullmatch(options.name):
        raise CommandError(
            f"{options.name!r} is no name for a token: use letters, digits, dots, dashes and underscores",
            ExitCode.USAGE,
        )
    for option in ("streams_max", "names_max"):
        limit = getattr(options, option)
        if limit is not None and not 1 <= limit <= LIMIT_MAX:
            raise CommandError(
                f"--{option.replace('_', '-')} must be from 1 to {LIMIT_MAX}, was {limit}; leave it out for no limit",
                ExitCode.USAGE,
            )
    try:
        expires_at = None if options.expires is None else tokens.parse_expiry(options.expires, now)
    except ValueError as error:
        raise CommandError(f"--expires: {error}", ExitCode.USAGE) from error
    try:
        sources = None if options.sources is None else tokens.parse_sources(options.sources)
    except ValueError as error:
        raise CommandError(f"--sources: {error}", ExitCode.USAGE) from error
    return TokenRecord(
        name=options.name,
        hash=digest,
        created_at=now,
        expires_at=expires_at,
        sources=sources,
        streams_max=options.streams_max,
        names_max=options.names_max,
    )


def _shown(record: TokenRecord, now: datetime) -> dict[str, Any]:
    return {
        "name": record.name,
        "state": record.state(now),
        "created_at": _time(record.created_at),
        "expires_at": _time(record.expires_at),
        "revoked_at": _time(record.revoked_at),
        "sources": record.sources,
        "streams_max": record.streams_max,
        "names_max": record.names_max,
    }


def _cells(record: TokenRecord, now: datetime) -> list[Cell]:
    texts = (
        record.name,
        record.state(now),
        _time(record.expires_at) or "never",
        str(record.streams_max or UNKNOWN),
        str(record.names_max or UNKNOWN),
        _time(record.created_at) or UNKNOWN,
        "all" if record.sources is None else ",".join(record.sources),
    )
    return [Cell(text) for text in texts]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
