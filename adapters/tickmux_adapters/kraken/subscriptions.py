"""Where the subscription of each instrument on one connection to Kraken stands. No I/O, no messages."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

NS_PER_S: Final = 1_000_000_000
SILENT_RETRY_S: Final = 60.0
"""Time between two attempts to wake an instrument that was refused, or stays silent whatever we do."""


class Subscription:
    """The subscription of one instrument, as it was last asked for."""

    __slots__ = ("answered", "attempts", "counts", "refused", "since_ns")

    def __init__(self, now_ns: int, *, counts: bool) -> None:
        self.since_ns = now_ns
        """When it was asked for or answered, whichever is later."""
        self.attempts = 1
        self.answered = False
        self.refused = False
        self.counts = counts
        """Whether what comes now belongs to it, and not to an earlier subscription that was still on its way."""


class Subscriptions:
    """Which instruments were asked for, which are answered, and which have not spoken since."""

    def __init__(self, *, snapshot_timeout_s: float) -> None:
        self.unspoken: set[str] = set()
        """Instruments of which nothing came since they were last asked for."""
        self._patience_ns = int(snapshot_timeout_s * NS_PER_S)
        self._silent_patience_ns = int(SILENT_RETRY_S * NS_PER_S)
        self._all: dict[str, Subscription] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __contains__(self, name: str) -> bool:
        return name in self._all

    def are_answered(self, *, but: Collection[str]) -> bool:
        """Whether each is answered, or is one of those that hold up nobody."""
        return all(each.answered or name in but for name, each in self._all.items())

    def ask(self, names: Iterable[str], now_ns: int) -> None:
        """They are subscribed to for the first time on this connection."""
        for name in names:
            self._all[name] = Subscription(now_ns, counts=True)
            self.unspoken.add(name)

    def ask_again(self, name: str, now_ns: int) -> None:
        """One that spoke is unsubscribed and subscribed anew: only what comes after an answer proves that it holds."""
        self._all[name] = Subscription(now_ns, counts=False)
        self.unspoken.add(name)

    def drop(self, name: str) -> None:
        """Nothing more is expected of it."""
        self._all.pop(name, None)
        self.unspoken.discard(name)

    def take_answer(self, name: str, now_ns: int) -> None:
        """The venue confirmed it."""
        subscription = self._all.get(name)
        if subscription is not None:
            subscription.counts = True
            if not subscription.answered:
                subscription.answered = True
                subscription.since_ns = now_ns

    def take_end(self, name: str) -> None:
        """The venue ended the earlier subscription: nothing of that one is on its way any more."""
        subscription = self._all.get(name)
        if subscription is not None:
            subscription.counts = True

    def take_refusal(self, name: str, now_ns: int) -> None:
        """The venue refused it: it is asked for again much later."""
        refused = Subscription(now_ns, counts=True)
        refused.answered = refused.refused = True
        self._all[name] = refused
        self.unspoken.add(name)

    def hear(self, names: Iterable[str]) -> set[str]:
        """Something came of them; returns those that had not spoken before."""
        spoken = {name for name in names if name in self.unspoken and self._all[name].counts}
        self.unspoken -= spoken
        for name in spoken:
            self._all[name].refused = False
        return spoken

    def speaking(self) -> list[str]:
        """Those that are answered and have spoken since."""
        return sorted(name for name, each in self._all.items() if each.answered and name not in self.unspoken)

    def is_refused(self, name: str) -> bool:
        """Whether the venue refused it last."""
        subscription = self._all.get(name)
        return subscription is not None and subscription.refused

    def overdue(self, now_ns: int, *, silent: Collection[str]) -> list[str]:
        """Those that are to be asked for again; what is refused or known to be silent has more time."""
        return [
            name
            for name in sorted(self.unspoken)
            if now_ns - self._all[name].since_ns
            >= (self._silent_patience_ns if name in silent or self._all[name].refused else self._patience_ns)
        ]

    def lost(self, overdue: Iterable[str], *, silent: Collection[str]) -> list[str]:
        """Those that were asked for twice in vain, if one of them is overdue.

        All of them, as they cost a connection: the others would cost one more each, some milliseconds later.
        """

        def in_vain(name: str) -> bool:
            subscription = self._all[name]
            return subscription.attempts > 1 and not subscription.refused and name not in silent

        return sorted(filter(in_vain, self.unspoken)) if any(map(in_vain, overdue)) else []

    def repeat(self, name: str, now_ns: int) -> bool:
        """It is asked for once more; returns whether it is to be unsubscribed before."""
        subscription = self._all[name]
        subscription.attempts += 1
        subscription.since_ns = now_ns
        return subscription.answered and not subscription.refused
