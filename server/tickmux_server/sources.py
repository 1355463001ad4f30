"""The sources that this node runs: each adapter in a task of its own, and their health once a second."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from tickmux.v1 import quote_pb2
from tickmux_adapters.model import Adapter, Clock
from tickmux_adapters.registry import AdapterType, SourceSettings
from tickmux_server.publisher import Publisher

logger = logging.getLogger(__name__)

STATUS_INTERVAL_S: Final = 1.0
RESTART_AFTER_S: Final = 5.0
"""An adapter that ended by itself has a defect; it is started again, but not in a tight loop."""


def source_flags(kind: AdapterType, settings: SourceSettings) -> tuple[quote_pb2.QuoteFlag.ValueType, ...]:
    """The flags that every quote of a source carries."""
    flags: list[quote_pb2.QuoteFlag.ValueType] = []
    if kind.indicative:
        flags.append(quote_pb2.QUOTE_FLAG_INDICATIVE)
    simulated = settings.simulated if settings.simulated is not None else kind.is_simulated(settings)
    if simulated:
        flags.append(quote_pb2.QUOTE_FLAG_SIMULATED)
    return tuple(flags)


class Sources:
    """Runs the configured sources into a publisher."""

    def __init__(
        self,
        settings: Mapping[str, SourceSettings],
        adapters: Mapping[str, AdapterType],
        publisher: Publisher,
        clock: Clock,
    ) -> None:
        """Create the adapters.

        Raises:
            AdapterError: A source's settings cannot work.
        """
        self._publisher = publisher
        self._running: dict[str, Adapter] = {
            name: adapters[chosen.adapter].create(name, chosen, publisher, clock) for name, chosen in settings.items()
        }

    async def run(self) -> None:
        """Run every source, and log their health every second, until cancelled."""
        self._publish_statuses()
        async with asyncio.TaskGroup() as group:
            for name, adapter in self._running.items():
                group.create_task(self._keep_running(name, adapter), name=f"source {name}")
            while True:
                await asyncio.sleep(STATUS_INTERVAL_S)
                self._publish_statuses()

    def _publish_statuses(self) -> None:
        for adapter in self._running.values():
            for status in adapter.statuses():
                self._publisher.status(status)

    @staticmethod
    async def _keep_running(name: str, adapter: Adapter) -> None:
        while True:
            try:
                await adapter.run()
                logger.error("source %s ended by itself; it starts again in %.0f s", name, RESTART_AFTER_S)
            except Exception:
                logger.exception("source %s failed; it starts again in %.0f s", name, RESTART_AFTER_S)
            await asyncio.sleep(RESTART_AFTER_S)
