"""What Alpha Vantage is asked: a request for each stock and pair, or one for a hundred stocks."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from tickmux_adapters.model import Instrument
from tickmux_adapters.naming import first_of
from tickmux_adapters.polling import Request

PATH: Final = "/query"
BULK_MAX: Final = 100


class Function(enum.StrEnum):
    """The venue's names of what it answers."""

    GLOBAL_QUOTE = "GLOBAL_QUOTE"
    BULK_QUOTES = "REALTIME_BULK_QUOTES"
    EXCHANGE_RATE = "CURRENCY_EXCHANGE_RATE"


class Inquiry(NamedTuple):
    """What is asked for with one request, again and again."""

    function: Function
    instruments: tuple[Instrument, ...]

    @property
    def name(self) -> str:
        """What it asks for, in a word or two; no two inquiries of a source have the same."""
        return first_of([each.venue_symbol for each in self.instruments], 1)

    def request(self, key: str, entitlement: str | None) -> Request:
        """The request. The venue takes the key in the query alone, so that no URL may be shown to anyone."""
        query = {"function": self.function.value, **self._subject(), "apikey": key}
        if entitlement is not None and self.function is not Function.EXCHANGE_RATE:
            query["entitlement"] = entitlement
        return Request(PATH, query, name=self.name)

    def _subject(self) -> Mapping[str, str]:
        if self.function is Function.EXCHANGE_RATE:
            (pair,) = self.instruments
            return {"from_currency": pair.base, "to_currency": pair.quote}
        return {"symbol": ",".join(each.venue_symbol for each in self.instruments)}


def inquiries_for(instruments: Iterable[Instrument], *, bulk: bool) -> Sequence[Inquiry]:
    """One round of questions, in the order of the instruments; stocks in bulk come first."""
    listed = list(instruments)
    together = [each for each in listed if bulk and each.type == "stock"]
    round_ = [
        Inquiry(Function.BULK_QUOTES, tuple(together[start : start + BULK_MAX]))
        for start in range(0, len(together), BULK_MAX)
    ]
    for each in listed:
        if each.type != "stock":
            round_.append(Inquiry(Function.EXCHANGE_RATE, (each,)))
        elif not bulk:
            round_.append(Inquiry(Function.GLOBAL_QUOTE, (each,)))
    return round_
