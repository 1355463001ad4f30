"""From CoinGecko's prices to quote updates, in order and once each. No I/O: a feed or a test hands it the answers."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tickmux_adapters.coingecko.messages import UPDATED, number_text, quoted, read_prices, time_ns
from tickmux_adapters.conversation import BAD_FRAME
from tickmux_adapters.errors import MalformedMessage, VenueError
from tickmux_adapters.exactness import decimal_value, is_exact
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Instrument, Moment, QuoteUpdate, Sink
from tickmux_adapters.naming import first_of
from tickmux_adapters.poll_plan import LAPSE_TURNS
from tickmux_adapters.poller import PolledChain
from tickmux_adapters.repeats import Repeats

logger = logging.getLogger(__name__)

DOUBT_NS: Final = 300_000_000_000
"""The venue's caches hand out copies of up to 250 s: older prices are believed only after longer than that."""
NAMES_SHOWN: Final = 5
RETRY_UNKNOWN_S: Final = 60.0


class PriceDecoder:
    """The prices of one source."""

    def __init__(self, *, chain: PolledChain, sink: Sink, health: ChannelHealth) -> None:
        self._chain = chain
        self._sink = sink
        self._health = health
        self._number = self._chain.number
        """Which chain the prices were said in."""
        self._prices: defaultdict[str, dict[str, _Price]] = defaultdict(dict)
        """By coin and symbol."""

    def add(self, instrument: Instrument) -> None:
        """Take an instrument's prices from now on; it is announced once the venue shows that it knows the coin."""
        self._prices[instrument.venue_symbol].setdefault(instrument.symbol, _Price(instrument, self._health))

    @property
    def problems(self) -> list[str]:
        """What is wrong with single instruments, by the latest answers."""
        return [price.problem for prices in self._prices.values() for price in prices.values() if price.problem]

    def take(self, body: bytes, ids: Iterable[str], moment: Moment) -> None:
        """Take the answer to one request; deliver what it says.

        Args:
            body: as it was read.
            ids: the coins that were asked for.
            moment: when it was read.

        Raises:
            MalformedMessage: nothing of it could be understood; nothing was delivered.
            VenueError: it names none of the coins; nothing was delivered.
        """
        coins = read_prices(body)
        asked = list(ids)
        _check_known(coins, asked)
        if self._chain.number != self._number:
            self._number = self._chain.number
            self._forget()
        updates: list[QuoteUpdate] = []
        bad: list[tuple[_Price, str]] = []
        understood = 0
        for price in (price for coin_id in asked for price in self._prices.get(coin_id, {}).values()):
            try:
                update = price.take(coins, moment)
            except BAD_FRAME as error:
                bad.append((price, f"{price.instrument.venue_symbol}: {error}"))
                continue
            understood += 1
            if price.is_new(coins):
                self._sink.instrument(price.instrument)
            if update is not None:
                updates.append(update)
        if bad and not understood:
            raise MalformedMessage(bad[0][1], body)
        for price, problem in bad:
            self._health.count_malformed(problem, body)
            update = price.take_unreadable(moment)
            if update is not None:
                updates.append(update)
        for update in updates:
            self._chain.quote(update)

    def withdraw(self, ids: Iterable[str], moment: Moment) -> None:
        """Take back the prices of coins in this chain: nobody keeps them fresh any more."""
        if self._chain.number != self._number:
            return
        for price in (price for coin_id in ids for price in self._prices.get(coin_id, {}).values()):
            update = price.withdraw(None, moment)
            if update is not None:
                self._chain.quote(update)

    def _forget(self) -> None:
        for prices in self._prices.values():
            for price in prices.values():
                price.forget()


