"""The endpoints of the stream: what each carries, and to whom."""

import re
from dataclasses import dataclass
from typing import Final

STOCKS: Final = "stocks"
TEST: Final = "test"
CRYPTO: Final = "crypto"

ALL: Final = "*"
FOLLOWERS: Final = ("corrections", "cancelErrors")
"""Channels that nobody subscribes to: they come with the trades."""
COUNTED: Final = frozenset({"trades", "quotes", "orderbooks"})
"""Channels whose symbols count against the plan."""

_BARS: Final = ("bars", "updatedBars", "dailyBars")
_STOCK_CHANNELS: Final = ("trades", "quotes", *_BARS, "statuses", "lulds", *FOLLOWERS, "imbalances")
_TEST_CHANNELS: Final = ("trades", "quotes", "bars")
_CRYPTO_CHANNELS: Final = ("trades", "quotes", "orderbooks", *_BARS)
CHANNELS: Final = frozenset({*_STOCK_CHANNELS, *_CRYPTO_CHANNELS})
"""Every channel of any feed."""
UNLISTED_WHILE_EMPTY: Final = frozenset({"imbalances"})
"""Channels that the list of subscriptions names only when something is subscribed, as it is younger than the list."""

_STOCK_SYMBOL: Final = re.compile(r"[A-Z][A-Z0-9]{0,9}([./-][A-Z0-9]{1,4})?")
_CRYPTO_SYMBOL: Final = re.compile(r"[A-Z0-9]{2,10}/[A-Z]{3,5}")


@dataclass(frozen=True, slots=True)
class Feed:
    """One endpoint."""

    path: str
    kind: str
    channels: tuple[str, ...]
    """In the order of the list of subscriptions."""
    flavour: str
    """Feeds of one flavour send the same messages."""
    exchange: str = ""
    """Exchange of everything it carries; empty where that varies, or where coins have none."""
    delay_s: int = 0
    """How much older its times are than the market."""
    is_plus_only: bool = False

    def takes(self, symbol: object) -> bool:
        """Whether something is a symbol, well formed, or the asterisk that means all."""
        pattern = _CRYPTO_SYMBOL if self.kind == CRYPTO else _STOCK_SYMBOL
        return isinstance(symbol, str) and (symbol == ALL or pattern.fullmatch(symbol) is not None)


def _stock_feed(name: str, *, exchange: str = "", delay_s: int = 0, is_plus_only: bool = False) -> Feed:
    return Feed(f"/v2/{name}", STOCKS, _STOCK_CHANNELS, name, exchange, delay_s, is_plus_only)


IEX: Final = _stock_feed("iex", exchange="V")
SIP: Final = _stock_feed("sip", is_plus_only=True)
DELAYED_SIP: Final = _stock_feed("delayed_sip", delay_s=900)
CRYPTO_LOCATIONS: Final = ("us", "us-1", "eu-1")

FEEDS: Final = {
    feed.path: feed
    for feed in (
        IEX,
        SIP,
        DELAYED_SIP,
        Feed("/v2/test", TEST, _TEST_CHANNELS, "test"),
        *(Feed(f"/v1beta3/crypto/{name}", CRYPTO, _CRYPTO_CHANNELS, CRYPTO) for name in CRYPTO_LOCATIONS),
    )
}
"""By path. Of the three places that coins trade at, all have one market here."""
