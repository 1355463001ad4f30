"""One slot of Kraken: its instruments and their halts, whichever connection tells of them."""

import logging
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.kraken.catalogue import TRADING_STATUSES, canonical, instrument_of, match
from tickmux_adapters.kraken.conversation import KrakenConversation
from tickmux_adapters.kraken.decoder import KrakenDecoder
from tickmux_adapters.kraken.messages import Pair
from tickmux_adapters.model import Clock, Instrument, InstrumentState, Moment, QuoteUpdate, Sink

logger = logging.getLogger(__name__)

ONLINE: Final = "online"
DELISTED: Final = "delisted"


class KrakenFeed:
    """What the supervision of a slot drives; see `conversation.Feed`."""

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        sink: Sink,
        health: ChannelHealth,
        clock: Clock,
        snapshot_timeout_s: float,
        quiet_probe_s: float,
    ) -> None:
        self.decoder = KrakenDecoder(sink, health)
        self.system = ONLINE
        """The venue's state as a whole."""
        self.silent: set[str] = set()
        """Instruments, by the venue's names, that a new connection was made for once; they cause no other."""
        self.is_listing_silent = False
        """The venue does not send its list of instruments, so that halts would go unnoticed."""
        self._wanted = list(symbols)
        self._sink = sink
        self._health = health
        self._clock = clock
        self._snapshot_timeout_s = snapshot_timeout_s
        self._quiet_probe_s = quiet_probe_s
        self._instruments: dict[str, Instrument] = {}
        self._statuses: dict[str, str] = {}
        self._told_halted: set[str] = set()
        self._chain_begun = False
        self._unlisted: list[str] = []
        self._refused: dict[str, str] = {}

    @property
    def is_online(self) -> bool:
        """Whether the venue as a whole trades."""
        return self.system == ONLINE

    @property
    def known(self) -> list[str]:
        """What an earlier connection found in the listing, by the venue's names."""
        return [symbol for symbol, status in self._statuses.items() if status != DELISTED]

    def converse(self) -> KrakenConversation:
        """Begin the talk over a new connection."""
        return KrakenConversation(
            self,
            self._clock,
            snapshot_timeout_s=self._snapshot_timeout_s,
            quiet_probe_s=self._quiet_probe_s,
        )

    def begin_chain(self, moment: Moment) -> None:
        """Start anew; what is known to be halted is said first."""
        self._chain_begun = True
        self._told_halted.clear()
        self._refused.clear()
        self.decoder.begin_chain()
        self._tell_halts(moment)

    async def seed(self) -> None:
        """Nothing to fetch: a subscription begins with a snapshot."""

    def take_listing(self, pairs: Sequence[Pair], moment: Moment) -> list[str]:
        """Take the whole listing; returns the venue's names of what to subscribe to."""
        found, problems = match(pairs, self._wanted)
        for problem in problems:
            if problem not in self._unlisted:
                logger.warning("%s/%s: %s", self._health.source, self._health.channel, problem)
        self._unlisted = problems
        listed = {pair.symbol for pair in found.values()}
        for venue_symbol in self._instruments.keys() - listed:
            self._statuses[venue_symbol] = DELISTED
            self._complain_no_more_of(venue_symbol)
            gone = msgspec.structs.replace(self._instruments[venue_symbol], state=InstrumentState.DELISTED)
            self._instruments[venue_symbol] = gone
            self._sink.instrument(gone)
        self._take_pairs(found.values(), moment)
        return [pair.symbol for pair in found.values() if pair.status != DELISTED]

    def take_changes(self, pairs: Iterable[Pair], moment: Moment) -> list[str]:
        """Take changes of the listing; returns the venue's names of what is listed and wanted among them."""
        wanted = [pair for pair in pairs if canonical(pair) in self._wanted]
        self._unlisted = [
            problem for problem in self._unlisted if problem.split(" ", 1)[0] not in map(canonical, wanted)
        ]
        self._take_pairs(wanted, moment)
        return [pair.symbol for pair in wanted if pair.status != DELISTED]

    def take_system(self, system: str, moment: Moment) -> None:
        """Take the venue's own state: unless it is online, nothing trades."""
        if system != self.system:
            logger.warning("%s/%s: the venue is %s", self._health.source, self._health.channel, system)
        self.system = system
        self._tell_halts(moment)
        self.update_note()

    def refuse(self, venue_symbol: str, reason: str) -> None:
        """The venue refused one instrument; the others go on."""
        logger.warning("%s/%s: %s: %s", self._health.source, self._health.channel, venue_symbol, reason)
        self._refused[venue_symbol] = reason
        self.update_note()

    def take_spoken(self, venue_symbols: Iterable[str]) -> None:
        """Instruments have spoken after they were asked for: they are neither silent nor refused."""
        for venue_symbol in venue_symbols:
            self._complain_no_more_of(venue_symbol)
        self.update_note()

    def update_note(self) -> None:
        """Say in the slot's status what is wrong for as long as it is."""
        notes = [] if self.is_online else [f"the venue is in state {self.system}: nothing trades"]
        notes += self._unlisted
        notes += [f"{symbol} is refused: {reason}" for symbol, reason in sorted(self._refused.items())]
        if self.is_listing_silent:
            notes.append("the list of instruments does not come: halts go unnoticed")
        notes += [f"{symbol} is subscribed but silent" for symbol in sorted(self.silent)]
        self._health.note("; ".join(notes))

    def _complain_no_more_of(self, venue_symbol: str) -> None:
        self.silent.discard(venue_symbol)
        self._refused.pop(venue_symbol, None)

    def _take_pairs(self, pairs: Iterable[Pair], moment: Moment) -> None:
        for pair in pairs:
            instrument = instrument_of(pair, source=self._health.source, channel=self._health.channel)
            if self._statuses.get(pair.symbol) == DELISTED != pair.status:
                # What was quoted before it was delisted is not what it starts again with.
                self.decoder.withdraw(pair.symbol, moment)
            self._statuses[pair.symbol] = pair.status
            if pair.status == DELISTED:
                self._complain_no_more_of(pair.symbol)
            if self._instruments.get(pair.symbol) != instrument:
                self._instruments[pair.symbol] = instrument
                self._sink.instrument(instrument)
                self.decoder.add(instrument)
        self._tell_halts(moment)
        self.update_note()

    def _tell_halts(self, moment: Moment) -> None:
        if not self._chain_begun:
            return
        for venue_symbol, instrument in self._instruments.items():
            halted = not self.is_online or self._statuses[venue_symbol] not in TRADING_STATUSES
            if halted == (venue_symbol in self._told_halted):
                continue
            (self._told_halted.add if halted else self._told_halted.discard)(venue_symbol)
            self._sink.quote(
                QuoteUpdate(
                    instrument=instrument.key,
                    received_at_ns=moment.wall_ns,
                    received_monotonic_ns=moment.monotonic_ns,
                    halted=halted,
                )
            )
