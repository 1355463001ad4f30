"""Rigs around simulated venues that want keys, which the adapters read from variables."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from tests.adapters.conformance.rig import HOST
from tests.adapters.conformance.rigs.simulated import SimulatedRig

KEY: Final = "CONFORMANCE_KEY"
REFUSED_KEY: Final = "CONFORMANCE_REFUSED_KEY"


class KeyedRig(SimulatedRig):
    """The simulator takes the key that it announces, and refuses the other."""

    announced_key: ClassVar[str] = "key"
    """Name of the key in the line that the simulator prints."""
    refused_key: ClassVar[str] = "refused-by-simulators"
    wrong_key: ClassVar[Mapping[str, Any]] = {"key_variable": REFUSED_KEY}

    @property
    def environment(self) -> Mapping[str, str]:
        return {KEY: self.venue.announced[self.announced_key], REFUSED_KEY: self.refused_key}

    def settings(self, symbols: Sequence[str], port: int | None = None) -> dict[str, Any]:
        return {**super().settings(symbols, port), "key_variable": KEY}


class PolledRig(KeyedRig):
    """A venue that is asked again and again, here as often as it can answer.

    Simulated sources keep no file of what they have spent, so that each case begins with the whole budget.
    """

    garbage = ("malformed", "truncated", "non_json", "html_page", "empty_body")
    keeps_connection = False
    sample = 6
    hurried: ClassVar[Mapping[str, Any]] = {"request_timeout_s": 0.3}
    more_settings: ClassVar[Mapping[str, Any]] = {
        "refresh_s": 0.02,
        # So short that who insists on a wrong key does so before a case is over.
        "retry_cap_s": 0.05,
        "requests_per_minute": 1_000_000,
    }

    def urls(self, port: int) -> dict[str, str]:
        return {"rest_url": f"http://{HOST}:{port}{self.rest_path}"}
