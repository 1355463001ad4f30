"""Worker: a node whose publisher is fed by itself instead of venues. Run by `fan_out`."""

import asyncio
import contextlib
import resource
import time

import uvloop

from benchmarks.fan_out_plan import BURST_S, SOURCE, SYMBOLS, order
from benchmarks.workers import Message, serve_async, settle_garbage_collector
from tickmux_adapters.model import ChannelStatus, Instrument, QuoteUpdate, SourceState, SystemClock
from tickmux_server.config import Config
from tickmux_server.node import Node
from tickmux_server.publisher import Publisher

STATUS_INTERVAL_S = 1.0
PRICES = tuple((30_000 + step / 100, 30_000 + step / 100 + 0.01) for step in range(997))


class Feed:
    """Instruments that change at a set rate, in bursts."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._keys = [(SOURCE, symbol) for symbol in SYMBOLS]
        self._since_ns = time.time_ns()
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
        sent = bursts = 0
        while sent < updates:
            bursts += 1
            await asyncio.sleep(started_s + bursts * BURST_S - loop.time())
            due = min(updates, round((loop.time() - started_s) * rate))
            for number in range(sent, due):
                self._publish(changing[number], number)
            sent = due
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


async def main() -> None:
    """Serve until stdin closes."""
    # Quotes go out here as they came in; what it costs to consolidate them is a part of its own.
    node = Node(Config(listen="127.0.0.1:0", consolidated=False), SystemClock(), flags={})
    feed = Feed(node.publisher)
    tasks = [asyncio.create_task(node.streams.watch()), asyncio.create_task(feed.keep_live())]
    await node.start()
    settle_garbage_collector()

    async def answer(request: Message) -> Message:
        match request["do"]:
            case "run":
                started_ns = time.time_ns()
                seconds = await feed.run(rate=request["rate"], updates=request["updates"])
                return {"started_ns": started_ns, "seconds": seconds}
            case "usage":
                usage = resource.getrusage(resource.RUSAGE_SELF)
                return {"cpu_s": usage.ru_utime + usage.ru_stime, "streams": len(node.streams)}
            case _:
                return {"address": node.address}

    try:
        await serve_async(answer)
    finally:
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
        await node.stop()


if __name__ == "__main__":
    uvloop.run(main())
