"""Alpha Vantage's functions, as pure functions of the request and the time."""

import difflib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from tickmux_simulators.alphavantage import encoding, texts
from tickmux_simulators.alphavantage.accounts import Account
from tickmux_simulators.alphavantage.names import COINS, CURRENCIES, FIAT, MARKETS, STOCKS, currency, stock
from tickmux_simulators.faults import Fault, FaultBoard
from tickmux_simulators.spans import DAY_S, Spans
from tickmux_simulators.venue import Answer

Query = Mapping[str, str]
DELAY_S: Final = 900
DOLLAR: Final = "USD"
INTERVALS_S: Final = {"1min": 60, "5min": 300, "15min": 900, "30min": 1_800, "60min": 3_600}
BARS: Final = {"compact": 100, "full": 1_000}
BULK_MAX: Final = 100
BULK_FIELDS: Final = (
    *("symbol", "timestamp", "open", "high", "low", "close", "volume", "previous_close", "change", "change_percent"),
    *("extended_hours_quote", "extended_hours_change", "extended_hours_change_percent"),
)
QUOTE_COLUMNS: Final = (
    *("symbol", "open", "high", "low", "price", "volume", "latestDay", "previousClose", "change", "changePercent"),
)
SAMPLE: Final = (
    *(("MSFT", "2024-10-18 19:59:55.291", "417.61", "419.649", "416.2601", "418.16", "17145307", "416.72"),),
    *(("AAPL", "2024-10-18 19:59:50.451", "236.0", "236.05", "234.02", "235.0", "46431470", "232.15"),),
    *(("IBM", "2024-10-18 19:54:00.879", "231.29", "232.6499", "230.17", "232.22", "4715482", "232.88"),),
)
DATA: Final = frozenset(
    {
        *("GLOBAL_QUOTE", "REALTIME_BULK_QUOTES", "CURRENCY_EXCHANGE_RATE"),
        *("TIME_SERIES_INTRADAY", "CRYPTO_INTRADAY", "FX_INTRADAY"),
    }
)
PREMIUM_ONLY: Final = frozenset({"CRYPTO_INTRADAY", "FX_INTRADAY"})
ENTITLED: Final = frozenset({"GLOBAL_QUOTE", "TIME_SERIES_INTRADAY", "REALTIME_BULK_QUOTES"})


class InvalidCall(Exception):
    """A parameter is missing or wrong."""


class Table:
    """An answer as JSON, and as the table that `datatype=csv` asks for where there is one."""

    def __init__(self, body: Any, header: Sequence[str] = (), rows: Sequence[Sequence[str]] = ()) -> None:
        self.body = body
        self.header = header
        self.rows = rows

    def answer(self, datatype: str) -> Answer:
        """The answer in the form that is asked for."""
        if datatype.lower() == "csv" and self.header:
            disposition = {"Content-Disposition": "attachment; filename=data.csv"}
            return Answer(200, encoding.table(self.header, self.rows), disposition, encoding.CSV_TYPE)
        return Answer(200, json.dumps(self.body, indent=4))


def symbols_asked(function: str, query: Query) -> tuple[str, ...]:
    """What a request asks for, of what is known: `IBM`, or `EURUSD` for a pair."""
    if function in {"CURRENCY_EXCHANGE_RATE", "FX_INTRADAY", "CRYPTO_INTRADAY"}:
        names = {
            "CURRENCY_EXCHANGE_RATE": ("from_currency", "to_currency"),
            "FX_INTRADAY": ("from_symbol", "to_symbol"),
            "CRYPTO_INTRADAY": ("symbol", "market"),
        }[function]
        codes = [currency(query.get(name, "")) for name in names]
        return ("".join(codes),) if all(codes) else ()
    found = [stock(one.strip()) for one in query.get("symbol", "").split(",")[:BULK_MAX]]
    return tuple(one.symbol for one in found if one is not None)


