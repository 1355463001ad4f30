"""Which coin and which currency a symbol means."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from tickmux_adapters.coingecko.messages import Coin
from tickmux_adapters.model import Instrument
from tickmux_adapters.naming import first_of
from tickmux_adapters.symbols import CURRENCY_ALIASES, canonical_pair, collisions, nearest, normalise_symbol

CANDIDATES_SHOWN: Final = 5
PRICED_IN: Final = frozenset(
    (
        *("btc", "eth", "ltc", "bch", "bnb", "eos", "xrp", "xlm", "link", "dot", "yfi", "sol", "bits", "sats"),
        *("usd", "aed", "ars", "aud", "bdt", "bhd", "bmd", "brl", "cad", "chf", "clp", "cny", "czk", "dkk", "eur"),
        *("gbp", "gel", "hkd", "huf", "idr", "ils", "inr", "jpy", "krw", "kwd", "lkr", "mmk", "mxn", "myr", "ngn"),
        *("nok", "nzd", "php", "pkr", "pln", "rub", "sar", "sek", "sgd", "thb", "try", "twd", "uah", "vef", "vnd"),
        *("zar", "xdr", "xag", "xau"),
    )
)
"""What the venue gives prices in, by `GET /simple/supported_vs_currencies`; it is asked where these do not help."""

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


class Pair(NamedTuple):
    """Ticker of a coin and currency of its price, both in upper case."""

    base: str
    quote: str

    @property
    def symbol(self) -> str:
        """The canonical symbol."""
        return canonical_pair(self.base, self.quote)


class Catalogue(NamedTuple):
    """The configured symbols, understood or not."""

    instruments: Sequence[Instrument]
    problems: Sequence[str]
    """One line for each symbol that cannot be served, saying why and what to write."""


def split(symbol: str, more: Collection[str] = ()) -> Pair | None:
    """The pair that a symbol means, `BTCUSD` or `BTC/USD`; None if it ends with no currency of the venue.

    Args:
        symbol: as it was configured.
        more: currencies beside PRICED_IN, in lower case; they count only where those do not help.
    """
    return _split(symbol, PRICED_IN) or _split(symbol, more)


def _split(symbol: str, currencies: Collection[str]) -> Pair | None:
    symbol = symbol.strip().upper()
    base, separator, quote = symbol.replace("-", "/").rpartition("/")
    if not separator:
        names = {currency.upper() for currency in currencies}
        names |= {alias for alias, name in CURRENCY_ALIASES.items() if name in names}
        # Of several that fit the longest counts.
        quote = max((name for name in names if symbol.endswith(name) and symbol != name), key=len, default="")
        base = symbol.removesuffix(quote)
    base, quote = CURRENCY_ALIASES.get(base, base), CURRENCY_ALIASES.get(quote, quote)
    return Pair(base, quote) if base and quote.lower() in currencies else None


def match(
    symbols: Iterable[str],
    *,
    source: str,
    more: Collection[str] = (),
    ids: Mapping[str, str],
    listing: Sequence[Coin] | None,
) -> Catalogue:
    """Find out what the configured symbols mean.

    Args:
        symbols: as they were configured.
        source: name of the source.
        more: currencies beside PRICED_IN, in lower case.
        ids: coin ids by ticker, for tickers that are not to be looked up.
        listing: every coin that the venue lists; None if that is not known.
    """
    pairs: dict[Pair, None] = {}
    problems: list[str] = []
    for symbol in dict.fromkeys(symbols):
        pair = split(symbol, more)
        if pair is not None:
            pairs[pair] = None
        else:
            near = nearest(normalise_symbol(symbol), (f"{ticker}USD" for ticker in ids))
            hint = f" (nearest: {near})" if near else ""
            problems.append(f"{symbol} ends with no currency that the venue gives prices in{hint}")
    doubled = collisions((pair.symbol, "/".join(pair)) for pair in pairs)
    by_ticker: defaultdict[str, list[str]] = defaultdict(list)
    for coin in listing or ():
        by_ticker[(coin.symbol or "").upper()].append(coin.id)
    instruments: list[Instrument] = []
    for pair in pairs:
        found = [ids[pair.base]] if pair.base in ids else by_ticker.get(pair.base, [])
        if pair.symbol in doubled:
            problem = f"{pair.symbol} would be the name of both {' and '.join(doubled[pair.symbol])}: refused"
        elif len(found) == 1:
            instruments.append(instrument_of(pair, source=source, coin_id=found[0]))
            continue
        elif found:
            problem = f"{pair.symbol} is refused: {_shared(pair.base, found)}"
        elif listing is None:
            problem = f"{pair.symbol} cannot be looked up: set {_setting(pair.base)} to the coin's id"
        else:
            near = nearest(pair.base, by_ticker)
            problem = f"{pair.symbol} is not listed, no coin goes by {pair.base}" + (
                f" (nearest: {near})" if near else ""
            )
        if problem not in problems:
            problems.append(problem)
    return Catalogue(instruments, problems)


def tickers(symbols: Iterable[str], more: Collection[str] = ()) -> set[str]:
    """The tickers of the symbols that can be understood."""
    pairs = (split(symbol, more) for symbol in symbols)
    return {pair.base for pair in pairs if pair is not None}


def instrument_of(pair: Pair, *, source: str, coin_id: str) -> Instrument:
    """The instrument that a coin's price in a currency is."""
    return Instrument(
        source=source,
        symbol=pair.symbol,
        type="crypto",
        venue_symbol=coin_id,
        base=pair.base,
        quote=pair.quote,
        is_indicative=True,
    )


def _shared(ticker: str, ids: Sequence[str]) -> str:
    # A coin's own id is shorter than those of its copies on other chains, and of what is named after it.
    ids = sorted(ids, key=len)
    shown = first_of(ids, CANDIDATES_SHOWN)
    return f'{len(ids)} coins go by {ticker} ({shown}): say which, such as {_setting(ticker)} = "{ids[0]}"'


def _setting(ticker: str) -> str:
    return f"coins.{ticker}" if _BARE_KEY.fullmatch(ticker) else f'coins."{ticker}"'
