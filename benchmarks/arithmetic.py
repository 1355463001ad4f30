"""What the tables say of repeated measurements. Standard library only: workers of another environment import it."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """Repeats of one measurement, in whatever unit they were taken."""

    repeats: tuple[float, ...]

    @property
    def median(self) -> float:
        """What it usually costs on this machine as it is."""
        return statistics.median(self.repeats)

    @property
    def least(self) -> float:
        """What it costs when nothing disturbs."""
        return min(self.repeats)

    def times(self, other: "Cost") -> float:
        """How many times as much as another, as the median over pairs of repeats that were taken in turn.

        Raises:
            ValueError: The two were not repeated equally often.
        """
        return statistics.median(mine / theirs for mine, theirs in zip(self.repeats, other.repeats, strict=True))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least this share (0 to 1) of the values do not exceed; NaN when there are none.

    Args:
        ordered: Values in ascending order.
        share: 0.5 for the median, 0.99 for the 99th percentile.
    """
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def histogram(values: Sequence[float], width: float) -> list[int]:
    """How many values lie in each interval of a width, from 0 up to the largest; those below 0 count as 0."""
    places = [max(0, int(value / width)) for value in values]
    counts = [0] * (max(places, default=-1) + 1)
    for place in places:
        counts[place] += 1
    return counts


def most_within(ordered: Sequence[float], width: float) -> int:
    """The most values in any interval of a width, wherever it begins.

    Args:
        ordered: Values in ascending order.
        width: Of the interval, its end excluded.
    """
    most = first = 0
    for last, value in enumerate(ordered):
        while value - ordered[first] >= width:
            first += 1
        most = max(most, last - first + 1)
    return most