class AlphaVantageRest:
    """Makes the bodies; keys and limits are somebody else's."""

    def __init__(self, board: FaultBoard, *, seed: int) -> None:
        self._board = board
        self._spans = Spans(seed, "alphavantage")
        self._functions: dict[str, Callable[[Query, Account, float, float], Table]] = {
            "GLOBAL_QUOTE": self._global_quote,
            "REALTIME_BULK_QUOTES": self._bulk,
            "CURRENCY_EXCHANGE_RATE": self._rate,
            "TIME_SERIES_INTRADAY": self._intraday,
            "CRYPTO_INTRADAY": self._crypto_intraday,
            "FX_INTRADAY": self._fx_intraday,
            "SYMBOL_SEARCH": self._search,
            "MARKET_STATUS": self._markets,
        }

    @property
    def functions(self) -> frozenset[str]:
        """Those that there are."""
        return frozenset(self._functions)

    def answer(self, function: str, query: Query, account: Account, now_s: float, skew_s: float) -> Answer:
        """Answer a request of a key that may make it; `skew_s` is how far the venue's clock is ahead."""
        make = self._functions.get(function)
        if make is None:
            return texts.invalid_call(function)
        if function in PREMIUM_ONLY and not account.is_premium:
            return texts.premium_endpoint()
        entitlement = query.get("entitlement", "").lower()
        if entitlement and function in ENTITLED and entitlement not in account.entitlements:
            return texts.not_entitled(entitlement)
        try:
            table = make(query, account, now_s, skew_s)
        except InvalidCall:
            return texts.invalid_call(function)
        return table.answer(query.get("datatype", "json"))

    # Stocks.

    def _global_quote(self, query: Query, _account: Account, now_s: float, skew_s: float) -> Table:
        if not query.get("symbol"):
            raise InvalidCall
        one = stock(query["symbol"])
        key = self._top_key("Global Quote", query)
        if one is None or self._board.strike(Fault.EMPTY_QUOTE, one.symbol):
            return Table({key: {}}, QUOTE_COLUMNS)
        values = self._day(one.symbol, query, now_s, skew_s)
        dashes = self._board.active(Fault.DASH_PRICES, one.symbol)
        if dashes is not None and dashes.parameters["price"]:
            self._board.strike(Fault.DASH_PRICES, one.symbol)
            values["price"] = "-"
        row = [
            *(query["symbol"].upper(), values["open"], values["high"], values["low"], values["price"]),
            *(values["volume"], values["day"], values["previous"], values["change"], f"{values['percent']}%"),
        ]
        names = (
            *("symbol", "open", "high", "low", "price", "volume", "latest trading day", "previous close", "change"),
            "change percent",
        )
        body = {f"{number:02}. {name}": value for number, (name, value) in enumerate(zip(names, row, strict=True), 1)}
        return Table({key: body}, QUOTE_COLUMNS, [row])

    def _day(self, symbol: str, query: Query, now_s: float, skew_s: float) -> dict[str, str]:
        """The trading day of a stock so far, in dollars of four decimals."""
        seen_s = now_s - DELAY_S if self._is_delayed(query) else now_s
        begin_s = encoding.day_begin_s(seen_s)
        span = self._spans.span(symbol, DOLLAR, begin_s, seen_s)
        previous = round(self._spans.at_grid(symbol, DOLLAR, begin_s - 1), 4)
        price = round(span.close, 4)
        return {
            "open": f"{span.open:.4f}",
            "high": f"{span.high:.4f}",
            "low": f"{span.low:.4f}",
            "price": f"{price:.4f}",
            "volume": str(int(self._spans.volume(symbol, begin_s, DAY_S) * (seen_s - begin_s) / DAY_S)),
            "day": encoding.trading_day(seen_s + skew_s),
            "previous": f"{previous:.4f}",
            "change": f"{price - previous:.4f}",
            "percent": f"{(price / previous - 1) * 100:.4f}",
        }

    def _bulk(self, query: Query, account: Account, now_s: float, skew_s: float) -> Table:
        if not query.get("symbol"):
            raise InvalidCall
        if "realtime" not in account.entitlements or self._board.strike(Fault.ARTIFICIAL_SAMPLE):
            message, rows = texts.ARTIFICIAL, [_sample(row) for row in SAMPLE]
        else:
            message, rows = "", self._bulk_rows(query, now_s, skew_s)
        body = {
            "endpoint": "Realtime Bulk Quotes",
            "message": message,
            "data": [dict(zip(BULK_FIELDS, row, strict=True)) for row in rows],
        }
        return Table(body, BULK_FIELDS, rows)

    def _bulk_rows(self, query: Query, now_s: float, skew_s: float) -> list[list[str]]:
        rows = []
        for symbol in symbols_asked("REALTIME_BULK_QUOTES", query):
            if self._board.strike(Fault.EMPTY_QUOTE, symbol):
                continue
            values = self._day(symbol, query, now_s, skew_s)
            price = values["price"]
            stamp = encoding.eastern(now_s + skew_s).isoformat(" ", timespec="milliseconds")
            change, percent = f"{0.0001 * float(price):.4f}", "0.0100"
            rows.append(
                [
                    *(symbol, stamp, values["open"], values["high"], values["low"], price, values["volume"]),
                    *(values["previous"], values["change"], values["percent"]),
                    *(f"{float(price) * 1.0001:.4f}", change, percent),
                ]
            )
        return rows

    # Currencies.

    def _rate(self, query: Query, _account: Account, now_s: float, skew_s: float) -> Table:
        base, quote = currency(query.get("from_currency", "")), currency(query.get("to_currency", ""))
        if not base or not quote:
            raise InvalidCall
        symbol = base + quote
        if self._board.strike(Fault.EMPTY_QUOTE, symbol):
            return Table({self._top_key("Realtime Currency Exchange Rate", query): {}})
        seen_s = math.floor(now_s)
        rate = 1.0 if base == quote else self._spans.price(base, quote, seen_s)
        half = rate * (2e-5 if base in FIAT and quote in FIAT else 5e-6)
        bid, ask, price = f"{rate - half:.8f}", f"{rate + half:.8f}", f"{rate:.8f}"
        dashes = self._board.strike(Fault.DASH_PRICES, symbol)
        if dashes is not None:
            bid = ask = "-"
            price = "-" if dashes.parameters["price"] else price
        body = {
            "1. From_Currency Code": base,
            "2. From_Currency Name": CURRENCIES[base],
            "3. To_Currency Code": quote,
            "4. To_Currency Name": CURRENCIES[quote],
            "5. Exchange Rate": price,
            "6. Last Refreshed": encoding.utc(seen_s + skew_s),
            "7. Time Zone": "UTC",
            "8. Bid Price": bid,
            "9. Ask Price": ask,
        }
        return Table({self._top_key("Realtime Currency Exchange Rate", query): body})

    # Bars.

    def _intraday(self, query: Query, _account: Account, now_s: float, skew_s: float) -> Table:
        one = stock(query.get("symbol", ""))
        interval, length_s = _interval(query)
        if one is None:
            raise InvalidCall
        seen_s = now_s - DELAY_S if self._is_delayed(query) else now_s
        bars = self._bars((one.symbol, DOLLAR), length_s, seen_s, query, 4)
        stamps = [encoding.eastern(at_s + skew_s).strftime("%Y-%m-%d %H:%M:%S") for at_s, _, _ in bars]
        meta = {
            "1. Information": f"Intraday ({interval}) open, high, low, close prices and volume",
            "2. Symbol": query["symbol"].upper(),
            "3. Last Refreshed": stamps[0],
            "4. Interval": interval,
            "5. Output Size": _output_size(query),
            "6. Time Zone": "US/Eastern",
        }
        key = self._top_key(f"Time Series ({interval})", query)
        return _series(meta, key, stamps, [[*prices, str(int(volume))] for _, prices, volume in bars])

    def _crypto_intraday(self, query: Query, _account: Account, now_s: float, skew_s: float) -> Table:
        base, market = currency(query.get("symbol", "")), currency(query.get("market", ""))
        interval, length_s = _interval(query)
        if base not in COINS or market not in FIAT:
            raise InvalidCall
        bars = self._bars((base, market), length_s, now_s, query, 5)
        stamps = [encoding.utc(at_s + skew_s) for at_s, _, _ in bars]
        meta = {
            "1. Information": f"Crypto Intraday ({interval}) Time Series",
            "2. Digital Currency Code": base,
            "3. Digital Currency Name": CURRENCIES[base],
            "4. Market Code": market,
            "5. Market Name": CURRENCIES[market],
            "6. Last Refreshed": stamps[0],
            "7. Interval": interval,
            "8. Output Size": _output_size(query).partition(" ")[0],
            "9. Time Zone": "UTC",
        }
        rows: list[list[str | int]] = [[*prices, int(volume)] for _, prices, volume in bars]
        return _series(meta, f"Time Series Crypto ({interval})", stamps, rows)

    def _fx_intraday(self, query: Query, _account: Account, now_s: float, skew_s: float) -> Table:
        base, quote = currency(query.get("from_symbol", "")), currency(query.get("to_symbol", ""))
        interval, length_s = _interval(query)
        if base not in FIAT or quote not in FIAT or base == quote:
            raise InvalidCall
        bars = self._bars((base, quote), length_s, now_s, query, 4)
        stamps = [encoding.utc(at_s + skew_s) for at_s, _, _ in bars]
        meta = {
            "1. Information": f"FX Intraday ({interval}) Time Series",
            "2. From Symbol": base,
            "3. To Symbol": quote,
            "4. Last Refreshed": stamps[0],
            "5. Interval": interval,
            "6. Output Size": _output_size(query),
            "7. Time Zone": "UTC",
        }
        return _series(meta, f"Time Series FX ({interval})", stamps, [prices for _, prices, _ in bars])

    def _bars(
        self, pair: tuple[str, str], length_s: int, now_s: float, query: Query, decimals: int
    ) -> list[tuple[int, list[str], float]]:
        """(end, [open, high, low, close], volume) of each interval that is over, the newest first."""
        size = query.get("outputsize", "compact")
        if size not in BARS:
            raise InvalidCall
        last_s = int(now_s) - int(now_s) % length_s
        bars = []
        closing = self._spans.price(*pair, last_s)
        for end_s in range(last_s, last_s - BARS[size] * length_s, -length_s):
            middle = self._spans.price(*pair, end_s - length_s / 2)
            opening = self._spans.price(*pair, end_s - length_s)
            prices = (opening, max(opening, middle, closing), min(opening, middle, closing), closing)
            bars.append(
                (end_s, [f"{price:.{decimals}f}" for price in prices], self._spans.volume(pair[0], end_s, length_s))
            )
            closing = opening
        return bars

    # Lists.

    def _search(self, query: Query, _account: Account, _now_s: float, _skew_s: float) -> Table:
        words = query.get("keywords", "").lower()
        if not words:
            raise InvalidCall
        scores = {
            one.symbol: max(
                difflib.SequenceMatcher(None, words, text.lower()).ratio() for text in (one.symbol, one.name)
            )
            for one in STOCKS.values()
            if words in one.symbol.lower() or words in one.name.lower()
        }
        rows = [
            [
                *(
                    symbol,
                    STOCKS[symbol].name,
                    STOCKS[symbol].kind,
                    "United States",
                    "09:30",
                    "16:00",
                    "UTC-04",
                    DOLLAR,
                ),
                f"{score:.4f}",
            ]
            for symbol, score in sorted(scores.items(), key=lambda item: -item[1])
        ]
        names = ("symbol", "name", "type", "region", "marketOpen", "marketClose", "timezone", "currency", "matchScore")
        matches = [
            {f"{number}. {name}": value for number, (name, value) in enumerate(zip(names, row, strict=True), 1)}
            for row in rows
        ]
        return Table({"bestMatches": matches}, names, rows)

    def _markets(self, _query: Query, _account: Account, _now_s: float, _skew_s: float) -> Table:
        return Table({"endpoint": "Global Market Open & Close Status", "markets": list(MARKETS)})

    # Delayed data.

    def _is_delayed(self, query: Query) -> bool:
        return query.get("entitlement", "").lower() == "delayed" or self._board.active(Fault.DECORATED_KEYS) is not None

    def _top_key(self, key: str, query: Query) -> str:
        self._board.strike(Fault.DECORATED_KEYS)
        return key + texts.DELAYED_SUFFIX if self._is_delayed(query) else key


