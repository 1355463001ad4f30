"""What a user of the Python client sees, as the lines of the protocol."""

import json
import sys
from collections.abc import Iterable
from typing import Any

from tickmux_client import (
    AccessDeniedError,
    Conflated,
    Delivery,
    Disconnected,
    Event,
    Hole,
    InvalidRequestError,
    Quote,
    Reconnected,
    Snapshot,
    SourceChanged,
    SourceStatus,
    TickmuxClientError,
    UnavailableError,
    UnimplementedError,
    Unmatched,
)

KINDS = {
    InvalidRequestError: "INVALID_REQUEST",
    AccessDeniedError: "ACCESS_DENIED",
    UnimplementedError: "UNIMPLEMENTED",
    UnavailableError: "UNAVAILABLE",
}


class Printer:
    """Prints lines, and keeps the latest quote of each instrument for `stale`."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Quote] = {}

    def event(self, event: Event) -> None:
        if isinstance(event, Quote):
            self._kept[event.source, event.symbol] = event
            _write(_quote(event))
        else:
            self._write_with_stale(type(event).__name__, _keys(event))

    def snapshot(self, snapshot: Snapshot) -> None:
        keys = {
            "resume_token": snapshot.resume_token,
            "unmatched": snapshot.unmatched,
            "source_statuses": [_status(status) for status in snapshot.source_statuses],
        }
        self._write_with_stale("Snapshot", keys)
        for quote in snapshot.quotes:
            self.event(quote)

    def error(self, error: TickmuxClientError) -> None:
        keys = {
            "kind": KINDS.get(type(error), "OTHER"),
            "code": error.code.name,
            "reason": error.reason,
            "resume_token": error.resume_token,
            "retry_after_s": error.retry_after_s,
        }
        self._write_with_stale("Error", keys)

    def _write_with_stale(self, name: str, keys: dict[str, Any]) -> None:
        stale = sorted(f"{source}/{symbol}" for (source, symbol), quote in self._kept.items() if quote.is_stale)
        _write({"line": name, **keys, "stale": stale})


def connecting(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `connect`."""
    return _chosen(options, ("backoff_cap_s", "reconnects_max", "token"))


def subscribing(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `subscribe`."""
    chosen = _chosen(options, ("symbols", "sources", "heartbeat_interval_s", "resume_token"))
    if delivery := options.get("delivery"):
        chosen["delivery"] = Delivery[delivery]
    return chosen


def selecting(options: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `snapshot`."""
    return _chosen(options, ("symbols", "sources"))


def _chosen(options: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: options[name] for name in names if name in options}


def _keys(event: Event) -> dict[str, Any]:
    match event:
        case Conflated():
            return {"count": event.count}
        case Disconnected():
            return {"reason": event.reason, "attempts": event.attempts, "retry_in_s": event.retry_in_s}
        case Hole():
            return {
                "source": event.source,
                "symbol": event.symbol,
                "epoch": event.epoch,
                "expected_revision": event.expected_revision,
                "seen_revision": event.seen_revision,
            }
        case Reconnected():
            return {"attempts": event.attempts, "resumed": event.resumed}
        case SourceChanged():
            return _status(event.status)
        case Unmatched():
            return {"symbols": event.symbols}
        case _:
            return {}


def _status(status: SourceStatus) -> dict[str, Any]:
    return {
        "source": status.source,
        "channel": status.channel,
        "state": status.state.name,
        "epoch": status.epoch,
        "is_healthy": status.is_healthy,
    }


def _quote(quote: Quote) -> dict[str, Any]:
    return {
        "line": "Quote",
        "source": quote.source,
        "symbol": quote.symbol,
        "type": quote.type,
        "exchange": quote.exchange,
        "channel": quote.channel,
        "epoch": quote.epoch,
        "revision": quote.revision,
        "bid_price": quote.bid_price,
        "bid_size": quote.bid_size,
        "ask_price": quote.ask_price,
        "ask_size": quote.ask_size,
        "last_price": quote.last_price,
        "volume": quote.volume,
        "bid_ask_age_ms": quote.bid_ask_age_ms,
        "last_age_ms": quote.last_age_ms,
        "timestamp_ns": quote.timestamp_ns,
        "received_at_ns": quote.received_at_ns,
        "flags": sorted(flag.name.lower() for flag in quote.flags),
        "gap_before": quote.gap_before,
        "is_stale": quote.is_stale,
    }


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
