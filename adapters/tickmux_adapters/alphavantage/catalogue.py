"""From configured symbols to instruments. The venue is not asked: a question costs one of the day's requests."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from tickmux_adapters.alphavantage.settings import DEFAULT_SYMBOLS
from tickmux_adapters.currencies import CURRENCIES, pair_type
from tickmux_adapters.errors import SettingsError
from tickmux_adapters.model import Instrument
from tickmux_adapters.symbols import CURRENCY_ALIASES, canonical_pair, collisions

CHANNEL: Final = "0"
TICKER: Final = re.compile(r"[A-Z0-9][A-Z0-9.-]*")
PAIR: Final = re.compile(r"([A-Z0-9]{1,15})/([A-Z0-9]{1,15})")
PAIR_CHARS_MIN: Final = 6


def instruments_of(source: str, symbols: Iterable[str]) -> Sequence[Instrument]:
    """The configured instruments in their order, each once; the default ones when none is configured.

    Raises:
        SettingsError: a symbol cannot be one, or two would be known by one name.
    """
    by_venue_symbol: dict[str, Instrument] = {}
    for symbol in list(symbols) or DEFAULT_SYMBOLS:
        instrument = _instrument_of(source, symbol.strip().upper())
        by_venue_symbol[instrument.venue_symbol] = instrument
    instruments = list(by_venue_symbol.values())
    for canonical, names in collisions((each.symbol, each.venue_symbol) for each in instruments).items():
        raise SettingsError(source, "symbols", f"{' and '.join(names)} would both be called {canonical}: keep one")
    return instruments


def _instrument_of(source: str, symbol: str) -> Instrument:
    pair = PAIR.fullmatch(symbol)
    if pair is not None:
        base, quote = (CURRENCY_ALIASES.get(code, code) for code in pair.groups())
        if base == quote:
            raise SettingsError(source, "symbols", f"{symbol} is a currency in terms of itself: name another pair")
        return Instrument(
            source=source,
            symbol=canonical_pair(base, quote),
            type=pair_type(base, quote),
            channel=CHANNEL,
            venue_symbol=f"{base}/{quote}",
            base=base,
            quote=quote,
        )
    if len(symbol) >= PAIR_CHARS_MIN and symbol.isalpha() and symbol[-3:] in CURRENCIES:
        hint = f"{symbol[:-3]}/{symbol[-3:]}"
        raise SettingsError(source, "symbols", f"{symbol} is no ticker; a pair is written with a slash: {hint}")
    if not TICKER.fullmatch(symbol):
        raise SettingsError(
            source, "symbols", f"{symbol!r} is no symbol: write a ticker, like IBM or BRK.B, or a pair, like EUR/USD"
        )
    return Instrument(
        source=source,
        # Share classes are told by a dot, whichever way the venue is asked for them.
        symbol=symbol.replace("-", "."),
        type="stock",
        channel=CHANNEL,
        venue_symbol=symbol,
        is_indicative=True,
    )
