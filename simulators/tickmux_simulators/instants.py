"""Times as venues write them."""

import functools
import time


@functools.lru_cache(maxsize=64)
def second_text(second: int) -> str:
    """A Unix second in UTC, without the zone: `2026-08-12T19:29:02`."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
