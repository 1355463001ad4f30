"""The Acme adapter with one thing wrong at a time; one case alone has to catch each."""

import asyncio
import socket
import struct
import time
from typing import Any, ClassVar, Final

import aiohttp
import msgspec
from tests.adapters.conformance import cases
from tests.adapters.conformance.acme.adapter import AcmeAdapter
from tests.adapters.conformance.acme.messages import Listing

from tickmux_adapters.backoff import Backoff
from tickmux_adapters.errors import VenueError, VenueRejected
from tickmux_adapters.model import ChannelStatus, Instrument, QuoteUpdate, SourceState
from tickmux_adapters.rest import RestClient


class Mutant(AcmeAdapter):
    """An adapter with a defect, which its docstring names."""

    caught_by: ClassVar[cases.Case]
    left: ClassVar[list[Any]] = []
    """What mutants left behind, to be cleared away after their test."""

    def change(self, update: QuoteUpdate) -> dict[str, Any]:
        """Fields that are wrong in what is delivered."""
        return {}

    def deliver(self, update: QuoteUpdate) -> None:
        super().deliver(msgspec.structs.replace(update, **self.change(update)))


class SaysLiveBeforeTheVenueSpoke(Mutant):
    """A venue that does not answer is taken for a quiet one."""

    caught_by = cases.connects

    def enter_failure(self, error: VenueError) -> None:
        super().enter_failure(error)
        if not self._instruments and "no answer" in str(error):
            self._health.enter(SourceState.LIVE)


class SaysOneThingAndAnswersAnother(Mutant):
    """statuses() does not know what was announced."""

    caught_by = cases.connects

    def statuses(self) -> list[ChannelStatus]:
        return [msgspec.structs.replace(status, state=SourceState.CONNECTING) for status in super().statuses()]


class AnnouncesInstrumentsLate(Mutant):
    """An instrument is announced with its first quote, but after it."""

    caught_by = cases.lists_instruments

    def announce(self, instrument: Instrument) -> None:
        self._instruments[instrument.venue_symbol] = instrument

    def deliver(self, update: QuoteUpdate) -> None:
        super().deliver(update)
        for instrument in self._instruments.values():
            if instrument.key == update.instrument:
                self._sink.instrument(instrument)


class TakesAllForStocks(Mutant):
    """The type of an instrument is wrong."""

    caught_by = cases.lists_instruments

    def announce(self, instrument: Instrument) -> None:
        super().announce(msgspec.structs.replace(instrument, type="stock"))


class BeginsNoChain(Mutant):
    """Quotes come without a chain."""

    caught_by = cases.first_quote

    def begin_chain(self) -> None:
        pass


class WaitsForAChange(Mutant):
    """What stands when it connects is not delivered, only what differs from it later."""

    caught_by = cases.first_quote
    has_begun = False

    def begin_chain(self) -> None:
        super().begin_chain()
        self.has_begun = True

    def deliver(self, update: QuoteUpdate) -> None:
        if not self.has_begun:
            super().deliver(update)

    def take(self, body: bytes) -> None:
        super().take(body)
        self.has_begun = False


class TakesTheLastPriceForABid(Mutant):
    """A bid that is gone is filled with the last price."""

    caught_by = cases.absent_stays_absent

    def change(self, update: QuoteUpdate) -> dict[str, Any]:
        return {"bid_price": update.last_price} if update.bid_price is None else {}


class TakesUnknownSizesForZero(Mutant):
    """Sizes that the venue never gives are 0."""

    caught_by = cases.absent_stays_absent

    def change(self, update: QuoteUpdate) -> dict[str, Any]:
        return {"bid_size": 0.0, "ask_size": 0.0}


class KeepsSinglePrecision(Mutant):
    """Prices go through a 32-bit float."""

    caught_by = cases.exact_decimals

    def change(self, update: QuoteUpdate) -> dict[str, Any]:
        return {"last_price": struct.unpack("f", struct.pack("f", update.last_price))[0]}


class KeepsEightDecimals(Mutant):
    """Prices are rounded to 8 decimals."""

    caught_by = cases.exact_decimals

    def change(self, update: QuoteUpdate) -> dict[str, Any]:
        assert isinstance(update.ask_price, float)
        return {"ask_price": round(update.ask_price, 8)}


class CountsNoLostDigits(Mutant):
    """Numbers that a double cannot hold are rounded in silence."""

    caught_by = cases.exact_decimals

    def statuses(self) -> list[ChannelStatus]:
        return [msgspec.structs.replace(status, inexact=0) for status in super().statuses()]


class TakesReceptionForTheVenuesTime(Mutant):
    """A venue time that is missing is filled with our own."""

    caught_by = cases.timestamps

    def change(self, update: QuoteUpdate) -> dict[str, Any]:
        return {"venue_time_ns": update.received_at_ns} if update.venue_time_ns is None else {}


