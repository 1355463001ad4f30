"""`tickmux watch --json`: every update as a line on stdout, and what else happens in words on stderr."""

from collections.abc import AsyncIterator, Callable

from tickmux_client import (
    CaughtUp,
    Conflated,
    Disconnected,
    Event,
    GoingAway,
    Hole,
    Quote,
    Reconnected,
    Reset,
    SourceChanged,
    SourceStatus,
    Unmatched,
)
from tickmux_server.cli.asking import say
from tickmux_server.cli.jsonlines import line, quote_record, state_name
from tickmux_server.cli.stdout import write_now
from tickmux_server.counting import counted


class QuoteLines:
    """Every update as a line; and again a quote that has ceased to stand for the present, or stands for it again.

    Whoever reads the lines alone must not go on believing the last one when its source dies. Where a stream that was
    cut goes on, nothing is told twice: what was missed comes first, then what is known again to be the present.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._latest: dict[tuple[str, str], tuple[Quote, bool]] = {}
        """The newest quote of each instrument, and whether it was told to be stale."""
        self._before_reset: set[tuple[str, str]] = set()
        self._is_caught_up = False

    def quote(self, quote: Quote) -> None:
        """Tell an update."""
        self._before_reset.discard((quote.source, quote.symbol))
        self._tell(quote, is_stale=quote.is_stale, gap_before=quote.gap_before)

    def source(self, status: SourceStatus) -> None:
        """Tell again what the health of its source has changed."""
        if not self._is_caught_up:
            return
        for quote, was_stale in list(self._latest.values()):
            if (quote.source, quote.message.channel) == (status.source, status.channel):
                is_stale = not status.is_healthy or status.message.epoch > quote.epoch
                if is_stale != was_stale:
                    self._tell(quote, is_stale=is_stale, gap_before=False)

    def disconnected(self) -> None:
        """Nothing is known to be the present, until it is said again."""
        self._is_caught_up = False
        for quote, was_stale in list(self._latest.values()):
            if not was_stale:
                self._tell(quote, is_stale=True, gap_before=False)

    def interrupted(self) -> None:
        """The stream is being moved; what it has told stands for a moment longer."""
        self._is_caught_up = False

    def reset(self) -> None:
        """The full state follows: what it does not hold is not the present."""
        self._is_caught_up = False
        self._before_reset = set(self._latest)

    def caught_up(self) -> None:
        """The state, or what was missed, is complete: tell what it has changed of the quotes that it does not hold."""
        self._is_caught_up = True
        for quote, was_stale in list(self._latest.values()):
            if quote.is_stale != was_stale:
                self._tell(quote, is_stale=quote.is_stale, gap_before=False)
        for key in self._before_reset:
            del self._latest[key]
        self._before_reset = set()

    def _tell(self, quote: Quote, *, is_stale: bool, gap_before: bool) -> None:
        self._latest[quote.source, quote.symbol] = quote, is_stale
        self._write(line(quote_record(quote.message) | {"is_stale": is_stale, "gap_before": gap_before}) + "\n")


class EventWords:
    """What a person must be told of the events that are not quotes. The ordinary course is not told."""

    def __init__(self) -> None:
        self._troubled: set[tuple[str, str]] = set()
        self._told_cut = False

    def of(self, event: Event) -> str | None:
        """The event in one line, or None."""
        match event:
            case Conflated(count=count):
                return f"passed over {counted(count, 'update')}: this reader is too slow"
            case Hole(source=source, symbol=symbol, expected_revision=expected, seen_revision=seen):
                return f"updates of {symbol} at {source} are missing: revisions {expected} to {seen - 1}"
            case Reset(reason=reason):
                return f"updates may have been lost: {reason}"
            case Disconnected(problem=problem, retry_in_s=retry_in_s):
                self._told_cut = True
                return f"reconnecting in {retry_in_s:.1f} s: {problem}"
            case Reconnected(outage_s=outage_s):
                told_cut, self._told_cut = self._told_cut, False
                return f"connected again after {outage_s:.1f} s" if told_cut else None
            case SourceChanged(status=status):
                return self._of_source(status)
            case Unmatched(symbols=symbols):
                return f"nothing matches {', '.join(symbols)} yet"
            case _:
                return None

    def _of_source(self, status: SourceStatus) -> str | None:
        slot = (status.source, status.channel)
        if status.is_healthy and slot not in self._troubled:
            return None
        if status.is_healthy:
            self._troubled.discard(slot)
        else:
            self._troubled.add(slot)
        why = f": {status.last_error}" if status.last_error and not status.is_healthy else ""
        return f"source {status.source}/{status.channel} is {state_name(status.message.state)}{why}"


async def print_lines(events: AsyncIterator[Event]) -> None:
    """Print until the stream ends."""
    lines, words = QuoteLines(write_now), EventWords()
    async for event in events:
        match event:
            case Quote():
                lines.quote(event)
            case SourceChanged(status=status):
                lines.source(status)
            case Disconnected():
                lines.disconnected()
            case GoingAway():
                lines.interrupted()
            case Reset():
                lines.reset()
            case CaughtUp():
                lines.caught_up()
            case _:
                pass
        if said := words.of(event):
            say(said)
