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
    "time-of-a-status-is-no-news": Mutant(
        16, Sequencer, "_note_status", to.clearing(0, "since"), "lines", "nothing came within", 12.0
    ),
    "default-pace": Mutant(
        18, Session, "__init__", to.then(to.set_to(silence_s_max=15.0)), "waits", "had to come within 13 s"
    ),
    "does-not-read-the-errors-token": Mutant(23, Session, "lost", to.tokenless, "lines", "`resume_token` is 't2'"),
    "positions-by-symbol": Mutant(
        34, Sequencer, "_note_quotes", to.positions_by_symbol, "lines", "`gap_before` is True instead of False"
    ),
    "statuses-by-channel": Mutant(
        34, Quote, "is_stale", to.instead(property(to.stale_by_channel_alone)), "stale", "source='binance'"
    ),
    "signed-epochs": Mutant(35, Sequencer, "_note_jump", to.signed_epochs, "lines", "nothing came within", 12.0),
    "epochs-of-53-bits": Mutant(
        35,
        Quote,
        "is_stale",
        to.stale_by(lambda quote, status: status.state in _UNHEALTHY or float(quote.epoch) < float(status.epoch)),
        "stale",
        "had to be ['binance/BTCUSDT']",
    ),
    "revisions-of-32-bits": Mutant(
        35,
        Quote,
        "revision",
        to.instead(property(lambda quote: quote.message.revision % 2**32)),
        "content",
        "never sent",
    ),
    "times-cut-to-microseconds": Mutant(2, Quote, "received_at_ns", to.rounded, "content", "received_at_ns"),
    "knows-what-came-before-the-callers-token": Mutant(
        36, Sequencer, "__init__", to.then(to.set_to(_knows_all=True)), "lines", "it is a Hole"
    ),
    "the-callers-token-is-a-fresh-start": Mutant(
        37, Sequencer, "__init__", to.then(to.set_to(_begun=False)), "lines", "had to be Reset"
    ),
    "knows-nothing-after-a-reset": Mutant(
        37, Sequencer, "receive", to.first(to.set_to(_knows_all=False)), "order", "2 revisions are missing"
    ),
    "unmatched-again-and-again": Mutant(
        38, Sequencer, "_note_unmatched", to.first(to.set_to(_unmatched=())), "lines", "what came is Unmatched"
    ),
    "waits-for-ever-after-the-farewell": Mutant(
        39, _session, "FAREWELL_S_MAX", to.instead(1000.0), "lines", "nothing came within", 15.0
    ),
    "a-cut-after-the-farewell-is-trouble": Mutant(
        39, Session, "_cut", to.then(to.set_to(is_leaving=False)), "lines", "what came is Disconnected"
    ),
    "tokens-come-with-quotes": Mutant(
        40, Session, "receive", to.token_of_quotes_alone, "requests", "resume_token='t1', and held ''"
    ),
    "conflated-excuses-an-instrument-again": Mutant(
        41, Sequencer, "_note_jump", to.excusing_again, "lines", "had to be Hole"
    ),
    "conflated-outlives-a-cut": Mutant(
        41, Sequencer, "_open_phase", to.keeping("_conflated_left"), "lines", "had to be Hole"
    ),
    "conflated-outlives-a-reset": Mutant(
        42, Sequencer, "_open_phase", to.keeping("_conflated_left"), "order", "1 revisions are missing"
    ),
    "any-refusal-is-of-the-token": Mutant(
        43, Session, "_refuses_token", to.instead(to.any_refusal), "lines", "what came is Disconnected"
    ),
    "fresh-before-it-has-caught-up": Mutant(
        44,
        Sequencer,
        "_open_phase",
        to.then(to.set_to(_catching_up=None)),
        "stale",
        "at Reconnected attempts=1 resumed=True",
    ),
    "fresh-with-the-last-of-what-was-missed": Mutant(
        44, Session, "receive", to.settling_at_once, "stale", "at Reconnected attempts=1 resumed=True"
    ),
    "stale-for-ever-after-a-cut": Mutant(
        44, Sequencer, "settle", to.first(to.set_to(_catching_up={})), "stale", "at CaughtUp"
    ),
}
"""By name."""
