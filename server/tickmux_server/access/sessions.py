"""The open streams of each token: how many there are, and the end of those whose token no longer allows them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tickmux_server.access.keyring import Keyring
from tickmux_server.access.principal import Principal
from tickmux_server.counting import counted
from tickmux_server.ending import Ending
from tickmux_server.errors import TokenEnded, TooManyStreams


class Session:
    """One stream, as its token sees it. To be made by the task that serves it."""

    __slots__ = ("digest", "ending", "principal")

    def __init__(self, digest: bytes, principal: Principal) -> None:
        self.digest = digest
        self.principal = principal
        """What the token allowed when the stream was opened."""
        self.ending: Final = Ending()


class Sessions:
    """Every open stream of a server that asks for tokens."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._sessions: dict[Session, None] = {}
        self._subscriptions: Counter[bytes] = Counter()

    def __len__(self) -> int:
        return len(self._sessions)

    @contextmanager
    def open(self, digest: bytes, principal: Principal, *, is_subscription: bool) -> Iterator[Session]:
        """Register a stream for as long as it lasts. To be entered by the task that serves it.

        Args:
            digest: Of its token.
            principal: What the token allows now.
            is_subscription: Whether it counts as one of the streams that a token may have.

        Raises:
            TooManyStreams: The token holds as many subscriptions as it may.
        """
        limit = principal.streams_max
        if is_subscription and limit is not None and self._subscriptions[digest] >= limit:
            raise TooManyStreams(
                f"the token '{principal.name}' holds {counted(limit, 'stream')} already, which is all that it may; "
                "end one, or widen a selection"
            )
        session = Session(digest, principal)
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
            if session.ending.has_begun:
                continue
            if objection := self._keyring.objection(session.digest, session.principal):
                name = session.principal.name
                session.ending.begin(TokenEnded(name, objection))
                ended[f"token {name} {objection}"] += 1
        return ended
