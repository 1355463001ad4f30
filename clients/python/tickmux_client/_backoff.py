"""How long to wait before the next try."""

import random
from collections.abc import Callable
from typing import Final

RETRY_AFTER_S_MAX: Final = 300.0
DOUBLINGS_MAX: Final = 32


class Backoff:
    """Exponential backoff with full jitter: each wait is drawn evenly between 0 and a doubling limit.

    Full jitter spreads the return of clients that one event has cut off together.
    """

    def __init__(
        self,
        *,
        first_s: float = 0.1,
        cap_s: float = 5.0,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        if not cap_s > 0:
            raise ValueError(f"backoff_cap_s must be positive, not {cap_s}")
        self._first_s = min(first_s, cap_s)
        self._cap_s = cap_s
        self._uniform = uniform
        self._doublings = 0

    def next_s(self, retry_after_s: float | None = None) -> float:
        """Seconds to wait now. What the server asked for is the least, spread upwards, and bounded to 5 minutes."""
        limit_s = min(self._cap_s, self._first_s * 2**self._doublings)
        self._doublings = min(self._doublings + 1, DOUBLINGS_MAX)
        return min(retry_after_s or 0.0, RETRY_AFTER_S_MAX) + self._uniform(0.0, limit_s)

    def reset(self) -> None:
        """Begin anew: the connection has proved stable."""
        self._doublings = 0
