"""What the processes of the fan-out agree on: instruments, their order of change, and who selects what."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SOURCE: Final = "synthetic"
INSTRUMENTS: Final = 1_000
SELECTED: Final = 100
SEED: Final = 20_260_101
BURST_S: Final = 0.001
"""Time between two bursts of the feed: at 10 000/s each brings ten updates."""

SYMBOLS: Final = tuple(f"C{number:03}USDT" for number in range(INSTRUMENTS))


@dataclass(frozen=True, slots=True)
class Load:
    """One row of the table."""

    clients: int
    rate: int
    """Updates a second, all instruments together."""
    selecting: bool
    """Whether every other client selects symbols of its own; if not, all take everything."""
    sample_every: int
    """One response of so many is decoded whole; of the others the quotes are only counted."""

    @property
    def name(self) -> str:
        """As the table says it."""
        mix = "all and 100 symbols" if self.selecting else "all"
        return f"{self.clients} x {self.rate}/s: {mix}"

    def updates(self, seconds: float) -> int:
        """Of the whole measurement."""
        return round(self.rate * seconds)


def order(updates: int) -> list[int]:
    """Which instrument changes at each update."""
    return random.Random(SEED).choices(range(INSTRUMENTS), k=updates)


def selections(load: Load) -> list[list[str]]:
    """The symbols that each client selects; none stands for everything."""
    source = random.Random(SEED)
    return [
        sorted(source.sample(SYMBOLS, SELECTED)) if load.selecting and number % 2 else []
        for number in range(load.clients)
    ]


def picks(clients: int, count: int) -> list[list[str]]:
    """So many symbols of its own for each client."""
    source = random.Random(SEED)
    return [sorted(source.sample(SYMBOLS, count)) for _ in range(clients)]


def expected(chosen: Sequence[Sequence[str]], updates: int) -> list[int]:
    """How many quotes each client is owed."""
    changes = dict.fromkeys(SYMBOLS, 0)
    for number in order(updates):
        changes[SYMBOLS[number]] += 1
    return [sum(changes[symbol] for symbol in symbols) if symbols else updates for symbols in chosen]
