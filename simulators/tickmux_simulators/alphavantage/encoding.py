"""Times and tables as Alpha Vantage writes them."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Sequence
from typing import Final

CSV_TYPE: Final = "application/x-download"
STANDARD: Final = dt.timedelta(hours=-5)
SUMMER: Final = dt.timedelta(hours=-4)


def utc(time_s: float) -> str:
    """`2020-05-03 20:32:20`, in UTC."""
    return dt.datetime.fromtimestamp(int(time_s), dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def eastern(time_s: float) -> dt.datetime:
    """The wall clock of New York, without an offset, by the rule in force since 2007.

    Summer time is from the second Sunday of March to the first of November, at 2 o'clock by the clock that ends.
    """
    moment = dt.datetime.fromtimestamp(time_s, dt.UTC).replace(tzinfo=None)
    begins = _sunday(moment.year, 3, 2) + dt.timedelta(hours=2) - STANDARD
    ends = _sunday(moment.year, 11, 1) + dt.timedelta(hours=2) - SUMMER
    return moment + (SUMMER if begins <= moment < ends else STANDARD)


def _sunday(year: int, month: int, number: int) -> dt.datetime:
    first = dt.datetime(year, month, 1)
    return first + dt.timedelta(days=(6 - first.weekday()) % 7 + 7 * (number - 1))


def day_begin_s(time_s: float) -> int:
    """When the New York day of an instant began, Unix seconds; as if no clock was changed on that day."""
    clock = eastern(time_s)
    return int(time_s) - clock.hour * 3_600 - clock.minute * 60 - clock.second


def trading_day(time_s: float) -> str:
    """`2020-05-08`: the day in New York, or the Friday before it."""
    day = eastern(time_s).date()
    return (day - dt.timedelta(days=max(0, day.weekday() - 4))).isoformat()


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CSV with the line ends of RFC 4180."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
