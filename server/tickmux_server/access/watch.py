"""Tokens as they change while a server runs: the file is followed, and streams end with the token that opened them."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from tickmux_adapters.model import Clock
from tickmux_server.access.files import is_open_to_all, signature
from tickmux_server.access.gate import Gate
from tickmux_server.access.keyring import Keyring
from tickmux_server.access.sessions import Sessions
from tickmux_server.access.token_file import TokenFile, TokenFileUnusable
from tickmux_server.access.tokens import TokenRecord
from tickmux_server.counting import counted
from tickmux_server.selection import CONSOLIDATED

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S: Final = 1.0
"""A token that has expired ends its streams within this, one that was revoked within two of it."""
REFUSED_LOG_INTERVAL_S: Final = 60.0
"""Calls without a token in force are told together, so that a stranger cannot fill the log."""


class TokenWatch:
    """The tokens that a server asks for: the gate for its calls, and the task that keeps them current."""

    def __init__(self, path: Path, clock: Clock, *, sources: Collection[str]) -> None:
        """Read the file.

        Args:
            path: The file of tokens.
            clock: Tells when a token has expired.
            sources: Names of the configured sources, to warn of tokens that name others.

        Raises:
            TokenFileUnusable: It cannot be read, or not be trusted.
        """
        self._clock = clock
        self._sources = frozenset(source.casefold() for source in sources)
        self._file = TokenFile(path)
        self._signature = self._seen = signature(path)
        records = self._file.read()
        self._keyring = Keyring(records, clock.wall_ns)
        self._sessions = Sessions(self._keyring)
        self.gate = Gate(self._keyring, self._sessions)
        self._refused_told = 0
        self._tell_refused_ns = clock.monotonic_ns()
        logger.info("%s in %s", counted(len(records), "token"), path)
        self._warn_of_strange_sources(records)
        if not records:
            logger.warning(
                "%s holds no token, so nobody gets in: make one with `tickmux token add NAME --tokens %s`", path, path
            )
        if is_open_to_all(path):
            logger.warning("everyone on this machine can read %s: run chmod 600 %s", path, path)

    async def watch(self) -> None:
        """Follow the file and end the streams of tokens that are no longer in force, until cancelled."""
        following: asyncio.Task[None] | None = None
        while True:
            if following is None:
                following = asyncio.create_task(asyncio.to_thread(self.follow))
            # A file system that hangs must keep neither the server nor the clock from ending a stream.
            done, _ = await asyncio.wait({following}, timeout=CHECK_INTERVAL_S)
            if done:
                following.result()
                following = None
            self.check()
            await asyncio.sleep(CHECK_INTERVAL_S)

    def follow(self) -> None:
        """Put in force what the file holds now, once it has stood still since the last look.

        An editor that writes in place leaves half a file for a moment, which must not shut anyone out. If what stands
        there cannot be used, what it held before stays in force.
        """
        before, self._seen = self._seen, signature(self._file.path)
        if self._seen == self._signature or self._seen != before:
            return
        self._signature = self._seen
        try:
            records = self._file.read()
        except TokenFileUnusable as error:
            logger.error("%s; the tokens that it held before stay in force", error)  # noqa: TRY400 - no defect of ours
            return
        self._keyring.replace(records)
        if records:
            logger.info("%s in %s, which has changed", counted(len(records), "token"), self._file.path)
        else:
            logger.warning(
                "%s has become empty: all tokens are gone, their streams end and nobody gets in; put its lines back "
                "from a copy, or make new tokens with `tickmux token add NAME --tokens %s`",
                self._file.path,
                self._file.path,
            )
        self._warn_of_strange_sources(records)

    def check(self) -> None:
        """End the streams whose token is no longer in force, by the file or by the clock."""
        for what, count in self._sessions.check().items():
            logger.info("%s, which ends %s", what, counted(count, "stream"))
        now_ns = self._clock.monotonic_ns()
        refused = self.gate.refused - self._refused_told
        if refused and now_ns >= self._tell_refused_ns:
            self._refused_told = self.gate.refused
            self._tell_refused_ns = now_ns + round(REFUSED_LOG_INTERVAL_S * 1e9)
            logger.warning("refused %s without a token in force", counted(refused, "call"))

    def _warn_of_strange_sources(self, records: Iterable[TokenRecord]) -> None:
        for record in records:
            strange = sorted({*(record.sources or ())} - self._sources - {CONSOLIDATED})
            if strange and record.revoked_at is None:
                names = ", ".join(strange)
                logger.warning("token %s names sources that are not configured: %s", record.name, names)
