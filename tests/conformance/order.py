"""The order rule: within a chain each revision comes once, in order, and what is missing was told."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.conformance.lines import Line, shown
from tests.conformance.record import Record

Instrument = tuple[str, str]
Position = tuple[int, int]


@dataclass
class _Chain:
    """Where every instrument stands since the chain was last broken; knows nothing but the lines."""

    is_latest: bool
    """The delivery lets revisions be passed over."""
    in_state: bool
    """A quote is what the instrument has reached, however far that is."""
    knows_all: bool = False
    """An instrument without a quote so far has had none."""
    is_snapshot: bool = False
    stands: dict[Instrument, Position] = field(default_factory=dict)
    hole: Line | None = None
    """Told by the line before, and due now."""
    excused: int = 0
    """Left of what was told by Conflated."""

    def take(self, line: Line) -> str:
        """What is wrong with a line, given those before it; empty when nothing is."""
        if self.hole is not None and line["line"] != "Quote":
            return f"a Hole of {self.hole['symbol']} was told, and no quote of it follows"
        if self.is_snapshot and line["line"] != "Quote":
            # The stream goes on where the snapshot stood.
            self.is_snapshot, self.in_state, self.knows_all = False, False, True
        match line["line"]:
            case "Quote":
                return self._quote(line)
            case "Hole":
                self.hole = line
            case "Conflated":
                self.excused += line["count"]
            case "Reset":
                self.stands.clear()
                self.excused = 0
                self.in_state, self.knows_all = True, False
            case "CaughtUp":
                self.knows_all = self.knows_all or self.in_state
                self.in_state = False
            case "Snapshot":
                self.is_snapshot = True
        return ""

    def _quote(self, line: Line) -> str:
        instrument, position = (line["source"], line["symbol"]), (line["epoch"], line["revision"])
        hole, self.hole = self.hole, None
        stands = self.stands.get(instrument)
        self.stands[instrument] = position
        epoch, revision = position
        if stands is not None and position <= stands:
            return f"{shown(line)} is not newer than revision {stands[1]} of epoch {stands[0]}, which came before"
        before = stands[1] if stands is not None and stands[0] == epoch else 0
        is_beginning = self.in_state or (stands is None and not self.knows_all)
        missing = 0 if is_beginning else revision - before - 1
        told = (instrument, epoch, before + 1, revision)
        if hole is not None:
            holes = ((hole["source"], hole["symbol"]), hole["epoch"], hole["expected_revision"], hole["seen_revision"])
            if missing == 0 or holes != told:
                return f"a Hole was told that is none: {shown(hole)}, and then came {shown(line)}"
        elif missing and not self.is_latest:
            if missing > self.excused:
                return f"before {shown(line)} {missing} revisions are missing, and nothing told it"
            self.excused -= missing
        is_gap = missing > 0 or (stands is not None and stands[0] != epoch)
        if is_gap and not line["gap_before"]:
            return f"before {shown(line)} something is, or may be, missing, and `gap_before` is false"
        return ""


def order(record: Record) -> Iterator[str]:
    """No revision comes twice in a chain, none out of order, and each missing one was told."""
    options = record.scenario.all_options
    chain = _Chain(options.get("delivery") == "LATEST", in_state=not options.get("resume_token"))
    for line in record.lines:
        if problem := chain.take(line):
            yield problem
            return
