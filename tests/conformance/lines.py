"""What a program prints: the form of every line, and patterns of lines that must come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import Any, Final

from tickmux.v1 import quote_pb2

Line = dict[str, Any]
"""One printed line, read."""

NS_PER_S: Final = 1_000_000_000

_NUMBER: Final = (int, float)
_MAYBE: Final = (int, float, NoneType)
_QUOTE_NUMBERS: Final = (
    "bid_price",
    "bid_size",
    "ask_price",
    "ask_size",
    "last_price",
    "volume",
    "bid_ask_age_ms",
    "last_age_ms",
)
_QUOTE_TIMES: Final = ("timestamp", "received_at")
_QUOTE_TEXTS: Final = ("source", "symbol", "type", "exchange", "channel")
_SOURCE: Final = {"source": (str,), "channel": (str,), "state": (str,), "epoch": (int,), "is_healthy": (bool,)}

FORMS: Final[Mapping[str, Mapping[str, tuple[type, ...]]]] = {
    "Quote": {
        **dict.fromkeys(_QUOTE_TEXTS, (str,)),
        **dict.fromkeys((*_QUOTE_NUMBERS, *(f"{name}_ns" for name in _QUOTE_TIMES)), _MAYBE),
        "epoch": (int,),
        "revision": (int,),
        "flags": (list,),
        "gap_before": (bool,),
        "is_stale": (bool,),
    },
    "CaughtUp": {},
    "Conflated": {"count": (int,)},
    "Disconnected": {"reason": (str,), "attempts": (int,), "retry_in_s": _NUMBER},
    "GoingAway": {},
    "Hole": {
        "source": (str,),
        "symbol": (str,),
        "epoch": (int,),
        "expected_revision": (int,),
        "seen_revision": (int,),
    },
    "Reconnected": {"attempts": (int,), "resumed": (bool,)},
    "Reset": {},
    "SourceChanged": _SOURCE,
    "Unmatched": {"symbols": (list,)},
    "Snapshot": {"resume_token": (str,), "unmatched": (list,), "source_statuses": (list,)},
    "Error": {
        "kind": (str,),
        "code": (str,),
        "reason": (str,),
        "resume_token": (str,),
        "retry_after_s": _MAYBE,
    },
}
"""The keys of each line and what they may hold; all but a Quote have `stale` as well."""


def fault_of_form(line: object) -> str:
    """What is wrong with the form of a line; empty when nothing is."""
    if not isinstance(line, dict) or not isinstance(line.get("line"), str) or line["line"] not in FORMS:
        return "it is no JSON object whose `line` is one of " + ", ".join(FORMS)
    form = dict(FORMS[line["line"]])
    if line["line"] != "Quote":
        form["stale"] = (list,)
    faults = [
        f"`{key}` is missing"
        if key not in line
        else f"`{key}` is {line[key]!r}, not of {' or '.join(kind.__name__ for kind in kinds)}"
        for key, kinds in form.items()
        if key not in line or not _is_of(line[key], kinds)
    ]
    if not faults:
        faults = [
            f"`{key}` is {line[key]!r}, not of texts alone"
            for key in {"flags", "stale", "symbols", "unmatched"}.intersection(form)
            if not all(isinstance(text, str) for text in line[key])
        ]
    if line["line"] == "Snapshot" and not faults:
        faults += [
            f"a source status is {status!r}"
            for status in line["source_statuses"]
            if not isinstance(status, dict)
            or any(key not in status or not _is_of(status[key], kinds) for key, kinds in _SOURCE.items())
        ]
    return "; ".join(faults)


def _is_of(value: object, kinds: tuple[type, ...]) -> bool:
    # In Python a bool is an int, in JSON it is not.
    return isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)


@dataclass(frozen=True)
class AtLeast:
    """Stands for any number that is not less."""

    least: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, int | float) and other >= self.least

    def __hash__(self) -> int:
        return hash(self.least)

    def __repr__(self) -> str:
        return f"at least {self.least:g}"


@dataclass(frozen=True)
class Pattern:
    """A line that must come; keys that it does not name may hold anything."""

    line: str
    keys: Mapping[str, object] = field(default_factory=dict)
    may_repeat: bool = False
    """The same may follow it again, with other `attempts`."""

    def mismatch(self, line: Line) -> str:
        """How a line differs; empty when it is the one."""
        if line["line"] != self.line:
            return f"it is a {line['line']}"
        return "; ".join(
            f"`{key}` is {line[key]!r} instead of {expected!r}"
            for key, expected in self.keys.items()
            if not expected == line[key]  # noqa: SIM201 - AtLeast defines equality only
        )

    def is_repeated_by(self, line: Line) -> bool:
        first = {key: value for key, value in self.keys.items() if key != "attempts"}
        return self.may_repeat and not replace(self, keys=first).mismatch(line)

    def __str__(self) -> str:
        return shown({"line": self.line, **self.keys})


def shown(line: Line) -> str:
    """A line in short."""
    names = ("source", "symbol", "epoch", "revision", "is_stale", "gap_before") if line["line"] == "Quote" else line
    return " ".join([line["line"], *(f"{name}={line[name]!r}" for name in names if name != "line")])


def fields_of(message: quote_pb2.Quote) -> Line:
    """What a `Quote` line says of a message, whoever prints it."""
    known = dict(quote_pb2.QuoteFlag.items())
    names = {number: name.removeprefix("QUOTE_FLAG_").lower() for name, number in known.items()}
    fields: Line = {name: getattr(message, name) for name in (*_QUOTE_TEXTS, "epoch", "revision")}
    for name in _QUOTE_NUMBERS:
        fields[name] = getattr(message, name) if message.HasField(name) else None
    for name in _QUOTE_TIMES:
        time = getattr(message, name)
        fields[f"{name}_ns"] = time.seconds * NS_PER_S + time.nanos if message.HasField(name) else None  # type: ignore[arg-type]
    fields["flags"] = sorted(names[flag] for flag in message.flags if flag in names)
    return fields


def quoted(message: quote_pb2.Quote, *, is_stale: bool = False, gap_before: bool = False) -> Pattern:
    return Pattern("Quote", {**fields_of(message), "is_stale": is_stale, "gap_before": gap_before})


def all_quoted(messages: Sequence[quote_pb2.Quote]) -> list[Pattern]:
    """The quotes, none of them after a gap, or stale."""
    return [quoted(message) for message in messages]


def missed(*messages: quote_pb2.Quote) -> list[Pattern]:
    """The quotes, none of them after a gap, as a stream that was resumed has them before it has caught up."""
    return [quoted(message, is_stale=True) for message in messages]


def changed(
    state: str = "LIVE",
    *,
    source: str = "binance",
    channel: str = "0",
    epoch: int = 1,
    is_healthy: bool | None = None,
    stale: Sequence[str] | None = None,
) -> Pattern:
    healthy = state in {"LIVE", "THROTTLED"} if is_healthy is None else is_healthy
    keys = {"source": source, "channel": channel, "state": state, "epoch": epoch, "is_healthy": healthy}
    return Pattern("SourceChanged", {**keys, **_stale(stale)})


def caught_up(stale: Sequence[str] = ()) -> Pattern:
    return Pattern("CaughtUp", _stale(stale))


def conflated(count: int) -> Pattern:
    return Pattern("Conflated", {"count": count})


def disconnected(
    reason: str | None = "",
    *,
    attempts: int | AtLeast = 0,
    retry_in_s_min: float = 0.0,
    stale: Sequence[str] | None = None,
) -> Pattern:
    keys: dict[str, object] = {"attempts": attempts, "retry_in_s": AtLeast(retry_in_s_min), **_stale(stale)}
    return Pattern("Disconnected", keys if reason is None else {"reason": reason, **keys})


def cut_off(*, stale: Sequence[str] | None = None) -> Pattern:
    """The connection broke. The library's gRPC may take the broken one for whole for a moment, and try it in vain."""
    return replace(disconnected(stale=stale), may_repeat=True)


