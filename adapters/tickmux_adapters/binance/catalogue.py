"""What Binance lists: which of the configured symbols exist, under which names, and whether they trade."""

from collections.abc import Sequence
from typing import Final

import msgspec

from tickmux_adapters.binance.messages import ExchangeInfo, SymbolInfo
from tickmux_adapters.errors import VenueError
from tickmux_adapters.exactness import decimal_value
from tickmux_adapters.model import Instrument, InstrumentState
from tickmux_adapters.symbols import CURRENCY_ALIASES, canonical_pair, collisions, nearest

EXCHANGE: Final = "Binance"

# Any other state, one of the future included, is not known to trade.
_STATES: Final = {"TRADING": InstrumentState.TRADING, "CANCEL_ONLY": InstrumentState.RESTRICTED}

_decode_exchange_info = msgspec.json.Decoder(ExchangeInfo).decode


class Catalogue(msgspec.Struct, frozen=True):
    """The configured symbols, found or not."""

    instruments: tuple[Instrument, ...]
    """Those that are listed, in the order of the configuration."""
    problems: tuple[str, ...]
    """One line for each symbol that cannot be served, saying why and what is near."""


def parse_exchange_info(body: bytes) -> ExchangeInfo:
    """Decode the listing.

    Raises:
        VenueError: it is not what the venue documents.
    """
    try:
        return _decode_exchange_info(body)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise VenueError(f"the venue's exchangeInfo could not be understood: {error}") from error


def match(info: ExchangeInfo, symbols: Sequence[str], *, source: str, instruments_per_channel: int) -> Catalogue:
    """Find the configured symbols in the listing.

    Args:
        info: the venue's whole listing.
        symbols: canonical symbols, each once.
        source: name of the source.
        instruments_per_channel: how many of the symbols, listed or not, one upstream slot carries.
    """
    by_canonical = {canonical_pair(listed.base_asset, listed.quote_asset): listed for listed in info.symbols}
    doubled = collisions((canonical_pair(one.base_asset, one.quote_asset), one.symbol) for one in info.symbols)
    instruments: list[Instrument] = []
    problems: list[str] = []
    for position, symbol in enumerate(symbols):
        listed = by_canonical.get(symbol)
        if listed is None:
            near = nearest(symbol, by_canonical)
            problems.append(f"{symbol} is not listed" + (f" (nearest: {near})" if near else ""))
        elif symbol in doubled:
            problems.append(f"{symbol} would be the name of both {' and '.join(doubled[symbol])}: refused")
        else:
            channel = str(position // instruments_per_channel)
            instruments.append(_instrument(listed, symbol=symbol, source=source, channel=channel))
    return Catalogue(tuple(instruments), tuple(problems))


def state_of(status: str) -> InstrumentState:
    """Whether an instrument trades, by the venue's word for it."""
    return _STATES.get(status, InstrumentState.HALTED)


def _instrument(listed: SymbolInfo, *, symbol: str, source: str, channel: str) -> Instrument:
    increments = {each.filter_type: each for each in listed.filters}
    price_filter, size_filter = increments.get("PRICE_FILTER"), increments.get("LOT_SIZE")
    return Instrument(
        source=source,
        symbol=symbol,
        type="crypto",
        exchange=EXCHANGE,
        channel=channel,
        venue_symbol=listed.symbol,
        base=CURRENCY_ALIASES.get(listed.base_asset, listed.base_asset),
        quote=CURRENCY_ALIASES.get(listed.quote_asset, listed.quote_asset),
        state=state_of(listed.status),
        price_increment=_increment(price_filter.tick_size if price_filter else ""),
        size_increment=_increment(size_filter.step_size if size_filter else ""),
    )


def _increment(text: str) -> float | None:
    try:
        return decimal_value(text)
    except ValueError:
        return None
