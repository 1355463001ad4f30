"""The staleness rule: a naive model, from the lines alone, of which quotes cannot be taken for the present."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from tests.conformance.lines import Line, shown
from tests.conformance.record import Record

Slot = tuple[str, str]


@dataclass(frozen=True)
class _Health:
    is_healthy: bool
    epoch: int


@dataclass(frozen=True)
class _Kept:
    slot: Slot
    epoch: int
    is_of_snapshot: bool
    is_flagged: bool
    """Said to be stale when it was served."""


@dataclass
class _Model:
    """What is known after some lines."""

    health: dict[Slot, _Health] = field(default_factory=dict)
    of_snapshot: dict[Slot, _Health] = field(default_factory=dict)
    kept: dict[str, _Kept] = field(default_factory=dict)
    is_snapshot: bool = False
    is_catching_up: bool = False
    """Missed updates come in, any of which may supersede a quote that is kept."""

    def take(self, line: Line) -> None:
        match line["line"]:
            case "Snapshot":
                self.is_snapshot = self.is_catching_up = True
                self.of_snapshot = {_slot(status): _health(status) for status in line["source_statuses"]}
            case "Quote":
                kept = _Kept(_slot(line), line["epoch"], self.is_snapshot, "stale" in line["flags"])
                self.kept[f"{line['source']}/{line['symbol']}"] = kept
            case "SourceChanged":
                self._join()
                self.health[_slot(line)] = _health(line)
            case "Disconnected" | "Error":
                self.health.clear()
            case "Reconnected":
                self._join()
                self.health.clear()
                self.is_catching_up = line["resumed"]
            case "Reset":
                # What was kept is of a chain that has ended.
                self.health.clear()
                self._join()
                self.is_catching_up = False
                self.kept = {name: replace(kept, slot=("", "")) for name, kept in self.kept.items()}
            case "CaughtUp":
                self._join()
                self.is_catching_up = False

    def stale(self) -> set[str]:
        return {name for name, kept in self.kept.items() if not self._is_fresh(kept)}

    def _is_fresh(self, kept: _Kept) -> bool:
        if kept.is_flagged if kept.is_of_snapshot else self.is_catching_up:
            return False
        health = (self.of_snapshot if kept.is_of_snapshot else self.health).get(kept.slot)
        return health is not None and health.is_healthy and kept.epoch >= health.epoch

    def _join(self) -> None:
        """A stream has begun: what was kept from a snapshot goes by its health."""
        self.is_snapshot = False
        self.kept = {name: replace(kept, is_of_snapshot=False) for name, kept in self.kept.items()}


def staleness(record: Record) -> Iterator[str]:
    """`is_stale` of a quote that arrives and `stale` of those kept agree with the statuses told so far."""
    model = _Model(is_catching_up="resume_token" in record.scenario.all_options)
    for index, line in enumerate(record.lines):
        model.take(line)
        now = model.stale()
        if line["line"] == "Quote":
            is_stale = f"{line['source']}/{line['symbol']}" in now
            if line["is_stale"] != is_stale:
                yield f"{shown(line)}: by the statuses told before it, `is_stale` had to be {is_stale}"
                return
        if line["line"] in {"Quote", "Snapshot"}:
            # Whether a snapshot's own quotes are kept before or after its line is the program's choice.
            continue
        seen = set(line["stale"])
        wrong = (seen ^ now) & (seen ^ _soon(model, record.lines[index + 1 :]))
        if wrong or line["stale"] != sorted(seen):
            yield f"at {shown(line)} the quotes that are stale had to be {sorted(now)}"
            return


def _soon(model: _Model, following: Sequence[Line]) -> set[str]:
    """What is stale once the statuses that come next are known: the same response may have brought them."""
    ahead = replace(model, health=dict(model.health), kept=dict(model.kept))
    for line in following:
        if line["line"] not in {"SourceChanged", "Unmatched"}:
            break
        ahead.take(line)
    return ahead.stale()


def _slot(line: Line) -> Slot:
    return line["source"], line["channel"]


def _health(line: Line) -> _Health:
    return _Health(line["state"] in {"LIVE", "THROTTLED"}, line["epoch"])
