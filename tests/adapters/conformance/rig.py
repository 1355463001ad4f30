"""What the conformance suite has to know of a venue: how to run its stand-in, trouble it, and read what it told."""

import abc
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final, NamedTuple

from tickmux_adapters.model import UNCHANGED, Unchanged
from tickmux_adapters.registry import ENTRY_POINT_GROUP, AdapterType, registered

HOST: Final = "127.0.0.1"
FIELDS: Final = ("bid_price", "bid_size", "ask_price", "ask_size", "last_price", "volume")
"""The numbers of a `QuoteUpdate`, by name."""

NO_KEYS: Final[Mapping[str, str]] = {"wrong_key": "the venue has no keys"}
"""What `not_applicable` is where nobody has to sign in."""

Amount = Decimal | None | Unchanged
"""A number as the venue wrote it, None if it wrote that there is none, UNCHANGED if it did not mention it."""


class Listed(NamedTuple):
    """One instrument that the venue lists."""

    symbol: str
    """Canonical."""
    venue_symbol: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """What one message of the venue says of one instrument, under the names of `QuoteUpdate`."""

    bid_price: Amount = UNCHANGED
    bid_size: Amount = UNCHANGED
    ask_price: Amount = UNCHANGED
    ask_size: Amount = UNCHANGED
    last_price: Amount = UNCHANGED
    volume: Amount = UNCHANGED
    venue_time_ns: int | None = None
    """The venue's time of the message, Unix nanoseconds; None if it carries none."""

    @property
    def numbers(self) -> dict[str, Decimal]:
        """The fields that it gives a number for."""
        values = {field: getattr(self, field) for field in FIELDS}
        return {field: value for field, value in values.items() if isinstance(value, Decimal)}


class VenueRig(abc.ABC):
    """One venue's stand-in on this machine. It is shared by all cases, and calm before each.

    Whatever a rig reads of its venue, it reads with its own code: were it the adapter's, both would be wrong together.
    """

    adapter: ClassVar[str]
    """Name under which the adapter is registered."""
    variant: ClassVar[str] = ""
    """What tells this rig from others of the same adapter, such as an encoding."""
    symbols: ClassVar[tuple[Listed, ...]]
    """At least two instruments that trade, the liveliest first."""
    unknown_symbol: ClassVar[str]
    """A symbol that the venue does not list."""
    never: ClassVar[frozenset[str]] = frozenset()
    """Those of FIELDS that the venue gives for no instrument."""
    garbage: ClassVar[tuple[str, ...]]
    """Kinds of nonsense that the venue can be made to send, each to be counted as malformed."""
    wrong_key: ClassVar[Mapping[str, Any]] = {}
    """Settings with a key that the venue refuses, or with the name of a variable of `environment` that holds one."""
    not_applicable: ClassVar[Mapping[str, str]] = {}
    """Names of cases that cannot be put to this venue, each with the reason, which is printed."""
    keeps_connection: ClassVar[bool] = True
    """Quotes come over a connection that is kept, so that a new connection begins a new chain."""
    hurried: ClassVar[Mapping[str, Any]] = {}
    """Settings with deadlines so short that a test can wait for the adapter to notice a silence."""
    sample: ClassVar[int] = 20
    """How many quotes a case looks at."""
    patience_s: ClassVar[float] = 10.0
    """How long a case waits for what has to come."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables to set while the adapter runs: those of its keys, the right ones and the refused ones."""
        return {}

    @property
    def secrets(self) -> Collection[str]:
        """Keys, the right ones and the refused ones: no status and no log may hold one, whatever happens."""
        return self.environment.values()

    def never_of(self, listed: Listed) -> frozenset[str]:
        """Those of FIELDS that the venue never gives for an instrument: a venue of several types may tell by it."""
        return self.never

    def adapter_type(self) -> AdapterType:
        """What is tested."""
        found = registered()
        assert self.adapter in found, (
            f"no adapter {self.adapter!r} is installed: register it in the entry-point group {ENTRY_POINT_GROUP}; "
            f"there are {', '.join(sorted(found))}"
        )
        return found[self.adapter]

    @abc.abstractmethod
    def settings(self, symbols: Sequence[str], port: int | None = None) -> dict[str, Any]:
        """The section `[sources.NAME]` that leads to the stand-in.

        Args:
            symbols: canonical symbols to take.
            port: another port of HOST to go to, with all that the adapter connects to.
        """

    @abc.abstractmethod
    async def start(self) -> None:
        """Start the venue, always on the same port."""

    @abc.abstractmethod
    async def kill(self) -> None:
        """End the venue without a goodbye: from now on connections are refused."""

    @abc.abstractmethod
    async def stop(self) -> None:
        """Release everything."""

    @abc.abstractmethod
    async def calm(self) -> None:
        """End all trouble; start the venue if it does not run."""

    @abc.abstractmethod
    async def contacts(self) -> int:
        """Connections and requests that have reached the venue since its start, refused ones included; not ours."""

    @abc.abstractmethod
    async def told(self, listed: Listed) -> list[Told]:
        """What the venue told of an instrument lately, at least since the case began, oldest first."""

    @abc.abstractmethod
    async def mute(self, *, on: bool) -> None:
        """Say nothing that carries data, while connections are accepted and stay open.

        Where a quiet market rightly carries no data, it is what proves the connection that fails to come.
        """

    @abc.abstractmethod
    async def garble(self, kind: str, *, on: bool) -> None:
        """Send one kind of `garbage`, again and again."""

    @abc.abstractmethod
    async def limit_rate(self, *, on: bool) -> None:
        """Refuse whatever comes first, a connection or a request, as asking too often."""

    @abc.abstractmethod
    async def stand_still(self, *, on: bool) -> None:
        """Let nothing happen in the market of `symbols`, as in a quiet hour; the venue itself is well and talks."""
