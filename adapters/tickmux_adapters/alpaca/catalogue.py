"""What Alpaca lists: which of the configured symbols exist, where they are listed, and whether they trade."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from tickmux_adapters.alpaca.market import Market
from tickmux_adapters.alpaca.messages import Asset
from tickmux_adapters.conversation import BAD_FRAME
from tickmux_adapters.entries import Skip, understood
from tickmux_adapters.errors import VenueError
from tickmux_adapters.exactness import decimal_value
from tickmux_adapters.model import Instrument, InstrumentState
from tickmux_adapters.symbols import CURRENCY_ALIASES, canonical_pair, collisions, nearest, normalise_symbol

ACTIVE: Final = "active"
QUOTE_CURRENCIES: Final = ("USDT", "USDC", "USD", "BTC")
"""What Alpaca's pairs are quoted in; the longer names first, as the third begins the two before it."""

_split_assets = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_asset = msgspec.json.Decoder(Asset, float_hook=str).decode


class Found(msgspec.Struct, frozen=True):
    """The configured symbols, found or not."""

    instruments: tuple[Instrument, ...]
    problems: tuple[str, ...]
    """One line for each symbol that cannot be served, saying why and what is near."""


def parse_assets(body: bytes, skip: Skip) -> list[Asset]:
    """Decode the assets list.

    Args:
        body: of the venue's answer.
        skip: takes note of an asset that is left out, as it cannot be understood.

    Raises:
        VenueError: it is not what the venue documents.
    """
    try:
        return understood(_split_assets(body), _decode_asset, skip)
    except BAD_FRAME as error:
        raise VenueError(f"the venue's list of assets could not be understood: {error}") from error


def match(assets: Iterable[Asset], symbols: Sequence[str], exchanges: Mapping[str, str], template: Instrument) -> Found:
    """Find the configured symbols in the assets list.

    Args:
        assets: all of the source's class. A symbol may be there twice, once as it was of another company.
        symbols: canonical symbols, each once.
        exchanges: listing exchanges by symbol, which win over the list's.
        template: what all instruments of the source have in common; its exchange, if any, is that of all.
    """
    by_canonical: dict[str, Asset] = {}
    names: set[tuple[str, str]] = set()
    for asset in assets:
        symbol = canonical(asset.symbol, template.type)
        if symbol is None:
            continue
        if symbol not in by_canonical or asset.status == ACTIVE:
            by_canonical[symbol] = asset
        names.add((symbol, asset.symbol))
    doubled = collisions(sorted(names))
    instruments: list[Instrument] = []
    problems: list[str] = []
    for symbol in symbols:
        if symbol in doubled:
            problems.append(f"{symbol} would be the name of both {' and '.join(doubled[symbol])}: refused")
        elif symbol in by_canonical:
            asset = by_canonical[symbol]
            exchange = template.exchange or exchanges.get(symbol) or asset.exchange or ""
            instruments.append(_listed(asset, symbol, exchange, template))
        else:
            near = nearest(symbol, by_canonical)
            problems.append(f"{symbol} is not listed" + (f" (nearest: {near})" if near else ""))
    return Found(tuple(instruments), tuple(problems))


def unlisted(symbols: Sequence[str], exchanges: Mapping[str, str], template: Instrument) -> Found:
    """Take the configured symbols as they are, without a list that says which exist."""
    instruments: list[Instrument] = []
    problems: list[str] = []
    for symbol in symbols:
        if template.type == "stock":
            exchange = exchanges.get(symbol, "")
            instruments.append(_named(template, symbol=symbol, venue_symbol=symbol, exchange=exchange, quote="USD"))
            continue
        quote = next((each for each in QUOTE_CURRENCIES if symbol.endswith(each) and symbol != each), None)
        if quote is None:
            problems.append(f"{symbol} is no pair against one of {', '.join(QUOTE_CURRENCIES)}")
            continue
        base = symbol.removesuffix(quote)
        instruments.append(_named(template, symbol=symbol, venue_symbol=f"{base}/{quote}", base=base, quote=quote))
    return Found(tuple(instruments), tuple(problems))


def template_of(market: Market, *, source: str, channel: str) -> Instrument:
    """What all instruments of a source have in common; the symbol is to be filled in."""
    return Instrument(source=source, symbol="", type=market.type, exchange=market.exchange, channel=channel)


def canonical(venue_symbol: str, kind: str) -> str | None:
    """The canonical symbol of what the venue lists; None if it is no instrument of the kind."""
    if kind == "stock":
        return normalise_symbol(venue_symbol)
    base, slash, quote = venue_symbol.partition("/")
    return canonical_pair(base, quote) if slash and base and quote else None


def state_of(asset: Asset) -> InstrumentState:
    """Whether an asset trades. One that may not be traded at Alpaca may well be traded at its exchange."""
    if asset.status is None:
        return InstrumentState.UNSPECIFIED
    if asset.status != ACTIVE:
        return InstrumentState.DELISTED
    return InstrumentState.RESTRICTED if asset.tradable is False else InstrumentState.TRADING


def _listed(asset: Asset, symbol: str, exchange: str, template: Instrument) -> Instrument:
    base, _, quote = asset.symbol.upper().partition("/") if template.type == "crypto" else ("", "", "USD")
    return _named(
        template,
        symbol=symbol,
        venue_symbol=asset.symbol,
        exchange=exchange,
        base=CURRENCY_ALIASES.get(base, base),
        quote=CURRENCY_ALIASES.get(quote, quote),
        state=state_of(asset),
        price_increment=_increment(asset.price_increment),
        size_increment=_increment(asset.min_trade_increment),
    )


def _named(template: Instrument, **fields: Any) -> Instrument:
    return msgspec.structs.replace(template, **fields)


def _increment(number: Any) -> float | None:
    try:
        return None if number is None else decimal_value(str(number))
    except ValueError:
        return None
