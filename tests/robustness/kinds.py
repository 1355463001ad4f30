"""The kinds of clients of a run: what each asks for and how it behaves. Pure; a seed decides what varies."""

import random

import msgspec
from tests.robustness.records import Asked

EVERYTHING = Asked()
NARROW = Asked(symbols=("BTCUSDT", "ETH*", "NOSUCHCOIN"))
ONE_SOURCE = Asked(sources=("kraken",))
CONSOLIDATED = Asked(sources=("consolidated", "binance"))


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A client that subscribes, again and again until the run ends. Ranges are drawn from, in seconds."""

    name: str
    asked: Asked = EVERYTHING
    other: Asked | None = None
    """What it asks for instead now and then, with the token of what it asked for before."""
    is_direct: bool = False
    """It connects past the proxy."""
    is_frozen: bool = False
    """It lives in the process that is stopped now and then."""
    is_prompt: bool = True
    """It reads whatever comes as soon as it comes."""
    has_small_window: bool = False
    """gRPC does not grow its window, so that a pause of its reading soon holds up the server's writing."""
    read_pause_s: tuple[float, float] = (0.0, 0.0)
    """Before each read."""
    stall_after_s: tuple[float, float] | None = None
    """Time into a call at which it stops reading for `stall_s`; None: never."""
    stall_s: tuple[float, float] = (0.0, 0.0)
    life_s: tuple[float, float] | None = None
    """Time into a call at which it cuts it; None: never."""
    away_s: tuple[float, float] = (0.05, 0.3)
    """From the end of a call to the next."""
    long_away_s: tuple[float, float] | None = None
    """Used instead every fourth time or so."""
    old_tokens: float = 0.0
    """Probability of resuming with an earlier token than the latest."""
    no_tokens: float = 0.0
    """Probability of beginning anew."""
    other_asked: float = 0.0
    """Probability of asking for the other."""
    snapshots: float = 0.0
    """Probability of taking the token of a GetSnapshot first."""


def kinds(rng: random.Random, *, history_age_s: float, write_deadline_s: float) -> list[Kind]:
    """The clients of a run that are never frozen.

    Args:
        rng: what varies is drawn from it.
        history_age_s: how long the server keeps updates; being away for longer loses some.
        write_deadline_s: how long the server lets a write take; stalling for longer ends the call.
    """
    beyond_history_s = (history_age_s + 0.3, history_age_s + 1.0)
    return [
        Kind(name="bystander", is_direct=True),
        Kind(name="fast"),
        Kind(name="slow", is_prompt=False, has_small_window=True, read_pause_s=(0.02, 0.06)),
        Kind(
            name="stalled",
            is_direct=True,
            is_prompt=False,
            has_small_window=True,
            stall_after_s=(0.3, 1.0),
            stall_s=(write_deadline_s + 2.0, write_deadline_s + 3.5),
        ),
        Kind(
            name="reconnecting",
            other=NARROW,
            life_s=(0.1, 1.2),
            away_s=(0.0, 0.4),
            long_away_s=beyond_history_s,
            old_tokens=0.2,
            no_tokens=0.25,
            other_asked=0.15,
            snapshots=0.1,
        ),
        Kind(
            name="narrow",
            asked=NARROW,
            other=ONE_SOURCE,
            life_s=(0.3, 2.0),
            old_tokens=0.1,
            other_asked=0.15,
            snapshots=0.2,
        ),
        Kind(name="one-source", asked=ONE_SOURCE, life_s=(1.0, 3.0)),
        Kind(name="consolidated", asked=CONSOLIDATED, life_s=(0.5, 3.0)),
        Kind(
            name="latest",
            asked=Asked(delivery="LATEST"),
            other=EVERYTHING,
            is_prompt=False,
            has_small_window=True,
            read_pause_s=(0.0, 0.15),
            life_s=(0.5, 2.5),
            long_away_s=beyond_history_s,
            other_asked=0.15,
        ),
        Kind(
            name="paced",
            asked=Asked(delivery=rng.choice(("ALL", "LATEST")), min_interval_s=rng.choice((0.1, 0.25, 0.4))),
            life_s=(1.0, 3.0),
        ),
        Kind(
            name="all-or-end",
            asked=Asked(delivery="ALL_OR_END"),
            is_prompt=False,
            has_small_window=True,
            stall_after_s=(0.3, 1.0),
            stall_s=(history_age_s, history_age_s + 0.8),
        ),
    ]


def kinds_to_freeze() -> list[Kind]:
    """The clients of the process that is stopped now and then."""
    return [
        Kind(name="frozen", is_frozen=True),
        Kind(name="frozen-latest", is_frozen=True, asked=Asked(delivery="LATEST", sources=("binance",))),
    ]
