"""What every adapter has to do, one case a function. A case raises AssertionError and says what is amiss."""

import asyncio
import gc
import math
import time
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from tests.adapters.conformance.rig import FIELDS, Listed, Told, VenueRig
from tests.adapters.conformance.watching import (
    BlackHole,
    SkewedClock,
    Watched,
    numbers,
    open_sockets,
    settle,
    watched,
)
from tests.adapters.recorder import Chain

from tickmux_adapters.model import UNCHANGED, Instrument, QuoteUpdate, SourceState

NEAR: Final = 1e-3
"""Numbers that differ by this share at most may be one and the same, written well or badly."""
ROUND_TRIPS: Final = 100
"""Requests of ours that the venue answers while the adapter has to keep quiet."""

Case = Callable[[VenueRig], Awaitable[None]]


async def connects(rig: VenueRig) -> None:
    """CONNECTING comes first, LIVE only after the venue has said something, and `statuses()` agrees."""
    await rig.mute(on=True)
    async with watched(rig, **rig.hurried) as work:
        sink = work.sink
        await work.until(lambda: sink.state not in {None, SourceState.CONNECTING}, "another state than CONNECTING")
        assert sink.states[0] is SourceState.CONNECTING, f"the first state announced is {sink.states[0].name}"
        assert SourceState.LIVE not in sink.states, "LIVE was announced though the venue had said nothing yet"
        await rig.mute(on=False)
        await work.until_live()
        announced = {status.channel: status.state for status in sink.statuses}
        said = {status.channel: status.state for status in work.adapter.statuses()}
        assert said == announced, f"statuses() says {said}, but announced was {announced}"


async def lists_instruments(rig: VenueRig) -> None:
    """Every configured instrument is announced, under the right names, before its first quote."""
    async with watched(rig) as work:
        for listed in rig.symbols:
            await work.until_more(listed)
        channels = {status.channel for status in work.adapter.statuses()}
        announced: dict[tuple[str, str], Instrument] = {}
        for event in work.sink.events:
            if isinstance(event, Instrument):
                announced[event.key] = event
            elif isinstance(event, QuoteUpdate):
                assert event.instrument in announced, f"a quote of {event.instrument} precedes its instrument"
    sources = {source for source, _ in announced} | {status.source for status in work.sink.statuses}
    assert sources == {work.source}, f"the source is called {work.source}, but delivered was {sources}"
    found = [Listed(each.symbol, each.venue_symbol, each.type) for each in announced.values()]
    assert sorted(found) == sorted(rig.symbols), f"announced were {found} instead of {list(rig.symbols)}"
    for instrument in announced.values():
        assert instrument.channel in channels, f"{instrument.symbol} is on a slot without a status: {instrument}"


async def first_quote(rig: VenueRig) -> None:
    """A chain begins, then the present comes though nothing moves, then what follows when something does."""
    await rig.stand_still(on=True)
    async with watched(rig) as work:
        for listed in rig.symbols:
            await work.until(lambda: work.quoted(listed), f"the first quote of {listed.symbol}, which stands still")  # noqa: B023
        events = work.sink.events
        for listed in rig.symbols:
            first = events.index(work.sink.of(listed.symbol)[0])
            (channel,) = {each.channel for each in work.sink.instruments if each.symbol == listed.symbol}
            assert Chain(work.source, channel) in events[:first], (
                f"no chain begins before {listed.symbol}'s first quote"
            )
        await rig.stand_still(on=False)
        for listed in rig.symbols:
            await work.until(lambda: _moved(work.quoted(listed)), f"another quote of {listed.symbol}, which moves")  # noqa: B023


async def absent_stays_absent(rig: VenueRig) -> None:
    """What the venue did not say is not filled with what it said of something else, nor with 0."""
    async with watched(rig) as work:
        for listed, quotes in await _samples(rig, work):
            told = await rig.told(listed)
            for quote in work.quoted(listed):
                invented = rig.never_of(listed) & numbers(quote).keys()
                assert not invented, f"the venue never gives {', '.join(sorted(invented))}: {quote}"
            for quote in quotes:
                sources = _sources(quote, told)
                supported = [each for each in sources if numbers(quote).keys() <= each.numbers.keys()]
                assert supported or not sources, f"no message gave all that is in {quote}; near is {sources[-1]}"


async def exact_decimals(rig: VenueRig) -> None:
    """Every number is the double nearest to the decimal that the venue wrote; what a double cannot hold is counted."""
    async with watched(rig) as work:
        samples = [(quotes, await rig.told(listed)) for listed, quotes in await _samples(rig, work)]
        inexact = sum(status.inexact for status in work.adapter.statuses())
    is_inexact = False
    for quote, told in _each(samples):
        sources = _sources(quote, told)
        assert sources, f"no message comes near {quote}; the latest is {told[-1]}"
        assert _is_exactly(quote, sources[-1]), f"no message gave just the numbers of {quote}; near is {sources[-1]}"
        is_inexact = is_inexact or not any(_fits_doubles(quote, each) for each in sources)
    assert inexact or not is_inexact, "numbers with more digits than a double holds were not counted as inexact"


