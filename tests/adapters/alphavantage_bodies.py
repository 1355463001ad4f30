"""Bodies as Alpha Vantage writes them, with what a test wants in them."""

import json
from typing import Any

from aiohttp import web
from tests.adapters.http_server import Reply

QUOTE_KEY = "Global Quote"
RATE_KEY = "Realtime Currency Exchange Rate"
DELAYED_SUFFIX = " - DATA DELAYED BY 15 MINUTES"

BURST = {
    "Information": "Thank you for using Alpha Vantage! Please consider spreading out your free API requests more "
    "sparingly (1 request per second). You may subscribe to any of the premium plans at … to lift the free key rate "
    "limit (25 requests per day), raise the per-second burst limit, and instantly unlock all premium endpoints"
}
NOTE = {"Note": "Our standard API call frequency is 5 calls per minute and 500 calls per day. Please visit …/premium/"}
PREMIUM = {"Information": "Thank you for using Alpha Vantage! This is a premium endpoint. You may subscribe to …"}
DEMO = {"Information": "The **demo** API key is for demo purposes only. Please claim your free API key at (…)"}
BAD_KEY = {"Error Message": "the parameter apikey is invalid or missing. Please claim your free API key on (…)."}
INVALID = {"Error Message": "Invalid API call. Please retry or visit the documentation (…) for GLOBAL_QUOTE."}
ARTIFICIAL = (
    "This is a premium endpoint. ***THE SAMPLE DATA SCHEMA BELOW IS ARTIFICIAL AND FOR ILLUSTRATION PURPOSES ONLY***. …"
)


def day_spent(key: str) -> dict[str, str]:
    return {
        "Information": f"We have detected your API key as {key} and our standard API rate limit is 25 requests per "
        "day. Please subscribe to any of the premium plans at … to instantly remove all daily rate limits."
    }


def quote(symbol: str, price: str = "121.7400", volume: str = "2528814", *, key: str = QUOTE_KEY) -> dict[str, Any]:
    return {
        key: {
            "01. symbol": symbol,
            "02. open": "122.6700",
            "03. high": "122.8000",
            "04. low": "121.0600",
            "05. price": price,
            "06. volume": volume,
            "07. latest trading day": "2020-05-08",
            "08. previous close": "121.2300",
            "09. change": "0.5100",
            "10. change percent": "0.4207%",
        }
    }


def rate(
    pair: str,
    price: str = "1.08210000",
    *,
    bid: str | None = "1.08200000",
    ask: str | None = "1.08220000",
    time: str = "2026-07-22 14:03:05",
    zone: str = "UTC",
    key: str = RATE_KEY,
) -> dict[str, Any]:
    base, quoted = pair.split("/")
    fields = {
        "1. From_Currency Code": base,
        "2. From_Currency Name": base,
        "3. To_Currency Code": quoted,
        "4. To_Currency Name": quoted,
        "5. Exchange Rate": price,
        "6. Last Refreshed": time,
        "7. Time Zone": zone,
        "8. Bid Price": bid,
        "9. Ask Price": ask,
    }
    return {key: {name: value for name, value in fields.items() if value is not None}}


def bulk(*rows: tuple[str, str, str], message: str = "") -> dict[str, Any]:
    return {
        "endpoint": "Realtime Bulk Quotes",
        "message": message,
        "data": [
            {"symbol": symbol, "timestamp": "2024-10-18 19:59:55.291", "close": close, "volume": volume}
            for symbol, close, volume in rows
        ],
    }


def subject(request: web.Request) -> str:
    """The symbol or pair that a request asks for, as a source names it."""
    query = request.query
    return query["symbol"] if "symbol" in query else f"{query['from_currency']}/{query['to_currency']}"


def good(request: web.Request) -> Reply:
    """Data for whatever is asked for one by one."""
    asked = subject(request)
    return say(rate(asked) if "/" in asked else quote(asked))


def say(body: Any) -> Reply:
    return Reply(json.dumps(body))
