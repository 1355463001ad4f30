"""Kraken's public REST endpoints, as pure answers to requests: HTTP 200 with a list of errors, mostly."""

import email.utils
from collections.abc import Callable, Mapping
from typing import Any, Final

from tickmux_simulators.book import Side
from tickmux_simulators.decimals import decimal_text
from tickmux_simulators.faults import ActiveFault, Fault, FaultBoard
from tickmux_simulators.kraken.encoding import compact
from tickmux_simulators.market import Instrument
from tickmux_simulators.venue import Answer

SECOND_NS: Final = 1_000_000_000
PREFIX: Final = "/0/public/"
# Names from before 2014 carry a class letter, and two coins have names of their own.
OLD_NAMES: Final = {"BTC": "XBT", "DOGE": "XDG"}
OLD_COINS: Final = frozenset({"BTC", "ETH", "XRP", "LTC", "XLM", "DOGE"})
OLD_FIAT: Final = frozenset({"USD", "EUR"})
OLD_PAIRS: Final = frozenset({"BTC/USD", "ETH/USD", "XRP/USD", "LTC/USD", "XLM/USD", "BTC/EUR", "ETH/EUR", "ETH/BTC"})


class RestError(Exception):
    """A request that is answered with an entry in `error`."""


class KrakenRest:
    """Answers GET requests from the state of the market."""

    def __init__(
        self,
        instruments: dict[str, Instrument],
        board: FaultBoard,
        *,
        system: Callable[[], str],
        statuses: Callable[[], Mapping[str, str]],
    ) -> None:
        self._instruments = instruments
        self._board = board
        self._system = system
        self._statuses = statuses
        self._by_name = {name: one for one in instruments.values() for name in _names(one)}
        self._routes: dict[str, Callable[[Mapping[str, str], int], Any]] = {
            "Time": self._time,
            "SystemStatus": self._system_status,
            "Assets": self._assets,
            "AssetPairs": self._asset_pairs,
            "Ticker": self._ticker,
            "Depth": self._depth,
            "Trades": self._trades,
        }

    def answer(self, path: str, query: Mapping[str, str], now_ns: int) -> Answer:
        """Answer a request; `assetVersion=1` names pairs as the WebSocket does."""
        for fault in (
            Fault.REST_429,
            Fault.REST_403,
            Fault.REST_451,
            Fault.REST_500,
            Fault.REST_503,
            Fault.REST_ERROR,
        ):
            active = self._board.active(fault)
            if active is not None and active.text("path") in path:
                self._board.strike(fault)
                return _faulty(active)
        route = self._routes.get(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
        try:
            if route is None:
                return _failed("EGeneral:Unknown method")
            return Answer(200, compact({"error": [], "result": route(query, now_ns)}))
        except RestError as error:
            return _failed(str(error))

    def _time(self, _query: Mapping[str, str], now_ns: int) -> Any:
        now_s = now_ns // SECOND_NS
        return {"unixtime": now_s, "rfc1123": email.utils.formatdate(now_s, usegmt=True)}

    def _system_status(self, _query: Mapping[str, str], now_ns: int) -> Any:
        date = email.utils.parsedate_to_datetime(email.utils.formatdate(now_ns // SECOND_NS, usegmt=True))
        return {
            "status": self._system(),
            "timestamp": date.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "upcoming_maintenance": [],
            "emergency": [],
        }

    def _assets(self, query: Mapping[str, str], _now_ns: int) -> Any:
        is_new = _is_new(query)
        names = dict.fromkeys(
            name for one in self._instruments.values() for name in (one.listing.quote, one.listing.base)
        )
        return {
            name if is_new else _old_asset(name): {
                "aclass": "currency",
                "altname": _old(name),
                "decimals": 4 if name in OLD_FIAT else 10,
                "display_decimals": 2 if name in OLD_FIAT else 5,
                "status": "enabled",
            }
            for name in names
        }

    def _asset_pairs(self, query: Mapping[str, str], _now_ns: int) -> Any:
        is_new = _is_new(query)
        statuses = self._statuses()
        return {
            _key(one, is_new=is_new): _pair(one, statuses.get(one.symbol, "online"), is_new=is_new)
            for one in self._chosen(query)
        }

    def _ticker(self, query: Mapping[str, str], _now_ns: int) -> Any:
        is_new = _is_new(query)
        return {_key(one, is_new=is_new): _ticker_entry(one) for one in self._chosen(query)}

    def _depth(self, query: Mapping[str, str], now_ns: int) -> Any:
        one = self._single(query)
        count = _count(query, 100, 500)
        now_s = now_ns // SECOND_NS
        sides = {
            name: [[_price(one, at), _volume(one, held), now_s] for at, held in ladder.top(count)]
            for name, ladder in (("asks", one.book.asks), ("bids", one.book.bids))
        }
        return {_key(one, is_new=_is_new(query)): sides}

    def _trades(self, query: Mapping[str, str], now_ns: int) -> Any:
        one = self._single(query)
        rows = [
            [
                _price(one, trade.price),
                decimal_text(trade.size, one.listing.size_decimals),
                trade.time_ns / SECOND_NS,
                "b" if trade.taker is Side.BID else "s",
                "m" if trade.trade_id % 3 == 0 else "l",
                "",
                trade.trade_id,
            ]
            for trade in list(one.trades)[-_count(query, 1000, 1000) :]
        ]
        last = str(one.trades[-1].time_ns if one.trades else now_ns)
        return {_key(one, is_new=_is_new(query)): rows, "last": last}

    def _single(self, query: Mapping[str, str]) -> Instrument:
        if not query.get("pair"):
            raise RestError("EGeneral:Invalid arguments")
        return self._named(query["pair"])

    def _chosen(self, query: Mapping[str, str]) -> list[Instrument]:
        if not query.get("pair"):
            return list(self._instruments.values())
        return [self._named(name) for name in query["pair"].split(",")]

    def _named(self, name: str) -> Instrument:
        if name not in self._by_name:
            raise RestError("EQuery:Unknown asset pair")
        return self._by_name[name]


def _is_new(query: Mapping[str, str]) -> bool:
    """Whether answers name pairs as the WebSocket does: when asked for, or when the request names one so."""
    # python-kraken-sdk looks for the answer to `pair=BTC/USD` under `BTC/USD`.
    return query.get("assetVersion") == "1" or any(
        "/" in name and "XBT" not in name and "XDG" not in name for name in query.get("pair", "").split(",")
    )


def _failed(message: str) -> Answer:
    return Answer(200, compact({"error": [message]}))


def _faulty(active: ActiveFault) -> Answer:
    match active.fault:
        case Fault.REST_ERROR:
            return _failed(active.text("text"))
        case Fault.REST_429 | Fault.REST_503:
            status = 429 if active.fault is Fault.REST_429 else 503
            return Answer(status, f"error code: {status}", {"Retry-After": active.text("retry_after_s")}, "text/plain")
        case Fault.REST_403 | Fault.REST_451:
            status = 403 if active.fault is Fault.REST_403 else 451
            return Answer(status, f"error code: {status}", {}, "text/plain")
        case _:
            return Answer(500, "<html><body>500 Internal Server Error</body></html>", {}, "text/html")


def _old(name: str) -> str:
    return OLD_NAMES.get(name, name)


def _old_asset(name: str) -> str:
    letter = "X" if name in OLD_COINS else "Z" if name in OLD_FIAT else ""
    return letter + _old(name)


def _key(instrument: Instrument, *, is_new: bool) -> str:
    listing = instrument.listing
    if is_new:
        return listing.symbol
    if listing.symbol in OLD_PAIRS:
        return _old_asset(listing.base) + _old_asset(listing.quote)
    if listing.symbol == "USDT/USD":
        return "USDTZUSD"
    return _old(listing.base) + _old(listing.quote)


def _names(instrument: Instrument) -> set[str]:
    """Every name that the REST interface takes for a pair."""
    listing = instrument.listing
    base, quote = _old(listing.base), _old(listing.quote)
    return {
        listing.symbol,
        listing.base + listing.quote,
        base + quote,
        f"{base}/{quote}",
        _key(instrument, is_new=False),
    }


def _pair(instrument: Instrument, status: str, *, is_new: bool) -> dict[str, Any]:
    listing = instrument.listing
    base, quote = _old(listing.base), _old(listing.quote)
    return {
        "altname": base + quote,
        "wsname": f"{base}/{quote}",
        "aclass_base": "currency",
        "base": listing.base if is_new else _old_asset(listing.base),
        "aclass_quote": "currency",
        "quote": listing.quote if is_new else _old_asset(listing.quote),
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": listing.price_decimals,
        "lot_decimals": listing.size_decimals,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, 0.4], [10000, 0.35]],
        "fees_maker": [[0, 0.25], [10000, 0.2]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": decimal_text(listing.size_step * 10, listing.size_decimals),
        "costmin": "0.5",
        "tick_size": decimal_text(listing.price_step, listing.price_decimals),
        "status": status,
    }


def _price(instrument: Instrument, units: int) -> str:
    """A price with at least five decimals, as REST writes it."""
    decimals = max(5, instrument.listing.price_decimals)
    return decimal_text(units * 10 ** (decimals - instrument.listing.price_decimals), decimals)


def _volume(instrument: Instrument, units: int) -> str:
    """A quantity with three decimals, as REST writes that of a level."""
    return decimal_text(units // 10 ** (instrument.listing.size_decimals - 3), 3)


def _ticker_entry(instrument: Instrument) -> dict[str, Any]:
    day = instrument.day
    bid, bid_size, ask, ask_size = instrument.book.top()
    volume = decimal_text(day.volume, instrument.listing.size_decimals)
    lots = 10**instrument.listing.size_decimals
    return {
        "a": [_price(instrument, ask), str(ask_size // lots), _volume(instrument, ask_size)],
        "b": [_price(instrument, bid), str(bid_size // lots), _volume(instrument, bid_size)],
        "c": [
            _price(instrument, instrument.last_price),
            decimal_text(instrument.last_size, instrument.listing.size_decimals),
        ],
        "v": [volume, volume],
        "p": [_price(instrument, day.average)] * 2,
        "t": [day.trades, day.trades],
        "l": [_price(instrument, day.low)] * 2,
        "h": [_price(instrument, day.high)] * 2,
        "o": _price(instrument, day.open),
    }


def _count(query: Mapping[str, str], default: int, most: int) -> int:
    text = query.get("count", str(default))
    if not text.isdigit() or int(text) < 1:
        raise RestError("EGeneral:Invalid arguments")
    return min(int(text), most)