async def timestamps(rig: VenueRig) -> None:
    """The venue's time is the message's own, or none; the reception is on the clock that was given, hours away."""
    clock = SkewedClock()
    began_ns, began_monotonic_ns = clock.wall_ns(), time.monotonic_ns()
    async with watched(rig, clock=clock) as work:
        samples = [(quotes, await rig.told(listed)) for listed, quotes in await _samples(rig, work)]
        until_ns, until_monotonic_ns = clock.wall_ns(), time.monotonic_ns()
        for quote in work.sink.quotes:
            assert began_ns <= quote.received_at_ns <= until_ns, (
                f"received_at_ns is not the given wall clock's: {quote}"
            )
            assert began_monotonic_ns <= quote.received_monotonic_ns <= until_monotonic_ns, (
                f"received_monotonic_ns is not the given monotonic clock's: {quote}"
            )
    for quote, told in _each(samples):
        times = {each.venue_time_ns for each in _sources(quote, told)}
        assert not times or quote.venue_time_ns in times, (
            f"the venue's time of it is one of {times}, not that of {quote}"
        )


async def unknown_symbol(rig: VenueRig) -> None:
    """A symbol that is not listed is named in a status, and disturbs nothing."""
    known, unknown = rig.symbols[0], rig.unknown_symbol
    async with watched(rig, symbols=[known.symbol, unknown]) as work:
        sink = work.sink
        await work.until_live()
        await work.until_more(known)
        await work.until(
            lambda: any(unknown in status.last_error for status in sink.statuses), f"a status that names {unknown}"
        )
        assert not sink.of(unknown), f"{unknown} is not listed, but was quoted"
        assert unknown not in {each.symbol for each in sink.instruments}, f"{unknown} is not listed, but was announced"


async def garbage(rig: VenueRig) -> None:
    """Nonsense is counted and skipped; the quotes that follow come in the same chain."""
    listed = rig.symbols[0]
    async with watched(rig) as work:
        await work.until_live()
        await work.until_more(listed)
        chains = len(work.sink.chains)
        for kind in rig.garbage:
            before = _malformed(work)
            await rig.garble(kind, on=True)
            await work.until(lambda: _malformed(work) > before, f"a message of the kind {kind} counted as malformed")  # noqa: B023
            await rig.garble(kind, on=False)
            await work.until_more(listed)
        assert len(work.sink.chains) == chains, f"nonsense ended the chain: {work.described()}"


async def mute(rig: VenueRig) -> None:
    """A venue that falls silent on an open connection is noticed, and LIVE again when it talks."""
    listed = rig.symbols[0]
    async with watched(rig, **rig.hurried) as work:
        await work.until_live()
        await work.until_more(listed)
        since = len(work.sink.statuses)
        await rig.mute(on=True)
        await work.until_in_trouble(since=since)
        since = len(work.sink.statuses)
        await rig.mute(on=False)
        await work.until_live(since=since)
        await work.until_more(listed)


async def restart(rig: VenueRig) -> None:
    """A venue that is killed is noticed, and quoted again once it is back."""
    listed = rig.symbols[0]
    async with watched(rig, **rig.hurried) as work:
        await work.until_live()
        await work.until_more(listed)
        since, chains = len(work.sink.statuses), len(work.sink.chains)
        await rig.kill()
        await work.until_in_trouble(since=since)
        since = len(work.sink.statuses)
        await rig.start()
        await work.until_live(since=since)
        await work.until_more(listed)
        assert len(work.sink.chains) > chains or not rig.keeps_connection, "a new connection, but no new chain"


async def wrong_key(rig: VenueRig) -> None:
    """A refused key is REJECTED, not tried again at once, and written nowhere."""
    assert rig.secrets, "the rig has to say which keys must be told to nobody"
    async with watched(rig, **rig.wrong_key) as work:
        sink = work.sink
        await work.until(lambda: sink.state not in {None, SourceState.CONNECTING}, "REJECTED")
        assert SourceState.LIVE not in sink.states, "LIVE was announced though the venue refuses the key"
        await work.until(lambda: sink.state is SourceState.REJECTED, "REJECTED")
        await _assert_keeps_quiet(rig, "the venue refused the key")
        assert not sink.quotes, f"quotes with a key that the venue refuses: {sink.quotes[0]}"


async def rate_limit(rig: VenueRig) -> None:
    """A venue that says we ask too often is left in peace for as long as it wants, and a status tells why."""
    await rig.limit_rate(on=True)
    async with watched(rig) as work:
        await work.until_in_trouble()
        assert work.sink.last_error, f"the state {work.sink.states[-1].name} comes without a reason"
        await _assert_keeps_quiet(rig, "the venue said that we ask too often")
        assert SourceState.LIVE not in work.sink.states, "LIVE was announced though the venue had refused us"


