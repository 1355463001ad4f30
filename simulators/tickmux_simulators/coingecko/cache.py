"""The cache in front of CoinGecko: an answer stays as it is for a while, and says how old it is."""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Final

from tickmux_simulators.venue import Answer

ENTRIES_KEPT: Final = 512
SECOND_NS: Final = 1_000_000_000
MAX_AGE_S: Final = 30


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str
    headers: Mapping[str, str]
    made_ns: int
    etag: str


class Cache:
    """Bodies by URL."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def answer(
        self,
        key: Hashable,
        make: Callable[[], tuple[str, Mapping[str, str]]],
        now_ns: int,
        *,
        periods: float = 1.0,
        is_frozen: bool = False,
        if_none_match: str = "",
    ) -> Answer:
        """The kept body, or a new one where there is none or it is too old.

        Args:
            key: what tells one body from another, the URL foremost.
            make: makes the body, and headers that are its own.
            now_ns: wall time.
            periods: for how many periods this body is kept.
            is_frozen: a body never gets too old.
            if_none_match: an etag for which 304 is answered instead of the body.
        """
        entry = self._entries.get(key)
        period_s = self._period_s * periods
        status = "MISS" if entry is None else "HIT"
        if entry is not None and now_ns - entry.made_ns >= period_s * SECOND_NS and not is_frozen:
            status = "EXPIRED"
        if entry is None or status == "EXPIRED":
            text, own = make()
            etag = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
            entry = _Entry(text, own, now_ns, f'W/"{etag}"')
            self._entries[key] = entry
            while len(self._entries) > ENTRIES_KEPT:
                self._entries.popitem(last=False)
        # Less than a second cannot be said: a whole one would keep clients waiting for what was renewed long ago.
        shared_s = math.ceil(period_s) if period_s >= 1 else 0
        headers = {
            **entry.headers,
            "cache-control": f"max-age={min(MAX_AGE_S, shared_s)}, public, must-revalidate, s-maxage={shared_s}",
            "cf-cache-status": status,
            "etag": entry.etag,
        }
        age_s = (now_ns - entry.made_ns) // SECOND_NS
        if age_s > 0:
            headers["age"] = str(age_s)
        if if_none_match and if_none_match == entry.etag:
            return Answer(304, "", headers)
        return Answer(200, entry.text, headers)
