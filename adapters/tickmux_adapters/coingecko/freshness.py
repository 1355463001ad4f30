"""For how long the copy of an answer that a cache gave out will not change, by its headers (RFC 9111)."""

import re
from collections.abc import Mapping
from typing import Final

LIFETIME_S_MAX: Final = 300.0
"""Whatever a cache says, the venue is asked again after this."""
WAIT_SHARE_MIN: Final = 0.25
"""Of a copy's lifetime: a cache that does not renew its copy on time is not asked at every turn of the clock."""

COPY_AGE_S_MAX: Final = 600.0
"""An older copy is of a cache that is not renewed any more: those that were recorded are up to 250 s old."""
AGE_DIGITS_MAX: Final = 9

_DIRECTIVE: Final = re.compile(r"(?:^|[\s,])(s-maxage|max-age)\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


def fresh_for_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until the copy is renewed; None where the headers do not say.

    A copy that is older than its lifetime is being renewed, nobody knows when: it is given one more.

    Args:
        headers: of an answer; names compare without regard to case.
    """
    directives = {name.lower(): int(seconds) for name, seconds in _DIRECTIVE.findall(headers.get("Cache-Control", ""))}
    # s-maxage is meant for shared caches, of which the venue's own is one.
    lifetime_s = min(float(directives.get("s-maxage", directives.get("max-age", 0))), LIFETIME_S_MAX)
    if not lifetime_s:
        return None
    left_s = lifetime_s - copy_age_s(headers)
    return max(left_s, WAIT_SHARE_MIN * lifetime_s) if left_s > 0 else lifetime_s


def copy_age_s(headers: Mapping[str, str]) -> float:
    """Seconds since the copy was made, by the cache; 0 where it does not say.

    Args:
        headers: of an answer; names compare without regard to case.
    """
    age = headers.get("Age", "").strip()
    return float(age[:AGE_DIGITS_MAX]) if age.isascii() and age.isdigit() else 0.0
