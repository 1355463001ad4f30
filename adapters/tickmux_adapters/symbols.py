"""Canonical symbols: one spelling for one pair, whatever the venue calls it."""

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

# Names that a venue uses for a currency that the rest of the world calls otherwise.
CURRENCY_ALIASES: Final[Mapping[str, str]] = {"XBT": "BTC", "XDG": "DOGE"}


def canonical_pair(base: str, quote: str) -> str:
    """The canonical symbol of a crypto pair: BASE followed by QUOTE in upper case, `XBT` and `USD` give `BTCUSD`."""
    base, quote = base.upper(), quote.upper()
    return CURRENCY_ALIASES.get(base, base) + CURRENCY_ALIASES.get(quote, quote)


def normalise_symbol(text: str) -> str:
    """What a person typed for a symbol, as it is compared: `btc/usdt` and `BTC-USDT` give `BTCUSDT`.

    The suffix of a derivative keeps its dash (`BTC-USDT-PERP` gives `BTCUSDT-PERP`), and the dot of a stock stays.
    """
    text = text.strip().upper().replace("/", "")
    stem, dash, suffix = text.rpartition("-")
    if dash and suffix in DERIVATIVE_SUFFIXES:
        return stem.replace("-", "") + dash + suffix
    return text.replace("-", "")


DERIVATIVE_SUFFIXES: Final = frozenset({"PERP"})


def collisions(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Canonical symbols that more than one venue symbol would get; all of those venue symbols are to be refused.

    Args:
        pairs: (canonical symbol, venue symbol).
    """
    by_canonical: defaultdict[str, list[str]] = defaultdict(list)
    for canonical, venue_symbol in pairs:
        by_canonical[canonical].append(venue_symbol)
    return {canonical: names for canonical, names in by_canonical.items() if len(names) > 1}


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that a person most likely meant, if any is near."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
