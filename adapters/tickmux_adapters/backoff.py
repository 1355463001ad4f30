"""How long to wait before connecting again."""

import random
from collections.abc import Callable
from typing import Final

from tickmux_adapters.errors import VenueError, VenueRejected

NS_PER_S: Final = 1_000_000_000
REJECTED_RETRY_S: Final = 300.0
"""Pause after a refusal (keys, ban, region) when the venue names none."""


class Backoff:
    """Exponential backoff with full jitter: uniform between 0 and a ceiling that doubles up to a cap.

    Full jitter spreads the clients of a venue that restarts. What a venue asks us to wait is a lower bound, and a
    connection that stayed up for `stable_s` starts the series anew.
    """

    def __init__(
        self,
        *,
        base_s: float = 0.5,
        cap_s: float = 30.0,
        stable_s: float = 60.0,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._stable_ns = int(stable_s * NS_PER_S)
        self._uniform = uniform
        self._failures = 0

    def after_failure(self, error: VenueError, *, connected_ns: int = 0) -> float:
        """Seconds to wait after a failure.

        Args:
            error: what went wrong; its `retry_after_s` is honoured, and a refusal waits long.
            connected_ns: how long the connection that failed had been up.
        """
        if connected_ns >= self._stable_ns:
            self._failures = 0
        ceiling_s = self.ceiling_s
        # Bounded, so that a venue that is away for weeks does not grow an integer without end.
        self._failures = min(self._failures + 1, 64)
        delay_s = self._uniform(0.0, ceiling_s)
        if isinstance(error, VenueRejected):
            asked_s = REJECTED_RETRY_S if error.retry_after_s is None else error.retry_after_s
            return asked_s + delay_s
        if error.retry_after_s is not None:
            return error.retry_after_s + delay_s
        return delay_s

    @property
    def ceiling_s(self) -> float:
        """The longest that the next wait can be, the venue's wishes apart."""
        return min(self._cap_s, self._base_s * 2.0**self._failures)
