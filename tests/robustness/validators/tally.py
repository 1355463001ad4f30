"""What a validator found: how much it checked, and what was not as promised."""

from dataclasses import dataclass, field
from typing import Final

VIOLATIONS_KEPT: Final = 20


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was not kept."""

    text: str
    call: str
    """The call that it showed in, as `client/number`; empty if in none."""
    response: int | None

    def __str__(self) -> str:
        where = self.call if self.response is None else f"{self.call} response {self.response}"
        return f"{where}: {self.text}" if where else self.text


@dataclass(slots=True)
class Tally:
    """The checks of one validator over one run. Nothing to check is said too: as no checks."""

    checks: int = 0
    violations: list[Violation] = field(default_factory=list)

    def holds(self, condition: bool) -> bool:  # noqa: FBT001 - it is the thing that is checked
        """Count a check; whether it holds."""
        self.checks += 1
        return condition

    def blame(self, text: str, call: str = "", response: int | None = None) -> None:
        """Keep what is wrong."""
        if len(self.violations) < VIOLATIONS_KEPT:
            self.violations.append(Violation(text, call, response))
