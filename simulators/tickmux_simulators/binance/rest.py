"""Binance's public REST endpoints, as pure answers to requests."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tickmux_simulators.binance import encoding
from tickmux_simulators.book import Side
from tickmux_simulators.day import DAY_S
from tickmux_simulators.decimals import decimal_text
from tickmux_simulators.faults import ActiveFault, Fault, FaultBoard
from tickmux_simulators.market import Instrument
from tickmux_simulators.venue import Answer

MINUTE_NS: Final = 60_000_000_000
WEIGHT_HEADER: Final = "X-MBX-USED-WEIGHT-1M"
DEPTH_WEIGHTS: Final = ((100, 5), (500, 25), (1000, 50), (5000, 250))
LEGAL: Final = (
    "Service unavailable from a restricted location according to 'b. Eligibility' in "
    "https://www.binance.com/en/terms. Please contact customer service if you believe you received this message in "
    "error."
)


class RestError(Exception):
    """A request that is answered with an error body."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        self.answer = Answer(status, json.dumps({"code": code, "msg": message}, separators=(",", ":")))
        super().__init__(message)


class BinanceRest:
    """Answers GET requests from the state of the market."""

    def __init__(self, instruments: dict[str, Instrument], board: FaultBoard, *, weight_max: int) -> None:
        self._instruments = instruments
        self._board = board
        self._weight_max = weight_max
        self._minute = 0
        self._weight = 0
        self._routes: dict[str, Callable[[Mapping[str, str], int, bool], tuple[str, int]]] = {
            "/api/v3/ping": lambda _query, _now_ns, _is_micro: ("{}", 1),
            "/api/v3/time": self._time,
            "/api/v3/exchangeInfo": self._exchange_info,
            "/api/v3/depth": self._depth,
            "/api/v3/trades": self._trades,
            "/api/v3/ticker/24hr": self._day,
            "/api/v3/ticker/bookTicker": self._book_ticker,
            "/api/v3/ticker/price": self._price,
        }

    def answer(self, path: str, query: Mapping[str, str], headers: Mapping[str, str], now_ns: int) -> Answer:
        """Answer a request; the header X-MBX-TIME-UNIT switches to microseconds."""
        fault = self._fault(path, now_ns)
        if fault is not None:
            return fault
        route = self._routes.get(path)
        if route is None:
            return Answer(404, "<html><body>404 Not Found</body></html>", {}, "text/html")
        is_micro = headers.get("X-MBX-TIME-UNIT", "").upper() == "MICROSECOND"
        try:
            text, weight = route(query, now_ns, is_micro)
        except RestError as error:
            return self._weighed(error.answer, 1, now_ns)
        return self._weighed(Answer(200, text), weight, now_ns)

    def _weighed(self, answer: Answer, weight: int, now_ns: int) -> Answer:
        minute = now_ns // MINUTE_NS
        if minute != self._minute:
            self._minute, self._weight = minute, 0
        self._weight += weight
        if self._weight > self._weight_max:
            # Who goes on regardless is banned.
            is_ban = self._weight > 2 * self._weight_max
            wait_s = 120 if is_ban else 60 - now_ns % MINUTE_NS // 1_000_000_000
            return too_much_weight(
                is_ban=is_ban, retry_after_s=wait_s, limit=self._weight_max, used=self._weight, now_ns=now_ns
            )
        return answer._replace(headers={WEIGHT_HEADER: str(self._weight)})

    def _fault(self, path: str, now_ns: int) -> Answer | None:
        for fault in (Fault.REST_429, Fault.REST_418, Fault.REST_403, Fault.REST_451, Fault.REST_500, Fault.REST_503):
            active = self._board.active(fault)
            if active is not None and active.text("path") in path:
                self._board.strike(fault)
                return self._faulty(active, now_ns)
        return None

    def _faulty(self, active: ActiveFault, now_ns: int) -> Answer:
        match active.fault:
            case Fault.REST_429 | Fault.REST_418:
                return too_much_weight(
                    is_ban=active.fault is Fault.REST_418,
                    retry_after_s=int(active.number("retry_after_s")),
                    limit=self._weight_max,
                    used=self._weight_max + 1,
                    now_ns=now_ns,
                )
            case Fault.REST_403:
                return Answer(403, "<html><body>403 Forbidden</body></html>", {}, "text/html")
            case Fault.REST_451:
                return RestError(0, LEGAL, 451).answer
            case Fault.REST_503:
                headers = {"Retry-After": active.text("retry_after_s")}
                return RestError(-1008, "Server is currently overloaded with other requests.", 503).answer._replace(
                    headers=headers
                )
            case _:
                return RestError(-1000, "An unknown error occurred while processing the request.", 500).answer

    # The endpoints: (query, wall time, microseconds) to (body, weight).

    def _time(self, _query: Mapping[str, str], now_ns: int, is_micro: bool) -> tuple[str, int]:  # noqa: FBT001
        return f'{{"serverTime":{encoding.clock(now_ns, is_micro=is_micro)}}}', 1

    def _exchange_info(self, query: Mapping[str, str], now_ns: int, is_micro: bool) -> tuple[str, int]:  # noqa: FBT001
        chosen, _ = self._chosen(query)
        if "symbolStatus" in query:
            if "symbol" in query or "symbols" in query:
                raise RestError(-1128, "Combination of optional parameters invalid.")
            chosen = [one for one in chosen if self.status(one) == query["symbolStatus"]]
        body = {
            "timezone": "UTC",
            "serverTime": encoding.clock(now_ns, is_micro=is_micro),
            "rateLimits": [
                _rate_limit("REQUEST_WEIGHT", "MINUTE", 1, self._weight_max),
                _rate_limit("ORDERS", "SECOND", 10, 100),
                _rate_limit("ORDERS", "DAY", 1, 200_000),
                _rate_limit("RAW_REQUESTS", "MINUTE", 5, 300_000),
            ],
            "exchangeFilters": [],
            "symbols": [symbol_entry(one, self.status(one)) for one in chosen],
        }
        return json.dumps(body, separators=(",", ":")), 20

    def status(self, instrument: Instrument) -> str:
        """The instrument's status as exchangeInfo gives it."""
        halt = self._board.active(Fault.HALT, instrument.symbol)
        return "TRADING" if halt is None else (halt.text("status") or "HALT").upper()

    def _depth(self, query: Mapping[str, str], _now_ns: int, _is_micro: bool) -> tuple[str, int]:  # noqa: FBT001
        instrument = self._one(query)
        limit = _limit(query, 100, 5000)
        weight = next(weight for up_to, weight in DEPTH_WEIGHTS if limit <= up_to)
        return encoding.partial_depth(instrument, limit), weight

    def _trades(self, query: Mapping[str, str], _now_ns: int, is_micro: bool) -> tuple[str, int]:  # noqa: FBT001
        instrument = self._one(query)
        trades = list(instrument.trades)[-_limit(query, 500, 1000) :]
        rows = [
            f'{{"id":{trade.trade_id},"price":"{encoding.price(instrument, trade.price)}",'
            f'"qty":"{encoding.size(instrument, trade.size)}",'
            f'"quoteQty":"{encoding.turnover(instrument, trade.price * trade.size)}",'
            f'"time":{encoding.clock(trade.time_ns, is_micro=is_micro)},'
            f'"isBuyerMaker":{"true" if trade.taker is Side.ASK else "false"},"isBestMatch":true}}'
            for trade in trades
        ]
        return "[" + ",".join(rows) + "]", 25

    def _day(self, query: Mapping[str, str], now_ns: int, is_micro: bool) -> tuple[str, int]:  # noqa: FBT001
        kind = query.get("type", "FULL")
        if kind not in {"FULL", "MINI"}:
            raise RestError(-1138, "Invalid ticker type.")
        chosen, is_single = self._chosen(query)
        encode = day_entry if kind == "FULL" else day_entry_mini
        weight = 2 if len(chosen) <= 20 else 40 if len(chosen) <= 100 and "symbols" in query else 80
        return _joined([encode(one, now_ns, is_micro=is_micro) for one in chosen], is_single=is_single), weight

    def _book_ticker(self, query: Mapping[str, str], _now_ns: int, _is_micro: bool) -> tuple[str, int]:  # noqa: FBT001
        chosen, is_single = self._chosen(query)
        return _joined([book_ticker_entry(one) for one in chosen], is_single=is_single), 2 if is_single else 4

    def _price(self, query: Mapping[str, str], _now_ns: int, _is_micro: bool) -> tuple[str, int]:  # noqa: FBT001
        chosen, is_single = self._chosen(query)
        rows = [f'{{"symbol":"{one.symbol}","price":"{encoding.price(one, one.last_price)}"}}' for one in chosen]
        return _joined(rows, is_single=is_single), 2 if is_single else 4

    # Parameters.

    def _one(self, query: Mapping[str, str]) -> Instrument:
        if not query.get("symbol"):
            raise RestError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        return self._named(query["symbol"])

    def _named(self, symbol: str) -> Instrument:
        instrument = self._instruments.get(symbol)
        if instrument is None:
            raise RestError(-1121, "Invalid symbol.")
        return instrument

    def _chosen(self, query: Mapping[str, str]) -> tuple[list[Instrument], bool]:
        """The instruments that `symbol` or `symbols` names, or all; and whether it was one by `symbol`."""
        if "symbol" in query and "symbols" in query:
            raise RestError(-1128, "Combination of optional parameters invalid.")
        if "symbol" in query:
            return [self._named(query["symbol"])], True
        if "symbols" not in query:
            return list(self._instruments.values()), False
        try:
            names: Any = json.loads(query["symbols"])
        except json.JSONDecodeError:
            names = None
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise RestError(-1100, "Illegal characters found in parameter 'symbols'.")
        return [self._named(name) for name in names], False


