"""What a `[sources.NAME]` section with `adapter = "kraken"` may hold."""

from typing import Final

from tickmux_adapters.supervision import Seconds, WebSocketSettings

DOCUMENTED_HOSTS: Final = frozenset({"ws.kraken.com", "api.kraken.com"})
DEFAULT_SYMBOLS: Final = (
    "BTCUSD",
    "ETHUSD",
    "SOLUSD",
    "XRPUSD",
    "USDTUSD",
    "DOGEUSD",
    "ADAUSD",
    "AVAXUSD",
    "LINKUSD",
    "LTCUSD",
)


class KrakenSettings(WebSocketSettings, kw_only=True, forbid_unknown_fields=True):
    """Settings of a Kraken source; no keys are needed."""

    websocket_url: str = "wss://ws.kraken.com/v2"
    rest_url: str = "https://api.kraken.com"
    """Counts for whether the source is simulated; nothing is requested, as the socket brings everything."""
    reconnect_after_s: Seconds = 5.0
    """The venue advises to reconnect after 5 s without any message: it sends a heartbeat each second."""
    snapshot_timeout_s: Seconds = 5.0
    """Longest wait for an instrument's first quote after its subscription."""
    quiet_probe_s: Seconds = 30.0
    """After so long without a quote of any instrument one is subscribed anew: heartbeats alone do not prove that quotes
    still flow, and the snapshot that must follow does."""
