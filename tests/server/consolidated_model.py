"""The consolidated quote the plain way: from the whole log, on protobuf messages, again at each entry."""

from dataclasses import dataclass, field

from tickmux.v1 import quote_pb2
from tickmux_adapters.model import SourceState
from tickmux_server.frames import payload
from tickmux_server.log import LogEntry, QuoteEntry, StatusEntry

SILENCE_NS = 3_000_000_000
KEEPS_AWAY = {quote_pb2.QUOTE_FLAG_INDICATIVE, quote_pb2.QUOTE_FLAG_DELAYED, quote_pb2.QUOTE_FLAG_HALTED}


@dataclass(frozen=True)
class Read:
    """An entry, and when it was read."""

    entry: LogEntry
    monotonic_ns: int
    wall_ns: int


@dataclass
class Model:
    """One symbol over all sources, whose every quote lives on slot `0`."""

    polled: set[str]
    log: list[Read] = field(default_factory=list)
    quotes: list[quote_pb2.Quote] = field(default_factory=list)
    """Every revision so far, without an epoch."""
    shown: quote_pb2.Quote | None = None
    seen_ns: dict[str, int] = field(default_factory=dict)

    def read(self, read: Read) -> None:
        """One more entry of a leg's source."""
        self.log.append(read)
        if isinstance(read.entry, QuoteEntry):
            quote = quote_pb2.Quote.FromString(payload(read.entry.frame))
            self._look(read.monotonic_ns, received=quote)
        elif isinstance(read.entry, StatusEntry) and self.shown is not None:
            self._look(read.monotonic_ns, wall_ns=read.wall_ns)

    def watched(self, monotonic_ns: int, wall_ns: int) -> None:
        """Time has passed."""
        if self.shown is not None:
            self._look(monotonic_ns, wall_ns=wall_ns)

    def _look(self, now_ns: int, *, received: quote_pb2.Quote | None = None, wall_ns: int = 0) -> None:
        view, seen_ns = self._view(now_ns)
        much_later = any(
            name in self.seen_ns and seen_ns[name] - self.seen_ns[name] >= 1_000_000_000 for name in seen_ns
        )
        if view == self.shown and not much_later:
            return
        self.shown, self.seen_ns = view, seen_ns
        quote = quote_pb2.Quote()
        quote.CopyFrom(view)
        quote.revision = len(self.quotes) + 1
        if received is not None:
            quote.received_at.CopyFrom(received.received_at)
            if received.HasField("timestamp"):
                quote.timestamp.CopyFrom(received.timestamp)
        else:
            quote.received_at.FromNanoseconds(wall_ns)
        for name, at_ns in seen_ns.items():
            setattr(quote, name, max(0, now_ns - at_ns) // 1_000_000)
        self.quotes.append(quote)

    def _view(self, now_ns: int) -> tuple[quote_pb2.Quote, dict[str, int]]:
        latest, statuses, changed = self._history()
        view = quote_pb2.Quote(symbol="BTCUSD", type="crypto", source="consolidated", channel="0")
        if any(quote_pb2.QUOTE_FLAG_SIMULATED in quote.flags for quote, _ in latest.values()):
            view.flags.append(quote_pb2.QUOTE_FLAG_SIMULATED)
        legs = {source: leg for source, leg in sorted(latest.items()) if _counts(*leg, statuses.get(source), now_ns)}
        seen_ns: dict[str, int] = {}
        for side, sign in (("bid", 1), ("ask", -1)):
            ranked = {
                source: (
                    source not in self.polled,
                    sign * getattr(quote, f"{side}_price"),
                    getattr(quote, f"{side}_size") if quote.HasField(f"{side}_size") else -1,  # type: ignore[arg-type]
                )
                for source, (quote, _) in legs.items()
                if quote.HasField(f"{side}_price")  # type: ignore[arg-type] # bid or ask
            }
            if ranked:
                best = max(ranked, key=ranked.__getitem__)  # the first of equals, which are in order of their names
                quote, at_ns = legs[best]
                setattr(view, f"{side}_price", getattr(quote, f"{side}_price"))
                if quote.HasField(f"{side}_size"):  # type: ignore[arg-type]
                    setattr(view, f"{side}_size", getattr(quote, f"{side}_size"))
                setattr(view, f"{side}_exchange", quote.exchange or best)
                at_ns -= quote.bid_ask_age_ms * 1_000_000
                seen_ns["bid_ask_age_ms"] = min(at_ns, seen_ns.get("bid_ask_age_ms", at_ns))
        lasts = {source for source, (quote, _) in legs.items() if quote.HasField("last_price")}
        if lasts:
            newest = max(lasts, key=lambda source: (source not in self.polled, changed[source]))
            quote, at_ns = legs[newest]
            view.last_price = quote.last_price
            view.last_exchange = quote.exchange or newest
            seen_ns["last_age_ms"] = at_ns - quote.last_age_ms * 1_000_000
        return view, seen_ns

    def _history(
        self,
    ) -> tuple[dict[str, tuple[quote_pb2.Quote, int]], dict[str, tuple[StatusEntry, int]], dict[str, int]]:
        """The latest quote and status of each source, when they were read, and when its last price last changed."""
        latest: dict[str, tuple[quote_pb2.Quote, int]] = {}
        statuses: dict[str, tuple[StatusEntry, int]] = {}
        lasts: dict[str, float] = {}
        changed: dict[str, int] = {}
        for number, read in enumerate(self.log):
            if isinstance(read.entry, StatusEntry):
                statuses[read.entry.source] = (read.entry, read.monotonic_ns)
            elif isinstance(read.entry, QuoteEntry):
                quote = quote_pb2.Quote.FromString(payload(read.entry.frame))
                latest[quote.source] = (quote, read.monotonic_ns)
                if quote.HasField("last_price") and lasts.get(quote.source) != quote.last_price:
                    lasts[quote.source] = quote.last_price
                    changed[quote.source] = number
        return latest, statuses, changed


def _counts(quote: quote_pb2.Quote, _at_ns: int, status: tuple[StatusEntry, int] | None, now_ns: int) -> bool:
    if status is None:
        return False
    entry, heard_ns = status
    return (
        entry.state is SourceState.LIVE
        and now_ns - heard_ns <= SILENCE_NS
        and quote.epoch >= entry.epoch
        and not KEEPS_AWAY & set(quote.flags)
    )
