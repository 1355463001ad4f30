"""What a key may ask of a venue: so many requests a second, a minute and a day, spread over all that is asked for."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tickmux_adapters.model import BudgetStatus, Clock
from tickmux_adapters.pacing import SlidingWindow
from tickmux_adapters.windows import window_text

NS_PER_S: Final = 1_000_000_000
EVEN_SLACK: Final = 1.1
LONG_WINDOW_S: Final = 3600.0
"""Allowances of windows as long as this are spread evenly, and survive a restart."""
SHOWN_WINDOW_S: Final = 10.0
"""Allowances of shorter windows are full again before anyone has read of them."""


class Allowance(msgspec.Struct, frozen=True):
    """So many requests in any stretch of so many seconds."""

    limit: int
    window_s: float


class Spending(msgspec.Struct, frozen=True):
    """Requests made within one minute, as they are remembered over a restart."""

    at_ns: int
    """Unix nanoseconds of the latest of them."""
    requests: int


class Budget:
    """The requests of one key. Pure: it is asked when the next one may go, and told when one went.

    Windows slide: at most the limit in any day means at most the limit in each of the venue's days, whenever they
    begin, which some venues do not tell. They run on the monotonic clock; only what outlives the process is dated.
    """

    def __init__(self, allowances: Sequence[Allowance], clock: Clock) -> None:
        self._allowances = tuple(sorted(allowances, key=lambda allowance: allowance.window_s))
        self._windows = [SlidingWindow(limit=each.limit, window_s=each.window_s) for each in self._allowances]
        self._clock = clock
        self._stopped_until_ns: int | None = None
        self._stop_reason = ""
        self._stopped_is_dated = False

    @property
    def survives(self) -> bool:
        """Whether there is an allowance that a restart must not forget."""
        return any(each.window_s >= LONG_WINDOW_S for each in self._allowances)

    def spend(self) -> None:
        """A request is about to go."""
        now_ns = self._clock.monotonic_ns()
        for window in self._windows:
            window.spend(now_ns)

    def take_back(self) -> None:
        """The last request did not go after all."""
        for window in self._windows:
            window.take_back()

    @property
    def spent(self) -> int:
        """Requests made within the longest window; 0 where nothing is limited."""
        if not self._windows:
            return 0
        return sum(requests for _, requests in self._windows[-1].spendings(self._clock.monotonic_ns()))

    @property
    def last_spent_ns(self) -> int | None:
        """When the last request went, monotonic nanoseconds; None if none is remembered."""
        times = [spent[-1][0] for window in self._windows if (spent := window.spendings(self._clock.monotonic_ns()))]
        return max(times, default=None)

    def stop(self, for_s: float, reason: str, *, is_dated: bool = False) -> None:
        """The venue says that its allowance is spent.

        Args:
            for_s: how long to ask for nothing.
            reason: what the venue said, in one line.
            is_dated: whether the venue named that time; else it is our guess at when to try again.
        """
        self._stopped_until_ns = self._clock.monotonic_ns() + int(for_s * NS_PER_S)
        self._stop_reason = reason
        self._stopped_is_dated = is_dated

    def resume(self) -> None:
        """The venue answered: what it said before no longer holds."""
        self._stopped_until_ns = None
        self._stop_reason = ""

    @property
    def is_stopped(self) -> bool:
        """Whether the venue has said that its allowance is spent, and that has not passed."""
        return self._stopped_until_ns is not None and self._stopped_until_ns > self._clock.monotonic_ns()

    @property
    def is_holding_back(self) -> bool:
        """Whether requests wait for longer than an even spending would make them wait."""
        now_ns = self._clock.monotonic_ns()
        return self.is_stopped or any(
            window.window_s >= SHOWN_WINDOW_S and window.delay_s(now_ns) > EVEN_SLACK * window.window_s / window.limit
            for window in self._windows
        )

    @property
    def spare_requests(self) -> int:
        """How many requests in a row are of no account: a hundredth of the scarcest long allowance, at least one."""
        limits = [window.limit for window in self._windows if window.window_s >= LONG_WINDOW_S]
        return max(1, min(limits, default=1) // 100)

    @property
    def even_pace_s(self) -> float:
        """Seconds between two requests of an even spending; 0 where nothing is limited."""
        return max((window.window_s / window.limit for window in self._windows), default=0.0)

    def delay_s(self) -> float:
        """Seconds until one more request is allowed; 0 when it is now."""
        now_ns = self._clock.monotonic_ns()
        delays = [window.delay_s(now_ns) for window in self._windows]
        if self._stopped_until_ns is not None:
            delays.append((self._stopped_until_ns - now_ns) / NS_PER_S)
        return max([0.0, *delays])

    def pace_s(self, in_haste: int = 0) -> float:
        """Seconds between two requests that make the allowances last; at least the time until the next is allowed.

        What is left of a long window is spread over the time until it fills again. Who has just started may ask once
        for everything without waiting, as long as half of the window is then still left, or if none of it was spent.

        Args:
            in_haste: requests that need not wait for their turn: those of the first round that were not made yet.
        """
        now_ns = self._clock.monotonic_ns()
        pace_s = 0.0
        for window in self._windows:
            left = window.left(now_ns)
            if window.window_s >= LONG_WINDOW_S and in_haste and _may_hurry(left, in_haste, window.limit):
                continue
            even_s = window.window_s / window.limit
            spread_s = window.refilled_in_s(now_ns) / left if left else 0.0
            pace_s = max(pace_s, even_s, spread_s)
        return max(pace_s, self.delay_s())

    def statuses(self, next_request_in_s: float | None, *, why: str = "") -> tuple[BudgetStatus, ...]:
        """The allowances as they stand, shortest window first.

        Args:
            next_request_in_s: when the next request is planned; None if none is.
            why: the reason for that, where it is another than that nothing is left.
        """
        now_ns, wall_ns = self._clock.monotonic_ns(), self._clock.wall_ns()
        next_ns = None if next_request_in_s is None else wall_ns + int(next_request_in_s * NS_PER_S)
        stopped = self.is_stopped
        resets_ns = None
        if stopped and self._stopped_is_dated and self._stopped_until_ns is not None:
            resets_ns = wall_ns + self._stopped_until_ns - now_ns
        shown = [window for window in self._windows if window.window_s >= SHOWN_WINDOW_S] or self._windows[-1:]
        statuses = []
        for window in shown:
            left = window.left(now_ns)
            reason = "" if left else f"all {window.limit} requests of {window_text(window.window_s)} are made"
            # What the venue says is spent is the longest that we know of; which, it rarely tells.
            if stopped and window is shown[-1]:
                left, reason = 0, self._stop_reason
            elif why and window is shown[-1]:
                reason = reason or why
            statuses.append(
                BudgetStatus(
                    window_s=window.window_s,
                    limit=window.limit,
                    left=left,
                    next_request_at_ns=next_ns,
                    resets_at_ns=resets_ns if window is shown[-1] else None,
                    reason=reason,
                )
            )
        return tuple(statuses)

    # Over a restart.

    def spendings(self) -> list[Spending]:
        """What was spent of the longest window, by minute, oldest first, to be given to `remember`."""
        if not self._windows:
            return []
        now_ns, wall_ns = self._clock.monotonic_ns(), self._clock.wall_ns()
        minutes: dict[int, Spending] = {}
        for spent_ns, requests in self._windows[-1].spendings(now_ns):
            at_ns = wall_ns - (now_ns - spent_ns)
            minute = at_ns // (60 * NS_PER_S)
            before = minutes.get(minute)
            minutes[minute] = Spending(at_ns, requests + (before.requests if before else 0))
        return list(minutes.values())

    def remember(self, spendings: Iterable[Spending]) -> None:
        """Take over what an earlier run spent. What is dated in the future, as by a clock set back, is spent now."""
        now_ns, wall_ns = self._clock.monotonic_ns(), self._clock.wall_ns()
        for spending in sorted(spendings, key=lambda each: each.at_ns):
            age_ns = max(0, wall_ns - spending.at_ns)
            for window in self._windows:
                if age_ns < window.window_s * NS_PER_S:
                    window.spend(now_ns - age_ns, spending.requests)


def _may_hurry(left: int, in_haste: int, limit: int) -> bool:
    return in_haste <= left and (left == limit or left - in_haste >= limit / 2)