def going_away() -> Pattern:
    return Pattern("GoingAway")


def hole(
    expected_revision: int, seen_revision: int, symbol: str = "BTCUSDT", *, source: str = "binance", epoch: int = 1
) -> Pattern:
    keys = {"source": source, "symbol": symbol, "epoch": epoch}
    return Pattern("Hole", {**keys, "expected_revision": expected_revision, "seen_revision": seen_revision})


def reconnected(*, resumed: bool, attempts: int | None = None, stale: Sequence[str] | None = None) -> Pattern:
    tries = AtLeast(1) if attempts is None else attempts
    return Pattern("Reconnected", {"resumed": resumed, "attempts": tries, **_stale(stale)})


def was_reset(stale: Sequence[str] | None = None) -> Pattern:
    return Pattern("Reset", _stale(stale))


def unmatched(*symbols: str) -> Pattern:
    return Pattern("Unmatched", {"symbols": list(symbols)})


def snapshot(resume_token: str, *statuses: Mapping[str, object], unmatched: Sequence[str] = ()) -> Pattern:
    keys = {"resume_token": resume_token, "unmatched": list(unmatched), "source_statuses": list(statuses)}
    return Pattern("Snapshot", keys)


def error(
    kind: str,
    code: str,
    reason: str,
    *,
    resume_token: str = "",
    retry_after_s: float | None = None,
    stale: Sequence[str] | None = None,
) -> Pattern:
    keys = {"kind": kind, "code": code, "reason": reason, "resume_token": resume_token, "retry_after_s": retry_after_s}
    return Pattern("Error", {**keys, **_stale(stale)})


def _stale(stale: Sequence[str] | None) -> dict[str, object]:
    return {} if stale is None else {"stale": list(stale)}
