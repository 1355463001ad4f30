"""Instruments that change at a set rate, in place of venues."""

import asyncio
import time
from typing import Final

from benchmarks.fan_out_plan import BURST_S, SOURCE, SYMBOLS, order
from tickmux_adapters.model import ChannelStatus, Instrument, QuoteUpdate, SourceState
from tickmux_server.publisher import Publisher

STATUS_INTERVAL_S: Final = 1.0
BURST_UPDATES_MAX: Final = 50
"""A feed that is late catches up in steps of this many, as messages of a venue would, not in one block of its own."""
PRICES: Final = tuple((30_000 + step / 100, 30_000 + step / 100 + 0.01) for step in range(997))


class Feed:
    """The one source of the server that is measured."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._keys = [(SOURCE, symbol) for symbol in SYMBOLS]
        self._since_ns = time.time_ns()
        self.published = 0
        """Updates of the latest run so far."""
        for symbol in SYMBOLS:
            publisher.instrument(Instrument(source=SOURCE, symbol=symbol, type="crypto", exchange="Synthetic"))
        publisher.begin_chain(SOURCE, "0")

    async def keep_live(self) -> None:
        """Say that the source is well, as often as a real one does."""
        while True:
            self._publisher.status(
                ChannelStatus(source=SOURCE, channel="0", state=SourceState.LIVE, since_ns=self._since_ns)
            )
            await asyncio.sleep(STATUS_INTERVAL_S)

    async def run(self, *, rate: int, updates: int) -> float:
        """Publish updates; returns how many seconds that took. A late burst brings what is due by then."""
        loop = asyncio.get_running_loop()
        changing = order(updates)
        started_s = loop.time()
        self.published = bursts = 0
        while self.published < updates:
            bursts += 1
            await asyncio.sleep(started_s + bursts * BURST_S - loop.time())
            due = min(updates, round((loop.time() - started_s) * rate))
            while self.published < due:
                for number in range(self.published, min(due, self.published + BURST_UPDATES_MAX)):
                    self._publish(changing[number], number)
                    self.published += 1
                if self.published < due:
                    await asyncio.sleep(0)
        return loop.time() - started_s

    def _publish(self, chosen: int, number: int) -> None:
        bid, ask = PRICES[number % len(PRICES)]
        self._publisher.quote(
            QuoteUpdate(
                instrument=self._keys[chosen],
                received_at_ns=time.time_ns(),
                received_monotonic_ns=time.monotonic_ns(),
                bid_price=bid,
                bid_size=1.5,
                ask_price=ask,
                ask_size=2.5,
            )
        )
