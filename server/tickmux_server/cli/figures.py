"""Figures as a person reads them: exact prices, humanised volumes, ages with their unit."""

from decimal import Decimal
from typing import Final

UNKNOWN: Final = "-"

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86400
TENTHS_BELOW_S: Final = 9.95
"""From here on it would be rounded to `10.0 s`, which is wider than what comes before and after it."""

VOLUME_STEPS: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def decimal_text(value: float) -> str:
    """The shortest decimal that is this double: `63297.7`, `0.00001234`, `63250`; never an exponent, never noise."""
    text = format(Decimal(repr(value)), "f")
    return text.removesuffix(".0")


def decimal_places(value: float) -> int:
    """Count of digits after the point in `decimal_text`."""
    return len(decimal_text(value).partition(".")[2])


def price_text(price: float | None, places: int) -> str:
    """A price with at least so many decimal places, so that a column of one instrument does not jump about."""
    if price is None:
        return UNKNOWN
    text = decimal_text(price)
    missing = places - decimal_places(price)
    if missing <= 0:
        return text
    return text + ("" if "." in text else ".") + "0" * missing


def volume_text(volume: float | None) -> str:
    """About three significant digits: `1.02k`, `471.7k`, `12.3M`."""
    if volume is None:
        return UNKNOWN
    for step, unit in VOLUME_STEPS:
        if abs(volume) >= step:
            scaled = volume / step
            return f"{scaled:.2f}{unit}" if abs(scaled) < 100 else f"{scaled:.1f}{unit}"
    return f"{volume:.2f}"


def duration_text(duration_s: float | None) -> str:
    """A length of time: `0.3 s`, `42 s`, `5 min`, `3.2 h`, `2.0 d`."""
    if duration_s is None:
        return UNKNOWN
    if abs(duration_s) < TENTHS_BELOW_S:
        return f"{duration_s:.1f} s"
    if abs(duration_s) < 2 * MINUTE_S:
        return f"{duration_s:.0f} s"
    if abs(duration_s) < 2 * HOUR_S:
        return f"{duration_s / MINUTE_S:.0f} min"
    if abs(duration_s) < 2 * DAY_S:
        return f"{duration_s / HOUR_S:.1f} h"
    return f"{duration_s / DAY_S:.1f} d"


def lag_text(lag_s: float | None) -> str:
    """A delay that is milliseconds when all is well: `12 ms`, `-3 ms`, `2.5 s`."""
    if lag_s is None:
        return UNKNOWN
    return f"{lag_s * 1000:.0f} ms" if abs(lag_s) < 1 else duration_text(lag_s)


def rate_text(per_second: float) -> str:
    """Events a second: `0.4`, `12`, `1.2k`."""
    if per_second >= 1000:
        return f"{per_second / 1000:.1f}k"
    return f"{per_second:.1f}" if per_second < 10 else f"{per_second:.0f}"
