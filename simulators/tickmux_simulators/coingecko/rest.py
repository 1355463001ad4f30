"""CoinGecko's endpoints, as pure functions of the request and the time."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from tickmux_simulators.coingecko.access import ApiError
from tickmux_simulators.coingecko.coins import COINS, UNITS, Coin
from tickmux_simulators.coingecko.exchanges import EXCHANGES, Exchange, Ticker, Tickers
from tickmux_simulators.coingecko.prices import Prices
from tickmux_simulators.coingecko.rows import RANKS, Rows, wants
from tickmux_simulators.faults import ActiveFault, Fault, FaultBoard
from tickmux_simulators.spans import Spans

Query = Mapping[str, str]
Row = TypeVar("Row")
PREFIX: Final = "/api/v3"
PER_PAGE_MAX: Final = 250
TICKERS_PER_PAGE: Final = 100
WRONG_PATH: Final = "Incorrect path. Please check https://www.coingecko.com/api/"
NOT_FOUND: Final = "coin not found"
LISTS_KEPT_PERIODS: Final = 5.0
# Names of endpoints as the documentation has them, and what their paths are.
PATTERNS: Final = {
    "/ping": re.compile(r"/ping"),
    "/key": re.compile(r"/key"),
    "/simple/price": re.compile(r"/simple/price"),
    "/simple/supported_vs_currencies": re.compile(r"/simple/supported_vs_currencies"),
    "/coins/list": re.compile(r"/coins/list"),
    "/coins/list/new": re.compile(r"/coins/list/new"),
    "/coins/top_gainers_losers": re.compile(r"/coins/top_gainers_losers"),
    "/coins/markets": re.compile(r"/coins/markets"),
    "/coins/{id}": re.compile(r"/coins/([^/]+)"),
    "/coins/{id}/tickers": re.compile(r"/coins/([^/]+)/tickers"),
    "/exchanges/{id}": re.compile(r"/exchanges/([^/]+)"),
    "/exchanges/{id}/tickers": re.compile(r"/exchanges/([^/]+)/tickers"),
    "/global": re.compile(r"/global"),
}
DATA: Final = frozenset(
    {"/simple/price", "/coins/markets", "/coins/{id}", "/coins/{id}/tickers", "/exchanges/{id}/tickers"}
)
PAID: Final = frozenset({"/key", "/coins/list/new", "/coins/top_gainers_losers"})
UNCACHED: Final = frozenset({"/ping", "/key"})
KEPT_LONGER: Final = frozenset({"/coins/list", "/simple/supported_vs_currencies"})


class Body(NamedTuple):
    """What an endpoint answers."""

    content: Any
    headers: Mapping[str, str] = {}


class Moment(NamedTuple):
    """When an answer is made."""

    now_ns: int
    skew_ns: int
    """How far the venue's clock is ahead."""


def endpoint(path: str) -> tuple[str, str]:
    """The endpoint's name and the id in the path; two empty texts for a path that does not exist."""
    if not path.startswith(PREFIX):
        return "", ""
    rest = path.removeprefix(PREFIX).rstrip("/")
    for name, pattern in PATTERNS.items():
        match = pattern.fullmatch(rest)
        if match is not None:
            return name, match[1] if match.groups() else ""
    return "", ""


def coins_asked(name: str, identifier: str, query: Query) -> tuple[str, ...]:
    """Ids of the coins that a request asks for, those that exist."""
    if name in {"/coins/{id}", "/coins/{id}/tickers"}:
        return (identifier,) if identifier in COINS else ()
    if name == "/exchanges/{id}/tickers":
        return tuple(one for one in _split(query.get("coin_ids", "")) if one in COINS)
    if name not in {"/simple/price", "/coins/markets"}:
        return ()
    return tuple(coin.id for coin in (_looked_up(query) or {}).values())


