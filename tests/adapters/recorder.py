"""A sink that keeps what an adapter delivers, and lets a test wait for it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from tickmux_adapters.model import (
    Adapter,
    ChannelStatus,
    Instrument,
    QuoteUpdate,
    SourceState,
)

WAIT_S = 10.0


@dataclass
class Chain:
    """One chain of quotes on a channel, as it was begun."""

    source: str
    channel: str


@dataclass
class Recorder:
    """Everything in order: instruments, chains, quotes and statuses."""

    events: list[Instrument | Chain | QuoteUpdate | ChannelStatus] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def instrument(self, instrument: Instrument) -> None:
        self._add(instrument)

    def begin_chain(self, source: str, channel: str) -> None:
        self._add(Chain(source, channel))

    def quote(self, update: QuoteUpdate) -> None:
        self._add(update)

    def status(self, status: ChannelStatus) -> None:
        self._add(status)

    def _add(self, event: Instrument | Chain | QuoteUpdate | ChannelStatus) -> None:
        self.events.append(event)
        self._changed.set()

    @property
    def quotes(self) -> list[QuoteUpdate]:
        return [event for event in self.events if isinstance(event, QuoteUpdate)]

    @property
    def chains(self) -> list[Chain]:
        return [event for event in self.events if isinstance(event, Chain)]

    @property
    def statuses(self) -> list[ChannelStatus]:
        return [event for event in self.events if isinstance(event, ChannelStatus)]

    @property
    def instruments(self) -> list[Instrument]:
        return [event for event in self.events if isinstance(event, Instrument)]

    @property
    def states(self) -> list[SourceState]:
        """The states in order, without repeats."""
        states: list[SourceState] = []
        for status in self.statuses:
            if not states or states[-1] is not status.state:
                states.append(status.state)
        return states

    @property
    def state(self) -> SourceState | None:
        """The latest state announced, if any."""
        return self.statuses[-1].state if self.statuses else None

    @property
    def last_error(self) -> str:
        return self.statuses[-1].last_error if self.statuses else ""

    def of(self, symbol: str) -> list[QuoteUpdate]:
        return [quote for quote in self.quotes if quote.instrument[1] == symbol]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds, looked at after every event."""
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_live(self, times: int = 1) -> None:
        """Wait until slots have become LIVE so many times in all."""
        await self.until(lambda: self._times_live() >= times)

    def _times_live(self) -> int:
        times = 0
        before: dict[str, SourceState] = {}
        for status in self.statuses:
            times += status.state is SourceState.LIVE and before.get(status.channel) is not SourceState.LIVE
            before[status.channel] = status.state
        return times


class DefectiveSink(Recorder):
    """Fails as only a defect of ours would: with an error that reading a bad frame could raise, too."""

    def quote(self, update: QuoteUpdate) -> None:
        raise ValueError(f"no place for {update.instrument}")


class Running:
    """An adapter at work, ended with its context."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter

    async def __aenter__(self) -> Adapter:
        self.task = asyncio.create_task(self.adapter.run())
        return self.adapter

    async def __aexit__(self, *exc_info: object) -> None:
        assert not self.task.done(), "the adapter ended by itself"
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def eventually(condition: Callable[[], object]) -> None:
    """Wait until something holds of which no event tells, such as a server's own bookkeeping."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.01)
