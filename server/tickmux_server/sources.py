"""The sources that this node runs: each adapter in a task of its own, and their health once a second."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

import msgspec

from tickmux.v1 import quote_pb2
from tickmux_adapters.model import Adapter, Clock, SourceState
from tickmux_adapters.registry import AdapterType, SourceSettings
from tickmux_server.publisher import Publisher

logger = logging.getLogger(__name__)

STATUS_INTERVAL_S: Final = 1.0
RESTART_AFTER_S: Final = 5.0
"""An adapter that ended by itself has a defect; it is started again, but not in a tight loop."""


def source_flags(kind: AdapterType, settings: SourceSettings) -> tuple[quote_pb2.QuoteFlag.ValueType, ...]:
    """The flags that every quote of a source carries."""
    simulated = settings.simulated if settings.simulated is not None else kind.is_simulated(settings)
    return (quote_pb2.QUOTE_FLAG_SIMULATED,) if simulated else ()


class Sources:
    """Runs the configured sources into a publisher."""

    def __init__(
        self,
        settings: Mapping[str, SourceSettings],
        adapters: Mapping[str, AdapterType],
        publisher: Publisher,
        clock: Clock,
        *,
        restart_after_s: float = RESTART_AFTER_S,
    ) -> None:
        """Create the adapters.

        Raises:
            AdapterError: A source's settings cannot work.
        """
        self._settings = settings
        self._adapters = adapters
        self._publisher = publisher
        self._clock = clock
        self._restart_after_s = restart_after_s
        self._running: dict[str, Adapter] = {name: self._create(name) for name in settings}
        self._failed: dict[str, tuple[int, str]] = {}
        """When and how a source failed that is not running now."""

    async def run(self) -> None:
        """Run every source, and log their health every second, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for name in self._running:
                self._publish_statuses(name)
                group.create_task(self._keep_running(name), name=f"source {name}")
            while True:
                await asyncio.sleep(STATUS_INTERVAL_S)
                for name in self._running:
                    self._publish_statuses(name)

    def _create(self, name: str) -> Adapter:
        chosen = self._settings[name]
        return self._adapters[chosen.adapter].create(name, chosen, self._publisher, self._clock)

    def _publish_statuses(self, name: str) -> None:
        try:
            statuses = self._running[name].statuses()
        except Exception:  # a hub that hears nothing of a source calls it UNKNOWN by itself
            logger.exception("source %s cannot tell its health", name)
            return
        for status in statuses:
            if name in self._failed:
                # An adapter that is gone cannot say so itself: what it last said of its slots no longer holds.
                since_ns, problem = self._failed[name]
                self._publisher.status(
                    msgspec.structs.replace(status, state=SourceState.DOWN, since_ns=since_ns, last_error=problem)
                )
            else:
                self._publisher.status(status)

    async def _keep_running(self, name: str) -> None:
        while True:
            try:
                await self._running[name].run()
                problem = "the adapter ended by itself"
                logger.error("source %s: %s; it starts again in %.0f s", name, problem, self._restart_after_s)
            except Exception as error:
                problem = f"the adapter failed: {type(_first(error)).__name__}"
                logger.exception("source %s: %s; it starts again in %.0f s", name, problem, self._restart_after_s)
            self._failed[name] = (self._clock.wall_ns(), problem)
            self._publish_statuses(name)
            await asyncio.sleep(self._restart_after_s)
            self._running[name] = self._create(name)
            del self._failed[name]


def _first(error: BaseException) -> BaseException:
    """The first error of a group of a task group's, which says more than the group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
