"""The table of recordings in README.md, which the tests hold against the recordings themselves."""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

README = Path(__file__).parent / "README.md"


@dataclass(frozen=True)
class Row:
    """One recording."""

    venue: str
    name: str
    lines: int | None
    """How many golden lines it gives; None if no adapter reads it."""
    silent: Counter[str]
    """How much of it gives no line, by reason; empty if no adapter reads it."""
    note: str

    @property
    def is_read(self) -> bool:
        """Whether an adapter reads it."""
        return self.lines is not None


def rows() -> list[Row]:
    """Every row of the table."""
    return [
        _row(*(cell.strip() for cell in line.strip("|").split("|")))
        for line in README.read_text(encoding="utf-8").splitlines()
        if re.match(r"\| `\w+/", line)
    ]


def _row(recording: str, lines: str, rest: str) -> Row:
    venue, _, name = recording.strip("`").partition("/")
    if not lines:
        return Row(venue, name, None, Counter(), rest)
    parts = [part.partition(" ") for part in rest.split(", ") if part]
    return Row(venue, name, int(lines), Counter({reason: int(count) for count, _, reason in parts}), "")


def manifest(path: Path) -> dict[tuple[str, str], int]:
    """How many messages each recording has, by venue and name."""
    with path.open(encoding="utf-8", newline="") as lines:
        return {(row["venue"], row["file"]): int(row["messages"]) for row in csv.DictReader(lines, delimiter="\t")}
