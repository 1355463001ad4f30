"""The open streams of each token: how many there are, and the end of those whose token no longer allows them."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tickmux_server.access.keyring import Identity, Keyring
from tickmux_server.access.tokens import TokenRecord
from tickmux_server.errors import TokenEnded, TooManyStreams, Unauthenticated


class Session:
    """One stream, as its token sees it."""

    __slots__ = ("_task", "digest", "ended_by", "record")

    def __init__(self, digest: bytes, record: TokenRecord, task: "asyncio.Task[object]") -> None:
        self.digest = digest
        self.record = record
        """The token's record when the stream was opened."""
        self.ended_by: TokenEnded | None = None
        self._task = task

    def end(self, error: TokenEnded) -> None:
        """Cancel the call's task, for it to abort with an error."""
        if self.ended_by is None:
            self.ended_by = error
            self._task.cancel()


class Sessions:
    """Every open stream of a server that asks for tokens."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._sessions: dict[Session, None] = {}
        self._subscriptions: Counter[bytes] = Counter()

    def __len__(self) -> int:
        return len(self._sessions)

    @contextmanager
    def open(self, identity: Identity, *, is_subscription: bool) -> Iterator[Session]:
        """Register a stream for as long as it lasts. To be entered by the task that serves it.

        Raises:
            TooManyStreams: The token holds as many subscriptions as it may.
            Unauthenticated: The token has gone since the call was admitted.
        """
        digest, principal = identity
        record = self._keyring.record(digest)
        if record is None:
            raise Unauthenticated
        limit = principal.streams_max
        if is_subscription and limit is not None and self._subscriptions[digest] >= limit:
            raise TooManyStreams(
                f"the token '{principal.name}' holds its {limit} streams already; end one, or widen a selection"
            )
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine is always run by a task
        session = Session(digest, record, task)
        self._sessions[session] = None
        self._subscriptions[digest] += is_subscription
        try:
            yield session
        finally:
            del self._sessions[session]
            self._subscriptions[digest] -= is_subscription
            if not self._subscriptions[digest]:
                del self._subscriptions[digest]

    def check(self) -> dict[str, int]:
        """End the streams whose token no longer allows them.

        Returns:
            What was ended: count of streams by what happened, such as "token desk-7 was revoked".
        """
        ended: Counter[str] = Counter()
        for session in list(self._sessions):
            what = self._keyring.objection(session.digest, session.record) if session.ended_by is None else ""
            if what:
                session.end(TokenEnded(session.record.name, what))
                ended[f"token {session.record.name} {what}"] += 1
        return ended
