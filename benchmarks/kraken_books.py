"""Ticker frames of Kraken's protocol v2, derived from recorded books: one whenever the top of a book changes."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

_SIDES: Final = ("bids", "asks")


class Side:
    """One side of a book: decimal texts as they were sent, best price first among equals of none."""

    def __init__(self, *, highest_is_best: bool) -> None:
        self._pick = max if highest_is_best else min
        self._sizes: dict[float, tuple[str, str]] = {}
        self._best: float | None = None

    @property
    def best(self) -> tuple[str, str] | None:
        """Price and size of the best level."""
        return None if self._best is None else self._sizes[self._best]

    def take(self, levels: Iterable[dict[str, str]]) -> None:
        """Apply levels; a size of zero removes one."""
        for level in levels:
            price = float(level["price"])
            if float(level["qty"]):
                self._sizes[price] = (level["price"], level["qty"])
                self._best = price if self._best is None else self._pick(self._best, price)
            else:
                self._sizes.pop(price, None)
                if price == self._best:
                    self._best = self._pick(self._sizes) if self._sizes else None


def ticker_frames(lines: Iterable[str]) -> Iterator[bytes]:
    """The frames that a subscription to tickers with `event_trigger` bbo would have brought.

    Args:
        lines: `<unix seconds><TAB><book frame>` in the order of recording.
    """
    books: dict[str, tuple[Side, Side]] = {}
    tops: dict[str, object] = {}
    for line in lines:
        frame = json.loads(line.partition("\t")[2], parse_float=str, parse_int=str)
        if frame.get("channel") != "book":
            continue
        for data in frame["data"]:
            symbol = data["symbol"]
            if frame["type"] == "snapshot":
                books[symbol] = (Side(highest_is_best=True), Side(highest_is_best=False))
            bids, asks = books[symbol]
            bids.take(data["bids"])
            asks.take(data["asks"])
            top = (bids.best, asks.best)
            if top != tops.get(symbol):
                tops[symbol] = top
                yield _ticker(frame["type"], data, bids.best or ("0", "0"), asks.best or ("0", "0"))


def _ticker(kind: str, data: dict[str, Any], bid: tuple[str, str], ask: tuple[str, str]) -> bytes:
    # Books know of no trades: last is the bid, and what depends on 24 hours stands still.
    price = bid[0]
    timestamp = data.get("timestamp", "1970-01-01T00:00:00.000000Z")
    return (
        f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{data["symbol"]}","bid":{bid[0]},'
        f'"bid_qty":{bid[1]},"ask":{ask[0]},"ask_qty":{ask[1]},"last":{price},"volume":1020.88391276,"vwap":{price},'
        f'"low":{price},"high":{price},"change":0.7,"change_pct":0,"trades":47536,"timestamp":"{timestamp}"}}]}}'
    ).encode()
