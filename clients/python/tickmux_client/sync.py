"""The client for programs without an event loop: the same names as `tickmux_client`, without `async` and `await`."""

from tickmux_client._sync_client import Client, connect

__all__ = ["Client", "connect"]
