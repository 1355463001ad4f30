"""Numbers and times as CoinGecko writes them."""

import datetime as dt
from typing import Final

SECOND_NS: Final = 1_000_000_000
Number = int | float


def price(value: float, *, is_crypto: bool = False) -> Number:
    """A price as it is rounded without `precision`: `93638`, `3301.05`, `1.001`, `0.548783`, `4.47e-06`.

    The fewer digits before the point, the more after it; a price in another coin has more of them.
    """
    if is_crypto:
        return round(value, 6 if value >= 1 else 8) if value >= 1e-4 else float(f"{value:.4g}")
    if value >= 10_000:
        return round(value)
    if value >= 1.02:
        return round(value, 2)
    if value >= 0.98:
        return round(value, 3)
    if value >= 0.1:
        return round(value, 6)
    return round(value, 8) if value >= 1e-4 else float(f"{value:.4g}")


def precise(value: float, precision: str, *, is_crypto: bool = False) -> Number:
    """A price with the digits that were asked for: `full`, a count, or nothing for the usual."""
    if not precision:
        return price(value, is_crypto=is_crypto)
    if precision == "full":
        return value
    places = int(precision)
    return round(value, places) if places else round(value)


def iso_milliseconds(time_ns: int) -> str:
    """`2026-05-18T12:49:21.599Z`, as `last_updated` is."""
    text = dt.datetime.fromtimestamp(time_ns / SECOND_NS, dt.UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def iso_seconds(time_ns: int) -> str:
    """`2026-05-26T10:32:37+00:00`, as the times of tickers are."""
    return dt.datetime.fromtimestamp(time_ns // SECOND_NS, dt.UTC).isoformat(timespec="seconds")
