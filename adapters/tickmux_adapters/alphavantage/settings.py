"""What a `[sources.NAME]` section with `adapter = "alphavantage"` may hold."""

from typing import Final, Literal

from tickmux_adapters.budget import Allowance
from tickmux_adapters.polling import PollingSettings, allowances, check_polling
from tickmux_adapters.secrets import check_variable

DOCUMENTED_HOSTS: Final = frozenset({"www.alphavantage.co"})
DEFAULT_SYMBOLS: Final = ("IBM", "AAPL", "MSFT", "EUR/USD", "BTC/USD")
REFRESH_S: Final = 60.0
"""Between two requests for the same thing, as the venue does not say how often it renews its answers."""
FREE_PER_SECOND: Final = 1
FREE_PER_DAY: Final = 25
SECOND_S: Final = 1.25
"""A second as we keep it: two requests may draw nearer to each other on their way."""


class AlphaVantageSettings(PollingSettings, kw_only=True, forbid_unknown_fields=True):
    """Settings of an Alpha Vantage source.

    `symbols` holds tickers as the venue has them (`IBM`, `BRK.B`, `TSCO.LON`) and pairs with a slash (`EUR/USD`).

    A key is taken for a free one, with 1 request a second and 25 a day, unless `requests_per_minute` is set to what is
    paid for (75, 150, 300, 600 or 1200): such keys have no limit for the day, so that none is kept either, unless
    `requests_per_day` is set as well.
    """

    rest_url: str = "https://www.alphavantage.co"
    key_variable: str = "ALPHAVANTAGE_API_KEY"
    """Environment variable that holds the key; with `_FILE` behind it, one that names a file which does."""
    entitlement: Literal["realtime", "delayed"] | None = None
    """US stocks as they are now, or as they were 15 minutes ago, for keys that pay for it; unset, the venue renews them
    at the end of each trading day."""
    bulk: bool = False
    """Ask for up to 100 US stocks in one request, which only keys with realtime data may."""

    @property
    def has_realtime_stocks(self) -> bool:
        """Whether stocks come as they are now. All others are late by contract, though the answers seldom say so."""
        return self.bulk or self.entitlement == "realtime"


def check_settings(source: str, settings: AlphaVantageSettings) -> None:
    """Refuse what cannot work.

    Raises:
        SettingsError: names the setting.
    """
    check_polling(source, settings)
    check_variable(source, "key_variable", settings.key_variable)


def allowed_requests(settings: AlphaVantageSettings) -> list[Allowance]:
    """What may be asked for: as it is set, and for a free key else what the venue allows one."""
    is_free = settings.requests_per_minute is None
    return allowances(
        settings,
        second=FREE_PER_SECOND if is_free else None,
        day=FREE_PER_DAY if is_free else None,
        second_s=SECOND_S,
    )
