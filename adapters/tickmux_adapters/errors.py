"""The errors of the adapters.

AdapterError
├── SettingsError        a source is configured in a way that cannot work
├── MalformedMessage     a venue message could not be understood
└── VenueError           the venue, or the way to it, failed
    ├── BudgetSpent      we asked too often, says the venue
    └── VenueRejected    the venue refuses us; retrying soon would make it worse
"""

from typing import Final

SAMPLE_CHARS_MAX: Final = 200


class AdapterError(Exception):
    """Root of what goes wrong in an adapter."""


class SettingsError(AdapterError):
    """A source is configured in a way that cannot work."""

    def __init__(self, source: str, setting: str, problem: str) -> None:
        self.source = source
        self.setting = setting
        self.problem = problem
        super().__init__(f"sources.{source}.{setting}: {problem}")


class MalformedMessage(AdapterError):
    """A venue message could not be understood. It is counted, sampled to the log and skipped."""

    def __init__(self, problem: str, sample: bytes | str = "") -> None:
        self.problem = problem
        text = sample.decode("utf-8", "replace") if isinstance(sample, bytes) else sample
        self.sample = text[:SAMPLE_CHARS_MAX]
        super().__init__(problem)


class VenueError(AdapterError):
    """The venue, or the way to it, failed; the source tries again."""

    def __init__(self, problem: str, *, retry_after_s: float | None = None) -> None:
        self.problem = problem
        self.retry_after_s = retry_after_s
        """What the venue asked us to wait, if it did."""
        super().__init__(problem)


class BudgetSpent(VenueError):
    """The venue says that we have asked too often; asked again after `retry_after_s`."""

    def __init__(self, problem: str, *, retry_after_s: float, is_dated: bool) -> None:
        super().__init__(problem, retry_after_s=retry_after_s)
        self.is_dated = is_dated
        """Whether the venue named that time; else it is our guess."""


class VenueRejected(VenueError):
    """The venue refuses us (keys, entitlement, ban, region); retried at long intervals only."""
