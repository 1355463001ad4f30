"""Alpaca's REST endpoints, of the data host and of the trading host, as pure answers to requests."""

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from tickmux_simulators.alpaca import encoding
from tickmux_simulators.alpaca.accounts import Account, account_of, credentials
from tickmux_simulators.alpaca.bars import Bar, MinuteBars, daily_bar, previous_daily_bar
from tickmux_simulators.alpaca.codecs import JSON, SECOND_NS
from tickmux_simulators.alpaca.feeds import CRYPTO_LOCATIONS, DELAYED_SIP, IEX, SIP, Feed
from tickmux_simulators.alpaca.securities import SECURITIES
from tickmux_simulators.decimals import decimal_text
from tickmux_simulators.faults import ActiveFault, Fault, FaultBoard
from tickmux_simulators.market import Instrument
from tickmux_simulators.venue import Answer, Limits

MINUTE_S: Final = 60
PLUS_FACTOR: Final = 50
NO_KEY: Final = (
    "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n"
    "<center><h1>401 Authorization Required</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
SYMBOL: Final = re.compile(r"[A-Z0-9./-]{1,20}")
FEEDS_BY_NAME: Final = {"iex": IEX, "sip": SIP, "delayed_sip": DELAYED_SIP}
ASSETS_PATH: Final = "/v2/assets"
CRYPTO_PATH: Final = re.compile(
    rf"/v1beta3/crypto/({'|'.join(CRYPTO_LOCATIONS)})/(snapshots|latest/quotes|latest/trades)"
)
Fields = dict[str, Any]


class RestError(Exception):
    """A request that is answered with an error body."""

    def __init__(self, status: int, message: str, code: int = 0) -> None:
        body: Fields = {"code": code, "message": message} if code else {"message": message}
        self.answer = Answer(status, JSON.encode(body).decode())
        super().__init__(message)


class AlpacaRest:
    """Answers GET requests from the state of the market."""

    def __init__(
        self, instruments: dict[str, Instrument], board: FaultBoard, limits: Limits, minute_bars: MinuteBars
    ) -> None:
        self._board = board
        self._limits = limits
        self._minute_bars = minute_bars
        self._stocks = {name: one for name, one in instruments.items() if name in SECURITIES}
        self._coins = {name: one for name, one in instruments.items() if name not in SECURITIES}
        self._assets = [_stock_asset(one) for one in self._stocks.values()]
        self._assets += [_coin_asset(one) for one in self._coins.values()]
        self._used: dict[str, tuple[int, int]] = {}
        """Of each key the minute that it asked in last, and how often it did."""
        self._stock_routes: dict[str, Callable[[Instrument, Feed, int], Fields]] = {
            "/v2/stocks/snapshots": self._stock_snapshot,
            "/v2/stocks/quotes/latest": _stock_quote,
            "/v2/stocks/trades/latest": _stock_trade,
        }
        self._coin_routes: dict[str, Callable[[Instrument, int], Fields]] = {
            "snapshots": self._coin_snapshot,
            "latest/quotes": lambda one, _now_s: _coin_quote(one),
            "latest/trades": lambda one, _now_s: _plain(encoding.coin_trade(JSON, one.trades[-1])),
        }

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now_ns: int) -> Answer:
        """Answer a request. Coins are shown to anyone, everything else to accounts."""
        for fault in (Fault.REST_429, Fault.REST_403, Fault.REST_500, Fault.REST_503):
            active = self._board.active(fault)
            if active is not None and active.text("path") in path:
                self._board.strike(fault)
                return _faulty(active)
        shown = credentials(headers)
        account = None if shown is None else account_of(*shown)
        if shown is None and not CRYPTO_PATH.fullmatch(path):
            return Answer(401, NO_KEY, {}, "text/html")
        if shown is not None and account is None:
            return RestError(403, "forbidden.").answer
        now_s = now_ns // SECOND_NS
        limit_headers, is_over = self._counted(account, now_s)
        if is_over:
            return RestError(429, "too many requests.").answer._replace(headers=limit_headers)
        try:
            body = self._body(path, query, account, now_s)
        except RestError as error:
            return error.answer._replace(headers=limit_headers)
        return Answer(200, JSON.encode(body).decode(), limit_headers)

    def _body(self, path: str, query: Mapping[str, str], account: Account | None, now_s: int) -> Any:
        coins = CRYPTO_PATH.fullmatch(path)
        if coins is not None:
            return self._of_coins(coins[2], query, now_s)
        if path in self._stock_routes:
            return self._of_stocks(path, query, account, now_s)
        if path == ASSETS_PATH:
            return self._asset_list(query)
        if path.startswith(f"{ASSETS_PATH}/"):
            return self._asset(path.removeprefix(f"{ASSETS_PATH}/"))
        raise RestError(404, "endpoint not found.")

    def _counted(self, account: Account | None, now_s: int) -> tuple[dict[str, str], bool]:
        """The headers that tell of the limit, and whether this request is over it."""
        key = account.key if account is not None else ""
        limit = self._limits.requests_per_minute * (PLUS_FACTOR if account is not None and account.is_plus else 1)
        minute, used = self._used.get(key, (0, 0))
        used = used + 1 if minute == now_s // MINUTE_S else 1
        self._used[key] = (now_s // MINUTE_S, used)
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(limit - used, 0)),
            "X-RateLimit-Reset": str((now_s // MINUTE_S + 1) * MINUTE_S),
        }
        return headers, used > limit

    def _of_stocks(self, path: str, query: Mapping[str, str], account: Account | None, now_s: int) -> Any:
        is_plus = account is not None and account.is_plus
        name = query.get("feed") or ("sip" if is_plus else "iex")
        feed = FEEDS_BY_NAME.get(name)
        if feed is None:
            raise RestError(400, f"invalid feed: {name}")
        if feed.is_plus_only and not is_plus:
            raise RestError(403, "subscription does not permit querying recent SIP data")
        route = self._stock_routes[path]
        found = {symbol: route(one, feed, now_s) for symbol, one in self._chosen(query, self._stocks)}
        # Snapshots of stocks have no envelope; everything else does.
        return found if path.endswith("snapshots") else {path.split("/")[3]: found}

    def _of_coins(self, kind: str, query: Mapping[str, str], now_s: int) -> Any:
        route = self._coin_routes[kind]
        found = {symbol: route(one, now_s) for symbol, one in self._chosen(query, self._coins)}
        return {kind.rpartition("/")[2]: found}

    @staticmethod
    def _chosen(query: Mapping[str, str], listed: Mapping[str, Instrument]) -> list[tuple[str, Instrument]]:
        """The listed ones of the symbols that are asked for; what is not listed is left out. Raises RestError."""
        symbols = [symbol.strip() for symbol in query.get("symbols", "").split(",") if symbol.strip()]
        if not symbols:
            raise RestError(400, "symbols is required")
        for symbol in symbols:
            if not SYMBOL.fullmatch(symbol):
                raise RestError(400, f"invalid symbol: {symbol}")
        return [(symbol, listed[symbol]) for symbol in symbols if symbol in listed]

    def _stock_snapshot(self, one: Instrument, feed: Feed, now_s: int) -> Fields:
        return {
            "latestTrade": _stock_trade(one, feed, now_s),
            "latestQuote": _stock_quote(one, feed, now_s),
            **self._bars(one, now_s, is_stock=True),
        }

    def _coin_snapshot(self, one: Instrument, now_s: int) -> Fields:
        return {
            "latestTrade": _plain(encoding.coin_trade(JSON, one.trades[-1])),
            "latestQuote": _coin_quote(one),
            **self._bars(one, now_s, is_stock=False),
        }

    def _bars(self, one: Instrument, now_s: int, *, is_stock: bool) -> Fields:
        return {
            "minuteBar": _bar(self._minute_bars.latest(one)),
            "dailyBar": _bar(daily_bar(one, now_s, is_stock=is_stock)),
            "prevDailyBar": _bar(previous_daily_bar(one, now_s, is_stock=is_stock)),
        }

    def _asset_list(self, query: Mapping[str, str]) -> list[Fields]:
        wanted = {
            "status": query.get("status"),
            "class": query.get("asset_class"),
            "exchange": query.get("exchange"),
        }
        return [
            asset for asset in self._assets if all(value in {None, "", asset[field]} for field, value in wanted.items())
        ]

    def _asset(self, name: str) -> Fields:
        for asset in self._assets:
            if name in {asset["id"], asset["symbol"], asset["symbol"].replace("/", "")}:
                return asset
        raise RestError(404, f"asset not found for {name}", 40410000)


def _faulty(active: ActiveFault) -> Answer:
    match active.fault:
        case Fault.REST_429:
            headers = {"Retry-After": active.text("retry_after_s"), "X-RateLimit-Remaining": "0"}
            return RestError(429, "too many requests.").answer._replace(headers=headers)
        case Fault.REST_403:
            return RestError(403, "forbidden.").answer
        case Fault.REST_503:
            headers = {"Retry-After": active.text("retry_after_s")}
            return Answer(503, "<html><body>503 Service Temporarily Unavailable</body></html>", headers, "text/html")
        case _:
            return RestError(500, "internal server error", 50010000).answer


def _plain(message: Fields) -> Fields:
    """A message of the stream as REST shows it: without type and symbol."""
    return {key: value for key, value in message.items() if key not in {"T", "S"}}


def _bar(bar: Bar | None) -> Fields | None:
    return None if bar is None else _plain(encoding.bar(JSON, "", bar))


def _stock_quote(one: Instrument, feed: Feed, _now_s: int) -> Fields:
    return _plain(encoding.stock_quote(JSON, feed, one, one.changed_at_ns, absent=None, is_bare=False))


def _stock_trade(one: Instrument, feed: Feed, _now_s: int) -> Fields:
    return _plain(encoding.stock_trade(JSON, feed, one.trades[-1], is_bare=False))


def _coin_quote(one: Instrument) -> Fields:
    return _plain(encoding.coin_quote(JSON, one, one.changed_at_ns, absent=None))


def _stock_asset(one: Instrument) -> Fields:
    security = SECURITIES[one.symbol]
    return _asset("us_equity", security.exchange, one.symbol, security.name, is_marginable=True) | {
        "maintenance_margin_requirement": 30,
        "attributes": ["fractional_eh_enabled", "has_options"],
    }


def _coin_asset(one: Instrument) -> Fields:
    listing = one.listing
    name = f"{listing.base} / {listing.quote}"
    return _asset("crypto", "CRYPTO", one.symbol, name, is_marginable=False) | {
        "min_order_size": decimal_text(listing.size_step, listing.size_decimals),
        "min_trade_increment": decimal_text(listing.size_step, listing.size_decimals),
        "price_increment": decimal_text(listing.price_step, listing.price_decimals),
        "attributes": [],
    }


def _asset(kind: str, exchange: str, symbol: str, name: str, *, is_marginable: bool) -> Fields:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {symbol}")),
        "class": kind,
        "exchange": exchange,
        "symbol": symbol,
        "name": name,
        "status": "active",
        "tradable": True,
        "marginable": is_marginable,
        "shortable": is_marginable,
        "easy_to_borrow": is_marginable,
        "fractionable": True,
    }
