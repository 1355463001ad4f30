"""The hub alone: what one update costs with a thousand wildcard clients, and what each client's response then costs."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.arithmetic import Cost
from benchmarks.fan_out_plan import INSTRUMENTS, order
from benchmarks.tables import table, verdict
from benchmarks.workers import chunks, settle_garbage_collector
from tickmux_adapters.model import Instrument, QuoteUpdate, SystemClock
from tickmux_server.chain import QuoteChain
from tickmux_server.hub import Hub
from tickmux_server.log import MemoryLog, QuoteEntry
from tickmux_server.pacing import FlushPacer
from tickmux_server.publisher import Publisher
from tickmux_server.selection import Selection
from tickmux_server.subscription import Subscription

ROUNDS: Final = 15
CLIENTS: Final = 1_000
UPDATES: Final = 5_000
BURST: Final = 10
WARM_FLUSHES: Final = 3
"""Flushes before and with the one that counts, so that what the last round left behind is gone."""
RATE: Final = 10_000
"""Updates a second, for what a wake costs when it is shared by all updates of a flush."""
GOAL_US: Final = 5.0


class Bench:
    """A hub with subscriptions that nobody writes for."""

    def __init__(self, clients: int, updates: int) -> None:
        clock = SystemClock()
        self.log = MemoryLog()
        self.hub = Hub(self.log, clock)
        self._entries = _quotes(_announce(self.log), updates)
        self.subscriptions = [
            Subscription(self.hub, clock, Selection(), wake=asyncio.Event().set) for _ in range(clients)
        ]
        self.read_all()

    def read_all(self) -> None:
        """Bring every subscription to the head."""
        for subscription in self.subscriptions:
            while subscription.next_response() is not None:
                pass

    def append(self, burst: int) -> float:
        """Microseconds an update from the log to the routes, in bursts of so many."""
        bursts = chunks(self._entries, burst)
        append = self.log.append
        spent = _spent_us(lambda: [append(entries) for entries in bursts])
        self._again()
        return spent / len(self._entries)

    def wake(self) -> float:
        """Microseconds to wake every client once."""
        self.log.append(self._entries[:1])
        spent = _spent_us(self._wake_all)
        self._again()
        return spent

    def respond(self, pending: int) -> tuple[float, float]:
        """Microseconds of the first client's response to so many updates, and of each other's at the same cursor."""
        self.read_all()
        first, *others = self.subscriptions
        for _ in range(WARM_FLUSHES):
            self.log.append(self._entries[:pending])
            first_us = _spent_us(first.next_response)
            # Not kept: a response lives for as long as its write.
            others_us = _spent_us(lambda: deque((other.next_response() for other in others), maxlen=0))
            self._again()
        return first_us, others_us / max(1, len(others))

    def _again(self) -> None:
        # The hub skips revisions that it has seen, so the same entries are told again as those of the next epoch.
        self._entries = [
            QuoteEntry(entry.instrument, entry.epoch + 1, entry.revision, entry.frame) for entry in self._entries
        ]
        self._wake_all()

    def _wake_all(self) -> None:
        for waker in self.hub.take_wakers():
            waker()


def report(rounds: int = ROUNDS, clients: int = CLIENTS, updates: int = UPDATES) -> str:
    """Measure and return the table."""
    bench = Bench(clients, updates)
    settle_garbage_collector()
    flush_updates = flush_size(clients)
    alone, bursts, wakes = [], [], []
    first, shared, first_flush, shared_flush = [], [], [], []
    for _ in range(rounds):
        alone.append(bench.append(1))
        bursts.append(bench.append(BURST))
        wakes.append(bench.wake())
        one, others = bench.respond(1)
        first.append(one)
        shared.append(others)
        one, others = bench.respond(flush_updates)
        first_flush.append(one)
        shared_flush.append(others)
    amortised = [burst + wake / flush_updates for burst, wake in zip(bursts, wakes, strict=True)]
    goal = Cost(tuple(amortised))
    met = verdict(met=goal.median < GOAL_US)
    rows = [
        _row("one update, log -> hub -> routes, one at a time", alone, "update"),
        _row(f"one update, log -> hub -> routes, bursts of {BURST}", bursts, "update"),
        _row(f"one wake of all {clients} clients", wakes, "flush"),
        _row(f"one update, its share of a wake included ({flush_updates} a flush)", amortised, "update"),
        _row("first client's response to 1 update", first, "flush"),
        _row("each other client's response to 1 update", shared, "response"),
        _row(f"first client's response to {flush_updates} updates", first_flush, "flush"),
        _row(f"each other client's response to {flush_updates} updates", shared_flush, "response"),
    ]
    notes = [
        f"{flush_updates} a flush: what gathers at {RATE} updates/s between two flushes, by the pacer.",
        f"goal: one update, wake included, under {GOAL_US:g} us: {goal.median:.2f} us, {met}",
    ]
    return table(f"HUB ALONE: {clients} wildcard clients, no writing", ("", "us", "least", "per"), rows, notes)


def flush_size(clients: int, rate: float = RATE) -> int:
    """Updates that gather between two flushes to so many writers."""
    pacer = FlushPacer()
    pacer.flushed(0.0, clients)
    return max(1, round(rate * pacer.delay_s(0.0)))


def _row(name: str, repeats: list[float], per: str) -> tuple[str, str, str, str]:
    cost = Cost(tuple(repeats))
    return (name, f"{cost.median:.2f}", f"{cost.least:.2f}", per)


def _announce(log: MemoryLog) -> list[Instrument]:
    instruments = [Instrument(source="binance", symbol=f"C{n:03}USDT", type="crypto") for n in range(INSTRUMENTS)]
    publisher = Publisher(log, SystemClock(), flags={}, schedule=lambda _flush: None)
    for instrument in instruments:
        publisher.instrument(instrument)
    publisher.flush()
    return instruments


def _quotes(instruments: Sequence[Instrument], updates: int) -> list[QuoteEntry]:
    """One revision after another, of instruments in random order."""
    chains = [QuoteChain(instrument, (), 1) for instrument in instruments]
    now_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
    return [
        chains[chosen].merge(
            QuoteUpdate(
                instrument=instruments[chosen].key,
                received_at_ns=now_ns,
                received_monotonic_ns=monotonic_ns,
                bid_price=30_000.01,
                bid_size=1.5,
                ask_price=30_000.02,
                ask_size=2.5,
            )
        )
        for chosen in order(updates)
    ]


def _spent_us(work: Callable[[], object]) -> float:
    started_ns = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - started_ns) / 1000
