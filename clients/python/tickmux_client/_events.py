"""What a subscription yields."""

from dataclasses import dataclass

from tickmux_client._model import Quote, SourceStatus


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """The opening state is complete, or the missed updates are: what follows is live."""


@dataclass(frozen=True, slots=True)
class Conflated:
    """Updates were passed over: reading was too slow for the kept history, or the delivery is LATEST."""

    count: int
    """How many updates of the selection, since the previous message of the server."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The stream is gone, or a try to get it back failed; every quote is stale. The client tries again by itself."""

    problem: str
    """What went wrong, in one line."""
    reason: str
    """Machine-readable reason, such as `HEARTBEATS_MISSED`; empty if none was given."""
    retry_in_s: float
    """Seconds until the next try."""
    attempts: int
    """How many tries in a row have failed since the stream was cut; 0 = it has just been cut."""


@dataclass(frozen=True, slots=True)
class GoingAway:
    """The server ends the stream in an orderly way, as it does when it stops and when a stream has lived for long.

    The client connects anew at the time that the server gave it, within seconds. Every quote is stale from the end of
    the stream on; Reconnected says that it is back, and Disconnected comes only if the first try fails.
    """


@dataclass(frozen=True, slots=True)
class Hole:
    """Updates of one instrument are missing and nothing announced it: a fault of the server. Its quote follows."""

    source: str
    symbol: str
    epoch: int
    expected_revision: int
    """The first one that is missing."""
    seen_revision: int
    """The one that came instead."""


@dataclass(frozen=True, slots=True)
class Reconnected:
    """The stream is back."""

    attempts: int
    """How many tries it took."""
    outage_s: float
    """Seconds without a stream."""
    resumed: bool
    """True: every missed update follows. False: a Reset follows, unless nothing had been received before."""


@dataclass(frozen=True, slots=True)
class Reset:
    """The chain is broken: updates were, or may have been, lost. The full state follows, up to CaughtUp."""

    reason: str
    """Why, in one line."""


@dataclass(frozen=True, slots=True)
class SourceChanged:
    """A source's health is news: another state, epoch, or error."""

    status: SourceStatus


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Selected symbols that match no instrument yet; they are streamed when they appear."""

    symbols: tuple[str, ...]


Event = Quote | CaughtUp | Conflated | Disconnected | GoingAway | Hole | Reconnected | Reset | SourceChanged | Unmatched
"""Whatever a subscription yields."""
