"""Positions, and readers that append themselves."""

import itertools
from collections.abc import Sequence

import pytest
from tests.server.feed import Feed, ManualClock

from tickmux_adapters.model import QuoteUpdate
from tickmux_server.consolidator import Consolidator
from tickmux_server.log import LogEntry, MemoryLog, QuoteEntry
from tickmux_server.publisher import BATCH_ENTRIES_MAX


def entry(revision: int) -> QuoteEntry:
    return QuoteEntry(("binance", "BTCUSDT"), 1, revision, b"")


def test_what_a_reader_appends_comes_after_what_it_reads_for_every_reader() -> None:
    log = MemoryLog()
    seen: dict[str, list[tuple[int, int]]] = {"before": [], "after": []}

    def note(name: str) -> None:
        log.read(lambda first, entries: seen[name].extend(_numbered(first, entries)))

    def answer(_first: int, entries: Sequence[LogEntry]) -> None:
        for each in entries:
            assert isinstance(each, QuoteEntry)
            if each.revision < 100:
                log.append([entry(each.revision * 100), entry(each.revision * 100 + 1)])

    note("before")
    log.read(answer)
    note("after")
    log.append([entry(1), entry(2)])
    log.append([entry(3)])
    in_order = [(1, 1), (2, 2), (3, 100), (4, 101), (5, 200), (6, 201), (7, 3), (8, 300), (9, 301)]
    assert seen == {"before": in_order, "after": in_order}
    assert log.head == 9


def test_a_reader_that_fails_keeps_nothing_from_the_next_append() -> None:
    log = MemoryLog()
    seen: list[tuple[int, int]] = []

    def fail_once(_first: int, entries: Sequence[LogEntry]) -> None:
        if not seen:
            log.append([entry(10)])
            seen.append((0, 0))
            raise RuntimeError("a defect")

    log.read(fail_once)
    log.read(lambda first, entries: seen.extend(_numbered(first, entries)))
    with pytest.raises(RuntimeError):
        log.append([entry(1)])
    log.append([entry(2)])
    assert seen == [(0, 0), (2, 10), (3, 2)]


def test_a_burst_that_the_publisher_appends_while_it_is_read_reaches_the_hub_in_order(clock: ManualClock) -> None:
    feed = Feed(clock)
    positions: list[tuple[int, int]] = []
    Consolidator(feed.log, feed.publisher, clock)
    feed.log.read(lambda first, entries: positions.append((first, len(entries))))
    # One batch that makes more revisions than the publisher keeps back: it flushes while the log hands over.
    count = BATCH_ENTRIES_MAX + 100
    feed.start("binance", *(f"S{number}" for number in range(count)))
    feed.publisher.flush()
    feed.start("kraken", *(f"S{number}" for number in range(count)))
    feed.publisher.flush()
    for source, price in (("binance", 1.0), ("kraken", 2.0)):
        for number in range(count):
            feed.publisher.quote(
                QuoteUpdate(
                    instrument=(source, f"S{number}"),
                    received_at_ns=clock.wall,
                    received_monotonic_ns=clock.monotonic,
                    bid_price=price,
                )
            )
        feed.publisher.flush()
        feed.publisher.flush()
    positions.clear()
    feed.publisher.begin_chain("kraken", "0")
    feed.publisher.flush()
    assert feed.hub.head == feed.log.head
    feed.publisher.flush()
    assert all(first + length == after for (first, length), (after, _) in itertools.pairwise(positions))
    assert feed.hub.head == feed.log.head
    withdrawn = [quote for quote in feed.quotes() if quote.source == "consolidated"][-count:]
    assert {quote.symbol for quote in withdrawn} == {f"S{number}" for number in range(count)}
    assert all(quote.bid_price == 1.0 for quote in withdrawn)


def _numbered(first: int, entries: Sequence[LogEntry]) -> list[tuple[int, int]]:
    return [(first + at, each.revision) for at, each in enumerate(entries) if isinstance(each, QuoteEntry)]
