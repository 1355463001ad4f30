"""What a `[sources.NAME]` section with `adapter = "binance"` may hold."""

from typing import Final

from tickmux_adapters.supervision import Seconds, WebSocketSettings

DOCUMENTED_HOSTS: Final = frozenset(
    {
        "stream.binance.com",
        "data-stream.binance.vision",
        "api.binance.com",
        "api-gcp.binance.com",
        "api1.binance.com",
        "api2.binance.com",
        "api3.binance.com",
        "api4.binance.com",
        "data-api.binance.vision",
    }
)
DEFAULT_SYMBOLS: Final = (
    "BTCUSDT",
    "ETHUSDT",
    "SOLUSDT",
    "XRPUSDT",
    "DOTUSDT",
    "DOGEUSDT",
    "ADAUSDT",
    "AVAXUSDT",
    "LINKUSDT",
    "LTCUSDT",
)


class BinanceSettings(WebSocketSettings, kw_only=True, forbid_unknown_fields=True):
    """Settings of a Binance source; no keys are needed."""

    websocket_url: str = "wss://stream.binance.com:9443"
    rest_url: str = "https://api.binance.com"
    rotate_after_s: Seconds | None = 23 * 3600.0
    """The venue cuts a connection after 24 hours."""
    states_poll_s: Seconds = 60.0
    """Time between two looks at which instruments are halted; the streams do not tell."""
