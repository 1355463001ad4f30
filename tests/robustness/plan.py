"""What happens in a run: everything that varies follows from its seed."""

import enum
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

EXTRA_PROBABILITY: Final = 0.4
"""Of one more fault in a run."""

SOURCES: Final = ("binance", "kraken")
CLIENTS: Final = "clients"
"""Target of a fault that concerns the clients' connections where it could as well concern a source's."""


class Fault(enum.Enum):
    """What goes wrong, by name."""

    CLIENT_CUT = "client-cut"
    CLIENT_BLACKHOLE = "client-blackhole"
    CLIENT_DELAY = "client-delay"
    CLIENT_FREEZE = "client-freeze"
    SERVER_FREEZE = "server-freeze"
    SERVER_TERM = "server-term"
    SERVER_KILL = "server-kill"
    VENUE_FREEZE = "venue-freeze"
    VENUE_CUT = "venue-cut"
    VENUE_RESTART = "venue-restart"
    VENUE_BLACKHOLE = "venue-blackhole"
    VENUE_DELAY = "venue-delay"
    GARBAGE_BURST = "garbage-burst"
    GARBAGE_BYTES = "garbage-bytes"


LASTS_S: Final = {
    Fault.CLIENT_BLACKHOLE: (0.5, 3.5),
    Fault.CLIENT_DELAY: (0.5, 2.0),
    Fault.CLIENT_FREEZE: (0.5, 3.0),
    Fault.SERVER_FREEZE: (0.3, 2.5),
    Fault.SERVER_TERM: (0.0, 0.3),
    Fault.SERVER_KILL: (0.0, 0.3),
    Fault.VENUE_BLACKHOLE: (2.8, 3.6),
    Fault.VENUE_DELAY: (0.5, 2.0),
    Fault.VENUE_FREEZE: (2.8, 3.6),
    Fault.VENUE_RESTART: (0.0, 0.8),
    Fault.GARBAGE_BURST: (0.2, 1.0),
}
"""How long each lasts; those that are not here are over at once. A venue is silent for longer than the deadline after
which it must be told, so that telling is checked."""

LONG_FREEZE_S: Final = 6.0
"""A server that stood still for longer than 5 s takes what queued up meanwhile for old."""


@dataclass(frozen=True, slots=True)
class Step:
    """A fault of a run."""

    fault: Fault
    at_s: float
    """Since everything stood well."""
    lasts_s: float
    target: str
    """The source that it concerns, or empty."""
    share: float
    """Parameter of some: which delay, how many frames."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run: how the server is set up, and what goes wrong when."""

    seed: int
    steps: tuple[Step, ...]
    history_age_s: float
    history_bytes_max: int
    stream_age_s: float
    drain_s: float
    write_deadline_s: float
    stale_after_s: float
    chunk_bytes: int
    rate: float
    """Changes a second of each venue."""

    @classmethod
    def of(cls, seed: int, *, faults: int = 2, only: Sequence[Fault] = ()) -> "Plan":
        """The plan of a seed.

        As many consecutive seeds as there are faults, divided by `faults`, have each of them.

        Args:
            seed: decides everything.
            faults: how many faults a run has at least.
            only: choose among these.
        """
        rng = random.Random(f"plan {seed}")
        deck = list(only or Fault)
        faults = min(faults, len(deck))
        chosen = [deck[(seed + at * len(deck) // faults) % len(deck)] for at in range(faults)]
        if rng.random() < EXTRA_PROBABILITY:
            # Pairs that the order of the deck does not bring together.
            chosen.append(rng.choice(deck))
        history_age_s = rng.choice((0.6, 1.2, 2.5))
        return cls(
            seed=seed,
            steps=tuple(_step(fault, rng) for fault in chosen),
            history_age_s=history_age_s,
            history_bytes_max=rng.choice((2 << 20, 64 << 20)),
            stream_age_s=rng.choice((2.5, 4.0, 600.0)),
            drain_s=1.0,
            # Who stalls is ended before the history forgets, or falls behind it first.
            write_deadline_s=rng.choice((1.0, history_age_s + 1.0)),
            stale_after_s=1.2,
            chunk_bytes=rng.choice((3_000, 32_000, 256 * 1024)),
            rate=rng.choice((600.0, 1_200.0)),
        )

    def __str__(self) -> str:
        """The faults, in one line."""
        return ", ".join(f"{step.fault.value}{' ' + step.target if step.target else ''}" for step in self.steps)


def _step(fault: Fault, rng: random.Random) -> Step:
    low_s, high_s = LASTS_S.get(fault, (0.0, 0.0))
    lasts_s = rng.uniform(low_s, high_s)
    if fault is Fault.SERVER_FREEZE and rng.random() < 0.2:
        lasts_s = LONG_FREEZE_S
    target = rng.choice(SOURCES) if fault.value.startswith(("venue", "garbage")) else ""
    if fault is Fault.GARBAGE_BYTES and rng.random() < 0.5:
        target = CLIENTS
    return Step(fault, rng.uniform(0.2, 1.5), lasts_s, target, rng.random())
