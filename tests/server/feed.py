"""What tests feed a publisher with, and what they read back."""

import time
from collections.abc import Callable, Sequence

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import quote_pb2
from tickmux_adapters.model import BudgetStatus, ChannelStatus, Field, Instrument, QuoteUpdate, SourceState
from tickmux_server.hub import Hub
from tickmux_server.log import LogEntry, MemoryLog, QuoteEntry
from tickmux_server.node import Node
from tickmux_server.publisher import Publisher


class ManualClock:
    """Time that passes only when a test says so."""

    def __init__(self) -> None:
        self.wall = 1_790_000_000_123_456_789
        self.monotonic = 5_000_000_000

    def wall_ns(self) -> int:
        return self.wall

    def monotonic_ns(self) -> int:
        return self.monotonic

    def advance(self, seconds: float) -> None:
        self.wall += round(seconds * 1e9)
        self.monotonic += round(seconds * 1e9)


class Feed:
    """A publisher, a log and a hub under a manual clock, flushed by hand."""

    def __init__(self, clock: ManualClock, *, history_bytes_max: int = 1 << 20, history_age_s: float = 60.0) -> None:
        self.clock = clock
        self.scheduled: list[Callable[[], None]] = []
        self.log = MemoryLog()
        self.entries: list[LogEntry] = []
        self.positioned: list[tuple[int, LogEntry]] = []
        """The same with their positions."""
        self.log.read(self._record)
        self.hub = Hub(self.log, clock, history_bytes_max=history_bytes_max, history_age_s=history_age_s)
        self.publisher = Publisher(
            self.log,
            clock,
            flags={"kraken": (quote_pb2.QUOTE_FLAG_SIMULATED,)},
            schedule=self.scheduled.append,
        )

    def _record(self, first: int, entries: Sequence[LogEntry]) -> None:
        self.entries.extend(entries)
        self.positioned.extend(enumerate(entries, first))

    def start(self, source: str = "binance", *symbols: str, channel: str = "0") -> None:
        """Announce a live slot and its instruments."""
        for symbol in symbols or ("BTCUSDT",):
            self.publisher.instrument(
                Instrument(source=source, symbol=symbol, type="crypto", exchange=source.title(), channel=channel)
            )
        self.status(source, SourceState.LIVE, channel=channel)
        self.publisher.begin_chain(source, channel)
        self.publisher.flush()

    def status(
        self,
        source: str,
        state: SourceState,
        *,
        channel: str = "0",
        messages: int = 0,
        since_ns: int | None = None,
        budgets: tuple[BudgetStatus, ...] = (),
    ) -> None:
        since_ns = self.clock.wall if since_ns is None else since_ns
        self.publisher.status(
            ChannelStatus(
                source=source, channel=channel, state=state, since_ns=since_ns, messages=messages, budgets=budgets
            )
        )
        self.publisher.flush()

    def bid(self, price: Field, symbol: str = "BTCUSDT", source: str = "binance") -> None:
        self.publisher.quote(
            QuoteUpdate(
                instrument=(source, symbol),
                received_at_ns=self.clock.wall,
                received_monotonic_ns=self.clock.monotonic,
                bid_price=price,
            )
        )
        self.publisher.flush()

    def wake(self) -> int:
        """Tell whom there is news for; returns how many."""
        wakers = self.hub.take_wakers()
        for waker in wakers:
            waker()
        return len(wakers)

    def quotes(self) -> list[quote_pb2.Quote]:
        """Every quote that was logged."""
        framed = b"".join(entry.frame for entry in self.entries if isinstance(entry, QuoteEntry))
        return list(contract.SubscribeResponse.FromString(framed).quotes)


class NodeFeed:
    """Quotes for a running node."""

    def __init__(self, node: Node) -> None:
        self._publisher = node.publisher
        self._announced: set[tuple[str, str]] = set()

    def bids(self, source: str, prices: dict[str, float]) -> None:
        """Publish a bid for each symbol; what is new is announced first."""
        publisher = self._publisher
        started = any(known == source for known, _ in self._announced)
        for symbol in prices:
            if (source, symbol) not in self._announced:
                self._announced.add((source, symbol))
                publisher.instrument(
                    Instrument(
                        source=source, symbol=symbol, type="crypto", exchange=source.title(), venue_symbol=symbol
                    )
                )
        if not started:
            publisher.status(
                ChannelStatus(source=source, channel="0", state=SourceState.LIVE, since_ns=time.time_ns(), messages=1)
            )
            publisher.begin_chain(source, "0")
        for symbol, price in prices.items():
            publisher.quote(
                QuoteUpdate(
                    instrument=(source, symbol),
                    received_at_ns=time.time_ns(),
                    received_monotonic_ns=time.monotonic_ns(),
                    bid_price=price,
                )
            )
        publisher.flush()