def too_much_weight(*, is_ban: bool, retry_after_s: int, limit: int, used: int, now_ns: int) -> Answer:
    """429 while over the limit, 418 for who went on; both say when to come back."""
    if is_ban:
        until_ms = now_ns // 1_000_000 + retry_after_s * 1000
        message = (
            f"Way too much request weight used; IP banned until {until_ms}. "
            "Please use WebSocket Streams for live updates to avoid bans."
        )
    else:
        message = (
            f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE. "
            "Please use WebSocket Streams for live updates to avoid polling the API."
        )
    answer = RestError(-1003, message, 418 if is_ban else 429).answer
    return answer._replace(headers={"Retry-After": str(retry_after_s), WEIGHT_HEADER: str(used)})


def symbol_entry(instrument: Instrument, status: str) -> dict[str, Any]:
    """One symbol of exchangeInfo."""
    listing = instrument.listing
    price_step = encoding.price(instrument, listing.price_step)
    size_step = encoding.size(instrument, listing.size_step)
    return {
        "symbol": listing.symbol,
        "status": status,
        "baseAsset": listing.base,
        "baseAssetPrecision": 8,
        "quoteAsset": listing.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": price_step,
                "maxPrice": "1000000.00000000",
                "tickSize": price_step,
            },
            {"filterType": "LOT_SIZE", "minQty": size_step, "maxQty": "9000000.00000000", "stepSize": size_step},
            {
                "filterType": "NOTIONAL",
                "minNotional": "5.00000000",
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }


