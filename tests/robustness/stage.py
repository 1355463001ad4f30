"""Everything that takes part in a run: venues, proxies, the server and its clients, started and ended together."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

from tests.e2e.processes import VenueProcess, free_port
from tests.robustness.crowd import CROWD, FREEZABLE, Crowd
from tests.robustness.history import LOG_FILE, PUBLISHED_FILE, RUN_FILE
from tests.robustness.kinds import Kind, kinds, kinds_to_freeze
from tests.robustness.plan import SOURCES, Plan
from tests.robustness.processes import CrowdProcess, RecordedServer
from tests.robustness.proxy import Proxy
from tests.robustness.records import Health, Memory, ServerEnded, Writer

HEALTHY_S_MAX: Final = 20.0
"""Generous: sources and clients are back within a second or two."""
LIVE: Final = "LIVE"
STEADY: Final = ("bystander", "fast", "frozen", "frozen-latest")
"""Clients that never end a call by themselves: they stand well only while they are caught up."""

_POLL_S: Final = 0.1
_MEMORY_S: Final = 0.25
_PAGE_BYTES: Final = 4096


class Stage:
    """The processes and proxies of one run. Use it as an asynchronous context."""

    def __init__(self, plan: Plan, folder: Path, *, mutant: str | None = None) -> None:
        self.plan = plan
        self.folder = folder
        self.writer = Writer(folder / RUN_FILE)
        self.venues = {name: VenueProcess(name, free_port()) for name in SOURCES}
        self.venue_proxies = {name: Proxy(venue.port) for name, venue in self.venues.items()}
        self._listen = f"127.0.0.1:{free_port()}"
        self.client_proxy = Proxy(int(self._listen.rpartition(":")[2]))
        self._mutant = mutant
        self.server: RecordedServer
        self.crowd: CrowdProcess
        self.freezable: CrowdProcess
        self._open = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._set_up()
        except BaseException:
            await self._open.aclose()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()

    async def _set_up(self) -> None:
        self._open.callback(self.writer.close)
        for proxy in (self.client_proxy, *self.venue_proxies.values()):
            await self._open.enter_async_context(proxy.open())
        self.server = RecordedServer(
            self.plan,
            self.folder,
            listen=self._listen,
            venue_ports={name: proxy.port for name, proxy in self.venue_proxies.items()},
            record=self.folder / PUBLISHED_FILE,
            mutant=self._mutant,
        )
        self._open.callback(self._keep_log)
        self._open.push_async_callback(self.server.stop)
        self._open.push_async_callback(self.end_server, signal.SIGTERM)
        for venue in self.venues.values():
            self._open.push_async_callback(venue.stop)
        self.crowd, self.freezable = crowds = self._crowds()
        for crowd in crowds:
            self._open.push_async_callback(crowd.stop)
        venues = [self.start_venue(name) for name in self.venues]
        # All at once: each waits for the others by itself.
        await asyncio.gather(self.server.start(), *venues, *(crowd.start() for crowd in crowds))
        watching = asyncio.create_task(self._watch_memory())
        self._open.callback(watching.cancel)

    def _crowds(self) -> tuple[CrowdProcess, CrowdProcess]:
        """The processes of clients: the one that is left alone, and the one that is frozen now and then."""
        plan = self.plan
        rng = random.Random(f"clients {plan.seed}")
        chosen = kinds(rng, history_age_s=plan.history_age_s, write_deadline_s=plan.write_deadline_s)
        return self._crowd(CROWD, chosen, rng, is_main=True), self._crowd(FREEZABLE, kinds_to_freeze(), rng)

    def _crowd(self, name: str, members: Sequence[Kind], rng: random.Random, *, is_main: bool = False) -> CrowdProcess:
        crowd = Crowd(
            name=name,
            seed=rng.getrandbits(32),
            proxied=f"127.0.0.1:{self.client_proxy.port}",
            direct=self._listen,
            record=str(self.folder / f"{name}.jsonl"),
            kinds=tuple(members),
            with_intruder=is_main,
            with_library=is_main,
        )
        return CrowdProcess(crowd, self.folder)

    async def start_venue(self, name: str) -> None:
        """Start a life of a venue."""
        await self.venues[name].start("--rate", str(self.plan.rate), "--until-stdin-closes")

    async def end_server(self, number: signal.Signals) -> None:
        """End the server's present life, if there is one, and write down how it went."""
        if self.server.is_running:
            told_ns = time.monotonic_ns()
            self.server.send(signal.SIGCONT)
            self.server.send(number)
            code = await self.server.exit_code()
            self.writer.write(ServerEnded(time.monotonic_ns(), told_ns, number.name, code))

    async def healthy(self, when: str) -> Health:
        """Wait until every source is live and every client has caught up since now; what came of it."""
        began_ns = time.monotonic_ns()
        missing = self._missing(began_ns)
        while missing and time.monotonic_ns() - began_ns < HEALTHY_S_MAX * 1e9:
            await asyncio.sleep(_POLL_S)
            missing = self._missing(began_ns)
        now_ns = time.monotonic_ns()
        health = Health(now_ns, when, (now_ns - began_ns) / 1e9, tuple(missing))
        self.writer.write(health)
        return health

    def _missing(self, since_ns: int) -> list[str]:
        missing = []
        for process in (self.crowd, self.freezable):
            for kind in process.crowd.kinds:
                standing = process.standings.get(kind.name)
                if kind.stall_after_s is not None:
                    # It may be long before it reads again.
                    continue
                if process.caught_up_ns.get(kind.name, 0) < since_ns:
                    missing.append(f"{kind.name} has not caught up")
                elif standing is not None and kind.name in STEADY:
                    if not standing.caught_up:
                        missing.append(f"{kind.name} is not caught up")
                    told = kind.asked.sources or SOURCES
                    missing += [
                        f"{kind.name} is told that {source} is {standing.states.get(source, 'unknown')}"
                        for source in told
                        if standing.states.get(source) != LIVE
                    ]
        return missing

    async def _watch_memory(self) -> None:
        while True:
            if self.server.is_running:
                pid = self.server.running.pid
                if resident := _resident(pid):
                    self.writer.write(Memory(time.monotonic_ns(), pid, resident))
            await asyncio.sleep(_MEMORY_S)

    def _keep_log(self) -> None:
        (self.folder / LOG_FILE).write_text("\n".join(self.server.log))


def _resident(pid: int) -> int:
    """Bytes that a process holds in memory; 0 if it has gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return 0
