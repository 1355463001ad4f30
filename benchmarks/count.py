"""What one client has received, and whether that is all that it is owed."""

import asyncio

from benchmarks.responses import head, quotes_in
from tickmux.v1 import market_data_service_pb2 as contract


class Count:
    """Counts the quotes of one client over all its calls."""

    def __init__(self) -> None:
        self._owed: int | None = None
        self.paid = asyncio.Event()
        """Set when all quotes that are owed have come or were reported as conflated."""
        self.quotes = 0
        self.conflated = 0

    def take(self, response: bytes) -> contract.SubscribeResponse:
        """Count a response; returns it without its quotes."""
        first = head(response)
        self.conflated += first.conflated
        self.quotes += quotes_in(response)
        self._look()
        return first

    def expect(self, owed: int) -> None:
        """Say how many quotes are owed in all."""
        self._owed = owed
        self._look()

    def _look(self) -> None:
        if self._owed is not None and self.quotes + self.conflated >= self._owed:
            self.paid.set()