def _series(meta: dict[str, str], key: str, stamps: list[str], rows: Sequence[Sequence[str | int]]) -> Table:
    names = ("open", "high", "low", "close", "volume")
    bars = {
        stamp: {f"{number}. {name}": value for number, (name, value) in enumerate(zip(names, row, strict=False), 1)}
        for stamp, row in zip(stamps, rows, strict=True)
    }
    header = ("timestamp", *names[: len(rows[0])])
    lines = [[stamp, *map(str, row)] for stamp, row in zip(stamps, rows, strict=True)]
    return Table({"Meta Data": meta, key: bars}, header, lines)


def _interval(query: Query) -> tuple[str, int]:
    interval = query.get("interval", "")
    if interval not in INTERVALS_S:
        raise InvalidCall
    return interval, INTERVALS_S[interval]


def _output_size(query: Query) -> str:
    return "Full size" if query.get("outputsize") == "full" else "Compact"


def _sample(row: tuple[str, ...]) -> list[str]:
    """A row of the sample, with what follows from the price and the close before it."""
    close, previous = float(row[5]), float(row[7])
    return [
        *row,
        *(f"{close - previous:.2f}", f"{(close / previous - 1) * 100:.4f}"),
        *(f"{close - 0.1:.2f}", "-0.1", f"{-10 / close:.5f}"),
    ]
