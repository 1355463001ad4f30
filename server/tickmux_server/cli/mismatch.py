"""Why a selection matches nothing: which of its words is at fault, and what was likely meant."""

from collections.abc import Collection, Iterable

from tickmux_adapters.symbols import nearest, normalise_symbol
from tickmux_client import Instrument, SelectionOptions


def mismatch(name: str, instruments: Iterable[Instrument], narrowing: SelectionOptions) -> str:
    """One line about a selection that no instrument answers.

    Args:
        name: The symbol or pattern that matches nothing; empty if none was named.
        instruments: All that there are.
        narrowing: What else was asked for, beside the symbol.
    """
    what = f"no instrument matches {name!r}" if name else "no instrument matches"
    known = list(instruments)
    left = [instrument for instrument in known if is_matched(name, [instrument.symbol])] if name else known
    if not left:
        likely = nearest(normalise_symbol(name), sorted({instrument.symbol for instrument in known}))
        return f"{what}; did you mean {likely}?" if likely else f"{what}; `tickmux instruments` lists what there is"
    for option, wanted, field in (
        ("--source", narrowing.get("sources", ()), "source"),
        ("--type", narrowing.get("types", ()), "type"),
        ("--exchange", narrowing.get("exchanges", ()), "exchange"),
    ):
        before, folded = left, {value.casefold() for value in wanted}
        left = [instrument for instrument in before if not folded or getattr(instrument, field).casefold() in folded]
        if not left:
            instead = _instead(option, wanted, {getattr(instrument, field) for instrument in before})
            return f"{what}{' with' if name else ''} {option} {', '.join(wanted)}; {instead}"
    return f"{what} now, though there was one a moment ago: ask again"


def is_matched(name: str, symbols: Collection[str]) -> bool:
    """Whether any of some canonical symbols answers a symbol or pattern as it was typed."""
    wanted = normalise_symbol(name)
    if wanted.endswith("*"):
        return any(symbol.startswith(wanted[:-1]) for symbol in symbols)
    return wanted in symbols


def _instead(option: str, wanted: Iterable[str], values: Iterable[str]) -> str:
    there = {value.casefold(): value for value in values if value}
    likely = next((guess for value in wanted if (guess := nearest(value.casefold(), there))), None)
    if likely:
        return f"did you mean {option} {there[likely]}?"
    return f"there is {', '.join(sorted(there.values()))}" if there else f"leave {option} out: none is told"
