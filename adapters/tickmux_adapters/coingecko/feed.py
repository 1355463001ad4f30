"""One CoinGecko source: which coins to ask for, and what the answers mean."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

from tickmux_adapters.coingecko.catalogue import Catalogue, match, split, tickers
from tickmux_adapters.coingecko.decoder import PriceDecoder
from tickmux_adapters.coingecko.freshness import COPY_AGE_S_MAX, copy_age_s, fresh_for_s
from tickmux_adapters.coingecko.messages import Coin, read_coins, read_currencies
from tickmux_adapters.coingecko.refusals import refused, said_by
from tickmux_adapters.coingecko.settings import DEFAULT_SYMBOLS, CoinGeckoSettings
from tickmux_adapters.errors import MalformedMessage, VenueError
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Instrument, Moment
from tickmux_adapters.polling import Asking, Request, Told
from tickmux_adapters.rest import Answer
from tickmux_adapters.secrets import read_key, redact

logger = logging.getLogger(__name__)

COINS_PER_REQUEST: Final = 100
IDS_CHARS_MAX: Final = 3_000
"""Of all ids in one request: URLs of up to 4 096 characters pass everywhere."""
READ_TRIES: Final = 5
"""One page of a proxy's in place of a document must not cost symbols until the next restart."""
RELIST_S: Final = 3_600.0
"""Time between two looks at the listing while nothing of what was configured is in it."""

Read = TypeVar("Read")


class CoinGeckoFeed:
    """See `polling.PollFeed`."""

    def __init__(
        self, source: str, settings: CoinGeckoSettings, *, decoder: PriceDecoder, health: ChannelHealth
    ) -> None:
        """Prepare; `settings` are resolved."""
        self._source = source
        self._settings = settings
        self._symbols = settings.symbols or DEFAULT_SYMBOLS
        self._decoder = decoder
        self._health = health
        self._currencies: frozenset[str] | None = None
        self._listing: list[Coin] | None = None
        self._unread: dict[str, int] = {}
        """How often a document could not be understood."""
        self._problems: Sequence[str] = ()
        self._batches: list[Mapping[str, str]] = []

    def key(self) -> str:
        """The key; empty where the plan has none.

        Raises:
            KeyUnusable: the plan needs one that is not there.
        """
        return read_key(self._settings.key_variable) if self._settings.allowed.key_header else ""

    async def prepare(self, asking: Asking) -> None:
        """Find out which coins the symbols mean. The listing is asked for only where the settings do not tell."""
        catalogue = await self._understand(asking)
        self._problems = catalogue.problems
        self._health.note("; ".join(catalogue.problems))
        for problem in catalogue.problems:
            logger.warning("%s: %s", self._source, problem)
        if not catalogue.instruments:
            self._currencies = self._listing = None
            raise VenueError("none of the configured symbols can be served", retry_after_s=RELIST_S)
        for instrument in catalogue.instruments:
            self._decoder.add(instrument)
        self._batches = list(batches(catalogue.instruments))

    def requests(self) -> Sequence[Request]:
        """One request for up to COINS_PER_REQUEST coins."""
        headers = self._headers()
        return [Request("/simple/price", query, headers, _name(query["ids"])) for query in self._batches]

    def take(self, request: Request, answer: Answer) -> Told:
        """Deliver what an answer says."""
        self._check(answer)
        age_s = copy_age_s(answer.headers)
        if age_s > COPY_AGE_S_MAX:
            raise VenueError(f"the venue's cache has not renewed its copy for {age_s:.0f} s")
        moment = Moment(answer.wall_ns, answer.monotonic_ns)
        self._decoder.take(answer.body, request.query["ids"].split(","), moment)
        self._health.note("; ".join([*self._problems, *self._decoder.problems]))
        return Told(next_in_s=fresh_for_s(answer.headers))

    def lapse(self, request: Request, moment: Moment) -> None:
        """Take back what a request said last; see `polling.PollFeed`."""
        self._decoder.withdraw(request.query["ids"].split(","), moment)

    async def _understand(self, asking: Asking) -> Catalogue:
        symbols, ids = self._symbols, self._settings.ids
        if self._currencies is None and any(split(symbol) is None for symbol in symbols):
            found = await self._ask(asking, "/simple/supported_vs_currencies", read_currencies)
            self._currencies = frozenset(currency.lower() for currency in found or ())
        more = self._currencies or ()
        if self._listing is None and tickers(symbols, more) - ids.keys():
            self._listing = await self._ask(asking, "/coins/list", read_coins)
        return match(symbols, source=self._source, more=more, ids=ids, listing=self._listing)

    async def _ask(self, asking: Asking, path: str, read: Callable[[bytes], Read]) -> Read | None:
        """A document that does not change; None if it cannot be understood time and again.

        That is no reason to ask for no prices at all: what needs it is named, the rest is served.

        Raises:
            VenueError: it could not be had yet.
        """
        answer = await asking.ask(Request(path, {}, self._headers(), path))
        self._check(answer)
        try:
            return read(answer.body)
        except MalformedMessage as error:
            self._health.count_malformed(f"{path}: {error.problem}", answer.body)
            self._unread[path] = self._unread.get(path, 0) + 1
            if self._unread[path] < READ_TRIES:
                raise VenueError(f"the venue's {path} could not be understood: {redact(error.problem)}") from error
            return None

    def _check(self, answer: Answer) -> None:
        if answer.status != 200 or said_by(answer.body) is not None:
            raise refused(answer, self._settings)

    def _headers(self) -> Mapping[str, str]:
        # Read for each request: a key in a file may be replaced while we run.
        header = self._settings.allowed.key_header
        return {header: self.key()} if header else {}


def batches(instruments: Sequence[Instrument]) -> Iterator[Mapping[str, str]]:
    """What to ask for the prices of the instruments, coins in the order of the configuration."""
    coins: dict[str, dict[str, None]] = {}
    for instrument in instruments:
        coins.setdefault(instrument.venue_symbol, {})[instrument.quote.lower()] = None
    batch: list[str] = []
    length = 0
    for coin_id in coins:
        # A comma may be written as three characters.
        if batch and (len(batch) == COINS_PER_REQUEST or length + len(coin_id) + 3 > IDS_CHARS_MAX):
            yield _query(batch, coins)
            batch, length = [], 0
        batch.append(coin_id)
        length += len(coin_id) + 3
    if batch:
        yield _query(batch, coins)


def _query(ids: Sequence[str], coins: Mapping[str, Mapping[str, None]]) -> Mapping[str, str]:
    currencies = dict.fromkeys(currency for coin_id in ids for currency in coins[coin_id])
    return {
        "ids": ",".join(ids),
        "vs_currencies": ",".join(currencies),
        "include_last_updated_at": "true",
        "precision": "full",
    }


def _name(ids: str) -> str:
    count = ids.count(",") + 1
    return ids if count == 1 else f"{count} coins"