async def cancel_in_flight(rig: VenueRig) -> None:
    """Cancelled while the venue owes it an answer, it ends at once, by cancellation, and hangs up."""
    hole = BlackHole()
    async with hole.listening():
        kind = rig.settings([each.symbol for each in rig.symbols], hole.port)
        async with watched(rig, **kind) as work:
            await work.until(hole.heard.is_set, "a request")
            assert await work.cancel(), "run() goes on after it was cancelled while a request was in flight"
            assert work.task.cancelled(), f"run() ended {work.ended} instead of raising CancelledError"
            await work.until_hung_up(hole)


async def nothing_left_behind(rig: VenueRig) -> None:
    """Once it has ended there is no task, no socket and no unclosed resource more than before."""
    gc.collect()
    await settle()
    tasks, sockets = asyncio.all_tasks(), open_sockets()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with watched(rig) as work:
            await work.until_live()
            await work.until_more(rig.symbols[0])
        del work
        await settle()
        left_tasks, left_sockets = asyncio.all_tasks() - tasks, open_sockets() - sockets
        gc.collect()
    assert not left_tasks, f"tasks were left behind: {left_tasks}"
    assert not left_sockets, f"{len(left_sockets)} sockets were left open"
    complaints = [str(each.message) for each in caught if issubclass(each.category, ResourceWarning)]
    assert not complaints, f"resources were not closed: {complaints}"


CASES: Final[tuple[Case, ...]] = (
    connects,
    lists_instruments,
    first_quote,
    absent_stays_absent,
    exact_decimals,
    timestamps,
    unknown_symbol,
    garbage,
    mute,
    restart,
    wrong_key,
    rate_limit,
    cancel_in_flight,
    nothing_left_behind,
)


async def _samples(rig: VenueRig, work: Watched) -> list[tuple[Listed, list[QuoteUpdate]]]:
    """Quotes of each instrument from when everything that the venue gives has been said of it.

    By then requests for the present state, which the venue may not remember, were answered or have become needless.
    """
    before: dict[Listed, int] = {}
    for listed in rig.symbols:
        wanted = frozenset(FIELDS) - rig.never_of(listed)
        await work.until(
            lambda: wanted <= _carried(work.sink.of(listed.symbol)),  # noqa: B023
            f"all of {', '.join(sorted(wanted))} of {listed.symbol}",
        )
        before[listed] = len(work.quoted(listed))
    for listed, start in before.items():
        await work.until(
            lambda: len(work.quoted(listed)) >= start + rig.sample,  # noqa: B023
            f"{rig.sample} more quotes of {listed.symbol}",
        )
    return [(listed, work.quoted(listed)[start:]) for listed, start in before.items()]


def _each(samples: Iterable[tuple[list[QuoteUpdate], list[Told]]]) -> Iterator[tuple[QuoteUpdate, list[Told]]]:
    """Every quote, with what the venue told of its instrument."""
    return ((quote, told) for quotes, told in samples for quote in quotes)


def _carried(quotes: Sequence[QuoteUpdate]) -> set[str]:
    return {field for quote in quotes for field in FIELDS if getattr(quote, field) is not UNCHANGED}


def _moved(quotes: Sequence[QuoteUpdate]) -> bool:
    return any(len({numbers(quote)[field] for quote in quotes if field in numbers(quote)}) > 1 for field in FIELDS)


def _sources(quote: QuoteUpdate, told: Sequence[Told]) -> list[Told]:
    """The messages that a quote can have come from: those with just its numbers, or else those that come near."""
    carried = numbers(quote)
    common = [(each, carried.keys() & each.numbers.keys()) for each in told]
    near = [
        each
        for each, fields in common
        if fields and all(math.isclose(carried[field], each.numbers[field], rel_tol=NEAR) for field in fields)
    ]
    return [each for each in near if _is_exactly(quote, each)] or near


def _is_exactly(quote: QuoteUpdate, told: Told) -> bool:
    carried = numbers(quote)
    return all(carried[field] == float(value) for field, value in told.numbers.items() if field in carried)


def _fits_doubles(quote: QuoteUpdate, told: Told) -> bool:
    carried = numbers(quote)
    return all(Decimal(repr(carried[field])) == value for field, value in told.numbers.items() if field in carried)


def _malformed(work: Watched) -> int:
    return sum(status.malformed for status in work.adapter.statuses())


async def _assert_keeps_quiet(rig: VenueRig, reason: str) -> None:
    """That the venue hears nothing more, for as long as it takes to answer many questions of ours."""
    before = await rig.contacts()
    for _ in range(ROUND_TRIPS):
        more = await rig.contacts() - before
        assert not more, f"{reason}, and it came back {more} times at once"
