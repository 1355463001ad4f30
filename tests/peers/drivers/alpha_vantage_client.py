"""alpha_vantage against a simulator: prints what it received, one JSON object a line.

Arguments: base URL, a premium key, a free key.
"""

import json
import sys
from collections.abc import Callable
from typing import Any

from alpha_vantage.alphavantage import AlphaVantage
from alpha_vantage.cryptocurrencies import CryptoCurrencies
from alpha_vantage.foreignexchange import ForeignExchange
from alpha_vantage.timeseries import TimeSeries


def emit(kind: str, values: object) -> None:
    """Print one result."""
    sys.stdout.write(json.dumps({"kind": kind, "values": values}) + "\n")


def attempt(kind: str, call: Callable[[], Any]) -> None:
    """Print what the client makes of an answer, or the error that it raises."""
    try:
        emit(kind, call())
    except ValueError as error:
        emit("error", str(error))


def ask(base_url: str, premium: str, free: str) -> None:
    """Ask for everything that both the client and the simulator have."""
    AlphaVantage._ALPHA_VANTAGE_API_URL = f"{base_url}/query?"
    series = TimeSeries(key=premium)
    emit("quote", series.get_quote_endpoint("IBM"))
    emit("bars", series.get_intraday("IBM", interval="5min"))
    emit("rate", ForeignExchange(key=premium).get_currency_exchange_rate("EUR", "USD"))
    emit("fx bars", ForeignExchange(key=premium).get_currency_exchange_intraday("EUR", "USD", interval="5min"))
    crypto = CryptoCurrencies(key=premium)
    emit("coin rate", crypto.get_digital_currency_exchange_rate("BTC", "EUR"))
    emit("coin bars", crypto.get_crypto_intraday("ETH", "USD", "5min"))
    reader, _ = TimeSeries(key=premium, output_format="csv").get_intraday("IBM", interval="5min")
    emit("table", list(reader))
    for key, symbol in (("bad", "IBM"), ("demo", "AAPL"), (free, "IBM"), (free, "IBM")):
        attempt("free quote", lambda key=key, symbol=symbol: TimeSeries(key=key).get_quote_endpoint(symbol))


if __name__ == "__main__":
    ask(sys.argv[1], sys.argv[2], sys.argv[3])
