"""What is fed to the parsers: frames of both venues, generated from a seed and recorded."""

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.kraken_books import ticker_frames
from benchmarks.workers import ROOT

RECORDINGS: Final = ROOT.parent / "shared" / "recordings"
SEED: Final = 20_260_101
INSTRUMENTS: Final = 200
FRAMES: Final = 4_000
_START: Final = datetime(2026, 10, 3, 20, 58, 33, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument as every parser has to know it."""

    source: str
    exchange: str
    symbol: str
    """Canonical."""
    venue_symbol: str
    base: str
    quote: str


@dataclass(frozen=True, slots=True)
class Workload:
    """Frames of one kind and origin. All of them make a quote."""

    name: str
    venue: str
    origin: str
    listings: tuple[Listing, ...]
    frames: tuple[str, ...]
    aggregate_frames: tuple[str, ...] = ()
    """The same trades in the shape of `aggTrade`, for who subscribes to that."""

    def save(self, folder: Path) -> Path:
        """Write it where workers can read it."""
        path = folder / f"{self.name.replace(' ', '-')}.json"
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")
        return path


def all_workloads() -> list[Workload]:
    """Generated frames, and recorded ones where the recordings are at hand."""
    return [
        generated_binance_books(),
        generated_binance_trades(),
        generated_kraken_tickers(),
        *(recorded() if RECORDINGS.is_dir() else ()),
    ]


class Walk:
    """A top of book that moves as recorded ones do: seven of ten changes touch one size only."""

    def __init__(self, random_source: random.Random) -> None:
        self._random = random_source
        self.decimals = random_source.choice((1, 2, 2, 3, 4, 5))
        ticks = random_source.randint(20_000, 900_000)
        self._prices = [ticks, ticks + random_source.choice((1, 1, 2, 5))]
        self.sizes = [self._size(), self._size()]

    def step(self) -> None:
        """Change it."""
        side = self._random.randrange(2)
        self.sizes[side] = self._size()
        if self._random.random() < 0.3:
            moved = self._prices[side] + self._random.choice((-1, 1))
            other = self._prices[1 - side]
            if moved < other if side == 0 else moved > other:
                self._prices[side] = moved

    def price(self, side: int) -> float:
        """Of the bid (0) or the ask (1)."""
        return self._prices[side] / float(10**self.decimals)

    def _size(self) -> float:
        return round(self._random.lognormvariate(1.0, 2.0) + 0.00001, 5)


def generated_binance_books() -> Workload:
    """Frames of bookTicker streams."""
    frames = (_book_frame(number, listing, walk) for number, (listing, walk) in enumerate(_walks("binance")))
    return Workload("binance bookTicker", "binance", "generated", _listings("binance"), tuple(frames))


def generated_binance_trades() -> Workload:
    """Trade frames, after one bookTicker of each instrument: a trade's quote also carries the top of book."""
    frames, aggregates = [], []
    for number, (listing, walk) in enumerate(_walks("binance")):
        if number < INSTRUMENTS:
            frames.append(_book_frame(number, listing, walk))
            aggregates.append(frames[-1])
            continue
        trade = {
            "s": listing.venue_symbol,
            "t": 6_715_234_671 + number,
            "p": f"{walk.price(number % 2):.8f}",
            "q": f"{walk.sizes[0]:.8f}",
            "E": int(_START.timestamp() * 1000) + number,
            "T": int(_START.timestamp() * 1000) + number - 1,
            "m": number % 2 == 0,
        }
        frames.append(_trade_frame(trade))
        aggregates.append(_aggregate_frame(trade))
    return Workload("binance trade", "binance", "generated", _listings("binance"), tuple(frames), tuple(aggregates))


def generated_kraken_tickers() -> Workload:
    """Ticker frames of protocol v2."""
    frames = []
    for number, (listing, walk) in enumerate(_walks("kraken")):
        time = (_START + timedelta(milliseconds=number)).isoformat(timespec="microseconds").replace("+00:00", "Z")
        bid, ask = (f"{walk.price(side):.{walk.decimals}f}" for side in (0, 1))
        frames.append(
            f'{{"channel":"ticker","type":"update","data":[{{"symbol":"{listing.venue_symbol}","bid":{bid},'
            f'"bid_qty":{walk.sizes[0]:.8f},"ask":{ask},"ask_qty":{walk.sizes[1]:.8f},"last":{bid},'
            f'"volume":{1020.88391276 + number:.8f},"vwap":{bid},"low":{bid},"high":{ask},"change":0.7,"change_pct":0,'
            f'"trades":{47_536 + number},"timestamp":"{time}"}}]}}'
        )
    return Workload("kraken ticker", "kraken", "generated", _listings("kraken"), tuple(frames))


def recorded() -> Iterator[Workload]:
    """The recordings' own bookTickers and trades of Binance, and Kraken's tickers as its recorded books imply them."""
    lines = (RECORDINGS / "binance" / "cryptofeed__BINANCE.ws.1.0").read_text(encoding="utf-8").splitlines()[1:]
    frames = [line.partition(": ")[2] for line in lines if "@bookTicker" in line]
    yield _recorded_binance("binance bookTicker", frames)
    lines = (RECORDINGS / "binance" / "collect-binancefutures__btcusdt_20220811.dat").read_text("utf-8").splitlines()
    frames = [line.partition(" ")[2] for line in lines if "@trade" in line]
    aggregates = [_aggregate_frame(json.loads(frame)["data"]) for frame in frames]
    yield _recorded_binance("binance trade", frames, aggregates)
    with (RECORDINGS / "kraken" / "cryptofeed__KRAKEN.ws.50.as-v2.tsv").open(encoding="utf-8") as books:
        frames = [frame.decode() for frame in ticker_frames(line for line in books if line.strip())]
    symbols = sorted({json.loads(frame)["data"][0]["symbol"] for frame in frames})
    listings = tuple(
        Listing("kraken", "Kraken", symbol.replace("/", ""), symbol, *symbol.split("/")) for symbol in symbols
    )
    yield Workload("kraken ticker, recorded", "kraken", "recorded", listings, tuple(frames))


def _recorded_binance(name: str, frames: list[str], aggregates: list[str] | None = None) -> Workload:
    symbols = sorted({json.loads(frame)["data"]["s"] for frame in frames})
    # The recorded symbols end in a currency of three or four letters.
    cuts = [-4 if symbol.endswith("USDT") else -3 for symbol in symbols]
    listings = tuple(
        Listing("binance", "Binance", symbol, symbol, symbol[:cut], symbol[cut:])
        for symbol, cut in zip(symbols, cuts, strict=True)
    )
    return Workload(f"{name}, recorded", "binance", "recorded", listings, tuple(frames), tuple(aggregates or ()))


def _walks(venue: str) -> Iterator[tuple[Listing, Walk]]:
    source = random.Random(SEED)
    listings = _listings(venue)
    walks = [Walk(source) for _ in listings]
    # Every instrument once, then as they come.
    for chosen in [*range(INSTRUMENTS), *source.choices(range(INSTRUMENTS), k=FRAMES - INSTRUMENTS)]:
        walks[chosen].step()
        yield listings[chosen], walks[chosen]


def _listings(venue: str) -> tuple[Listing, ...]:
    quote, separator = ("USDT", "") if venue == "binance" else ("USD", "/")
    return tuple(
        Listing(venue, venue.title(), f"C{number:03}{quote}", f"C{number:03}{separator}{quote}", f"C{number:03}", quote)
        for number in range(INSTRUMENTS)
    )


def _book_frame(number: int, listing: Listing, walk: Walk) -> str:
    symbol = listing.venue_symbol
    return (
        f'{{"stream":"{symbol.lower()}@bookTicker","data":{{"u":{98_494_969_448 + 7 * number},"s":"{symbol}",'
        f'"b":"{walk.price(0):.8f}","B":"{walk.sizes[0]:.8f}","a":"{walk.price(1):.8f}","A":"{walk.sizes[1]:.8f}"}}}}'
    )


def _trade_frame(trade: dict[str, object]) -> str:
    data = {"e": "trade", "E": trade["E"], **trade, "M": True}
    return _compact({"stream": f"{str(trade['s']).lower()}@trade", "data": data})


def _aggregate_frame(trade: dict[str, object]) -> str:
    data = {"e": "aggTrade", "E": trade["E"], "s": trade["s"], "a": trade["t"], "p": trade["p"], "q": trade["q"]}
    data |= {"f": trade["t"], "l": trade["t"], "T": trade["T"], "m": trade["m"], "M": True}
    return _compact({"stream": f"{str(trade['s']).lower()}@aggTrade", "data": data})


def _compact(message: object) -> str:
    return json.dumps(message, separators=(",", ":"))
