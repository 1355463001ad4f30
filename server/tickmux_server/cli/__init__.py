"""The `tickmux` command."""

from tickmux_server.cli.entry import main

__all__ = ["main"]
