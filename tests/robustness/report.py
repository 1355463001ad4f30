"""What is printed: a line a run, the table of faults and promises, and what there is to know of a failure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.robustness.history import History
from tests.robustness.plan import Fault, Plan
from tests.robustness.records import Received
from tests.robustness.validators import VALIDATORS
from tests.robustness.validators.tally import Tally, Violation

AROUND: Final = 2
"""Responses shown before and after the one that breaks a promise."""
VIOLATIONS_SHOWN: Final = 2
LINE_CHARS_MAX: Final = 300


@dataclass(slots=True)
class Table:
    """How often each fault fired, and how much was checked of each promise in the runs in which it did."""

    faults: Sequence[Fault] = tuple(Fault)
    runs: int = 0
    fired: dict[str, int] = field(default_factory=dict)
    checks: dict[tuple[str, str], int] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VALIDATORS, 0))

    def add(self, fired: Iterable[str], tallies: Mapping[str, Tally]) -> None:
        """Count a run."""
        self.runs += 1
        seen = list(fired)
        for fault in seen:
            self.fired[fault] = self.fired.get(fault, 0) + 1
        for promise, tally in tallies.items():
            self.total[promise] += tally.checks
            for fault in set(seen):
                self.checks[(fault, promise)] = self.checks.get((fault, promise), 0) + tally.checks

    def never_fired(self) -> list[str]:
        """Names of the faults that never fired."""
        return [fault.value for fault in self.faults if not self.fired.get(fault.value)]

    def never_checked(self) -> list[str]:
        """Names of the promises that were never checked."""
        return [promise for promise, checks in self.total.items() if not checks]

    def __str__(self) -> str:
        """The table: a row a fault, a column a promise."""
        names = list(VALIDATORS)
        rows = [["fault", "fired", *names]]
        for fault in self.faults:
            counts = [_short(self.checks.get((fault.value, name), 0)) for name in names]
            rows.append([fault.value, str(self.fired.get(fault.value, 0)), *counts])
        rows.append(
            [f"all {self.runs} runs", str(sum(self.fired.values())), *(_short(self.total[name]) for name in names)]
        )
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join(
            " ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(cells))
            for cells in (list(zip(row, widths, strict=True)) for row in rows)
        )


def _short(count: int) -> str:
    if count < 10_000:
        return str(count)
    return f"{count / 1_000:.0f}k" if count < 10_000_000 else f"{count / 1_000_000:.0f}M"


def run_line(plan: Plan, took_s: float, tallies: Mapping[str, Tally]) -> str:
    """One run in a line."""
    checks = sum(tally.checks for tally in tallies.values())
    broken = [name for name, tally in tallies.items() if tally.violations]
    result = f"BROKEN: {', '.join(broken)}" if broken else "ok"
    return f"seed {plan.seed:<6} {took_s:4.1f} s  {checks:7d} checks  {plan}: {result}"


def failure(history: History, tallies: Mapping[str, Tally]) -> str:
    """The broken promises of a run, each with what was told around it."""
    lines: list[str] = []
    for name, tally in tallies.items():
        for violation in tally.violations[:VIOLATIONS_SHOWN]:
            lines.append(f"{name}: {violation}")
            lines += [f"    {line[:LINE_CHARS_MAX]}" for line in _around(history, violation)]
        if len(tally.violations) > VIOLATIONS_SHOWN:
            lines.append(f"{name}: {len(tally.violations) - VIOLATIONS_SHOWN} more, or even more than were kept")
    return "\n".join(lines)


def _around(history: History, violation: Violation) -> list[str]:
    client, _, number = violation.call.partition("/")
    call = history.calls.get((client, int(number))) if number else None
    if call is None:
        return []
    lines = [f"call of {call.begun.asked} with token {call.begun.token or 'none'} {call.begun.token_from or ''}"]
    if violation.response is not None:
        lines += [
            f"{'>' if received.number == violation.response else ' '} {told(received, call.begun.at_ns)}"
            for received in call.received
            if abs(received.number - violation.response) <= AROUND
        ]
    if call.ended is not None:
        lines.append(f"ended {_after(call.ended.at_ns, call.begun.at_ns)} {call.ended.code} {call.ended.reason}")
    return [
        *lines,
        *(
            f"{fault.fault} {fault.target} from {_after(fault.at_ns, call.begun.at_ns)} "
            f"to {_after(fault.until_ns, call.begun.at_ns)}"
            for fault in history.faults
        ),
    ]


def told(received: Received, since_ns: int) -> str:
    """A response in a line."""
    marks = [received.continuity] if received.continuity != "UNSPECIFIED" else []
    marks += ["caught_up"] if received.caught_up else []
    marks += ["going_away"] if received.going_away else []
    marks += [f"conflated {received.conflated}"] if received.conflated else []
    marks += [f"token {received.token[-12:]}"] if received.token else []
    statuses = [f"{status.source}={status.state}@{status.epoch}" for status in received.statuses]
    quotes = [
        f"{quote.source}:{quote.symbol}@{quote.epoch % 1_000_000}/{quote.revision}{'!' if quote.is_stale else ''}"
        for quote in received.quotes
    ]
    return f"{received.number} {_after(received.at_ns, since_ns)} {' '.join([*marks, *statuses, *quotes])}"


def _after(at_ns: int, since_ns: int) -> str:
    return f"{(at_ns - since_ns) / 1e9:+.3f} s"


def reproduce(plan: Plan, faults: int, only: Sequence[Fault], mutant: str | None) -> str:
    """The command that carries out a plan again."""
    options = "".join(f" --only {fault.value}" for fault in only) + (f" --mutant {mutant}" if mutant else "")
    return f"python -m tests.robustness --seed {plan.seed} --runs 1 --faults {faults}{options}"
