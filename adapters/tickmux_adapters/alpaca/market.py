"""The feeds of Alpaca: where each is, what it carries, and in which units."""

from dataclasses import dataclass, field
from typing import Final, Literal

StockFeed = Literal["iex", "sip", "delayed_sip", "test"]
CryptoFeed = Literal["us", "us-1", "eu-1"]

SHARES_IN_LOT: Final = 100
"""Sizes of stock quotes count round lots."""
DELAYED: Final = "delayed_sip"
TEST: Final = "test"


@dataclass(frozen=True, kw_only=True, slots=True)
class Market:
    """One feed."""

    type: str
    """`stock` or `crypto`."""
    stream_path: str
    channels: tuple[str, ...]
    """What is subscribed to, of each instrument."""
    lot: int
    """Units in one unit of a quote's size."""
    asset_class: str | None
    """Its part of the assets list; None where that lists nothing of it."""
    snapshots_path: str | None
    """Where a chain's first state is asked for; None where there is none."""
    snapshots_query: dict[str, str] = field(default_factory=dict)
    exchange: str = ""
    """Exchange of everything it carries; empty for stocks, each of which has its own."""
    is_delayed: bool = False


def stock_market(feed: StockFeed) -> Market:
    """A feed of stocks."""
    is_test = feed == TEST
    return Market(
        type="stock",
        stream_path=f"/v2/{feed}",
        # Corrections and cancels come with the trades by themselves. The test feed has no other channels.
        channels=("trades", "quotes") if is_test else ("trades", "quotes", "dailyBars", "statuses"),
        lot=SHARES_IN_LOT,
        asset_class=None if is_test else "us_equity",
        snapshots_path=None if is_test else "/v2/stocks/snapshots",
        snapshots_query={"feed": feed},
        is_delayed=feed == DELAYED,
    )


def crypto_market(feed: CryptoFeed) -> Market:
    """A feed of crypto. Its daily bars are not asked for: they are neither rolling nor a session's."""
    return Market(
        type="crypto",
        stream_path=f"/v1beta3/crypto/{feed}",
        channels=("trades", "quotes"),
        lot=1,
        asset_class="crypto",
        snapshots_path=f"/v1beta3/crypto/{feed}/snapshots",
        # The other two carry the books of Kraken, in the United States and in Europe.
        exchange="Alpaca" if feed == "us" else "Kraken",
    )
