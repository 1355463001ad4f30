"""What goes out on Binance's streams, and when: at once, every 100 ms, or every second."""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from tickmux_simulators.binance import encoding
from tickmux_simulators.binance.session import BinanceSession
from tickmux_simulators.book import Side
from tickmux_simulators.faults import Fault, FaultBoard
from tickmux_simulators.market import BookEvent, Event, Instrument, RecordedFrame, Trade
from tickmux_simulators.venue import Source

SECOND_NS: Final = 1_000_000_000
ALL_MINI_TICKERS: Final = "!miniTicker@arr"
FrameMaker = Callable[[str, str, str, str], list[bytes]]
"""(sequence, symbol, stream, text) to frames; see `Venue.data_frames`."""


@dataclass(slots=True)
class DepthWindow:
    """What happened to a book since its depth stream last sent."""

    instrument: Instrument
    period_ns: int
    levels: int
    """0 for the diff stream, else how many levels a partial book shows."""
    due_ns: int = 0
    first_id: int = 0
    last_id: int = 0
    changed: dict[tuple[Side, int], int] = field(default_factory=dict)

    def add(self, event: BookEvent) -> None:
        """Take a change into the window."""
        if not self.first_id:
            self.first_id = event.first_update_id
        self.last_id = event.last_update_id
        for change in event.changes:
            self.changed[change.side, change.price] = change.size


class Streams:
    """Subscribers by stream, and the frames that they get."""

    def __init__(self, source: Source, board: FaultBoard, make_frames: FrameMaker) -> None:
        self._instruments = {name.lower(): instrument for name, instrument in source.instruments.items()}
        self._is_recording = source.is_recording
        self._board = board
        self._make_frames = make_frames
        self._routes: dict[str, list[BinanceSession]] = {}
        self._windows: dict[Instrument, dict[str, DepthWindow]] = {}
        self._second_due_ns = 0
        self._seen_versions: dict[Instrument, tuple[int, int]] = {}

    @property
    def count(self) -> int:
        """Subscriptions over all connections."""
        return sum(map(len, self._routes.values()))

    def subscribe(self, session: BinanceSession, name: str) -> None:
        """Deliver a stream to a connection; an unknown symbol is accepted and never delivered."""
        if self._board.strike(Fault.ACK_THEN_SILENCE, name.partition("@")[0]):
            return
        self._routes.setdefault(name, []).append(session)
        symbol, _, kind = name.partition("@")
        instrument = self._instruments.get(symbol)
        if instrument is not None and kind.startswith("depth"):
            shape, _, speed = kind.partition("@")
            window = DepthWindow(instrument, SECOND_NS // 10 if speed == "100ms" else SECOND_NS, int(shape[5:] or 0))
            self._windows.setdefault(instrument, {}).setdefault(name, window)

    def unsubscribe(self, session: BinanceSession, name: str) -> None:
        """Stop delivering a stream to a connection."""
        sessions = self._routes.get(name, [])
        if session in sessions:
            sessions.remove(session)
        if not sessions:
            self._routes.pop(name, None)
            instrument = self._instruments.get(name.partition("@")[0])
            if instrument is not None and instrument in self._windows:
                self._windows[instrument].pop(name, None)

    def publish(self, events: Iterable[Event], now_ns: int) -> None:
        """Queue everything that follows from some events, as they happen, and what the time makes due."""
        for event in events:
            if isinstance(event, Trade):
                self._trade(event, now_ns)
            elif isinstance(event, RecordedFrame):
                self._replay(event)
            else:
                self._book(event)
        if self._is_recording:
            return
        for windows in self._windows.values():
            for name, window in windows.items():
                if now_ns >= window.due_ns:
                    self._depth(name, window, now_ns)
        if now_ns >= self._second_due_ns:
            self._second_due_ns = now_ns + SECOND_NS
            self._tickers(now_ns)

    def _replay(self, recorded: RecordedFrame) -> None:
        self._send(recorded.stream, recorded.symbol, lambda _is_micro: recorded.raw)

    def _book(self, event: BookEvent) -> None:
        instrument = event.instrument
        if event.is_top_changed:
            self._send(
                f"{instrument.symbol.lower()}@bookTicker",
                instrument.symbol,
                lambda _is_micro: encoding.book_ticker(instrument),
            )
        for window in self._windows.get(instrument, {}).values():
            window.add(event)

    def _trade(self, event: Trade, now_ns: int) -> None:
        symbol = event.instrument.symbol
        lower = symbol.lower()
        self._send(f"{lower}@trade", symbol, lambda is_micro: encoding.trade(event, now_ns, is_micro=is_micro))
        self._send(
            f"{lower}@aggTrade", symbol, lambda is_micro: encoding.aggregate_trade(event, now_ns, is_micro=is_micro)
        )

    def _depth(self, name: str, window: DepthWindow, now_ns: int) -> None:
        window.due_ns = now_ns + window.period_ns
        if not window.changed:
            return
        instrument = window.instrument
        first, last, changed = window.first_id, window.last_id, window.changed
        window.first_id, window.changed = 0, {}

        def payload(is_micro: bool) -> str:  # noqa: FBT001 - as _send calls it
            if window.levels:
                return encoding.partial_depth(instrument, window.levels)
            return encoding.depth_update(instrument, first, last, changed, now_ns, is_micro=is_micro)

        self._send(name, instrument.symbol, payload)

    def _tickers(self, now_ns: int) -> None:
        """Once a second: what changed since the last time."""
        changed: list[Instrument] = []
        for lower, instrument in self._instruments.items():
            version = (instrument.day.version, instrument.update_id)
            seen, self._seen_versions[instrument] = self._seen_versions.get(instrument, (-1, -1)), version
            if version[0] != seen[0]:
                changed.append(instrument)
                self._send(
                    f"{lower}@miniTicker",
                    instrument.symbol,
                    functools.partial(_mini_ticker, instrument, now_ns),
                )
            if version != seen:
                self._send(
                    f"{lower}@ticker",
                    instrument.symbol,
                    functools.partial(_ticker, instrument, now_ns),
                )
        if changed:
            self._send(
                ALL_MINI_TICKERS,
                ALL_MINI_TICKERS,
                lambda is_micro: (
                    "[" + ",".join(encoding.mini_ticker(one, now_ns, is_micro=is_micro) for one in changed) + "]"
                ),
            )

    def _send(self, stream: str, symbol: str, payload: Callable[[bool], str]) -> None:
        """Encode once for each form that is wanted, and queue the same bytes on every connection."""
        sessions = self._routes.get(stream)
        if not sessions:
            return
        built: dict[int, list[bytes]] = {}
        for session in sessions:
            variant = session.variant
            frames = built.get(variant)
            if frames is None:
                raw = payload(bool(variant & 1))
                text = f'{{"stream":"{stream}","data":{raw}}}' if variant & 2 else raw
                frames = built[variant] = self._make_frames(f"{stream} {variant}", symbol, stream, text)
            session.outbox += frames


def _mini_ticker(instrument: Instrument, now_ns: int, is_micro: bool) -> str:  # noqa: FBT001 - as Streams calls it
    return encoding.mini_ticker(instrument, now_ns, is_micro=is_micro)


def _ticker(instrument: Instrument, now_ns: int, is_micro: bool) -> str:  # noqa: FBT001 - as Streams calls it
    return encoding.ticker(instrument, now_ns, is_micro=is_micro)
