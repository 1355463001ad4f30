"""What the supervision of polled sources needs to know of a venue, and what such a source may set. No I/O here."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple, Protocol

import msgspec

from tickmux_adapters.budget import Allowance
from tickmux_adapters.model import Moment
from tickmux_adapters.registry import SourceSettings
from tickmux_adapters.rest import Answer
from tickmux_adapters.supervision import Seconds, check_url, host_name

Requests = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class PollingSettings(SourceSettings, kw_only=True, forbid_unknown_fields=True):
    """What every polled source may set; times are in seconds."""

    rest_url: str
    refresh_s: Seconds | None = None
    """Shortest time between two requests for the same thing; unset, as often as the venue renews its answers."""
    request_timeout_s: Seconds = 10.0
    """Longest wait for an answer."""
    retry_cap_s: Seconds = 30.0
    """Longest pause before a failed request is made again, the venue's wishes and the budget apart."""
    requests_per_second: Requests | None = None
    """Unset, these three are what the venue allows the kind of key."""
    requests_per_minute: Requests | None = None
    requests_per_day: Requests | None = None
    budget_file: str | None = None
    """Where to remember what is spent; unset, in the user's state directory, and nowhere if simulated."""


def allowances(
    settings: PollingSettings,
    *,
    second: int | None = None,
    minute: int | None = None,
    day: int | None = None,
    second_s: float = 1.0,
) -> list[Allowance]:
    """What may be asked for: as it is set, and else what is given here.

    Args:
        settings: what was set.
        second: requests a second, where none are set; None for no limit.
        minute: the same for a minute.
        day: the same for a day.
        second_s: how long a second is kept to be, with a margin for requests that draw nearer on their way.
    """
    chosen = (
        (settings.requests_per_second or second, second_s),
        (settings.requests_per_minute or minute, 60.0),
        (settings.requests_per_day or day, 86_400.0),
    )
    return [Allowance(limit, window_s) for limit, window_s in chosen if limit is not None]


def check_polling(source: str, settings: PollingSettings) -> None:
    """Refuse what cannot work.

    Raises:
        SettingsError: names the setting.
    """
    check_url(source, "rest_url", settings.rest_url, ("http", "https"))


def is_host_of(url: str, documented_hosts: frozenset[str]) -> bool:
    """Whether a URL leads to one of the venue's documented hosts."""
    return host_name(url) in documented_hosts


class Request(NamedTuple):
    """One GET request, and what it is about."""

    path: str
    """Behind the source's rest_url, with its leading slash."""
    query: Mapping[str, str]
    headers: Mapping[str, str] = {}
    name: str = ""
    """What it asks for, in a word or two, for messages: `IBM`, `10 coins`."""


class Told(NamedTuple):
    """What an answer was worth."""

    has_data: bool = True
    """Whether it proves the source alive. An answer that only says that this one thing is not to be had does not."""
    next_in_s: float | None = None
    """Seconds for which asking again would bring nothing new; None where neither the venue nor the feed knows."""


class PollFeed(Protocol):
    """One polled source: what to ask for, and what the answers mean."""

    async def prepare(self, asking: "Asking") -> None:
        """Find out what can be asked for. Called until it succeeds, then no more.

        Raises:
            VenueError: it could not be found out yet.
        """

    def requests(self) -> Sequence[Request]:
        """One round: everything that is to be asked for again and again. As many as long as the source runs.

        Raises:
            VenueError: the key cannot be used.
        """

    def take(self, request: Request, answer: Answer) -> Told:
        """Deliver what an answer says.

        Raises:
            BudgetSpent: the venue says that we ask too often.
            VenueError: no success; nothing was delivered.
            MalformedMessage: the answer could not be understood; nothing was delivered.
        """

    def lapse(self, request: Request, moment: Moment) -> None:
        """Take back what a request said last: it fails in turn after turn, while others are answered."""


class Asking(Protocol):
    """Makes single requests within the budget."""

    async def ask(self, request: Request) -> Answer:
        """The answer, whatever its status.

        Raises:
            VenueError: there was none.
        """
