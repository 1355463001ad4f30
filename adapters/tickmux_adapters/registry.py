"""Which adapters there are: ours and those that other distributions register under `tickmux.adapters`."""

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tickmux_adapters.model import Adapter, Clock, Sink

ENTRY_POINT_GROUP: Final = "tickmux.adapters"


class SourceSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every `[sources.NAME]` section may hold; an adapter adds its own by subclassing."""

    adapter: str
    """Name of the adapter that runs the source."""
    symbols: list[str] = []
    """Instruments to take, by canonical symbol; the adapter's default when empty."""
    simulated: bool | None = None
    """Marks every quote SIMULATED. Unset: true whenever a URL is not on the venue's documented hosts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AdapterType:
    """What an adapter's folder declares: its name, its settings and what its venue allows."""

    name: str
    settings: type[SourceSettings]
    create: Callable[[str, Any, Sink, Clock], Adapter]
    """Makes the source: (source name, settings, sink, clock). Raises SettingsError; does no I/O."""
    is_simulated: Callable[[Any], bool]
    """Whether settings point anywhere but at the venue's documented hosts."""
    polled: bool = False
    """The venue is asked at intervals: between two answers nothing tells that a price has changed."""
    exclusive: bool = False
    """The venue allows one connection only, so a second may not be opened beside the first."""


def registered() -> dict[str, AdapterType]:
    """Every adapter that is installed, by name."""
    found = importlib.metadata.entry_points(group=ENTRY_POINT_GROUP)
    adapters: list[AdapterType] = [point.load() for point in found]
    return {adapter.name: adapter for adapter in adapters}
