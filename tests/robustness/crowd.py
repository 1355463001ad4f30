"""A process of clients: runs those that its plan names until SIGTERM, or until whoever started it is gone."""

import asyncio
import contextlib
import random
import signal
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
from tests.robustness.intruder import Intruder
from tests.robustness.kinds import Kind
from tests.robustness.parent import end_with_parent
from tests.robustness.records import LibraryEvent, LibraryQuote, StoodStill, Writer
from tests.robustness.subscriber import Subscriber

import tickmux_client

CROWD: Final = "crowd"
FREEZABLE: Final = "freezable"
"""Names of the two processes: of clients that are left alone, and of those that are frozen now and then."""
REPORT_S: Final = 0.2
TICK_S: Final = 0.05
STILL_S: Final = 0.25
"""A tick that is later than this is written down: nobody else is to blame for what was not read meanwhile."""
EVENT_CHARS_MAX: Final = 300


class Crowd(msgspec.Struct, frozen=True):
    """What a process of clients is told to be."""

    name: str
    seed: int
    proxied: str
    """Address of the server behind the proxy."""
    direct: str
    """Its own address."""
    record: str
    kinds: tuple[Kind, ...]
    with_intruder: bool
    with_library: bool


class Standing(msgspec.Struct, frozen=True):
    """How a client of the process stands, on stdout every so often."""

    client: str
    caught_up: bool
    heard_ns: int
    states: dict[str, str]


async def run(crowd: Crowd) -> None:
    """Run the clients until SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    end_with_parent()
    rng = random.Random(crowd.seed)
    with Writer(Path(crowd.record)) as writer:
        subscribers = [
            Subscriber(kind, crowd.direct if kind.is_direct else crowd.proxied, writer, random.Random(rng.random()))
            for kind in crowd.kinds
        ]
        tasks = [asyncio.create_task(subscriber.run()) for subscriber in subscribers]
        tasks += [asyncio.create_task(_watch_for_standstills(crowd.name, writer))]
        tasks += [asyncio.create_task(_report(subscribers))]
        if crowd.with_intruder:
            tasks += [asyncio.create_task(Intruder(crowd.direct, writer, random.Random(rng.random())).run())]
        if crowd.with_library:
            tasks += [asyncio.create_task(_follow_with_the_library(crowd.proxied, writer))]
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in [stopping, *tasks]:
            task.cancel()
        await asyncio.wait([stopping, *tasks])
        for task in done - {stopping}:
            # None of them ends by itself: its error is a defect of the harness.
            task.result()


async def _report(subscribers: list[Subscriber]) -> None:
    encode = msgspec.json.Encoder().encode
    while True:
        standings = [
            Standing(subscriber.kind.name, subscriber.caught_up, subscriber.heard_ns, dict(subscriber.states))
            for subscriber in subscribers
        ]
        sys.stdout.buffer.write(encode(standings) + b"\n")
        sys.stdout.buffer.flush()
        await asyncio.sleep(REPORT_S)


async def _watch_for_standstills(process: str, writer: Writer) -> None:
    before_ns = time.monotonic_ns()
    while True:
        await asyncio.sleep(TICK_S)
        now_ns = time.monotonic_ns()
        if now_ns - before_ns > (TICK_S + STILL_S) * 1e9:
            writer.write(StoodStill(before_ns, now_ns, process))
        before_ns = now_ns


async def _follow_with_the_library(target: str, writer: Writer) -> None:
    async with tickmux_client.connect(target, backoff_cap_s=0.5, own_connection=True) as client:
        events = client.subscribe(heartbeat_interval_s=1.0)
        async with contextlib.aclosing(events):
            async for event in events:
                now_ns = time.monotonic_ns()
                if isinstance(event, tickmux_client.Quote):
                    told = (event.source, event.symbol, event.epoch, event.revision, event.gap_before)
                    writer.write(LibraryQuote(now_ns, "library", *told))
                else:
                    writer.write(LibraryEvent(now_ns, "library", type(event).__name__, repr(event)[:EVENT_CHARS_MAX]))


if __name__ == "__main__":
    asyncio.run(run(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Crowd)))
