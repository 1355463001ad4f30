"""Sources run apart from each other: one that fails is DOWN, is started anew, and disturbs nobody."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.server.feed import Feed

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import quote_pb2
from tickmux_adapters.model import ChannelStatus, Clock, Instrument, Sink, SourceState
from tickmux_adapters.registry import AdapterType, SourceSettings
from tickmux_server.log import StatusEntry
from tickmux_server.sources import Sources, source_flags

AWAIT_S = 10.0


class ScriptedAdapter:
    """Goes LIVE and then does what it is told: runs for ever, ends, or raises."""

    def __init__(self, source: str, sink: Sink, *, ends: bool, error: Exception | None) -> None:
        self.source = source
        self._sink = sink
        self._ends = ends
        self._error = error
        self._state = SourceState.CONNECTING

    async def run(self) -> None:
        self._sink.instrument(Instrument(source=self.source, symbol="BTCUSDT", type="crypto"))
        self._sink.begin_chain(self.source, "0")
        self._state = SourceState.LIVE
        self._sink.status(self.statuses()[0])
        if self._error is not None:
            raise self._error
        if not self._ends:
            await asyncio.Event().wait()

    def statuses(self) -> list[ChannelStatus]:
        return [ChannelStatus(source=self.source, channel="0", state=self._state, since_ns=1)]


def adapter_type(create: Callable[[str, SourceSettings, Sink, Clock], ScriptedAdapter]) -> AdapterType:
    return AdapterType(name="scripted", settings=SourceSettings, create=create, is_simulated=lambda _: False)


@pytest.mark.parametrize(
    "error",
    [None, RuntimeError("a defect"), ExceptionGroup("tasks", [ExceptionGroup("slot", [RuntimeError("a defect")])])],
)
async def test_a_source_that_fails_is_down_then_starts_anew_while_others_run(
    feed: Feed, error: Exception | None
) -> None:
    created: list[str] = []
    restarted = asyncio.Event()

    def create(source: str, settings: SourceSettings, sink: Sink, clock: Clock) -> ScriptedAdapter:
        created.append(source)
        if created.count("bad") > 1:
            restarted.set()
        first = created.count("bad") == 1
        return ScriptedAdapter(
            source, sink, ends=source == "bad" and first, error=error if source == "bad" and first else None
        )

    settings = {name: SourceSettings(adapter="scripted") for name in ("good", "bad")}
    sources = Sources(settings, {"scripted": adapter_type(create)}, feed.publisher, feed.clock, restart_after_s=0.01)
    running = asyncio.create_task(sources.run())
    try:
        await asyncio.wait_for(restarted.wait(), AWAIT_S)
        await asyncio.sleep(0)
        feed.publisher.flush()
        async with asyncio.timeout(AWAIT_S):
            while states(feed, "bad")[-1] != (SourceState.LIVE, ""):
                await asyncio.sleep(0.01)
                feed.publisher.flush()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    problem = "the adapter failed: RuntimeError" if error else "the adapter ended by itself"
    told = states(feed, "bad")
    assert (SourceState.DOWN, problem) in told
    assert told.index((SourceState.DOWN, problem)) > told.index((SourceState.LIVE, ""))
    assert {state for state, _ in states(feed, "good")} <= {SourceState.CONNECTING, SourceState.LIVE}
    assert created.count("good") == 1


def states(feed: Feed, source: str) -> list[tuple[SourceState, str]]:
    framed = [entry for entry in feed.entries if isinstance(entry, StatusEntry) and entry.source == source]
    errors = [contract.SubscribeResponse.FromString(entry.frame).source_statuses[0].last_error for entry in framed]
    return [(entry.state, error) for entry, error in zip(framed, errors, strict=True)]


def declared(**traits: Any) -> AdapterType:
    """An adapter that is never made."""
    traits.setdefault("is_simulated", lambda _: False)
    return AdapterType(name="scripted", settings=SourceSettings, create=lambda *_: None, **traits)  # type: ignore[arg-type] # as it says


@pytest.mark.parametrize("elsewhere", [True, False])
@pytest.mark.parametrize("setting", [None, True, False])
def test_simulated_is_what_is_set_and_else_what_the_urls_say(setting: Any, elsewhere: Any) -> None:
    kind = declared(is_simulated=lambda _: elsewhere)
    flags = source_flags(kind, SourceSettings(adapter="scripted", simulated=setting))
    expected = elsewhere if setting is None else setting
    assert (quote_pb2.QUOTE_FLAG_SIMULATED in flags) is expected
