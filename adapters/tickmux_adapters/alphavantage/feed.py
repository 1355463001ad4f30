"""One source of Alpha Vantage: what it asks for, what the answers are worth, and which symbols fail alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlsplit

from tickmux_adapters.alphavantage.decoder import AlphaVantageDecoder
from tickmux_adapters.alphavantage.inquiries import Inquiry
from tickmux_adapters.alphavantage.refusals import Refusal, Refused, error_of
from tickmux_adapters.alphavantage.settings import AlphaVantageSettings
from tickmux_adapters.errors import VenueError
from tickmux_adapters.failures import refusal
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Instrument, Moment
from tickmux_adapters.naming import first_of
from tickmux_adapters.polling import Asking, Request, Told
from tickmux_adapters.rest import Answer
from tickmux_adapters.secrets import read_key

BAD_WAIT_S_MIN: Final = 600.0
BAD_WAIT_S_MAX: Final = 86_400.0
"""An inquiry that the venue has refused or knows nothing of is made again after a while that doubles up to a day."""
NAMED_MAX: Final = 10

_OF_ONE_INQUIRY: Final = frozenset({Refusal.ENTITLEMENT, Refusal.DEMO, Refusal.BAD_REQUEST})


class AlphaVantageFeed:
    """What the supervision of the source drives; see `polling.PollFeed`."""

    def __init__(
        self,
        inquiries: Sequence[Inquiry],
        *,
        settings: AlphaVantageSettings,
        decoder: AlphaVantageDecoder,
        health: ChannelHealth,
    ) -> None:
        """Prepare; no I/O.

        Args:
            inquiries: one round.
            settings: of the source.
            decoder: takes the answers.
            health: is told what stays wrong.
        """
        self._inquiries = {inquiry.name: inquiry for inquiry in inquiries}
        self._settings = settings
        self._decoder = decoder
        self._health = health
        self._host = urlsplit(settings.rest_url).netloc
        self._good: set[str] = set()
        """Inquiries whose last answer had data."""
        self._bad: dict[str, int] = {}
        """How often in a row the venue has refused the others, or known nothing of what they ask for."""
        self._problems: dict[str, tuple[str, Sequence[str]]] = {}
        """By inquiry: what is wrong, and with which symbols."""

    async def prepare(self, asking: Asking) -> None:
        """Ask nothing: a question costs one of the day's requests, and a first quote proves an instrument as well."""

    def requests(self) -> Sequence[Request]:
        """One round.

        Raises:
            KeyUnusable: there is no key.
        """
        key = read_key(self._settings.key_variable)
        return [inquiry.request(key, self._settings.entitlement) for inquiry in self._inquiries.values()]

    def take(self, request: Request, answer: Answer) -> Told:
        """Deliver what an answer says; see `polling.PollFeed`."""
        if answer.status != 200:
            raise refusal(answer.status, answer.headers, self._host, answer.text())
        inquiry = self._inquiries[request.name]
        moment = Moment(answer.wall_ns, answer.monotonic_ns)
        try:
            unknown = self._decoder.take(inquiry, answer.body, moment)
        except Refused as refused:
            error = error_of(refused, name=inquiry.name, key_variable=self._settings.key_variable)
            if refused.refusal not in _OF_ONE_INQUIRY:
                raise error from refused
            self._note(inquiry, refused.refusal.value, inquiry.instruments)
            return self._fail_alone(inquiry, inquiry.instruments, error, moment)
        unreadable = self._decoder.unreadable
        if unreadable:
            self._note(inquiry, "could not be understood", unreadable)
            self._decoder.withdraw(unreadable, moment)
        else:
            self._note(inquiry, "not known to the venue", unknown)
        if len(unknown) == len(inquiry.instruments):
            error = VenueError(f"the venue does not know {inquiry.name}: check how the symbol is written")
            return self._fail_alone(inquiry, unknown, error, moment)
        self._decoder.withdraw(unknown, moment)
        self._bad.pop(inquiry.name, None)
        self._good.add(inquiry.name)
        return Told()

    def lapse(self, request: Request, moment: Moment) -> None:
        """Take back what a request said last; see `polling.PollFeed`."""
        self._decoder.withdraw(self._inquiries[request.name].instruments, moment)

    def _fail_alone(
        self, inquiry: Inquiry, instruments: Iterable[Instrument], error: VenueError, moment: Moment
    ) -> Told:
        """Go on without an inquiry that has no data, as long as another has; it is made again after a while.

        Raises:
            VenueError: none has.
        """
        self._decoder.withdraw(instruments, moment)
        self._good.discard(inquiry.name)
        times = self._bad[inquiry.name] = self._bad.get(inquiry.name, 0) + 1
        wait_s = min(BAD_WAIT_S_MAX, BAD_WAIT_S_MIN * 2.0 ** min(times - 1, 16))
        if self._good:
            return Told(has_data=False, next_in_s=wait_s)
        # As long as another was not tried, it is tried next and at once.
        error.retry_after_s = wait_s if len(self._bad) == len(self._inquiries) else 0.0
        raise error

    def _note(self, inquiry: Inquiry, problem: str, instruments: Iterable[Instrument]) -> None:
        """Say which symbols of an inquiry something is wrong with, for as long as it is."""
        self._problems.pop(inquiry.name, None)
        names = [each.venue_symbol for each in instruments]
        if names:
            self._problems[inquiry.name] = (problem, names)
        by_problem: defaultdict[str, list[str]] = defaultdict(list)
        for said, symbols in self._problems.values():
            by_problem[said] += symbols
        self._health.note("; ".join(f"{first_of(symbols, NAMED_MAX)}: {said}" for said, symbols in by_problem.items()))
