"""A short run within one process: a node that is fed by hand, and raw clients, for tests that break the node."""

import asyncio
import contextlib
import random
import time
from pathlib import Path
from typing import Any, Final

from tests.robustness import records
from tests.robustness.history import History, assemble
from tests.robustness.kinds import Kind
from tests.robustness.plan import Plan
from tests.robustness.recorded_server import RecordedLog, set_limits
from tests.robustness.records import Asked, Writer
from tests.robustness.replacement import replace
from tests.robustness.subscriber import Subscriber
from tests.server.feed import NodeFeed

from tickmux_adapters.model import ChannelStatus, SourceState, SystemClock
from tickmux_server import node as node_module
from tickmux_server.config import Config

SYMBOLS: Final = tuple(f"S{number:02}" for number in range(12))
LASTS_S: Final = 1.2
PLAN: Final = Plan(
    seed=0,
    steps=(),
    history_age_s=5.0,
    history_bytes_max=8 << 20,
    stream_age_s=600.0,
    drain_s=1.0,
    write_deadline_s=5.0,
    stale_after_s=5.0,
    chunk_bytes=600,
    rate=0.0,
)
KINDS: Final = (
    Kind(name="fast"),
    Kind(name="reconnecting", life_s=(0.02, 0.2), away_s=(0.0, 0.05)),
    Kind(name="latest", asked=Asked(delivery="LATEST"), is_prompt=False, read_pause_s=(0.01, 0.1)),
    Kind(name="anew", life_s=(0.02, 0.1), no_tokens=1.0),
)


async def play(folder: Path) -> History:
    """Feed a node while clients of every kind read from it; everything that happened."""
    published, told = folder / "published.jsonl", folder / "clients.jsonl"
    with Writer(published) as log_writer, Writer(told) as client_writer, contextlib.ExitStack() as undo:
        undo.callback(set_limits(write_deadline_s=PLAN.write_deadline_s, chunk_bytes=PLAN.chunk_bytes))
        undo.callback(replace(node_module, "MemoryLog", lambda: RecordedLog(log_writer)))
        config: Any = {"binance": None, "kraken": None}  # only the names are asked for
        node = node_module.Node(
            Config(
                listen="127.0.0.1:0",
                sources=config,
                history_age_s=PLAN.history_age_s,
                history_bytes_max=PLAN.history_bytes_max,
            ),
            SystemClock(),
            flags={},
        )
        await node.start()
        watching = asyncio.create_task(node.streams.watch())
        feeding = asyncio.create_task(_feed(node))
        clients = [
            asyncio.create_task(Subscriber(kind, node.address, client_writer, random.Random(kind.name)).run())
            for kind in KINDS
        ]
        try:
            await asyncio.sleep(LASTS_S)
        finally:
            for task in (*clients, feeding, watching):
                task.cancel()
            await asyncio.wait([*clients, feeding, watching])
            await node.stop()
        for task in (*clients, feeding, watching):
            if not task.cancelled():
                task.result()
    lines = [line for file in (published, told) for line in records.read(file)]
    return assemble(PLAN, lines, {kind.name: kind for kind in KINDS})


async def _feed(node: node_module.Node) -> None:
    """Two sources, one of which is down with quotes of an earlier epoch as its last."""
    feed = NodeFeed(node)
    feed.bids("kraken", dict.fromkeys(SYMBOLS, 1.0))
    node.publisher.begin_chain("kraken", "0")
    node.publisher.status(
        ChannelStatus(source="kraken", channel="0", state=SourceState.DOWN, since_ns=time.time_ns(), messages=1)
    )
    price = 0.0
    rng = random.Random(1)
    while True:
        price += 1.0
        # Several of one instrument in one batch, so that a response holds more than one of it.
        for _ in range(3):
            feed.bids("binance", dict.fromkeys(rng.sample(SYMBOLS, 4), price))
        await asyncio.sleep(0.004)
