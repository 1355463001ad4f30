"""pycoingecko against a simulator: prints what it received, one JSON object a line.

Arguments: base URL, a demo key or a paid one, and which of the two it is (demo or pro).
"""

import json
import sys
from typing import Any

from pycoingecko import CoinGeckoAPI


def emit(kind: str, values: object) -> None:
    """Print one result."""
    sys.stdout.write(json.dumps({"kind": kind, "values": values}) + "\n")


def client(base_url: str, key: str, plan: str) -> Any:
    """The client, with nothing changed but the URL."""
    result = CoinGeckoAPI(api_key=key) if plan == "pro" else CoinGeckoAPI(demo_api_key=key)
    result.api_base_url = f"{base_url}/"
    return result


def ask(base_url: str, key: str, plan: str) -> None:
    """Ask for everything that the simulator has."""
    gecko = client(base_url, key, plan)
    emit("ping", gecko.ping())
    emit(
        "price",
        gecko.get_price(
            ids=["bitcoin", "ethereum", "pepe"],
            vs_currencies=["usd", "eur"],
            include_market_cap=True,
            include_24hr_vol=True,
            include_last_updated_at=True,
            precision="full",
        ),
    )
    emit("currencies", gecko.get_supported_vs_currencies())
    emit("list", gecko.get_coins_list())
    emit("markets", gecko.get_coins_markets(vs_currency="usd", per_page=5, page=1))
    emit("coin", gecko.get_coin_by_id("bitcoin", tickers=False))
    emit("coin tickers", gecko.get_coin_ticker_by_id("bitcoin"))
    emit("exchange", gecko.get_exchanges_by_id("binance"))
    emit("exchange tickers", gecko.get_exchanges_tickers_by_id("kraken"))
    emit("global", gecko.get_global())
    try:
        gecko.get_coin_by_id("no-such-coin")
    except ValueError as error:
        emit("error", error.args[0])
    other = client(base_url, "CG-nobodys", plan)
    try:
        other.ping()
    except ValueError as error:
        emit("error", error.args[0])


if __name__ == "__main__":
    ask(sys.argv[1], sys.argv[2], sys.argv[3])
