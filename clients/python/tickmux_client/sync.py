"""The client for programs without an event loop: the same names as `tickmux_client`, without `async` and `await`."""

from tickmux_client._sync_client import Client, connect
from tickmux_client._sync_subscription import Subscription

__all__ = ["Client", "Subscription", "connect"]
