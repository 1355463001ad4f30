"""Ways to break the server's delivery, each of which the validator of the promise that it breaks must notice.

They reach into the product from outside, in a process or a test of their own; nothing in the product knows of them.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.robustness import wire
from tests.robustness.replacement import replace

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import quote_pb2
from tickmux_server.encoding import unsigned
from tickmux_server.hub import Hub
from tickmux_server.resume import ResumeTokens
from tickmux_server.subscription import Subscription

EVERY: Final = 23
"""Of so many quotes that are written, one is mistreated."""

Respond = Callable[[Subscription], bytes | None]
Pieces = list[tuple[int, bytes]]
"""The fields of a response."""

_FIELDS: Final = contract.SubscribeResponse.DESCRIPTOR.fields_by_name
_QUOTES: Final = _FIELDS["quotes"].number


@dataclass(frozen=True, slots=True)
class Mutant:
    """A way to break the server, and who must notice."""

    place: object
    """Module or class that it changes."""
    attribute: str
    change: Callable[[Any], Any]
    """Makes what stands there instead, from what stood there."""
    caught_by: str
    """Name of the validator."""

    def break_server(self) -> Callable[[], None]:
        """Break the server of this process; returns what mends it."""
        return replace(self.place, self.attribute, self.change(getattr(self.place, self.attribute)))


def _every(mistreat: Callable[[Pieces, int], None]) -> Callable[[Respond], Respond]:
    """Mistreat one in so many of the quotes that are about to be written."""
    count = itertools.count(1)

    def change(respond: Respond) -> Respond:
        def changed(subscription: Subscription) -> bytes | None:
            if (response := respond(subscription)) is None:
                return None
            pieces = wire.pieces(response)
            for at in range(len(pieces) - 1, -1, -1):
                if pieces[at][0] == _QUOTES and next(count) % EVERY == 0:
                    mistreat(pieces, at)
            return b"".join(piece for _, piece in pieces)

        return changed

    return change


def _skip(pieces: Pieces, at: int) -> None:
    del pieces[at]


def _repeat(pieces: Pieces, at: int) -> None:
    pieces.insert(at, pieces[at])


def _swap(pieces: Pieces, at: int) -> None:
    """Change the places of a quote and the one before it of the same instrument."""
    for before in range(at - 1, -1, -1):
        if pieces[before][0] == _QUOTES and _instrument(pieces[before][1]) == _instrument(pieces[at][1]):
            pieces[before], pieces[at] = pieces[at], pieces[before]
            return


def _instrument(frame: bytes) -> tuple[str, str]:
    ((_, payload),) = wire.fields(frame)
    quote = quote_pb2.Quote.FromString(payload)
    return quote.source, quote.symbol


def _too_far(field: Callable[[ResumeTokens, int, int], bytes]) -> Callable[[ResumeTokens, int, int], bytes]:
    return lambda tokens, number, position: field(tokens, number, position + 1)


def _too_early(respond: Respond) -> Respond:
    def changed(subscription: Subscription) -> bytes | None:
        response = respond(subscription)
        is_opening = subscription._state or subscription._catching_up_to is not None
        if response is None or not is_opening:
            return response
        return response + unsigned(_FIELDS["caught_up"].number, 1)

    return changed


def _one_more(respond: Respond) -> Respond:
    def changed(subscription: Subscription) -> bytes | None:
        response = respond(subscription)
        if response is not None and (said := contract.SubscribeResponse.FromString(response).conflated):
            # Of a number that is there twice, the last one counts.
            response += unsigned(_FIELDS["conflated"].number, said + 1)
        return response

    return changed


MUTANTS: Final[Mapping[str, Mutant]] = {
    "skips-one": Mutant(Subscription, "next_response", _every(_skip), "loss"),
    "repeats-one": Mutant(Subscription, "next_response", _every(_repeat), "order"),
    "reorders-two": Mutant(Subscription, "next_response", _every(_swap), "order"),
    "token-too-far": Mutant(ResumeTokens, "field", _too_far, "resume"),
    "caught-up-too-early": Mutant(Subscription, "next_response", _too_early, "caught-up"),
    "conflated-off-by-one": Mutant(Subscription, "next_response", _one_more, "conflated"),
    "old-epoch-as-fresh": Mutant(Hub, "served_frame", lambda _: lambda _hub, state: state.frame, "freshness"),
}
"""By name."""
