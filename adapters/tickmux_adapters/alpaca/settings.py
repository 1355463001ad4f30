"""What a `[sources.NAME]` section with `adapter = "alpaca"` or `adapter = "alpaca-crypto"` may hold."""

from typing import Final, Literal

import msgspec

from tickmux_adapters.alpaca.market import CryptoFeed, StockFeed
from tickmux_adapters.supervision import Seconds, WebSocketSettings

DOCUMENTED_HOSTS: Final = frozenset({"stream.data.alpaca.markets", "data.alpaca.markets"})
"""Those of the sandbox are not among them: what it sends is no market."""
DEFAULT_STOCKS: Final = ("AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "TSLA", "JPM", "IBM", "BRK.B")
DEFAULT_PAIRS: Final = (
    "BTCUSD",
    "ETHUSD",
    "SOLUSD",
    "XRPUSD",
    "DOGEUSD",
    "LTCUSD",
    "DOTUSD",
    "LINKUSD",
    "AVAXUSD",
    "BCHUSD",
)
TEST_SYMBOLS: Final = ("FAKEPACA",)
"""All that the test feed carries."""


class AlpacaSettings(WebSocketSettings, kw_only=True, forbid_unknown_fields=True):
    """Settings that both kinds of source share."""

    websocket_url: str = "wss://stream.data.alpaca.markets"
    """Base of the stream's URL; the path follows from the feed."""
    rest_url: str = "https://data.alpaca.markets"
    trading_url: str = "https://paper-api.alpaca.markets"
    """Holds the assets list. Keys of a live account are taken at https://api.alpaca.markets instead."""
    encoding: Literal["msgpack", "json"] = "msgpack"
    """Of the stream; msgpack is the smaller and faster, JSON has prices as the digits that were written."""
    key_variable: str = "APCA_API_KEY_ID"
    """Environment variable that holds the key's id, or with `_FILE` behind it the file that does."""
    secret_variable: str = "APCA_API_SECRET_KEY"  # noqa: S105 - the name of a variable
    stale_after_s: Seconds = 10.0
    reconnect_after_s: Seconds = 15.0
    ping_interval_s: Seconds = 5.0
    """Time between pings of ours. The feeds may be silent for hours, so that pongs alone tell a quiet market."""
    contended_retry_s: Seconds = 15.0
    """Shortest pause before connecting again while another connection uses the key: the venue allows one."""


class StockSettings(AlpacaSettings, kw_only=True, forbid_unknown_fields=True):
    """Settings of a source of stocks."""

    feed: StockFeed = "iex"
    """`iex` (one exchange, free), `sip` (all of them), `delayed_sip` (15 minutes late), `test` (made up)."""
    exchanges: dict[str, str] = msgspec.field(default_factory=dict)
    """Listing exchange by symbol, such as `NASDAQ`; what is not here is looked up in the assets list."""


class CryptoSettings(AlpacaSettings, kw_only=True, forbid_unknown_fields=True):
    """Settings of a source of crypto."""

    feed: CryptoFeed = "us"
    """`us` (Alpaca), `us-1` (Kraken in the United States), `eu-1` (Kraken in Europe)."""