class CoinGeckoRest:
    """Makes the bodies; keys, limits and the cache are somebody else's."""

    def __init__(self, board: FaultBoard, *, seed: int, cache_s: float) -> None:
        self._board = board
        self._rows = Rows(Prices(Spans(seed, "coingecko"), cache_s=cache_s))
        self._tickers = Tickers(seed)
        self._routes: dict[str, Callable[[str, Query, Moment], Body]] = {
            "/ping": lambda _id, _query, _moment: Body({"gecko_says": "(V3) To the Moon!"}),
            "/simple/price": self._simple_price,
            "/simple/supported_vs_currencies": lambda _id, _query, _moment: Body(list(UNITS)),
            "/coins/list": self._list,
            "/coins/list/new": lambda _id, _query, _moment: Body([]),
            "/coins/top_gainers_losers": lambda _id, _query, _moment: Body({"top_gainers": [], "top_losers": []}),
            "/coins/markets": self._markets,
            "/coins/{id}": self._coin,
            "/coins/{id}/tickers": self._coin_tickers,
            "/exchanges/{id}": self._exchange,
            "/exchanges/{id}/tickers": self._exchange_tickers,
            "/global": lambda _id, _query, moment: Body(self._rows.totals(*moment)),
        }

    def body(self, name: str, identifier: str, query: Query, moment: Moment) -> tuple[str, Mapping[str, str]]:
        """Text and headers of an answer. Raises ApiError."""
        route = self._routes.get(name)
        if route is None:
            raise ApiError(404, WRONG_PATH)
        body = route(identifier, query, moment)
        return json.dumps(body.content, separators=(",", ":"), ensure_ascii=False), body.headers

    # The endpoints.

    def _simple_price(self, _id: str, query: Query, moment: Moment) -> Body:
        if not query.get("vs_currencies"):
            raise ApiError(400, "Missing parameter vs_currencies")
        _check_precision(query)
        found = _looked_up(query)
        if found is None:
            raise ApiError(422, "Missing parameter ids")
        return Body(
            {
                name: self._spoiled(coin, self._rows.simple(coin, query, *moment))
                for name, coin in sorted(found.items())
                if not self._is_missing(coin)
            }
        )

    def _list(self, _id: str, query: Query, _moment: Moment) -> Body:
        rows = []
        for coin in COINS.values():
            row: dict[str, Any] = {"id": coin.id, "symbol": coin.symbol, "name": coin.name}
            if wants(query, "include_platform"):
                row["platforms"] = {coin.platform: coin.address} if coin.platform else {}
            rows.append(row)
        return Body(rows)

    def _markets(self, _id: str, query: Query, moment: Moment) -> Body:
        if not query.get("vs_currency"):
            raise ApiError(422, "Missing parameter vs_currency")
        if query["vs_currency"].lower() not in UNITS:
            raise ApiError(422, "invalid vs_currency")
        _check_precision(query)
        found = _looked_up(query)
        coins = list(COINS.values() if found is None else dict.fromkeys(found.values()))
        order = query.get("order", "market_cap_desc")
        if order.startswith("id_"):
            coins.sort(key=lambda coin: coin.id, reverse=order == "id_desc")
        else:
            coins.sort(key=_rank, reverse=order.endswith("_asc"))
        per_page = _count(query, "per_page", 100, PER_PAGE_MAX)
        chosen, headers = _page(coins, query, per_page, "/coins/markets")
        rows = [
            self._spoiled(coin, self._rows.market(coin, query, *moment))
            for coin in chosen
            if not self._is_missing(coin)
        ]
        return Body(rows, headers)

    def _coin(self, identifier: str, query: Query, moment: Moment) -> Body:
        coin = self._known(identifier)
        row = self._spoiled(coin, self._rows.coin(coin, query, *moment))
        if query.get("tickers", "true").lower() != "false":
            row["tickers"] = [self._ticker(one, query, moment) for one in self._tickers.of_coin(coin, set())]
        return Body(row)

    def _coin_tickers(self, identifier: str, query: Query, moment: Moment) -> Body:
        coin = self._known(identifier)
        rows = self._tickers.of_coin(coin, set(_split(query.get("exchange_ids", ""))))
        chosen, headers = _page(rows, query, TICKERS_PER_PAGE, f"/coins/{coin.id}/tickers")
        return Body({"name": coin.name, "tickers": [self._ticker(one, query, moment) for one in chosen]}, headers)

    def _exchange(self, identifier: str, query: Query, moment: Moment) -> Body:
        exchange = _exchange(identifier)
        rows = self._tickers.of_exchange(exchange, set())
        return Body(
            {
                "name": exchange.name,
                "year_established": exchange.year,
                "country": exchange.country,
                "description": "",
                "url": exchange.url,
                "image": exchange.logo,
                **dict.fromkeys(("facebook_url", "reddit_url", "telegram_url", "slack_url"), ""),
                **dict.fromkeys(("other_url_1", "other_url_2", "twitter_handle"), ""),
                "has_trading_incentive": False,
                "centralized": True,
                "public_notice": "",
                "alert_notice": "",
                "trust_score": exchange.trust_score,
                "trust_score_rank": list(EXCHANGES).index(exchange.id) + 1,
                "coins": len({row.coin.id for row in rows}),
                "pairs": len(rows),
                "trade_volume_24h_btc": self._tickers.volume_btc(exchange, moment.now_ns / 1e9),
                "tickers": [self._ticker(one, query, moment) for one in rows[:TICKERS_PER_PAGE]],
                "status_updates": [],
            }
        )

    def _exchange_tickers(self, identifier: str, query: Query, moment: Moment) -> Body:
        exchange = _exchange(identifier)
        rows = self._tickers.of_exchange(exchange, set(_split(query.get("coin_ids", ""))))
        chosen, headers = _page(rows, query, TICKERS_PER_PAGE, f"/exchanges/{exchange.id}/tickers")
        return Body({"name": exchange.name, "tickers": [self._ticker(one, query, moment) for one in chosen]}, headers)

    # What several have in common.

    def _ticker(self, ticker: Ticker, query: Query, moment: Moment) -> dict[str, Any]:
        row = self._tickers.row(
            ticker,
            *moment,
            has_depth=wants(query, "depth"),
            has_logo=wants(query, "include_exchange_logo"),
        )
        stale = self._board.strike(Fault.STALE_TICKERS, ticker.coin.id)
        if stale is not None:
            row["is_anomaly" if stale.parameters["is_anomaly"] else "is_stale"] = True
        return row

    def _known(self, identifier: str) -> Coin:
        coin = COINS.get(identifier)
        if coin is None or self._is_missing(coin):
            raise ApiError(404, NOT_FOUND)
        return coin

    def _is_missing(self, coin: Coin) -> bool:
        return self._board.strike(Fault.MISSING_IDS, coin.id) is not None

    def _spoiled(self, coin: Coin, row: dict[str, Any]) -> dict[str, Any]:
        if self._board.strike(Fault.NULL_FIELDS, coin.id) is None:
            return row
        return {key: _without_numbers(value) for key, value in row.items()}

    def spoilers(self) -> tuple[object, ...]:
        """The faults that bodies are made under; a body made under others is another body."""
        faults = (Fault.MISSING_IDS, Fault.NULL_FIELDS, Fault.STALE_TICKERS, Fault.CLOCK_SKEW)
        active: list[ActiveFault | None] = [self._board.active(fault) for fault in faults]
        return tuple(one and tuple(one.parameters.values()) for one in active)