class ReadsAClockOfItsOwn(Mutant):
    """The reception is not on the clock that was given."""

    caught_by = cases.timestamps

    def change(self, update: QuoteUpdate) -> dict[str, Any]:
        return {"received_at_ns": time.time_ns()}


class PassesOverUnknownSymbols(Mutant):
    """A configured symbol that is not listed is left out in silence."""

    caught_by = cases.unknown_symbol

    def name_unlisted(self, listed: object) -> None:
        pass


class EndsOnGarbage(Mutant):
    """A message that cannot be understood ends the source."""

    caught_by = cases.garbage

    def skip(self, error: Exception, sample: bytes) -> None:
        raise error


class BeginsAnewOnGarbage(Mutant):
    """A message that cannot be understood is taken for a broken connection."""

    caught_by = cases.garbage

    def skip(self, error: Exception, sample: bytes) -> None:
        super().skip(error, sample)
        raise VenueError(str(error))


class CountsNoGarbage(Mutant):
    """A message that cannot be understood is skipped in silence."""

    caught_by = cases.garbage

    def skip(self, error: Exception, sample: bytes) -> None:
        pass


class WaitsForEver(Mutant):
    """A request for quotes has no deadline."""

    caught_by = cases.mute

    async def poll(self, rest: RestClient) -> bytes:
        rest._timeout_s = 3_600.0
        return await super().poll(rest)


class GivesUpOnAClosedDoor(Mutant):
    """Once a connection is refused it is never tried again."""

    caught_by = cases.restart

    async def pause(self, rest: RestClient, backoff: Backoff, error: VenueError, lasted_ns: int) -> None:
        if "refused" in str(error) and not isinstance(error, VenueRejected):
            await asyncio.Event().wait()
        await super().pause(rest, backoff, error, lasted_ns)


class SaysLiveWithAWrongKey(Mutant):
    """That the venue answers is enough to be LIVE, even if it refuses the key."""

    caught_by = cases.wrong_key

    def enter_failure(self, error: VenueError) -> None:
        if isinstance(error, VenueRejected):
            self._health.enter(SourceState.LIVE)
        super().enter_failure(error)


class TellsTheKey(Mutant):
    """The venue's words are passed on, with the key that they repeat."""

    caught_by = cases.wrong_key

    def enter_failure(self, error: VenueError) -> None:
        super().enter_failure(error)
        self._health.note(str(error) if isinstance(error, VenueRejected) else "")


class InsistsOnAWrongKey(Mutant):
    """A refused key is tried again at once."""

    caught_by = cases.wrong_key

    async def pause(self, rest: RestClient, backoff: Backoff, error: VenueError, lasted_ns: int) -> None:
        if not isinstance(error, VenueRejected):
            await super().pause(rest, backoff, error, lasted_ns)


class DoesNotHearStop(Mutant):
    """What the venue asks us to wait is not waited."""

    caught_by = cases.rate_limit

    async def pause(self, rest: RestClient, backoff: Backoff, error: VenueError, lasted_ns: int) -> None:
        if error.retry_after_s is not None and not isinstance(error, VenueRejected):
            rest._paused_until_ns = 0
            error.retry_after_s = 0.0
        await super().pause(rest, backoff, error, lasted_ns)


class GoesOnAfterItsEnd(Mutant):
    """A cancellation while a request is in flight is taken for a failed request."""

    caught_by = cases.cancel_in_flight

    async def list(self, rest: RestClient) -> Listing:
        try:
            return await super().list(rest)
        except asyncio.CancelledError as error:
            raise VenueError("interrupted") from error


class EndsAsIfNothingWere(Mutant):
    """A cancellation is kept to itself."""

    caught_by = cases.cancel_in_flight

    async def run(self) -> None:
        try:
            await super().run()
        except asyncio.CancelledError:
            return


class LeavesATask(Mutant):
    """A task goes on after the end."""

    caught_by = cases.nothing_left_behind

    def begin_chain(self) -> None:
        super().begin_chain()
        self.left.append(asyncio.create_task(asyncio.sleep(3_600)))


class LeavesASocket(Mutant):
    """A socket stays open after the end."""

    caught_by = cases.nothing_left_behind

    def begin_chain(self) -> None:
        super().begin_chain()
        self.left.append(socket.socket())


class LeavesASession(Mutant):
    """A session is dropped without being closed."""

    caught_by = cases.nothing_left_behind

    def begin_chain(self) -> None:
        super().begin_chain()
        self.session = aiohttp.ClientSession()


def _is_mutant(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Mutant) and value is not Mutant


MUTANTS: Final[tuple[type[Mutant], ...]] = tuple(value for value in list(globals().values()) if _is_mutant(value))
