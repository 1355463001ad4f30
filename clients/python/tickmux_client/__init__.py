"""The Python client of Tickmux.

    async with connect("127.0.0.1:50051") as client:
        async for quote in client.quotes(["BTCUSDT"]):
            print(quote.source, quote.bid_price, quote.ask_price, quote.is_stale)

Everything here is for asyncio; `tickmux_client.sync` has the same for programs without a loop.
"""

from tickmux_client._answers import Instruments, Snapshot
from tickmux_client._client import Client, connect
from tickmux_client._errors import (
    AccessDeniedError,
    InvalidRequestError,
    TickmuxClientError,
    UnavailableError,
    UnimplementedError,
)
from tickmux_client._events import (
    CaughtUp,
    Conflated,
    Disconnected,
    Event,
    GoingAway,
    Hole,
    Reconnected,
    Reset,
    SourceChanged,
    Unmatched,
)
from tickmux_client._frames import to_pandas, to_polars
from tickmux_client._model import (
    Delivery,
    Instrument,
    InstrumentState,
    Quote,
    QuoteFlag,
    SourceState,
    SourceStatus,
)
from tickmux_client._options import ConnectOptions, SelectionOptions, SubscribeOptions
from tickmux_client._subscription import Subscription
from tickmux_client.sync import connect as connect_sync

__all__ = [
    "AccessDeniedError",
    "CaughtUp",
    "Client",
    "Conflated",
    "ConnectOptions",
    "Delivery",
    "Disconnected",
    "Event",
    "GoingAway",
    "Hole",
    "Instrument",
    "InstrumentState",
    "Instruments",
    "InvalidRequestError",
    "Quote",
    "QuoteFlag",
    "Reconnected",
    "Reset",
    "SelectionOptions",
    "Snapshot",
    "SourceChanged",
    "SourceState",
    "SourceStatus",
    "SubscribeOptions",
    "Subscription",
    "TickmuxClientError",
    "UnavailableError",
    "UnimplementedError",
    "Unmatched",
    "connect",
    "connect_sync",
    "to_pandas",
    "to_polars",
]
