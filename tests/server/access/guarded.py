"""A node that asks for tokens, and the tokens that a test holds."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tickmux_adapters.model import Clock, SystemClock
from tickmux_server.access import tokens
from tickmux_server.access.token_file import TokenFile
from tickmux_server.access.tokens import TokenRecord
from tickmux_server.access.watch import TokenWatch
from tickmux_server.config import Config
from tickmux_server.node import Node

SOURCES: Any = {"binance": None, "kraken": None}
"""Only the names are asked for."""
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Keys:
    """A token file, and the tokens that it knows by their hashes."""

    def __init__(self, folder: Path, *, begin: bool = True) -> None:
        self.file = TokenFile(folder / "tokens.jsonl")
        if begin:
            self.file.change(lambda _: [], create=True)

    def add(self, name: str, **rights: Any) -> str:
        token = tokens.new_token()
        self.file.change(lambda records: [*records, TokenRecord(name=name, hash=tokens.hash_of(token), **rights)])
        return token

    def alter(self, name: str, **rights: Any) -> None:
        self.file.change(
            lambda records: [
                msgspec.structs.replace(record, **rights) if record.name == name else record for record in records
            ]
        )

    def revoke(self, name: str) -> None:
        self.alter(name, revoked_at=LONG_AGO)

    def remove(self, name: str) -> None:
        self.file.change(lambda records: [record for record in records if record.name != name])


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def watch_of(node: Node) -> TokenWatch:
    assert node.tokens is not None
    return node.tokens


def take_changes(node: Node) -> None:
    """What the node's own task does within seconds: a file that stands still is read, then streams are looked at."""
    watch = watch_of(node)
    watch.follow()
    watch.follow()
    watch.check()


@contextlib.asynccontextmanager
async def guarded(keys: Keys | None, *, clock: Clock | None = None, **settings: Any) -> AsyncIterator[Node]:
    tokens_file = str(keys.file.path) if keys else ""
    config = Config(**{"listen": "127.0.0.1:0", "tokens": tokens_file, "sources": SOURCES} | settings)
    node = Node(config, clock or SystemClock(), flags={})
    await node.start()
    try:
        yield node
    finally:
        await node.stop()
