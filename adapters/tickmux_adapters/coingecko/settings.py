"""What a `[sources.NAME]` section with `adapter = "coingecko"` may hold, and what follows from it."""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from tickmux_adapters.errors import SettingsError
from tickmux_adapters.polling import PollingSettings, check_polling, is_host_of
from tickmux_adapters.secrets import check_variable, has_key

DOCUMENTED_HOSTS: Final = frozenset({"api.coingecko.com", "pro-api.coingecko.com"})
DEFAULT_COINS: Final[Mapping[str, str]] = {
    "BTC": "bitcoin",
    "ETH": "ethereum",
    "SOL": "solana",
    "XRP": "ripple",
    "ADA": "cardano",
    "DOGE": "dogecoin",
    "LTC": "litecoin",
    "DOT": "polkadot",
    "LINK": "chainlink",
    "AVAX": "avalanche-2",
}
DEFAULT_SYMBOLS: Final = tuple(f"{base}USD" for base in DEFAULT_COINS)

_COIN_ID: Final = re.compile(r"[^\s,]{1,100}")


class Plan(NamedTuple):
    """What the venue allows a kind of key, and how it wants to be asked."""

    rest_url: str
    key_header: str
    """Empty where no key is sent."""
    per_minute: int
    per_day: int | None
    renewal_s: float
    """How often the venue renews its answers."""


PLANS: Final[Mapping[str, Plan]] = {
    # Counted by address, which others may share: so few that it is always allowed.
    "keyless": Plan("https://api.coingecko.com/api/v3", "", 10, None, 60.0),
    # 10 000 credits a month; a request that is answered costs one.
    "demo": Plan("https://api.coingecko.com/api/v3", "x-cg-demo-api-key", 100, 333, 60.0),
    "pro": Plan("https://pro-api.coingecko.com/api/v3", "x-cg-pro-api-key", 500, None, 20.0),
}


class CoinGeckoSettings(PollingSettings, kw_only=True, forbid_unknown_fields=True):
    """Settings of a CoinGecko source."""

    rest_url: str = ""
    """Unset, the root of the plan."""
    plan: Literal["auto", "keyless", "demo", "pro"] = "auto"
    """The kind of key; `auto` is demo if there is a key and it would go to the venue itself, else keyless."""
    key_variable: str = "COINGECKO_API_KEY"
    """The environment variable that holds the key."""
    coins: dict[str, str] = msgspec.field(default_factory=dict)
    """Coin ids by ticker, for coins that share a ticker with others: `coins.UNI = "uniswap"`."""

    @property
    def allowed(self) -> Plan:
        """What the plan allows; it must be resolved."""
        return PLANS[self.plan]

    @property
    def ids(self) -> dict[str, str]:
        """The coin id of every ticker that needs no looking up."""
        return {**DEFAULT_COINS, **{ticker.upper(): coin_id for ticker, coin_id in self.coins.items()}}


def resolved(
    source: str, settings: CoinGeckoSettings, environment: Mapping[str, str] | None = None
) -> CoinGeckoSettings:
    """The settings with plan and root filled in.

    Args:
        source: name of the source.
        settings: as they are configured.
        environment: the process's own if not given.

    Raises:
        SettingsError: something cannot work.
    """
    check_variable(source, "key_variable", settings.key_variable)
    for ticker, coin_id in settings.coins.items():
        if not _COIN_ID.fullmatch(coin_id):
            raise SettingsError(
                source, f"coins.{ticker}", f'{coin_id!r} is no coin id: write one of the venue\'s, such as "bitcoin"'
            )
    plan = settings.plan
    if plan == "auto":
        # A key is for the venue alone: whatever else stands under rest_url gets one only if it is told to.
        is_given = not points_elsewhere(settings) and has_key(settings.key_variable, environment)
        plan = "demo" if is_given else "keyless"
    settings = msgspec.structs.replace(settings, plan=plan, rest_url=settings.rest_url or PLANS[plan].rest_url)
    check_polling(source, settings)
    return settings


def points_elsewhere(settings: CoinGeckoSettings) -> bool:
    """Whether the URL leads anywhere but to the venue's documented hosts."""
    return bool(settings.rest_url) and not is_host_of(settings.rest_url, DOCUMENTED_HOSTS)
