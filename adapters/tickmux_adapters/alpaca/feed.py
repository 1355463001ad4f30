"""One slot of Alpaca: its instruments, their halts, and the state that is fetched when a chain begins."""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from tickmux_adapters.alpaca.catalogue import Found, match, template_of, unlisted
from tickmux_adapters.alpaca.conversation import AlpacaConversation, Keys
from tickmux_adapters.alpaca.decoder import AlpacaDecoder
from tickmux_adapters.alpaca.market import Market
from tickmux_adapters.alpaca.messages import Asset
from tickmux_adapters.alpaca.rest import AlpacaRest, batches, parse_snapshot
from tickmux_adapters.alpaca.settings import AlpacaSettings
from tickmux_adapters.errors import VenueError
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Clock, Instrument, InstrumentState, Moment, Sink
from tickmux_adapters.naming import first_of
from tickmux_adapters.secrets import read_key

logger = logging.getLogger(__name__)

NAMED_MAX: Final = 3
"""Symbols that a note names before it counts the others."""


class AlpacaFeed:
    """What the supervision of a slot drives; see `conversation.Feed`."""

    def __init__(
        self,
        symbols: Sequence[str],
        exchanges: Mapping[str, str],
        *,
        market: Market,
        settings: AlpacaSettings,
        rest: AlpacaRest,
        sink: Sink,
        health: ChannelHealth,
        clock: Clock,
    ) -> None:
        """Prepare; no I/O. What needs no list of assets is announced by `begin`."""
        self.decoder = AlpacaDecoder(market, sink, health)
        self.authenticated = asyncio.Event()
        """Set once the venue has taken our keys, on any connection."""
        self._symbols = symbols
        self._exchanges = exchanges
        self._market = market
        self._settings = settings
        self._rest = rest
        self._sink = sink
        self._health = health
        self._clock = clock
        self._template = template_of(market, source=health.source, channel=health.channel)
        self._instruments: dict[str, Instrument] = {}
        self._is_complete = False
        self._subscribed: frozenset[str] = frozenset()
        self._all_subscribed = asyncio.Event()
        self._seeded: set[str] = set()
        self._chain_begun = False
        self._problems: tuple[str, ...] = ()
        self._list_problem = ""
        self._missing: Mapping[str, Sequence[str]] = {}

    @property
    def channels(self) -> Sequence[str]:
        """What is subscribed to, of each instrument."""
        return self._market.channels

    @property
    def variables(self) -> Sequence[str]:
        """Where the keys come from."""
        return self._settings.key_variable, self._settings.secret_variable

    @property
    def wanted(self) -> Sequence[str]:
        """The venue's names of the instruments that are known by now."""
        return list(self._instruments)

    @property
    def waits_for_list(self) -> bool:
        """Whether some of the symbols are known only when the list of assets has come."""
        return not self._is_complete

    def begin(self) -> None:
        """Announce what is known without the list of assets: stocks whose exchange is configured, or the test feed."""
        if self._market.asset_class is None:
            self._take(unlisted(self._symbols, self._exchanges, self._template))
        elif self._market.type == "stock":
            known = [symbol for symbol in self._symbols if symbol in self._exchanges]
            self._add(unlisted(known, self._exchanges, self._template).instruments)
            self._is_complete = len(known) == len(self._symbols)

    def take_assets(self, assets: Iterable[Asset]) -> None:
        """Take the list of assets: all symbols that are in it are known from now on."""
        self._list_problem = ""
        self._take(match(assets, self._symbols, self._exchanges, self._template))

    def take_list_refused(self, why: str) -> None:
        """There will be no list: the symbols are taken as they are."""
        self._list_problem = (
            f"the list of assets is refused ({why}), so listing exchanges are not known: set `exchanges`, or "
            "`trading_url` to where these keys are taken"
            if self._market.type == "stock"
            else f"the list of assets is refused ({why}), so pairs are taken as they are spelled: set `trading_url` "
            "to where these keys are taken"
        )
        self._take(unlisted(self._symbols, self._exchanges, self._template))

    def take_list_failure(self, why: str) -> None:
        """The list did not come, and is asked for again."""
        waiting = [symbol for symbol in self._symbols if symbol not in self._known]
        self._list_problem = f"{first_of(waiting, NAMED_MAX)} must wait for the list of assets: {why}"
        self._update_note()

    def converse(self) -> AlpacaConversation:
        """Begin the talk over a new connection, with the keys as they are now.

        Raises:
            KeyUnusable: there are none.
        """
        keys = Keys(read_key(self._settings.key_variable), read_key(self._settings.secret_variable))
        return AlpacaConversation(
            self,
            keys,
            self._clock,
            answer_timeout_s=self._settings.answer_timeout_s,
            contended_retry_s=self._settings.contended_retry_s,
        )

    def begin_chain(self, moment: Moment) -> None:
        """Start anew; what is halted is said first."""
        self._chain_begun = True
        self._seeded.clear()
        self._subscribed = frozenset()
        self._update_subscribed()
        self.decoder.begin_chain(moment)

    def take_authenticated(self) -> None:
        """The venue took our keys."""
        self.authenticated.set()

    def take_subscribed(self, asked: Collection[str], missing: Mapping[str, Sequence[str]]) -> None:
        """The venue answered all that was asked for; what it does not list all the same is missing, by channel."""
        self._subscribed = frozenset(asked)
        self._update_subscribed()
        self._missing = missing
        self._update_note()

    async def seed(self) -> None:
        """Fetch top of book, last price and the session's volume: a quiet market may not send any for hours.

        Raises:
            VenueError: the first failure, after everything was tried.
        """
        if self._market.snapshots_path is None:
            return
        await self._seed()
        # Those that are known later are seeded later, and not before they are subscribed to: a change between the two
        # would be missed until the next one.
        await self._all_subscribed.wait()
        await self._seed()

    async def _seed(self) -> None:
        failure: VenueError | None = None
        due = [name for name in self._instruments if name in self._subscribed and name not in self._seeded]
        for batch in batches(due):
            try:
                await self._seed_batch(batch)
            except VenueError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    async def _seed_batch(self, names: Sequence[str]) -> None:
        snapshots = await self._rest.snapshots(names)
        moment = self._now()
        failure: VenueError | None = None
        for name in names:
            entry = snapshots.get(name)
            try:
                if entry is not None and (snapshot := parse_snapshot(name, entry)) is not None:
                    self.decoder.seed(name, snapshot, moment)
                self._seeded.add(name)
            except VenueError as error:
                self._health.count_malformed(str(error), b"" if entry is None else bytes(entry))
                failure = failure or error
        if failure is not None:
            raise failure

    @property
    def _known(self) -> set[str]:
        return {instrument.symbol for instrument in self._instruments.values()}

    def _take(self, found: Found) -> None:
        self._problems = found.problems
        for problem in found.problems:
            logger.warning("%s/%s: %s", self._health.source, self._health.channel, problem)
        self._is_complete = True
        self._add(found.instruments)
        self._update_note()

    def _add(self, instruments: Iterable[Instrument]) -> None:
        for found in instruments:
            before = self._instruments.get(found.venue_symbol)
            # What was announced before the list came keeps what identifies it.
            instrument = found if before is None else msgspec.structs.replace(found, exchange=before.exchange)
            if instrument == before:
                continue
            self._instruments[instrument.venue_symbol] = instrument
            self._sink.instrument(instrument)
            streams = self.decoder.add(instrument)
            if self._chain_begun and instrument.state is InstrumentState.DELISTED:
                self._sink.quote(streams.halt_update(self._now()))
        self._update_subscribed()

    def _update_subscribed(self) -> None:
        if self._is_complete and self._subscribed.issuperset(self._instruments):
            self._all_subscribed.set()
        else:
            self._all_subscribed.clear()

    def _update_note(self) -> None:
        """Say in the slot's status what is wrong for as long as it is."""
        notes = [*self._problems, self._list_problem]
        notes += [
            f"the venue does not list {first_of(names, NAMED_MAX)} in {channel}"
            for channel, names in self._missing.items()
        ]
        self._health.note("; ".join(note for note in notes if note))

    def _now(self) -> Moment:
        return Moment(self._clock.wall_ns(), self._clock.monotonic_ns())