def book_ticker_entry(instrument: Instrument) -> str:
    """One symbol of ticker/bookTicker."""
    bid, bid_size, ask, ask_size = instrument.book.top()
    return (
        f'{{"symbol":"{instrument.symbol}",'
        f'"bidPrice":"{encoding.price(instrument, bid)}","bidQty":"{encoding.size(instrument, bid_size)}",'
        f'"askPrice":"{encoding.price(instrument, ask)}","askQty":"{encoding.size(instrument, ask_size)}"}}'
    )


def day_entry(instrument: Instrument, now_ns: int, *, is_micro: bool) -> str:
    """One symbol of ticker/24hr, type FULL."""
    day = instrument.day
    bid, bid_size, ask, ask_size = instrument.book.top()
    average = decimal_text(day.average * 10 ** (8 - instrument.listing.price_decimals), 8)
    return (
        f'{{"symbol":"{instrument.symbol}",'
        f'"priceChange":"{encoding.price(instrument, instrument.last_price - day.open)}",'
        f'"priceChangePercent":"{encoding.change_percent(instrument)}","weightedAvgPrice":"{average}",'
        f'"prevClosePrice":"{encoding.price(instrument, day.open)}",'
        f'"lastPrice":"{encoding.price(instrument, instrument.last_price)}",'
        f'"lastQty":"{encoding.size(instrument, instrument.last_size)}",'
        f'"bidPrice":"{encoding.price(instrument, bid)}","bidQty":"{encoding.size(instrument, bid_size)}",'
        f'"askPrice":"{encoding.price(instrument, ask)}","askQty":"{encoding.size(instrument, ask_size)}",'
        + _day_end(instrument, now_ns, is_micro=is_micro)
    )


def day_entry_mini(instrument: Instrument, now_ns: int, *, is_micro: bool) -> str:
    """One symbol of ticker/24hr, type MINI."""
    opening, rest = _day_end(instrument, now_ns, is_micro=is_micro).split(",", 1)
    high, low, rest = rest.split(",", 2)
    last = f'"lastPrice":"{encoding.price(instrument, instrument.last_price)}"'
    return f'{{"symbol":"{instrument.symbol}",{opening},{high},{low},{last},{rest}'


def _day_end(instrument: Instrument, now_ns: int, *, is_micro: bool) -> str:
    day = instrument.day
    now = encoding.clock(now_ns, is_micro=is_micro)
    opened = encoding.clock(now_ns - DAY_S * 1_000_000_000, is_micro=is_micro)
    return (
        f'"openPrice":"{encoding.price(instrument, day.open)}","highPrice":"{encoding.price(instrument, day.high)}",'
        f'"lowPrice":"{encoding.price(instrument, day.low)}","volume":"{encoding.size(instrument, day.volume)}",'
        f'"quoteVolume":"{encoding.turnover(instrument, day.turnover)}","openTime":{opened},"closeTime":{now},'
        f'"firstId":{instrument.trade_id - day.trades + 1},"lastId":{instrument.trade_id},"count":{day.trades}}}'
    )


def _joined(rows: list[str], *, is_single: bool) -> str:
    return rows[0] if is_single else "[" + ",".join(rows) + "]"


def _limit(query: Mapping[str, str], default: int, most: int) -> int:
    text = query.get("limit", str(default))
    if not text.isdigit() or int(text) < 1:
        raise RestError(-1100, "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'.")
    return min(int(text), most)


def _rate_limit(kind: str, interval: str, count: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}
