"""The orders that stand in a simulated book: their sizes, how close they stand, and how far out they go."""

import random
from typing import Final

from tickmux_simulators.book import ChangeKind, Ladder, LevelChange
from tickmux_simulators.listings import ASSETS, Listing

LEVELS: Final = 1000
"""Nominal length of a side."""
LEVELS_SLACK: Final = 50
"""How far a side's length may be off before it is mended, so that this is done seldom."""
GAP_SHARE: Final = 1e-5  # usual distance of two levels, in parts of the price, where the price step allows it
GAPS_MAX: Final = 2
"""Neighbouring levels stand at most this many usual distances apart."""


def usual_gap(listing: Listing, price: float) -> int:
    """Usual distance of two neighbouring levels around a price, in the listing's units; a multiple of its step."""
    return max(int(price * GAP_SHARE) // listing.price_step, 1) * listing.price_step


class Orders:
    """Draws orders, and keeps the sides of a book whole while trades eat them and the fair value moves."""

    def __init__(self, source: random.Random) -> None:
        self._random = source

    def size(self, listing: Listing) -> int:
        """Size of an order: log-normal around some thousand dollars."""
        return _units(listing, self._random.lognormvariate(8.3, 1.3))

    def trade_size(self, listing: Listing) -> int:
        """Size that a taker wants: log-normal around some hundred dollars."""
        return _units(listing, self._random.lognormvariate(5.8, 1.6))

    def mend(self, ladder: Ladder, listing: Listing, fair: float) -> list[LevelChange]:
        """Fill what opened behind the best level, then bring the length back near its nominal.

        Only a new best level, or none, may have come since the last call: gaps elsewhere are not looked for.

        Args:
            ladder: the side, of one level at least.
            listing: what it is a side of.
            fair: the fair value, in the listing's units.
        """
        changes = self._bridge(ladder, listing)
        if len(ladder) > LEVELS + LEVELS_SLACK:
            changes += _cut(ladder)
        elif len(ladder) < LEVELS - LEVELS_SLACK:
            changes += self._extend(ladder, listing, fair)
        return changes

    def deep(self, ladder: Ladder, listing: Listing) -> tuple[int, int]:
        """An order behind the best one that comes, changes or goes, as (price, size); the nearer, the oftener."""
        index = min(1 + int(self._random.expovariate(0.08)), len(ladder) - 2)
        price, behind = ladder.price_at(index), ladder.price_at(index + 1)
        gap = usual_gap(listing, price)
        if self._random.random() < 0.7:
            # Crowded places thin out and thin ones fill up, which keeps the density what it is.
            if abs(behind - price) > gap:
                steps = abs(behind - price) // listing.price_step
                between = price + ladder.side.value * listing.price_step * self._random.randint(1, steps - 1)
                return between, self.size(listing)
            if abs(behind - ladder.price_at(index - 1)) <= GAPS_MAX * gap:
                return price, 0
        return price, self.size(listing)

    def _bridge(self, ladder: Ladder, listing: Listing) -> list[LevelChange]:
        """New levels from the best one to the next, or `LEVELS` of them, beyond which the side is cut anyway."""
        changes: list[LevelChange] = []
        if len(ladder) < 2:
            return changes
        price, end = ladder.price_at(0), ladder.price_at(1)
        gap = usual_gap(listing, price)
        while abs(end - price) > GAPS_MAX * gap and len(changes) < LEVELS + LEVELS_SLACK:
            price += self._stride(ladder, listing, gap)
            change = ladder.set(price, self.size(listing))
            if change is not None:
                changes.append(change)
        return changes

    def _extend(self, ladder: Ladder, listing: Listing, fair: float) -> list[LevelChange]:
        """New levels behind the last one."""
        price = ladder.price_at(len(ladder) - 1)
        gap = usual_gap(listing, price)
        # Never down to nothing, nor up without end: a cheap coin has few steps, and so a short ladder.
        lowest, highest = fair * 0.5, fair * 2.0
        changes: list[LevelChange] = []
        for _ in range(LEVELS - len(ladder)):
            price += self._stride(ladder, listing, gap)
            if not lowest < price < highest:
                break
            change = ladder.set(price, self.size(listing))
            if change is not None:
                changes.append(change)
        return changes

    def _stride(self, ladder: Ladder, listing: Listing, gap: int) -> int:
        return ladder.side.value * listing.price_step * self._random.randint(1, 2 * gap // listing.price_step)


def _cut(ladder: Ladder) -> list[LevelChange]:
    """Cancel what is farthest away."""
    return [
        LevelChange(ladder.side, price, 0, ChangeKind.REMOVED, place)
        for place, price in reversed(list(enumerate(ladder.cut(LEVELS), start=LEVELS)))
    ]


def _units(listing: Listing, usd: float) -> int:
    size = usd * listing.order_scale / ASSETS[listing.base].price_usd * 10**listing.size_decimals
    return max(int(size) // listing.size_step, 1) * listing.size_step
