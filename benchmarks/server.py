"""Worker: a node whose publisher is fed by itself instead of venues. Every part that streams is measured on it."""

import asyncio
import contextlib
import os
import resource
import sys
import time
from pathlib import Path

import msgspec
import uvloop

from benchmarks.feed import Feed
from benchmarks.loop_probe import LoopProbe
from benchmarks.workers import Message, raise_file_limit, serve_async, settle_garbage_collector
from tickmux_adapters.model import SystemClock
from tickmux_server.config import Config
from tickmux_server.node import Node

FEED_UPDATES_MAX = 2_000_000
"""Where a feed ends that nobody stops."""


class Answers:
    """What the parts ask for."""

    def __init__(self, node: Node, feed: Feed) -> None:
        self._node = node
        self._feed = feed
        self._feeding: asyncio.Task[float] | None = None
        self._probe: LoopProbe | None = None

    async def __call__(self, request: Message) -> Message:
        """Answer one request."""
        match request["do"]:
            case "address":
                return {"address": self._node.address}
            case "run":
                started_ns = time.time_ns()
                seconds = await self._feed.run(rate=request["rate"], updates=request["updates"])
                return {"started_ns": started_ns, "seconds": seconds}
            case "feed":
                self._feeding = asyncio.create_task(self._feed.run(rate=request["rate"], updates=FEED_UPDATES_MAX))
                return {}
            case "end-feed":
                await self.close()
                return {"published": self._feed.published}
            case "probe":
                self._probe = LoopProbe()
                return {}
            case "end-probe":
                assert self._probe is not None
                return dict(self._probe.stop())
            case "usage":
                return self._usage()
            case unknown:
                raise ValueError(f"no answer to {unknown!r}")

    async def close(self) -> None:
        """Stop the feed."""
        if self._feeding is not None:
            self._feeding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._feeding
            self._feeding = None

    def _usage(self) -> Message:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return {
            "cpu_s": usage.ru_utime + usage.ru_stime,
            "streams": len(self._node.streams),
            "resident_bytes": _resident_bytes(),
        }


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def main(settings: bytes) -> None:
    """Serve until stdin closes.

    Args:
        settings: Of Config, as JSON.
    """
    raise_file_limit()
    config = msgspec.structs.replace(
        msgspec.json.decode(settings, type=Config), listen="127.0.0.1:0", consolidated=False
    )
    node = Node(config, SystemClock(), flags={})
    feed = Feed(node.publisher)
    tasks = [asyncio.create_task(node.streams.watch()), asyncio.create_task(feed.keep_live())]
    await node.start()
    settle_garbage_collector()
    answers = Answers(node, feed)
    try:
        await serve_async(answers)
    finally:
        await answers.close()
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
        await node.stop()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1].encode() if sys.argv[1:] else b"{}"))