class _Price:
    """One instrument's price, and the order of what is said of it."""

    __slots__ = (
        "_health",
        "_is_announced",
        "_key",
        "_repeats",
        "_text",
        "_time_ns",
        "_unit",
        "_unreadable",
        "instrument",
        "problem",
    )

    def __init__(self, instrument: Instrument, health: ChannelHealth) -> None:
        self.instrument = instrument
        self.problem = ""
        self._unreadable = 0
        """How often in a row."""
        self._key = instrument.venue_symbol
        self._unit = instrument.quote.lower()
        self._health = health
        self._is_announced = False
        self.forget()

    def forget(self) -> None:
        """A new chain begins: nothing has been said in it."""
        self._text: str | None = None
        self._time_ns: int | None = None
        self._repeats = Repeats()

    def is_new(self, coins: Mapping[str, Any]) -> bool:
        """Whether the venue shows for the first time that it knows the coin."""
        is_new = self._key in coins and not self._is_announced
        self._is_announced = self._is_announced or is_new
        return is_new

    def take(self, coins: Mapping[str, Any], moment: Moment) -> QuoteUpdate | None:
        """What an answer says of it, unless that repeats or precedes what was said.

        Raises:
            ValueError: it could not be understood.
        """
        symbol = self.instrument.symbol
        coin = coins.get(self._key)
        if coin is not None and coin.__class__ is not dict:
            raise ValueError(f"not the prices of a coin: {quoted(coin)}")
        if coin and self._unit not in coin and UPDATED not in coin:
            raise ValueError(f"neither a price nor a time: {quoted(coin)}")
        venue_ns = time_ns(coin.get(UPDATED)) if coin else None
        text = number_text(coin.get(self._unit)) if coin else None
        value = decimal_value(text) if text else None
        if text is None or value is None:
            self.problem = (
                f"{symbol}: the venue has no price in {self.instrument.quote} of {self._key}"
                if self._key in coins
                else f"{symbol}: the venue knows no coin with the id {self._key}"
            )
            return self.withdraw(venue_ns, moment)
        self.problem = ""
        self._unreadable = 0
        if venue_ns is not None:
            # Of repeats too: a cache that is not renewed shows in how far it lags behind.
            self._health.lag_ns = moment.wall_ns - venue_ns
        if self._is_old(venue_ns, text, moment):
            self._health.duplicates += 1
            return None
        self._text, self._time_ns = text, venue_ns
        if not is_exact(text):
            self._health.inexact += 1
        return self._update(value, venue_ns, moment)

    def _is_old(self, venue_ns: int | None, text: str, moment: Moment) -> bool:
        """Whether a price repeats or precedes what was said."""
        if self._text is None:
            return False
        if venue_ns is None or self._time_ns is None or venue_ns == self._time_ns:
            return (venue_ns, text) == (self._time_ns, self._text)
        if venue_ns > self._time_ns or self._time_ns - venue_ns > DOUBT_NS:
            # No cache is that far behind: the venue's clock was ahead, and was set back.
            return False
        # One cache of the venue's may be behind another, but not for long.
        self._repeats.note(self._time_ns, moment.monotonic_ns)
        if not self._repeats.stuck(self._time_ns, ns_min=DOUBT_NS):
            return True
        behind_s = (self._time_ns - venue_ns) / 1_000_000_000
        logger.warning(
            "%s/%s: the venue's time went back by %.0f s and stays there: taken for the present",
            self.instrument.source,
            self.instrument.symbol,
            behind_s,
        )
        return False

    def take_unreadable(self, moment: Moment) -> QuoteUpdate | None:
        """What is known when it could not be read, while others could: the price of before, but not for long."""
        self.problem = f"{self.instrument.symbol}: the venue's price could not be understood"
        self._unreadable += 1
        return self.withdraw(None, moment) if self._unreadable >= LAPSE_TURNS else None

    def withdraw(self, venue_ns: int | None, moment: Moment) -> QuoteUpdate | None:
        """That no price is known any more, if one was said in this chain."""
        if self._text is None:
            return None
        self.forget()
        return self._update(None, venue_ns, moment)

    def _update(self, value: float | None, venue_ns: int | None, moment: Moment) -> QuoteUpdate:
        return QuoteUpdate(
            instrument=self.instrument.key,
            received_at_ns=moment.wall_ns,
            received_monotonic_ns=moment.monotonic_ns,
            venue_time_ns=venue_ns,
            last_price=value,
        )


def _check_known(coins: Mapping[str, Any], asked: Sequence[str]) -> None:
    """Refuse an answer that names none of the coins that were asked for: nothing can be told from it.

    Raises:
        VenueError: it is such a one.
    """
    if any(coin_id in coins for coin_id in asked):
        return
    names = first_of(asked, NAMES_SHOWN)
    raise VenueError(f"the venue knows none of the coins {names}", retry_after_s=RETRY_UNKNOWN_S)
