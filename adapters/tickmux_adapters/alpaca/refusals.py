"""The errors that Alpaca sends on its streams: what each means for the source, and what to do about it."""

from collections.abc import Sequence
from typing import Final

from tickmux_adapters.errors import VenueError, VenueRejected
from tickmux_adapters.secrets import redact

ALREADY_AUTHENTICATED: Final = 403
SYMBOL_LIMIT: Final = 405
CONNECTION_LIMIT: Final = 406

_ENDED: Final = {
    400: "it did not understand a message of ours; is each of the symbols spelled as it spells them?",
    401: "it does not take us for authenticated",
    404: "it waited in vain for our keys",
    407: "we read too slowly and were cut off",
    500: "it has an error of its own",
}
_ADVICE: Final = {
    402: "the keys are wrong or revoked: set {variables}",
    409: "the account's plan does not include this feed: set another `feed`, or extend the plan",
    410: "this feed does not have what was asked for: set another `feed`",
    411: "the keys may not read this feed: use keys with that scope, set in {variables}",
}


def failure_of(
    code: int, said: str, *, variables: Sequence[str], symbols: int, contended_retry_s: float
) -> VenueError | None:
    """The error to end a connection with; None for one that changes nothing.

    Args:
        code: the venue's code.
        said: its text.
        variables: where the keys come from.
        symbols: how many we subscribe to.
        contended_retry_s: pause after another connection was found to use the key.
    """
    # Venues have been seen to echo a key in a refusal.
    words = f"the venue says {code}: {redact(' '.join(said.split()))[:200] or 'nothing more'}"
    if code == ALREADY_AUTHENTICATED:
        return None
    if code == CONNECTION_LIMIT:
        return VenueError(
            f"another connection uses this key, and the venue allows one ({words}): end that one, or set other keys",
            retry_after_s=contended_retry_s,
        )
    if code == SYMBOL_LIMIT:
        return VenueRejected(
            f"{symbols} symbols are more than the account's plan allows ({words}): set fewer in `symbols`; "
            "the plan Basic allows 30"
        )
    if code in _ADVICE:
        return VenueRejected(f"{words}; {_ADVICE[code].format(variables=' and '.join(variables))}")
    explained = _ENDED.get(code)
    return VenueError(f"{words}; {explained}" if explained else words)
