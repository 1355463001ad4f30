"""One process, all parts: sources -> publisher -> log -> hub -> gRPC, and an orderly end."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Callable, Iterator

from tickmux_adapters.errors import SettingsError
from tickmux_adapters.model import SystemClock
from tickmux_adapters.registry import registered
from tickmux_server.config import Config, ConfigError
from tickmux_server.counting import counted
from tickmux_server.node import Node
from tickmux_server.sources import Sources, source_flags

logger = logging.getLogger(__name__)


async def serve(config: Config, *, on_ready: Callable[[str], None] = lambda _: None) -> None:
    """Serve until SIGTERM or SIGINT, then let streams end and return.

    Args:
        config: What to serve, and where.
        on_ready: Called with the address once calls are answered and health is SERVING.

    Raises:
        AddressUnavailable: The address is taken or not ours.
        ConfigError: A source's settings cannot work, or the files of the certificate or of the tokens.
    """
    clock = SystemClock()
    adapters = registered()
    flags = {name: source_flags(adapters[chosen.adapter], chosen) for name, chosen in config.sources.items()}
    polled = {name for name, chosen in config.sources.items() if adapters[chosen.adapter].polled}
    node = Node(config, clock, flags=flags, polled=polled)
    try:
        sources = Sources(config.sources, adapters, node.publisher, clock)
    except SettingsError as error:
        raise ConfigError(f"sources.{error.source}.{error.setting}", error.problem) from error
    stop = asyncio.Event()
    with _signals(stop.set):
        try:
            await node.start()
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(sources.run(), name="sources"),
                    group.create_task(node.streams.watch(), name="streams"),
                ]
                if node.consolidator:
                    tasks.append(group.create_task(node.consolidator.run(), name="consolidator"))
                if node.tokens is not None:
                    tasks.append(group.create_task(node.tokens.watch(), name="tokens"))
                _settle_garbage_collector()
                logger.info("listening on %s", node.address)
                on_ready(node.address)
                await stop.wait()
                logger.info("draining %s", counted(len(node.streams), "stream"))
                await node.drain()
                for task in tasks:
                    task.cancel()
        finally:
            await node.stop()
    logger.info("stopped")


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _settle_garbage_collector() -> None:
    # What exists now lives as long as the process: freezing it keeps full collections short. The thresholds say what
    # each of the younger ones looks at, in which time nothing else runs: some tenths of a millisecond for the first, a
    # few milliseconds for the second. They are rare, since quotes are freed by reference counting.
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 5, 100)
