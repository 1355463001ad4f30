"""What is measured of our clients, and what comes of it."""

from dataclasses import dataclass, field
from typing import Final

from benchmarks.readers import Missing

WAYS: Final = ("stubs", "client")
"""With the generated code alone, and with our client."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured."""

    rounds: int = 3
    quotes_each: tuple[int, ...] = (1, 10, 100)
    """Quotes in a response of the replay."""
    seconds: float = 0.7
    warm_up_s: float = 0.3
    first_warm_up_s: float = 2.0
    """Of each program's first run, in which a virtual machine compiles what it runs often."""
    rate: int = 1_000
    latency_s: float = 1.5
    latency_warm_up_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Consumed:
    """One run against the replay."""

    us_per_quote: float
    """CPU of the consumer's process by the quotes that it read."""
    cores: float
    """CPU of the consumer's process by time: what it got of the core that it may use."""
    server_cores: float


@dataclass(frozen=True, slots=True)
class Latency:
    """One run against our server, in milliseconds."""

    p50_ms: float
    p99_ms: float
    quotes: int


@dataclass(frozen=True, slots=True)
class Results:
    """The repeats of everything, by what was measured."""

    consumed: dict[tuple[str, int, str], list[Consumed]] = field(default_factory=dict)
    """By client, quotes in a response, and way."""
    latencies: dict[tuple[str, str], list[Latency]] = field(default_factory=dict)
    """By client and way."""
    missing: list[Missing] = field(default_factory=list)
