"""Ways to break the Python client, each of which a scenario must notice, for the reason that is named with it.

They reach into the client from outside, in a process of their own; nothing in the client knows of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import grpc
from tests.conformance import mutations as to
from tests.conformance.run import LIMIT_S

from tickmux_client import Quote, SourceState, _access, _client, _errors, _options, _session
from tickmux_client._backoff import Backoff
from tickmux_client._events import GoingAway, Reset
from tickmux_client._pages import Pages
from tickmux_client._sequence import Sequencer
from tickmux_client._session import Session


@dataclass(frozen=True)
class Mutant:
    """A way to break the client, and how it is noticed."""

    scenario: int
    """Number of the scenario that notices it."""
    place: object
    """Module or class that it changes."""
    attribute: str
    change: Callable[[Any], Any]
    """Makes what stands there instead, from what stood there."""
    rule: str
    """That is broken."""
    says: str
    """Part of what the failure says."""
    limit_s: float = LIMIT_S
    """For the run: less for one that is noticed by what never comes."""

    def break_client(self) -> None:
        """Break the client of this process."""
        setattr(self.place, self.attribute, self.change(getattr(self.place, self.attribute)))


_UNHEALTHY: Final = frozenset({1, 3, 4, 6, 7})
_EXHAUSTED: Final = grpc.StatusCode.RESOURCE_EXHAUSTED

MUTANTS: Final[Mapping[str, Mutant]] = {
    "statuses-after-quotes": Mutant(1, Sequencer, "receive", to.quotes_first, "stale", "`is_stale` had to be True"),
    "absent-is-zero": Mutant(
        2, Quote, "bid_price", to.instead(property(lambda quote: quote.message.bid_price)), "content", "bid_price"
    ),
    "zero-is-absent": Mutant(
        2, Quote, "volume", to.instead(property(lambda quote: quote.message.volume or None)), "content", "volume"
    ),
    "state-is-one-response": Mutant(
        3, Sequencer, "receive", to.then(to.set_to(_in_state=False, _knows_all=True)), "lines", "is Hole"
    ),
    "default-limit-of-responses": Mutant(
        4, _options, "RECEIVE_BYTES_MAX", to.instead(4 << 20), "lines", "what came is Disconnected"
    ),
    "forgets-the-token": Mutant(
        5, Session, "receive", to.then(to.set_to(_token="")), "requests", "resume_token='t2', and held ''"
    ),
    "no-reset-before-the-state-is-whole": Mutant(
        6, Sequencer, "lost", to.then(to.set_to(_begun=False)), "lines", "had to be Reset"
    ),
    "repeats-are-news": Mutant(7, Sequencer, "_note_jump", to.repeats_as_news, "order", "is not newer than revision 4"),
    "keeps-the-token-of-an-ended-chain": Mutant(
        8, Session, "receive", to.keep_token, "requests", "resume_token='', and held 't1'"
    ),
    "a-stream-that-ends-is-over": Mutant(9, Session, "lost", to.end_is_final, "lines", "what came is Error"),
    "keeps-positions-over-a-reset": Mutant(
        10, Sequencer, "_open_phase", to.keeping("_positions", "_in_state"), "lines", "is Hole"
    ),
    "resets-in-silence": Mutant(10, Sequencer, "receive", to.without(Reset), "lines", "had to be Reset"),
    "kept-quotes-outlive-their-chain": Mutant(
        10, Sequencer, "_open_phase", to.keeping_statuses, "stale", "at Reset stale=[]"
    ),
    "tells-no-holes": Mutant(
        11, Sequencer, "__init__", to.then(to.set_to(_checks_holes=False)), "order", "2 revisions are missing"
    ),
    "forgets-positions-at-a-cut": Mutant(
        12, Sequencer, "lost", to.then(to.forget_positions), "order", "2 revisions are missing"
    ),
    "compares-epochs-of-two-logs": Mutant(
        13, Sequencer, "_open_phase", to.keeping("_positions"), "lines", "what came is CaughtUp"
    ),
    "any-other-epoch-is-news": Mutant(13, Sequencer, "_note_jump", to.repeats_as_news, "order", "epoch=8 revision=7"),
    "conflated-excuses-everything": Mutant(
        14, Sequencer, "receive", to.first(to.set_to(_conflated_left=1000)), "order", "3 revisions are missing"
    ),
    "conflated-excuses-nothing": Mutant(
        14, Sequencer, "_note_quotes", to.first(to.set_to(_conflated_left=0)), "lines", "is Hole"
    ),
    "holes-under-latest": Mutant(15, Sequencer, "__init__", to.then(to.set_to(_checks_holes=True)), "lines", "is Hole"),
    "stale-only-at-arrival": Mutant(16, Quote, "is_stale", to.stale_at_arrival, "stale", "state='STALE'"),
    "epochs-do-not-matter": Mutant(
        17,
        Quote,
        "is_stale",
        to.stale_by(lambda _, status: status.state in _UNHEALTHY),
        "stale",
        "had to be ['binance/BTCUSDT', 'binance/ETHUSDT']",
    ),
    "one-missed-heartbeat-is-death": Mutant(18, _session, "MISSED_HEARTBEATS", to.instead(1), "waits", "5.9 s or more"),
    "waits-for-ever": Mutant(
        18, _session, "MISSED_HEARTBEATS", to.instead(1000), "lines", "Disconnected reason='HEARTBEATS_MISSED'", 15.0
    ),
    "quotes-alone-are-life": Mutant(
        19, Session, "receive", to.quotes_alone_are_life, "lines", "what came is Disconnected"
    ),
    "going-away-is-trouble": Mutant(
        20, Session, "receive", to.then(to.set_to(is_leaving=False)), "lines", "what came is Disconnected"
    ),
    "does-not-say-going-away": Mutant(20, Session, "receive", to.without(GoingAway), "lines", "had to be GoingAway"),
    "comes-back-at-once": Mutant(20, Backoff, "next_s", to.hasty, "waits", "0.4 s or more"),
    "has-its-own-pace": Mutant(21, Backoff, "next_s", to.hasty, "lines", "`retry_in_s`"),
    "says-that-it-waits": Mutant(21, _client.Client, "_pause", to.instead(to.no_pause), "waits", "0.4 s or more"),
    "exhausted-is-the-end": Mutant(22, Session, "_is_final", to.final(_EXHAUSTED), "lines", "what came is Error"),
    "falls-behind-for-ever": Mutant(
        23, _session, "TOO_FAR_BEHIND", to.instead("?"), "lines", "what came is Disconnected"
    ),
    "tries-the-same-token-again": Mutant(
        24,
        _errors,
        "_PERMANENT",
        to.healing(grpc.StatusCode.UNAUTHENTICATED),
        "lines",
        "what came is Disconnected",
    ),
    "sends-no-token": Mutant(24, _access, "call_metadata", to.instead(lambda *_, **__: ()), "secrets", "had to carry"),
    "shows-its-token": Mutant(24, Session, "lost", to.telling_the_token, "secrets", "shows the token"),
    "ends-without-the-token": Mutant(25, Session, "lost", to.loose_token, "lines", "`resume_token` is ''"),
    "forgets-where-it-stood-with-the-chain": Mutant(
        26, Session, "receive", to.reaching_no_further_than_the_token, "lines", "`resume_token` is ''"
    ),
    "insists-on-the-token": Mutant(27, Session, "_refuses_token", to.instead(lambda *_: False), "lines", "is Error"),
    "drops-the-callers-token": Mutant(
        28, Session, "_refuses_token", to.callers_token_too, "lines", "what came is Disconnected"
    ),
    "never-gives-up": Mutant(
        29, Session, "__init__", to.then(to.set_to(_reconnects_max=None)), "lines", "what came is Disconnected"
    ),
    "tries-what-is-not-offered": Mutant(
        30,
        _errors,
        "_PERMANENT",
        to.healing(grpc.StatusCode.UNIMPLEMENTED),
        "lines",
        "what came is Disconnected",
    ),
    "unknown-is-healthy": Mutant(
        31,
        Quote,
        "is_stale",
        to.stale_by(lambda message, status: status.state in _UNHEALTHY or message.epoch < status.epoch),
        "stale",
        "`is_stale` had to be True",
    ),
    "unknown-continuity-goes-on": Mutant(31, Session, "receive", to.known_continuity_alone, "lines", "had to be Reset"),
    "unknown-flags-are-errors": Mutant(
        31, Quote, "flags", to.instead(property(to.strict_flags)), "exit", "ended with 1"
    ),
    "unknown-states-are-errors": Mutant(31, SourceState, "_missing_", to.instead(None), "exit", "ended with 1"),
    "first-page-alone": Mutant(32, Pages, "add", to.then(to.set_to(is_complete=True)), "lines", "`resume_token` is ''"),
    "snapshot-is-not-remembered": Mutant(32, Session, "__init__", to.not_after, "stale", "at SourceChanged"),
    "snapshot-for-ever": Mutant(33, _client.Client, "_ask", to.until_had, "requests", "was asked for one more"),
}
"""By name."""
