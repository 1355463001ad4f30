"""What Alpha Vantage answers, as it is on the wire.

Every value is text, and the names of the fields are numbered. A decoder made with `float_hook=str` hands numbers over
as text too, should one come as a number, which those of other functions do.
"""

import datetime as dt
from typing import Any, Final

import msgspec

from tickmux_adapters.errors import MalformedMessage

QUOTE_KEY: Final = "Global Quote"
RATE_KEY: Final = "Realtime Currency Exchange Rate"
BULK_KEY: Final = "data"
BULK_MESSAGE_KEY: Final = "message"
NOTICE_KEYS: Final = ("Error Message", "Information", "Note")
"""Under one of them the venue says why there is no data."""
DELAYED_MARK: Final = "DELAYED"
"""Stands in the key of data that is published with a delay."""

Number = Any
"""A decimal as text; `-` or nothing where there is none."""

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
DATE_CHARS: Final = len("2020-05-03")


class GlobalQuote(msgspec.Struct):
    """A stock's day so far, of GLOBAL_QUOTE. The latest trading day is a date: no time of anything.

    `{"Global Quote":{"01. symbol":"IBM","02. open":"122.6700","03. high":"122.8000","04. low":"121.0600",`
    `"05. price":"121.7400","06. volume":"2528814","07. latest trading day":"2020-05-08",`
    `"08. previous close":"121.2300","09. change":"0.5100","10. change percent":"0.4207%"}}`

    Delayed data: `{"Global Quote - DATA DELAYED BY 15 MINUTES":{"01. symbol":"TSLA", …}}`.
    A symbol that the venue does not know: `{"Global Quote":{}}`.
    """

    price: Number = msgspec.field(name="05. price")
    symbol: str = msgspec.field(name="01. symbol", default="")
    volume: Number = msgspec.field(name="06. volume", default=None)


class ExchangeRate(msgspec.Struct):
    """One unit of a currency in terms of another, of CURRENCY_EXCHANGE_RATE. Answers of 2017 have no bid and no ask.

    `{"Realtime Currency Exchange Rate":{"1. From_Currency Code":"BTC","2. From_Currency Name":"Bitcoin",`
    `"3. To_Currency Code":"CNY","4. To_Currency Name":"Chinese Yuan","5. Exchange Rate":"62423.68125000",`
    `"6. Last Refreshed":"2020-05-03 20:32:20","7. Time Zone":"UTC","8. Bid Price":"62423.68125000",`
    `"9. Ask Price":"62423.75188500"}}`

    Without a bid and an ask: `… "8. Bid Price":"-","9. Ask Price":"-"}}`.
    """

    rate: Number = msgspec.field(name="5. Exchange Rate")
    from_code: str = msgspec.field(name="1. From_Currency Code", default="")
    to_code: str = msgspec.field(name="3. To_Currency Code", default="")
    refreshed: str = msgspec.field(name="6. Last Refreshed", default="")
    zone: str = msgspec.field(name="7. Time Zone", default="")
    bid: Number = msgspec.field(name="8. Bid Price", default=None)
    ask: Number = msgspec.field(name="9. Ask Price", default=None)


class BulkRow(msgspec.Struct):
    """A stock of REALTIME_BULK_QUOTES. Its timestamp has no zone, so that it names no instant.

    `{"endpoint":"Realtime Bulk Quotes","message":"","data":[{"symbol":"MSFT","timestamp":"2024-10-18 19:59:55.291",`
    `"open":"417.61","high":"419.649","low":"416.2601","close":"418.16","volume":"17145307","previous_close":"416.72",`
    `"change":"1.44","change_percent":"0.3456","extended_hours_quote":"418.1","extended_hours_change":"-0.06",`
    `"extended_hours_change_percent":"-0.01435"}]}`

    With the message "This is a premium endpoint. ***THE SAMPLE DATA SCHEMA BELOW IS ARTIFICIAL …" the rows are made up.
    """

    symbol: str
    close: Number
    volume: Number = None


def number_text(name: str, number: Number) -> str:
    """A number as it was written; empty where the venue has none.

    Raises:
        MalformedMessage: it is neither text nor a number.
    """
    if number is None or number == "-":
        return ""
    if isinstance(number, str):
        return number
    if isinstance(number, int) and not isinstance(number, bool):
        return str(number)
    raise MalformedMessage(f"{name!r} is no number")


def time_ns(text: str, zone: str) -> int | None:
    """A venue's time as Unix nanoseconds; None if it names no instant: without a time of day, or not in UTC.

    Raises:
        MalformedMessage: it is no time.
    """
    if zone != "UTC" or len(text) <= DATE_CHARS:
        return None
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        raise MalformedMessage("'6. Last Refreshed' is no time") from None
    since = (time if time.tzinfo else time.replace(tzinfo=dt.UTC)) - EPOCH
    if since.days <= 0:
        return None
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
