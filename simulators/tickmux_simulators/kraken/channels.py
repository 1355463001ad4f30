"""What goes out on Kraken's channels: subscribers by subscription, and the frames that they get."""

import functools
from collections.abc import Callable, Iterable
from typing import Final

from tickmux_simulators.book import Side
from tickmux_simulators.faults import Fault, FaultBoard
from tickmux_simulators.kraken import encoding
from tickmux_simulators.kraken.depth import visible_changes
from tickmux_simulators.kraken.session import KrakenSession, Subscription
from tickmux_simulators.market import BookEvent, Event, Instrument, Trade

FrameMaker = Callable[[str, str, str, str], list[bytes]]
"""(sequence, symbol, stream, text) to frames; see `Venue.data_frames`."""
TRADES_IN_SNAPSHOT: Final = 50
STATUS_OF_HALT: Final = "maintenance"


class Channels:
    """Delivers the market to sessions."""

    def __init__(self, instruments: dict[str, Instrument], board: FaultBoard, make_frames: FrameMaker) -> None:
        self._instruments = instruments
        self._board = board
        self._make_frames = make_frames
        self._routes: dict[Subscription, list[KrakenSession]] = {}
        self._depths: dict[Instrument, list[Subscription]] = {}
        self._traded: dict[Instrument, list[Trade]] = {}
        self._statuses: dict[str, str] = {}

    @property
    def count(self) -> int:
        """Subscriptions over all connections."""
        return sum(map(len, self._routes.values()))

    def subscribe(self, session: KrakenSession, subscription: Subscription, wants_snapshot: bool) -> None:  # noqa: FBT001
        """Deliver from now on, after a snapshot if one is wanted."""
        if wants_snapshot and subscription.channel != "heartbeat":
            session.outbox += self._frames(subscription, self._snapshot(subscription))
        self._routes.setdefault(subscription, []).append(session)
        self._index_depths()

    def unsubscribe(self, session: KrakenSession, subscription: Subscription) -> None:
        """Deliver no more."""
        sessions = self._routes.get(subscription, [])
        if session in sessions:
            sessions.remove(session)
        if not sessions:
            self._routes.pop(subscription, None)
            self._index_depths()

    def publish(self, events: Iterable[Event]) -> None:
        """Queue everything that follows from some events, each taken when it has just happened."""
        for event in events:
            if isinstance(event, Trade):
                self._trade(event)
            elif isinstance(event, BookEvent):
                self._book(event)
        traded, self._traded = self._traded, {}
        for instrument, trades in traded.items():
            self._send(
                Subscription("trade", instrument.symbol),
                functools.partial(encoding.trades, instrument, "update", trades),
            )

    def push_statuses(self) -> None:
        """Tell subscribers of the instrument channel about pairs that were halted or resumed."""
        now = {}
        for symbol in self._instruments:
            halt = self._board.active(Fault.HALT, symbol)
            if halt is not None:
                now[symbol] = halt.text("status") or STATUS_OF_HALT
        changed = [
            instrument
            for symbol, instrument in self._instruments.items()
            if now.get(symbol) != self._statuses.get(symbol)
        ]
        self._statuses = now
        if changed:
            self._send(Subscription("instrument"), lambda: encoding.instruments("update", changed, now, ()))

    @property
    def statuses(self) -> dict[str, str]:
        """States of the pairs that are not online."""
        return self._statuses

    def _index_depths(self) -> None:
        self._depths = {}
        for subscription in self._routes:
            if subscription.channel == "book":
                self._depths.setdefault(self._instruments[subscription.symbol], []).append(subscription)

    def _trade(self, event: Trade) -> None:
        instrument = event.instrument
        self._traded.setdefault(instrument, []).append(event)
        self._send(
            Subscription("ticker", instrument.symbol, event_trigger="trades"),
            lambda: encoding.ticker(instrument, "update"),
        )

    def _book(self, event: BookEvent) -> None:
        instrument = event.instrument
        if event.is_top_changed:
            self._send(
                Subscription("ticker", instrument.symbol, event_trigger="bbo"),
                lambda: encoding.ticker(instrument, "update"),
            )
        subscriptions = self._depths.get(instrument)
        if not subscriptions:
            return
        crc = encoding.book_checksum(instrument)
        bid_changes = [change for change in event.changes if change.side is Side.BID]
        ask_changes = [change for change in event.changes if change.side is Side.ASK]
        for subscription in subscriptions:
            bids = visible_changes(bid_changes, instrument.book.bids, subscription.depth)
            asks = visible_changes(ask_changes, instrument.book.asks, subscription.depth)
            if bids or asks:
                wire_crc = self._checksum(crc, instrument.symbol)
                text = encoding.book(instrument, "update", bids, asks, crc=wire_crc, time_ns=event.time_ns)
                self._send(subscription, functools.partial(str, text))

    def _checksum(self, crc: int, symbol: str) -> int:
        return crc ^ 0x5A5A5A5A if self._board.strike(Fault.CORRUPTED_CHECKSUM, symbol) else crc

    def _snapshot(self, subscription: Subscription) -> str:
        if subscription.channel == "instrument":
            assets = dict.fromkeys(
                name for one in self._instruments.values() for name in (one.listing.quote, one.listing.base)
            )
            return encoding.instruments("snapshot", self._instruments.values(), self._statuses, assets)
        instrument = self._instruments[subscription.symbol]
        if subscription.channel == "ticker":
            return encoding.ticker(instrument, "snapshot")
        if subscription.channel == "trade":
            return encoding.trades(instrument, "snapshot", list(instrument.trades)[-TRADES_IN_SNAPSHOT:])
        book, depth = instrument.book, subscription.depth
        crc = self._checksum(encoding.book_checksum(instrument), instrument.symbol)
        return encoding.book(
            instrument,
            "snapshot",
            book.bids.top(depth),
            book.asks.top(depth),
            crc=crc,
            time_ns=instrument.changed_at_ns,
        )

    def _send(self, subscription: Subscription, text: Callable[[], str]) -> None:
        """Encode once, and queue the same bytes on every connection."""
        sessions = self._routes.get(subscription)
        if not sessions:
            return
        frames = self._frames(subscription, text())
        for session in sessions:
            session.outbox += frames

    def _frames(self, subscription: Subscription, text: str) -> list[bytes]:
        sequence = f"{subscription.channel} {subscription.symbol} {subscription.event_trigger}{subscription.depth}"
        symbol = subscription.symbol or subscription.channel
        return self._make_frames(sequence, symbol, subscription.channel, text)
