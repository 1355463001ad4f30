"""The processes of a run beside the venues: the recorded server and the crowds of clients."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec
from tests.e2e.processes import START_S, ChildProcess
from tests.robustness.crowd import Crowd, Standing
from tests.robustness.plan import Plan

RETRY_CAP_S = 0.5
CONNECT_S_MAX = 1.5


class RecordedServer(ChildProcess):
    """The server of a run, life after life on the same port."""

    def __init__(
        self, plan: Plan, folder: Path, *, listen: str, venue_ports: Mapping[str, int], record: Path, mutant: str | None
    ) -> None:
        """Write its configuration.

        Args:
            plan: how it is set up.
            folder: where its configuration goes.
            listen: where it listens.
            venue_ports: where it finds each venue, by source.
            record: where it writes down what its log takes.
            mutant: what is to be wrong with it, if anything.
        """
        super().__init__()
        self.target = listen
        config = folder / "tickmux.toml"
        config.write_text(_configuration(plan, venue_ports))
        self._command = [
            *("-m", "tests.robustness.recorded_server", "--config", str(config), "--listen", listen),
            *("--record", str(record)),
            *("--write-deadline-s", str(plan.write_deadline_s), "--chunk-bytes", str(plan.chunk_bytes)),
            *(("--mutant", mutant) if mutant else ()),
        ]

    async def start(self) -> None:
        """Start a life of it; returns once it answers calls."""
        await self.spawn(*self._command)
        await self.line()


def _configuration(plan: Plan, venue_ports: Mapping[str, int]) -> str:
    server = (
        f"history_age_s = {plan.history_age_s}\nhistory_bytes_max = {plan.history_bytes_max}\n"
        f"stream_age_s = {plan.stream_age_s}\ndrain_s = {plan.drain_s}\n"
    )
    sections = [server]
    for source, port in venue_ports.items():
        path = "/v2" if source == "kraken" else ""
        sections.append(
            f'[sources.{source}]\nadapter = "{source}"\n'
            f'websocket_url = "ws://127.0.0.1:{port}{path}"\nrest_url = "http://127.0.0.1:{port}"\n'
            f"retry_cap_s = {RETRY_CAP_S}\nstale_after_s = {plan.stale_after_s}\n"
            f"reconnect_after_s = {2 * plan.stale_after_s}\n"
            f"connect_timeout_s = {CONNECT_S_MAX}\nanswer_timeout_s = {CONNECT_S_MAX}\n"
        )
    return "\n".join(sections)


class CrowdProcess(ChildProcess):
    """A process of clients; what they say of themselves is kept."""

    def __init__(self, crowd: Crowd, folder: Path) -> None:
        super().__init__()
        self.crowd = crowd
        self.standings: dict[str, Standing] = {}
        self.caught_up_ns: dict[str, int] = {}
        """When each client last heard something while it was caught up."""
        self._plan = folder / f"{crowd.name}.json"
        self._plan.write_bytes(msgspec.json.encode(crowd))
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start it; returns once it runs."""
        await self.spawn("-m", "tests.robustness.crowd", str(self._plan))
        self._note(await self.line())
        self._listener = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """End it, and wait until it has written down all that it saw."""
        await super().stop()
        if self._listener is not None:
            async with asyncio.timeout(START_S):
                await self._listener

    async def _listen(self) -> None:
        assert self.running.stdout is not None
        async for line in self.running.stdout:
            self._note(line)

    def _note(self, line: str | bytes) -> None:
        for standing in msgspec.json.decode(line, type=list[Standing]):
            self.standings[standing.client] = standing
            if standing.caught_up:
                self.caught_up_ns[standing.client] = standing.heard_ns
