"""A run as validators read it: what was published, what each call was told, and what went wrong meanwhile."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from tests.robustness import records
from tests.robustness.crowd import CROWD, FREEZABLE, Crowd
from tests.robustness.kinds import Kind
from tests.robustness.plan import CLIENTS, Plan
from tests.robustness.published import InstrumentKey, Life, Published
from tests.robustness.records import (
    Answered,
    Asked,
    CallBegun,
    CallEnded,
    FaultFired,
    Health,
    LibraryEvent,
    LibraryQuote,
    Line,
    Memory,
    Paused,
    Received,
    ServerEnded,
    SnapshotTaken,
    StoodStill,
)

PUBLISHED_FILE: Final = "published.jsonl"
RUN_FILE: Final = "run.jsonl"
LOG_FILE: Final = "server.log"
"""Files of a run beside those of its clients."""

Reached = dict[InstrumentKey, int]
"""Of each instrument, the place of the latest quote that a client was told, among all published ones of its life."""


@dataclass(slots=True)
class Step:
    """A response, and what it changed."""

    received: Received
    phase: "Phase"
    is_state: bool
    """Whether its quotes are the state that opens a phase."""
    moves: list[tuple[InstrumentKey, int | None, int | None]]
    """Of each quote: where its instrument stood, and where it stands now; None where that is unknown."""
    reached: Reached
    """Where every instrument stands after it."""


@dataclass(slots=True)
class Phase:
    """Responses from one `continuity` to the next."""

    continuity: str
    began_with: Reached
    """Where every instrument stood at the point that it goes on from; nothing for a state."""
    is_known: bool
    """Whether that point is known of every instrument."""
    since_ns: int | None = None
    """If that point is not known to the update: it is not before this moment, and what follows may repeat."""
    caught_up: bool = False
    steps: list[Step] = field(default_factory=list)

    @property
    def has_state(self) -> bool:
        """Whether it opens with the full state."""
        return self.continuity != "RESUMED"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a token stands: what it says was delivered when it was first given."""

    name: str
    """Of the call, or what else gave it."""
    life: Life | None
    asked: Asked
    reached: Reached
    is_known: bool
    """False if even then it was not known of every instrument where it stood."""
    is_snapshots: bool = False
    """Whether a snapshot gave it, whose token holds under any delivery."""
    since_ns: int | None = None
    """If it is not known to the update where it stands: it is not before this moment. The token of a snapshot stands
    for its first page, and the later ones may be ahead of that."""

    def fits(self, asked: Asked) -> bool:
        """Whether it was given for what is asked for."""
        return (self.asked.symbols, self.asked.sources) == (asked.symbols, asked.sources) and (
            self.is_snapshots or self.asked.delivery == asked.delivery
        )


