"""A rig around one of our simulated venues, which are processes that share no code with the adapters."""

import abc
import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tests.adapters.conformance.rig import HOST, Amount, Listed, Told, VenueRig
from tests.simulators.process import Simulator, simulator

from tickmux_adapters.model import UNCHANGED


class SimulatedRig(VenueRig):
    """Troubles are the simulator's faults, by name. What it told is in its `/_control/sent`."""

    simulator: ClassVar[str]
    """Name of the venue on the simulators' command line."""
    arguments: ClassVar[tuple[str, ...]] = ("--rate", "400")
    garbage: ClassVar[tuple[str, ...]] = ("malformed", "truncated", "non_json")
    hurried: ClassVar[Mapping[str, Any]] = {"stale_after_s": 0.5, "reconnect_after_s": 0.8}
    more_settings: ClassVar[Mapping[str, Any]] = {"retry_cap_s": 0.2}
    mute_fault: ClassVar[tuple[str, Mapping[str, Any]]] = ("data_mute", {})
    limit_fault: ClassVar[tuple[str, Mapping[str, Any]]] = ("rest_429", {"retry_after_s": 600})

    def __init__(self) -> None:
        self._process = contextlib.AsyncExitStack()
        self._venue: Simulator | None = None
        self._port = 0
        self._websocket_path = ""
        self.rest_path = ""

    @property
    def venue(self) -> Simulator:
        """The simulator that runs."""
        assert self._venue is not None, f"the simulated {self.simulator} does not run"
        return self._venue

    def settings(self, symbols: Sequence[str], port: int | None = None) -> dict[str, Any]:
        """The section, with the simulator's URLs."""
        values = {"adapter": self.adapter, "symbols": list(symbols)}
        return {**values, **self.urls(port or self._port), **self.more_settings}

    def urls(self, port: int) -> dict[str, str]:
        """The settings that say where the venue is."""
        return {
            "websocket_url": f"ws://{HOST}:{port}{self._websocket_path}",
            "rest_url": f"http://{HOST}:{port}",
        }

    async def start(self) -> None:
        self._venue = await self._process.enter_async_context(
            simulator(self.simulator, "--port", str(self._port), *self.arguments)
        )
        self._port = self._venue.announced["port"]
        self._websocket_path = urlsplit(self._venue.websocket_url).path
        self.rest_path = urlsplit(self._venue.rest_url).path

    async def kill(self) -> None:
        self.venue.process.kill()
        await self.stop()

    async def stop(self) -> None:
        self._venue = None
        await self._process.aclose()

    async def calm(self) -> None:
        if self._venue is None:
            await self.start()
        await self.venue.all_faults_off()

    async def contacts(self) -> int:
        counters = (await self.venue.state())["counters"]
        return int(counters["connections"] + counters["refused"] + counters["rest_requests"])

    async def told(self, listed: Listed) -> list[Told]:
        return [told for text in await self.venue.sent(listed.venue_symbol) for told in self.read(text, listed)]

    @abc.abstractmethod
    def read(self, text: str, listed: Listed) -> list[Told]:
        """What one frame or body says of an instrument."""

    async def mute(self, *, on: bool) -> None:
        await self.switch(self.mute_fault, on=on)

    async def garble(self, kind: str, *, on: bool) -> None:
        await self.venue.switch(kind, on=on)

    async def limit_rate(self, *, on: bool) -> None:
        await self.switch(self.limit_fault, on=on)

    async def switch(self, fault: tuple[str, Mapping[str, Any]], *, on: bool) -> None:
        """Throw a switch with its parameters."""
        name, parameters = fault
        await self.venue.switch(name, on=on, **(parameters if on else {}))

    @property
    def venue_symbols(self) -> str:
        """The venue's names of all instruments, as the faults' parameter `symbol` takes them."""
        return ",".join(each.venue_symbol for each in self.symbols)


def price(value: str | Decimal | None) -> Amount:
    """A price that a venue wrote: 0, null and an empty text are "none"."""
    if value is None or value == "":
        return None
    number = value if isinstance(value, Decimal) else Decimal(value)
    return number or None


def amount(value: str | Decimal | None) -> Amount:
    """A size or volume that a venue wrote, which may be 0."""
    return UNCHANGED if value is None or value == "" else Decimal(value)


def nanoseconds(text: str) -> int:
    """A time in UTC with up to nine digits of a second, as Unix nanoseconds: `2023-04-06T11:54:26.839Z`."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return int(datetime.fromisoformat(whole + "+00:00").timestamp()) * 1_000_000_000 + int(fraction.ljust(9, "0"))
