"""Selections: which instruments a call is about, in one normal form for all that mean the same."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import msgspec

from tickmux.v1 import market_data_service_pb2
from tickmux_adapters.symbols import nearest, normalise_symbol
from tickmux_server.errors import InvalidRequest, Violation

PATTERNS_MAX: Final = 32
NAMES_MAX: Final = 2000
NAME_CHARS_MAX: Final = 64
VIOLATIONS_MAX: Final = 10
"""So many are told, the first ones: all of thousands would not fit into what a client takes as the end of a call."""
TYPES: Final = ("crypto", "stock", "fx")
CONSOLIDATED: Final = "consolidated"

_SYMBOL: Final = re.compile(r"[^\s*]+")


@dataclass(frozen=True, slots=True)
class Selection:
    """A normalised selection. Equal selections share one route.

    Each field is empty (no restriction) or holds the alternatives, folded so that comparing is exact.
    """

    symbols: frozenset[str] = frozenset()
    """Canonical symbols."""
    prefixes: tuple[str, ...] = ()
    """What a pattern's symbols begin with; an empty prefix is the pattern `*`."""
    sources: frozenset[str] = frozenset()
    exchanges: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    def matches(self, *, source: str, symbol: str, type: str, exchange: str) -> bool:  # noqa: A002 - the contract's name
        """Whether an instrument is selected. An empty `sources` leaves out `consolidated`."""
        if self.sources:
            if source.casefold() not in self.sources:
                return False
        elif source == CONSOLIDATED:
            return False
        if self.types and type not in self.types:
            return False
        if self.exchanges and exchange.casefold() not in self.exchanges:
            return False
        if not self.symbols and not self.prefixes:
            return True
        return symbol in self.symbols or symbol.startswith(self.prefixes)

    def includes_source(self, source: str) -> bool:
        """Whether the health of a source belongs to this selection."""
        return source.casefold() in self.sources if self.sources else source != CONSOLIDATED


def parse(message: market_data_service_pb2.Selection, configured: Collection[str]) -> Selection:
    """The normal form of a request's selection.

    Args:
        message: As it was sent.
        configured: Names of the configured sources, and `consolidated` if it is served.

    Raises:
        InvalidRequest: Too many values, a pattern with its star elsewhere than at the end, an unknown source or type;
            each with its field.
    """
    check_counts(message)
    violations: list[Violation] = []
    symbols, prefixes = _symbols(message.symbols, violations)
    selection = Selection(
        symbols=symbols,
        prefixes=prefixes,
        sources=frozenset(source.casefold() for source in message.sources),
        exchanges=frozenset(exchange.casefold() for exchange in message.exchanges),
        types=frozenset(kind.casefold() for kind in message.types),
    )
    known = {source.casefold(): source for source in configured}
    violations += _unknown("selection.sources", "source", message.sources, known)
    violations += _unknown("selection.types", "type", message.types, dict.fromkeys(TYPES))
    if violations:
        raise InvalidRequest(violations[:VIOLATIONS_MAX])
    return selection


def check_counts(message: market_data_service_pb2.Selection) -> None:
    """Refuse a selection of too many values, before any of them is looked at.

    Raises:
        InvalidRequest: It has more than are allowed.
    """
    violations: list[Violation] = []
    patterns = [symbol for symbol in message.symbols if "*" in symbol]
    names = len(message.symbols) - len(patterns) + len(message.sources) + len(message.exchanges) + len(message.types)
    if len(patterns) > PATTERNS_MAX:
        violations.append(
            Violation("selection.symbols", f"{len(patterns)} patterns; at most {PATTERNS_MAX} are allowed")
        )
    if names > NAMES_MAX:
        violations.append(Violation("selection", f"{names} names; at most {NAMES_MAX} are allowed"))
    if violations:
        raise InvalidRequest(violations)


def canonical(selection: Selection) -> bytes:
    """A selection as bytes, the same in every process for all that mean the same."""
    parts = (
        sorted(selection.symbols),
        list(selection.prefixes),
        sorted(selection.sources),
        sorted(selection.exchanges),
        sorted(selection.types),
    )
    return msgspec.json.encode(parts)


def unmatched(sent: Iterable[str], matched: Collection[str]) -> list[str]:
    """The symbols and patterns, as they were sent, that none of the matched canonical symbols answers."""
    missing: list[str] = []
    for symbol in dict.fromkeys(sent):
        if symbol.endswith("*"):
            prefix = normalise_symbol(symbol[:-1])
            found = any(name.startswith(prefix) for name in matched)
        else:
            found = normalise_symbol(symbol) in matched
        if not found:
            missing.append(symbol)
    return missing


def _symbols(sent: Iterable[str], violations: list[Violation]) -> tuple[frozenset[str], tuple[str, ...]]:
    symbols: set[str] = set()
    prefixes: set[str] = set()
    for index, symbol in enumerate(sent):
        if len(violations) == VIOLATIONS_MAX:
            break
        field = f"selection.symbols[{index}]"
        stem = symbol.removesuffix("*").strip()
        if len(symbol) > NAME_CHARS_MAX:
            violations.append(Violation(field, f"{len(symbol)} characters; at most {NAME_CHARS_MAX} are allowed"))
        elif "*" in stem:
            violations.append(Violation(field, f"'{symbol}': a star is understood at the end only, as in 'BTC*'"))
        elif symbol.endswith("*") and (normalise_symbol(stem) or not stem):
            prefixes.add(normalise_symbol(stem))
        elif not _SYMBOL.fullmatch(stem) or not normalise_symbol(stem):
            violations.append(Violation(field, f"'{symbol}' is no symbol; write one like 'BTCUSDT' or 'BTC/USDT'"))
        else:
            symbols.add(normalise_symbol(stem))
    return frozenset(symbols), tuple(sorted(prefixes))


def _unknown(field: str, kind: str, sent: Iterable[str], known: Collection[str]) -> list[Violation]:
    violations: list[Violation] = []
    for index, name in enumerate(sent):
        if name.casefold() == CONSOLIDATED and kind == "source" and CONSOLIDATED not in known:
            problem = "'consolidated' is switched off at this server; set `consolidated = true` in its configuration"
            violations.append(Violation(f"{field}[{index}]", problem))
        elif name.casefold() not in known:
            guess = nearest(name.casefold(), known)
            hint = f"did you mean '{guess}'?" if guess else f"known are {', '.join(sorted(known))}"
            violations.append(Violation(f"{field}[{index}]", f"unknown {kind} '{name[:NAME_CHARS_MAX]}'; {hint}"))
    return violations
