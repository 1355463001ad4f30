"""What Kraken lists: which of the configured symbols exist, under which names, and whether they trade."""

from collections.abc import Iterable, Sequence
from typing import Final

from tickmux_adapters.currencies import pair_type
from tickmux_adapters.kraken.decoder import increment
from tickmux_adapters.kraken.messages import Pair
from tickmux_adapters.model import Instrument, InstrumentState
from tickmux_adapters.symbols import CURRENCY_ALIASES, canonical_pair, collisions, nearest

EXCHANGE: Final = "Kraken"

# Any other state, one of the future included, is not known to trade.
_STATES: Final = {
    "online": InstrumentState.TRADING,
    "limit_only": InstrumentState.RESTRICTED,
    "reduce_only": InstrumentState.RESTRICTED,
    "post_only": InstrumentState.RESTRICTED,
    "cancel_only": InstrumentState.RESTRICTED,
    "delisted": InstrumentState.DELISTED,
}
TRADING_STATUSES: Final = frozenset({"online", "limit_only", "reduce_only"})
"""States in which orders still meet; in post_only and cancel_only none does, so nothing trades."""


def canonical(pair: Pair) -> str:
    """The canonical symbol of a listed pair."""
    return canonical_pair(pair.base, pair.quote)


def match(pairs: Iterable[Pair], symbols: Sequence[str]) -> tuple[dict[str, Pair], list[str]]:
    """Find the configured symbols in the listing.

    Returns:
        The pair of each symbol found, and one line for each that cannot be served.
    """
    by_canonical: dict[str, Pair] = {}
    names: list[tuple[str, str]] = []
    for pair in pairs:
        symbol = canonical(pair)
        by_canonical[symbol] = pair
        names.append((symbol, pair.symbol))
    doubled = collisions(names)
    found: dict[str, Pair] = {}
    problems: list[str] = []
    for symbol in symbols:
        if symbol not in by_canonical:
            near = nearest(symbol, by_canonical)
            problems.append(f"{symbol} is not listed" + (f" (nearest: {near})" if near else ""))
        elif symbol in doubled:
            problems.append(f"{symbol} would be the name of both {' and '.join(doubled[symbol])}: refused")
        else:
            found[symbol] = by_canonical[symbol]
    return found, problems


def state_of(status: str) -> InstrumentState:
    """Whether an instrument trades, by the venue's word for it."""
    return _STATES.get(status, InstrumentState.HALTED)


def instrument_of(pair: Pair, *, source: str, channel: str) -> Instrument:
    """The instrument that a listed pair is."""
    base, quote = (CURRENCY_ALIASES.get(name, name) for name in (pair.base, pair.quote))
    return Instrument(
        source=source,
        symbol=canonical(pair),
        type=pair_type(base, quote),
        exchange=EXCHANGE,
        channel=channel,
        venue_symbol=pair.symbol,
        base=base,
        quote=quote,
        state=state_of(pair.status),
        price_increment=increment(pair.price_increment),
        size_increment=increment(pair.qty_increment),
    )
