"""Keys, and what each of them has used up."""

import re
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from tickmux_simulators.alphavantage import texts
from tickmux_simulators.polled import TokenBucket
from tickmux_simulators.venue import Answer, Limits

FREE_KEY: Final = "FREESIMULATED001"
PREMIUM_KEY: Final = "PREMSIMULATED001"
DELAYED_KEY: Final = "DELASIMULATED001"
DEMO_KEY: Final = "demo"
KEY_PATTERN: Final = re.compile(r"[A-Z0-9]{16}")
MINUTE_S: Final = 60.0
ACCOUNTS_KEPT: Final = 1_000


@dataclass(slots=True)
class Account:
    """One key."""

    key: str
    bucket: TokenBucket
    day_began_s: float = 0.0
    used: int = 0

    @property
    def is_premium(self) -> bool:
        """Whether it is paid for."""
        return self.key.startswith(("PREM", "DELA"))

    @property
    def entitlements(self) -> frozenset[str]:
        """What market data of US stocks it has a right to."""
        if self.key.startswith("PREM"):
            return frozenset({"realtime", "delayed"})
        return frozenset({"delayed"}) if self.key.startswith("DELA") else frozenset()


class Accounts:
    """What every key used; kept in memory, so that a new process is a new day."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    def find(self, key: str) -> Account | None:
        """The account of a key; None for text that is no key."""
        if key != DEMO_KEY and not KEY_PATTERN.fullmatch(key):
            return None
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = Account(key, TokenBucket(1.0, self._limits.free_per_s))
            if account.is_premium:
                most = self._limits.premium_per_minute
                account.bucket = TokenBucket(most, most / MINUTE_S)
            while len(self._accounts) > ACCOUNTS_KEPT:
                self._accounts.popitem(last=False)
        return account

    def count(self, account: Account, now_s: float) -> Answer | None:
        """Count a request; what is said instead of an answer once too many were made.

        What is too fast is refused before it counts for the day.
        """
        limits = self._limits
        if account.key == DEMO_KEY:
            return None
        if account.bucket.take(now_s):
            return texts.note(limits.premium_per_minute, "") if account.is_premium else texts.burst(limits.free_per_day)
        if account.is_premium:
            return None
        if not account.used or now_s - account.day_began_s >= limits.day_window_s:
            account.day_began_s, account.used = now_s, 0
        if account.used >= limits.free_per_day:
            return texts.day_spent(account.key, limits.free_per_day)
        account.used += 1
        return None