def _without_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_numbers(inner) for key, inner in value.items()}
    return None if isinstance(value, int | float) and not isinstance(value, bool) else value


def _looked_up(query: Query) -> dict[str, Coin] | None:
    """The coins that are asked for, by the name that the answer has them under; None if nothing is asked for.

    Ids go before names, and those before symbols. Of the coins of a symbol the greatest is meant; all of them, which
    are then listed by id, if `include_tokens` says so.
    """
    if query.get("ids"):
        return {one: COINS[one] for one in _split(query["ids"]) if one in COINS}
    if query.get("names"):
        by_name = {coin.name.lower(): coin for coin in COINS.values()}
        asked = [one.strip() for one in query["names"].split(",")]
        return {one: by_name[one.lower()] for one in asked if one.lower() in by_name}
    if not query.get("symbols"):
        return None
    found: dict[str, Coin] = {}
    for symbol in _split(query["symbols"]):
        coins = sorted((coin for coin in COINS.values() if coin.symbol == symbol.lower()), key=_rank)
        if query.get("include_tokens") == "all":
            found |= {coin.id: coin for coin in coins}
        elif coins:
            found[symbol.lower()] = coins[0]
    return found


def _rank(coin: Coin) -> tuple[int, str]:
    return RANKS.get(coin.id, len(COINS)), coin.id


def _exchange(identifier: str) -> Exchange:
    if identifier not in EXCHANGES:
        raise ApiError(404, "exchange not found")
    return EXCHANGES[identifier]


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _count(query: Query, name: str, default: int, most: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise ApiError(422, f"Invalid {name}")
    return min(int(text), most)


def _check_precision(query: Query) -> None:
    text = query.get("precision", "")
    if text not in {"", "full"} and not (text.isdigit() and int(text) <= 18):
        raise ApiError(422, "Invalid precision")


def _page(rows: list[Row], query: Query, per_page: int, path: str) -> tuple[list[Row], dict[str, str]]:
    page = _count(query, "page", 1, 1_000_000)
    headers = {"per-page": str(per_page), "total": str(len(rows))}
    pages = -(-len(rows) // per_page)
    if page < pages:
        root = f"https://api.coingecko.com{PREFIX}{path}"
        headers["link"] = f'<{root}?page={pages}>; rel="last", <{root}?page={page + 1}>; rel="next"'
    return rows[(page - 1) * per_page : page * per_page], headers