@dataclass(slots=True)
class Call:
    """One Subscribe call of a client."""

    begun: CallBegun
    received: list[Received] = field(default_factory=list)
    ended: CallEnded | None = None
    pauses: list[Paused] = field(default_factory=list)
    life: Life | None = None
    origin: Origin | None = None
    """Where its token is from; None if it has none."""
    phases: list[Phase] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Client and number."""
        return f"{self.begun.client}/{self.begun.call}"

    @property
    def steps(self) -> Iterator[Step]:
        """Every response, in order."""
        for phase in self.phases:
            yield from phase.steps

    @property
    def until_ns(self) -> int:
        """When it was last heard of."""
        if self.ended is not None:
            return self.ended.at_ns
        return self.received[-1].at_ns if self.received else self.begun.at_ns


@dataclass(slots=True)
class History:
    """Everything that a run wrote down, put together."""

    plan: Plan
    published: Published
    calls: dict[tuple[str, int], Call]
    kinds: dict[str, Kind]
    faults: list[FaultFired]
    stills: list[StoodStill]
    answers: list[Answered]
    library: list[LibraryEvent | LibraryQuote]
    health: list[Health]
    ended: list[ServerEnded]
    memory: list[Memory]
    snapshots: list[SnapshotTaken]
    server_log: list[str]

    def is_faulted(self, since_ns: int, until_ns: int, *prefixes: str, target: str = "") -> bool:
        """Whether a fault whose name begins so, on a target if one is given, was at work in a span of time."""
        return any(
            fault.fault.startswith(prefixes)
            and (not target or fault.target == target)
            and fault.at_ns <= until_ns
            and fault.until_ns >= since_ns
            for fault in self.faults
        )

    def is_hindered(self, client: str, since_ns: int, until_ns: int, *, server: Sequence[str] = ("server",)) -> bool:
        """Whether anything stood between a client and what it reads in some of a span of time.

        Args:
            client: its name.
            since_ns: begin of the span.
            until_ns: end of the span.
            server: prefixes of the faults of the server that count.
        """
        kind = self.kinds[client]
        faults = [*server]
        if kind.is_frozen:
            faults.append("client-freeze")
        if not kind.is_direct:
            faults += ["client-cut", "client-blackhole", "client-delay"]
            if self.is_faulted(since_ns, until_ns, "garbage-bytes", target=CLIENTS):
                return True
        process = FREEZABLE if kind.is_frozen else CROWD
        return self.is_faulted(since_ns, until_ns, *faults) or any(
            still.process == process and still.at_ns <= until_ns and still.until_ns >= since_ns for still in self.stills
        )

    def is_server_away(self, since_ns: int, until_ns: int) -> bool:
        """Whether no life of the server had begun, or one had been told to end, in some of a span of time."""
        if self.published.life_at(since_ns) is None:
            return True
        for ended in self.ended:
            next_ns = min(
                (life.began_ns for life in self.published.lives if life.began_ns > ended.told_ns), default=None
            )
            if ended.told_ns <= until_ns and (next_ns is None or next_ns >= since_ns):
                return True
        return False

    def is_prompt(self, call: Call) -> bool:
        """Whether a call is one of a client that reads whatever comes as soon as it comes."""
        return self.kinds[call.begun.client].is_prompt


def assemble(plan: Plan, lines: list[Line], kinds: dict[str, Kind], server_log: Sequence[str] = ()) -> History:
    """Put the records of a run together and follow every call through them."""
    calls: dict[tuple[str, int], Call] = {}
    for line in lines:
        if isinstance(line, CallBegun):
            calls[(line.client, line.call)] = Call(line)
        elif isinstance(line, Received):
            calls[(line.client, line.call)].received.append(line)
        elif isinstance(line, CallEnded):
            calls[(line.client, line.call)].ended = line
        elif isinstance(line, Paused):
            calls[(line.client, line.call)].pauses.append(line)
    published = Published(lines)
    origins = {
        (line.client, line.token): _snapshot(line, published) for line in lines if isinstance(line, SnapshotTaken)
    }
    for call in calls.values():
        _follow(call, origins, published)

    return History(
        plan=plan,
        published=published,
        calls=calls,
        kinds=kinds,
        faults=[line for line in lines if isinstance(line, FaultFired)],
        stills=[line for line in lines if isinstance(line, StoodStill)],
        answers=[line for line in lines if isinstance(line, Answered)],
        library=[line for line in lines if isinstance(line, LibraryEvent | LibraryQuote)],
        health=[line for line in lines if isinstance(line, Health)],
        ended=[line for line in lines if isinstance(line, ServerEnded)],
        memory=[line for line in lines if isinstance(line, Memory)],
        snapshots=[line for line in lines if isinstance(line, SnapshotTaken)],
        server_log=list(server_log),
    )


def load(plan: Plan, folder: Path) -> History:
    """Read what a run left in its folder.

    Raises:
        TornRecord: a file is broken.
    """
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in records.read(file)]
    crowds = [msgspec.json.decode(file.read_bytes(), type=Crowd) for file in sorted(folder.glob("*.json"))]
    kinds = {kind.name: kind for crowd in crowds for kind in crowd.kinds}
    return assemble(plan, lines, kinds, (folder / LOG_FILE).read_text().splitlines())


def _follow(call: Call, origins: dict[tuple[str, str], Origin], published: Published) -> None:
    """Find the life that a call was served by, where it goes on from, and where each of its responses leaves it.

    A token that stands on several responses stands for the first of them: what is sent of a walk that passes updates
    over does not count as reached before the walk is over.
    """
    client = call.begun.client
    call.life = _life(call, published)
    call.origin = origins.get((client, call.begun.token))
    reached: Reached = {}
    phase: Phase | None = None
    for received in call.received:
        if phase is None or received.continuity != "UNSPECIFIED":
            phase = _opened(call, received.continuity)
            reached = phase.began_with
            call.phases.append(phase)
        reached = dict(reached)
        moves: list[tuple[InstrumentKey, int | None, int | None]] = []
        for quote in received.quotes:
            key = (quote.source, quote.symbol)
            found = published.find(quote.source, quote.symbol, quote.epoch, quote.revision)
            now = found[1] if found is not None and found[0] is call.life else None
            moves.append((key, reached.get(key), now))
            if now is not None:
                reached[key] = now
        is_state = phase.has_state and not phase.caught_up
        phase.steps.append(Step(received, phase, is_state, moves, reached))
        phase.caught_up = phase.caught_up or received.caught_up
        if received.token:
            since_ns = None if phase.caught_up else phase.since_ns
            given = Origin(call.name, call.life, call.begun.asked, reached, phase.is_known, since_ns=since_ns)
            origins.setdefault((client, received.token), given)


def _opened(call: Call, continuity: str) -> Phase:
    """A phase of a call that opens now."""
    if continuity != "RESUMED":
        return Phase(continuity, {}, is_known=True)
    origin = call.origin
    # Another life's places mean nothing in this one.
    if origin is None or origin.life is not call.life:
        return Phase(continuity, {}, is_known=False)
    return Phase(continuity, origin.reached, origin.is_known, origin.since_ns)


def _snapshot(taken: SnapshotTaken, published: Published) -> Origin:
    reached: Reached = {}
    life: Life | None = None
    for quote in taken.quotes:
        if found := published.find(quote.source, quote.symbol, quote.epoch, quote.revision):
            life, reached[(quote.source, quote.symbol)] = found
    return Origin("a snapshot", life, taken.asked, reached, is_known=True, is_snapshots=True, since_ns=taken.at_ns)


def _life(call: Call, published: Published) -> Life | None:
    for received in call.received:
        for quote in received.quotes:
            found = published.find(quote.source, quote.symbol, quote.epoch, quote.revision)
            if found is not None:
                return found[0]
    # Without any quote only time tells.
    return published.life_at(call.received[0].at_ns) if call.received else None
