import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.alpaca_messages import (
    Message,
    as_json,
    as_msgpack,
    at,
    cancel,
    correction,
    daily_bar,
    quote,
    stamp,
    status,
    trade,
)
from tests.adapters.clock import ManualClock
from tests.adapters.recorder import Recorder
from tests.adapters.recordings import exact, path_of, same

from tickmux_adapters.alpaca.conditions import NOT_THE_PRESENT_MARKET
from tickmux_adapters.alpaca.decoder import AlpacaDecoder
from tickmux_adapters.alpaca.market import Market, crypto_market, stock_market
from tickmux_adapters.alpaca.messages import Snapshot
from tickmux_adapters.alpaca.times import packed_time_ns, text_time_ns
from tickmux_adapters.alpaca.trades import REMEMBERED_MAX
from tickmux_adapters.conversation import Heard
from tickmux_adapters.errors import VenueError
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import UNCHANGED, Instrument, InstrumentState, Moment, QuoteUpdate
from tickmux_adapters.symbols import normalise_symbol

NS_PER_S = 1_000_000_000
TRANSCRIPTS = "alpaca-docs__stream_transcripts.jsonl"
SNAPSHOTS = "alpaca-trade-api-go__rest_payloads.jsonl"
Encode = Callable[..., bytes]

both = pytest.mark.parametrize("encode", [as_json, as_msgpack], ids=["json", "msgpack"])


class Slot:
    """A decoder and what it delivered."""

    def __init__(self, market: Market, *symbols: str) -> None:
        self.market = market
        self.sink = Recorder()
        self.clock = ManualClock()
        self.health = ChannelHealth(source="alpaca", channel="0", sink=self.sink, clock=self.clock)
        self.decoder = AlpacaDecoder(market, self.sink, self.health)
        for symbol in symbols:
            self.add(symbol)

    def add(self, venue_symbol: str, state: InstrumentState = InstrumentState.TRADING) -> None:
        symbol = normalise_symbol(venue_symbol)
        self.decoder.add(
            Instrument(
                source="alpaca",
                symbol=symbol,
                type=self.market.type,
                venue_symbol=venue_symbol,
                channel="0",
                state=state,
            )
        )

    def hear(self, *messages: Message, encode: Encode = as_json) -> Heard:
        return self.feed(encode(*messages))

    def feed(self, frame: bytes) -> Heard:
        return self.decoder.feed(frame, self.clock.wall_ns(), self.clock.monotonic_ns())

    def begin_chain(self) -> None:
        self.decoder.begin_chain(Moment(self.clock.wall_ns(), self.clock.monotonic_ns()))

    def seed(self, symbol: str, snapshot: dict[str, Any]) -> None:
        body = json.dumps(snapshot).encode()
        decoded = msgspec.json.Decoder(Snapshot, float_hook=str).decode(body)
        self.decoder.seed(symbol, decoded, Moment(self.clock.wall_ns(), self.clock.monotonic_ns()))

    def values(self, field: str) -> list[Any]:
        """What the updates that carry a field say of it."""
        values = [getattr(update, field) for update in self.sink.quotes]
        return [value for value in values if value is not UNCHANGED]


@pytest.fixture
def stocks() -> Slot:
    return Slot(stock_market("iex"), "AAPL", "IBM")


@pytest.fixture
def crypto() -> Slot:
    return Slot(crypto_market("us"), "BTC/USD")


def recorded() -> list[tuple[str, list[Message]]]:
    """(session, frame) of everything the venue sent."""
    lines = [json.loads(line) for line in path_of("alpaca", TRANSCRIPTS).read_text().splitlines()]
    return [(line["session"], json.loads(line["raw"])) for line in lines if line["dir"] == "<"]


def replayed(encode: Encode) -> list[list[QuoteUpdate]]:
    """The updates of each session."""
    slots: dict[str, Slot] = {}
    for session, messages in recorded():
        market = crypto_market("us") if "crypto" in session else stock_market("sip")
        slot = slots.setdefault(session, Slot(market))
        for message in messages:
            if "S" in message:
                slot.add(message["S"])
        assert slot.hear(*messages, encode=encode) is not Heard.NOTHING
        assert slot.health.malformed == 0
    return [slot.sink.quotes for slot in slots.values()]


def test_every_recorded_message_is_understood_alike_in_both_encodings() -> None:
    text, packed = replayed(as_json), replayed(as_msgpack)
    assert text == packed
    assert sum(map(len, text)) == 13


def test_recorded_numbers_are_the_decimals_that_were_written() -> None:
    lines = [json.loads(line) for line in path_of("alpaca", TRANSCRIPTS).read_text().splitlines()]
    compared = 0
    for line in lines:
        if line["dir"] == ">":
            continue
        slot = Slot(crypto_market("us") if "crypto" in line["session"] else stock_market("sip"))
        lot = slot.market.lot
        messages = exact(line["raw"])
        for message in messages:
            slot.add(message.get("S", "none"))
        slot.feed(line["raw"].encode())
        wanted = [message for message in messages if message["T"] in "qt"]
        quotes = [update for update in slot.sink.quotes if update.halted is UNCHANGED]
        for update, message in zip(quotes, wanted, strict=True):
            compared += 1
            assert update.venue_time_ns == nanoseconds(message["t"])
            if message["T"] == "t":
                assert same(update.last_price, message["p"])
            else:
                assert same(update.bid_price, message["bp"])
                assert same(update.ask_price, message["ap"])
                assert same(update.bid_size, message["bs"] * lot)
                assert same(update.ask_size, message["as"] * lot)
    assert compared == 12


def nanoseconds(text: str) -> int:
    """By other means than the adapter's."""
    whole = dt.datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=dt.UTC)
    return int(whole.timestamp()) * NS_PER_S + int(Decimal("0" + text[19:-1] if text[19:-1] else "0") * NS_PER_S)


def test_recorded_snapshots_seed_a_chain() -> None:
    bodies = [json.loads(line) for line in path_of("alpaca", SNAPSHOTS).read_text().splitlines()]
    seeded = 0
    for body in bodies:
        market = crypto_market("us") if "snapshots" in body else stock_market("sip")
        for symbol, snapshot in body.get("snapshots", body).items():
            if not isinstance(snapshot, dict) or "latestQuote" not in snapshot:
                continue
            slot = Slot(market, symbol)
            slot.seed(symbol, snapshot)
            seeded += 1
            (bid,), (last,) = slot.values("bid_price"), slot.values("last_price")
            assert (bid, last) == (snapshot["latestQuote"]["bp"], snapshot["latestTrade"]["p"])
            assert slot.values("volume") == ([] if market.type == "crypto" else [snapshot["dailyBar"]["v"]])
    assert seeded == 6


@both
def test_a_frame_mixes_kinds_and_symbols(stocks: Slot, encode: Encode) -> None:
    heard = stocks.hear(
        quote("AAPL", 171.22, 171.24, at(0, 114_612_043)),
        {"T": "b", "S": "AAPL", "o": 1, "h": 1, "l": 1, "c": 1, "v": 131, "t": at(), "n": 3, "vw": 1.5},
        trade("IBM", 304.1, at(1)),
        daily_bar("IBM", 4_200),
        quote("IBM", 304.0, 304.2, at(2), bid_size=7),
        encode=encode,
    )
    assert heard is Heard.DATA
    assert stocks.health.malformed == 0
    assert [update.instrument[1] for update in stocks.sink.quotes] == ["AAPL", "IBM", "IBM", "IBM"]
    first = stocks.sink.quotes[0]
    assert (first.bid_price, first.bid_size, first.ask_price, first.ask_size) == (171.22, 200.0, 171.24, 300.0)
    assert first.venue_time_ns == nanoseconds(at(0, 114_612_043))
    assert (first.last_price, first.volume, first.halted, first.delayed) == (UNCHANGED,) * 4
    assert (stocks.values("last_price"), stocks.values("volume")) == ([304.1], [4_200.0])
    assert stocks.sink.quotes[3].bid_size == 700.0


def test_sizes_of_crypto_are_as_they_are(crypto: Slot) -> None:
    crypto.hear(quote("BTC/USD", 71856.1, 71857.25, bid_size=0.27994, ask_size=12.5))
    (update,) = crypto.sink.quotes
    assert (update.bid_size, update.ask_size) == (0.27994, 12.5)


@both
@pytest.mark.parametrize(("price", "size"), [(0, 0), (0, 5), (171.2, 0)])
def test_a_side_without_a_price_or_a_size_is_absent(stocks: Slot, encode: Encode, price: float, size: float) -> None:
    stocks.hear(quote("AAPL", 171.22, 171.24), encode=encode)
    stocks.hear(quote("AAPL", price, 171.3, at(1), bid_size=size), encode=encode)
    stocks.hear(quote("AAPL", 171.22, price, at(2), ask_size=size), encode=encode)
    one, other = stocks.sink.quotes[1:]
    assert (one.bid_price, one.bid_size, one.ask_price) == (None, None, 171.3)
    assert (other.bid_price, other.ask_price, other.ask_size) == (171.22, None, None)


def test_crypto_never_has_a_volume(crypto: Slot) -> None:
    assert crypto.hear(daily_bar("BTC/USD", 31.5)) is Heard.ALIVE
    assert crypto.sink.quotes == []
    assert crypto.health.malformed == 0


def test_every_update_of_the_delayed_feed_says_so() -> None:
    slot = Slot(stock_market("delayed_sip"), "AAPL")
    slot.hear(quote("AAPL", 1, 2), trade("AAPL", 1.5), daily_bar("AAPL", 7), status("AAPL", "H"))
    slot.begin_chain()
    assert slot.values("delayed") == [True] * 5


@both
def test_older_quotes_and_trades_are_skipped_equal_ones_are_news_unless_they_repeat(
    stocks: Slot, encode: Encode
) -> None:
    for message in (
        quote("AAPL", 10, 11, at(5)),
        quote("AAPL", 10, 11, at(5)),  # a repeat
        quote("AAPL", 10.5, 11, at(5)),  # another of the same time
        quote("AAPL", 10, 11, at(5)),  # and back
        quote("AAPL", 9, 11, at(4, 999_999_999)),  # late
        trade("AAPL", 10.1, at(5), number=1),
        trade("AAPL", 10.1, at(5), number=1),  # a repeat
        trade("AAPL", 10.1, at(5), number=2),  # another of the same time and price
        trade("AAPL", 9.9, at(4), number=3),  # late
        daily_bar("AAPL", 100),
        daily_bar("AAPL", 100),  # a repeat
        daily_bar("AAPL", 120),
        daily_bar("AAPL", 90),  # a cancelled trade is taken off it
        daily_bar("AAPL", 5_000, "2026-01-25T05:00:00Z"),  # of the session before
    ):
        stocks.hear(message, encode=encode)
    assert stocks.values("bid_price") == [10.0, 10.5, 10.0]
    assert stocks.values("last_price") == [10.1, 10.1]
    assert stocks.values("volume") == [100.0, 120.0, 90.0]
    assert (stocks.health.duplicates, stocks.health.malformed) == (6, 0)


def test_a_new_chain_takes_whatever_comes(stocks: Slot) -> None:
    stocks.hear(quote("AAPL", 10, 11, at(5)), trade("AAPL", 10.5, at(5)), daily_bar("AAPL", 100))
    stocks.begin_chain()
    stocks.hear(quote("AAPL", 9, 11, at(1)), trade("AAPL", 9.5, at(1)), daily_bar("AAPL", 100))
    assert stocks.values("bid_price") == [10.0, 9.0]
    assert stocks.values("last_price") == [10.5, 9.5]
    assert stocks.health.duplicates == 0


@pytest.mark.parametrize("kind", ["quote", "trade"])
def test_a_stream_that_brings_only_the_past_is_found_out(stocks: Slot, kind: str) -> None:
    def message(time: str, number: int) -> Message:
        return quote("AAPL", number, 99, time) if kind == "quote" else trade("AAPL", number, time, number=number)

    stocks.hear(message(at(3_600), 1))
    for second in range(6):
        assert stocks.decoder.stuck is None
        stocks.hear(message(at(second), second + 2))
        stocks.clock.forward(1)
    assert stocks.decoder.stuck == "AAPL"
    stocks.begin_chain()
    assert stocks.decoder.stuck is None


@pytest.mark.parametrize("code", sorted(NOT_THE_PRESENT_MARKET))
def test_trades_that_are_not_of_the_present_market_change_no_last_price(stocks: Slot, code: str) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=1))
    heard = stocks.hear(
        trade("AAPL", 99, at(1), number=2, c=["@", code]),
        trade("AAPL", 99, at(2), number=3, c=code),
        trade("IBM", 99, at(2), number=4, c=[" ", code], z="A"),
    )
    assert heard is Heard.DATA
    assert stocks.values("last_price") == [10.0]
    assert (stocks.health.malformed, stocks.health.duplicates) == (0, 0)
    # Nor do they set the order: one that was made before is the last all the same.
    stocks.hear(trade("AAPL", 11, at(0.5), number=5))
    assert stocks.values("last_price") == [10.0, 11.0]


@pytest.mark.parametrize(
    ("conditions", "tape", "taken"),
    [
        (["@"], "C", [10.0]),
        (["@", "I"], "C", [10.0]),
        (["@", "F", "T", "I"], "C", [10.0]),
        ("R", "C", []),
        ("@", "C", [10.0]),
        ("@I", "C", [10.0]),
        ([], "C", [10.0]),
        (None, "C", [10.0]),
        ([" "], "A", [10.0]),
        (["L"], "C", [10.0]),
        (["O"], "A", [10.0]),
        (["5"], "C", [10.0]),
        (["6", "X"], "C", [10.0]),
        (["B"], "C", [10.0]),
        (["B"], "A", []),
        (["B"], "B", []),
        (["?"], "C", [10.0]),
    ],
)
def test_which_conditions_are_of_the_present_market(
    stocks: Slot, conditions: Any, tape: str, taken: list[float]
) -> None:
    stocks.hear(trade("AAPL", 10, c=conditions, z=tape))
    assert stocks.values("last_price") == taken


def test_a_condition_that_is_not_known_keeps_no_trade_back(stocks: Slot) -> None:
    stocks.hear({key: value for key, value in trade("AAPL", 10).items() if key not in {"c", "z", "x", "i"}})
    assert stocks.values("last_price") == [10.0]


@both
def test_a_correction_of_the_last_trade_changes_the_last_price(stocks: Slot, encode: Encode) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=1), trade("AAPL", 11, at(1), number=2), encode=encode)
    stocks.hear(correction("AAPL", 2, 3, 11.5, at(9)), encode=encode)
    stocks.hear(correction("AAPL", 3, 3, 11.75, at(10)), encode=encode)
    stocks.hear(correction("AAPL", 3, 3, 11.75, at(10)), encode=encode)
    assert stocks.values("last_price") == [10.0, 11.0, 11.5, 11.75]
    assert stocks.sink.quotes[2].venue_time_ns == nanoseconds(at(9))
    assert stocks.health.duplicates == 1
    # It keeps its place: a trade that was made before the correction is the last.
    stocks.hear(trade("AAPL", 12, at(2), number=4), encode=encode)
    assert stocks.values("last_price")[-1] == 12.0


def test_a_correction_of_an_earlier_trade_shows_when_that_becomes_the_last(stocks: Slot) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=1), trade("AAPL", 11, at(1), number=2))
    assert stocks.hear(correction("AAPL", 1, 5, 10.25, at(2))) is Heard.DATA
    assert stocks.values("last_price") == [10.0, 11.0]
    stocks.hear(cancel("AAPL", 2, at(3)))
    assert stocks.values("last_price") == [10.0, 11.0, 10.25]


def test_a_trade_that_is_corrected_to_none_of_the_market_is_taken_back(stocks: Slot) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=1), trade("AAPL", 11, at(1), number=2))
    stocks.hear(correction("AAPL", 2, 3, 11.5, at(9), cc=["@", "W"]))
    assert stocks.values("last_price") == [10.0, 11.0, 10.0]


@both
def test_a_cancel_gives_the_price_of_the_trade_before_or_none(stocks: Slot, encode: Encode) -> None:
    stocks.hear(*(trade("AAPL", 10 + number, at(number), number=number) for number in range(3)), encode=encode)
    stocks.hear(cancel("AAPL", 1, at(9)), encode=encode)
    assert stocks.values("last_price") == [10.0, 11.0, 12.0]
    stocks.hear(cancel("AAPL", 2, at(9)), encode=encode)
    stocks.hear(cancel("AAPL", 0, at(9, 5)), encode=encode)
    assert stocks.values("last_price") == [10.0, 11.0, 12.0, 10.0, None]
    assert stocks.sink.quotes[-1].venue_time_ns == nanoseconds(at(9, 5))


def test_a_price_that_stands_again_is_as_old_as_its_trade(stocks: Slot) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=0))
    first_ns = stocks.sink.quotes[-1].received_monotonic_ns
    stocks.hear(trade("AAPL", 11, at(1), number=1))
    second_ns = stocks.sink.quotes[-1].received_monotonic_ns
    stocks.hear(correction("AAPL", 1, 1, 12, at(9)))
    assert (stocks.sink.quotes[-1].last_price, stocks.sink.quotes[-1].last_seen_monotonic_ns) == (12.0, second_ns)
    stocks.hear(cancel("AAPL", 1, at(9)))
    assert (stocks.sink.quotes[-1].last_price, stocks.sink.quotes[-1].last_seen_monotonic_ns) == (10.0, first_ns)
    stocks.hear(cancel("AAPL", 0, at(9)))
    assert (stocks.sink.quotes[-1].last_price, stocks.sink.quotes[-1].last_seen_monotonic_ns) == (None, None)


def test_ids_are_those_of_an_exchange_and_strangers_change_nothing(stocks: Slot) -> None:
    stocks.hear(trade("AAPL", 10, at(0), number=1))
    assert stocks.hear(cancel("AAPL", 1, exchange="K"), cancel("AAPL", 7), cancel("IBM", 1)) is Heard.DATA
    assert stocks.hear(correction("AAPL", 7, 8, 99)) is Heard.DATA
    assert stocks.values("last_price") == [10.0]
    assert stocks.health.malformed == 0


def test_so_many_trades_are_remembered_and_no_more(stocks: Slot) -> None:
    stocks.hear(*(trade("AAPL", number + 1, at(number), number=number) for number in range(REMEMBERED_MAX + 1)))
    for number in range(REMEMBERED_MAX, 0, -1):
        stocks.hear(cancel("AAPL", number, at(99)))
    stocks.hear(cancel("AAPL", 0, at(99)))
    assert stocks.values("last_price")[-2:] == [2.0, None]


@both
@pytest.mark.parametrize(
    ("codes", "told"),
    [
        (["2", "3"], [True, False]),
        (["H", "Q", "T"], [True, False]),
        (["P", "T"], [True, False]),
        (["P", "H", "T"], [True, True, False]),
        (["1", "3"], [True, False]),
        (["4"], [True]),
        (["H", "X"], [True, False]),
        (["H", "?", "5", "A", "C", "D", "E", "F", "", "HT"], [True]),
        (["3"], [False]),
        (["5", "Q", "?"], []),
    ],
)
def test_halts_and_resumptions(stocks: Slot, encode: Encode, codes: list[str], told: list[bool]) -> None:
    for second, code in enumerate(codes):
        assert stocks.hear(status("AAPL", code, at(second)), encode=encode) is Heard.DATA
    assert stocks.values("halted") == told
    assert stocks.health.malformed == 0


def test_a_status_that_is_late_or_repeated_is_skipped(stocks: Slot) -> None:
    stocks.hear(status("AAPL", "H", at(5)), status("AAPL", "H", at(5)), status("AAPL", "T", at(4)))
    assert stocks.values("halted") == [True]
    assert stocks.health.duplicates == 2


def test_a_halt_outlives_the_chain_until_something_ends_it(stocks: Slot) -> None:
    stocks.hear(status("AAPL", "H", at(5)), trade("AAPL", 10, at(6)))
    assert stocks.values("halted") == [True]
    stocks.begin_chain()
    assert stocks.values("halted") == [True, True]
    stocks.hear(trade("AAPL", 10, at(4), number=2), trade("IBM", 10, at(9)))
    assert stocks.values("halted") == [True, True]
    # The resumption came while no connection could tell.
    stocks.hear(trade("AAPL", 10.5, at(7), number=3))
    assert stocks.values("halted") == [True, True, False]
    stocks.begin_chain()
    assert stocks.values("halted") == [True, True, False]


def test_a_seeded_trade_ends_a_halt_of_an_earlier_chain_if_it_was_made_after_it(stocks: Slot) -> None:
    stocks.hear(status("AAPL", "H", "2026-01-26T13:00:00Z"), status("IBM", "H", "2026-01-26T14:00:00Z"))
    stocks.seed("AAPL", SEED)
    assert stocks.values("halted") == [True, True]
    stocks.begin_chain()
    stocks.seed("AAPL", SEED)
    stocks.seed("IBM", SEED)
    assert [(update.instrument[1], update.halted) for update in stocks.sink.quotes if update.halted is False] == [
        ("AAPL", False)
    ]
    # The stream's own copy of the trade is a repeat.
    stocks.hear(trade("AAPL", 1.5, "2026-01-26T14:00:00Z", number=7))
    assert stocks.health.duplicates == 1


NEVER = "0001-01-01T00:00:00Z"


@pytest.mark.parametrize("seeded", [False, True])
def test_an_undated_halt_ends_with_a_trade_after_the_first_of_a_later_chain(
    stocks: Slot,
    seeded: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    stocks.hear(status("AAPL", "H", NEVER), trade("AAPL", 10, "2026-01-26T13:00:00Z", number=1))
    stocks.begin_chain()
    assert stocks.values("halted") == [True, True]
    if seeded:
        stocks.seed("AAPL", SEED)
    first = trade("AAPL", 1.5, "2026-01-26T14:00:00Z", number=7)
    stocks.hear(trade("AAPL", 2, NEVER, number=3), first, trade("AAPL", 2, "2026-01-26T14:00:00Z", number=8))
    assert stocks.values("halted") == [True, True]
    stocks.hear(trade("AAPL", 2, "2026-01-26T14:00:00.000000001Z", number=9))
    assert stocks.values("halted") == [True, True, False]


def test_a_stock_that_is_not_active_is_halted_whatever_the_stream_says(stocks: Slot) -> None:
    stocks.add("AAPL", InstrumentState.DELISTED)
    stocks.begin_chain()
    stocks.hear(status("AAPL", "T"))
    assert stocks.values("halted") == [True, True]


def test_the_volume_of_a_session_goes_when_another_day_begins(stocks: Slot) -> None:
    stocks.hear(daily_bar("AAPL", 100, "2026-01-26T05:00:00Z"), quote("AAPL", 1, 2, "2026-01-27T04:59:59.999999999Z"))
    assert stocks.values("volume") == [100.0]
    stocks.hear(quote("AAPL", 1, 2, "2026-01-27T05:00:00Z"), trade("AAPL", 1, "2026-01-27T05:00:01Z"))
    assert stocks.values("volume") == [100.0, None]
    stocks.hear(daily_bar("AAPL", 3, "2026-01-27T05:00:00Z"))
    assert stocks.values("volume") == [100.0, None, 3.0]


def test_a_late_bar_of_a_session_that_has_ended_does_not_bring_its_volume_back(stocks: Slot) -> None:
    stocks.hear(daily_bar("AAPL", 100, "2026-01-26T05:00:00Z"), quote("AAPL", 1, 2, "2026-01-27T12:00:00Z"))
    late = [daily_bar("AAPL", 101, "2026-01-26T05:00:00Z"), daily_bar("AAPL", 90, "2026-01-23T05:00:00Z")]
    assert stocks.hear(*late) is Heard.NOTHING
    assert stocks.values("volume") == [100.0, None]
    assert stocks.health.duplicates == 2
    stocks.hear(daily_bar("AAPL", 3, "2026-01-27T05:00:00Z"))
    assert stocks.values("volume") == [100.0, None, 3.0]
    # A new chain knows nothing of it: what it brings first is taken.
    stocks.begin_chain()
    stocks.hear(daily_bar("AAPL", 101, "2026-01-26T05:00:00Z"))
    assert stocks.values("volume") == [100.0, None, 3.0, 101.0]


SEED = {
    "latestQuote": {"bp": 1, "bs": 1, "ap": 2, "as": 1, "t": "2026-01-26T15:00:00.5Z"},
    "latestTrade": {"p": 1.5, "t": "2026-01-26T14:00:00Z", "i": 7, "x": "V", "c": ["@"], "z": "C"},
    "dailyBar": {"v": 100, "t": "2026-01-26T05:00:00Z"},
}


def test_a_seed_fills_only_what_the_stream_has_not_said(stocks: Slot) -> None:
    stocks.hear(trade("AAPL", 10))
    stocks.seed("AAPL", SEED)
    assert (stocks.values("bid_price"), stocks.values("last_price"), stocks.values("volume")) == (
        [1.0],
        [10.0],
        [100.0],
    )
    stocks.hear(quote("IBM", 5, 6), daily_bar("IBM", 7))
    stocks.seed("IBM", SEED)
    assert (stocks.values("bid_price"), stocks.values("last_price"), stocks.values("volume")) == (
        [1.0, 5.0],
        [10.0, 1.5],
        [100.0, 7.0],
    )


def test_a_seed_sets_no_order_and_its_trade_can_be_cancelled(stocks: Slot) -> None:
    stocks.seed("AAPL", SEED)
    stocks.hear(quote("AAPL", 0.5, 2, "2026-01-26T15:00:00.4Z"))
    stocks.hear(cancel("AAPL", 7))
    assert stocks.values("bid_price") == [1.0, 0.5]
    assert stocks.values("last_price") == [1.5, None]
    assert stocks.health.duplicates == 0


def test_a_trade_that_the_stream_took_back_does_not_come_back_with_the_seed(stocks: Slot) -> None:
    seeded = trade("AAPL", 1.5, "2026-01-26T14:00:00Z", number=7)
    stocks.hear(seeded, cancel("AAPL", 7))
    stocks.seed("AAPL", SEED)
    # Nor one that was made before the stream began to tell.
    stocks.hear(cancel("IBM", 7))
    stocks.seed("IBM", SEED)
    assert stocks.values("last_price") == [1.5, None]
    stocks.begin_chain()
    stocks.hear(correction("AAPL", 7, 8, 1.25))
    stocks.seed("AAPL", SEED)
    stocks.hear(cancel("IBM", 6), cancel("IBM", 7, exchange="K"))
    stocks.seed("IBM", SEED)
    assert stocks.values("last_price") == [1.5, None, 1.5]
    # Seeded once, cancelled, and asked for again.
    stocks.hear(cancel("IBM", 7))
    stocks.seed("IBM", SEED)
    assert stocks.values("last_price") == [1.5, None, 1.5, None]


@pytest.mark.parametrize(
    ("start", "volumes"),
    [("2026-01-26T05:00:00Z", [100.0]), ("2026-01-23T05:00:00Z", []), ("2026-01-25T15:00:00Z", [])],
)
def test_a_seeded_volume_is_that_of_the_present_session(stocks: Slot, start: str, volumes: list[float]) -> None:
    stocks.seed("AAPL", {**SEED, "dailyBar": {"v": 100, "t": start}})
    assert stocks.values("volume") == volumes
    assert stocks.values("bid_price") == [1.0]


def test_a_seed_may_lack_anything(stocks: Slot) -> None:
    stocks.seed("AAPL", {})
    stocks.seed("AAPL", {"latestQuote": None, "dailyBar": SEED["dailyBar"]})
    stocks.seed("NOPE", SEED)
    assert stocks.sink.quotes == []


@pytest.mark.parametrize(
    "part", [{"latestQuote": {**SEED["latestQuote"], "bp": -1}}, {"dailyBar": {"v": 1, "t": "today"}}]
)
def test_a_seed_that_cannot_be_read_is_an_error_of_the_venue(stocks: Slot, part: dict[str, Any]) -> None:
    with pytest.raises(VenueError, match="snapshot of AAPL"):
        stocks.seed("AAPL", {**SEED, **part})


GARBAGE = [
    {"T": "q", "S": "AAPL", "bp": 1},
    {"T": "q", "S": 5, "bp": 1, "bs": 1, "ap": 1, "as": 1, "t": at()},
    quote("AAPL", -1.0, 2),
    quote("AAPL", 1, 2, "yesterday"),
    quote("AAPL", 1, 2, "2026-02-30T00:00:00Z"),
    {**quote("AAPL", 1, 2), "bp": [1]},
    {**quote("AAPL", 1, 2), "bp": True},
    {**quote("AAPL", 1, 2), "bp": None},
    {**quote("AAPL", 1, 2), "as": {"unexpected": True}},
    {**trade("AAPL", 1), "i": {"unexpected": True}},
    {**trade("AAPL", 1), "c": 5},
    {**trade("AAPL", 1), "p": "abc"},
    {**status("AAPL", "H"), "sc": None},
    {**daily_bar("AAPL", 1), "t": 5},
    trade("NOPE", 1),
    {"T": "?", "S": "AAPL"},
    {"S": "AAPL"},
    "text",
    5,
    None,
    [],
]


@pytest.mark.parametrize("bad", GARBAGE, ids=range(len(GARBAGE)))
def test_a_message_that_cannot_be_understood_takes_no_neighbour_with_it(stocks: Slot, bad: Any) -> None:
    good = [quote("AAPL", 3, 4), trade("IBM", 5)]
    assert stocks.feed(json.dumps([good[0], bad, good[1]]).encode()) is Heard.DATA
    assert (stocks.values("bid_price"), stocks.values("last_price")) == ([3.0], [5.0])
    assert stocks.health.malformed == 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -0.5])
def test_no_number_in_msgpack(stocks: Slot, number: float) -> None:
    assert stocks.hear(quote("AAPL", number, 2), quote("IBM", 1, 2), encode=as_msgpack) is Heard.DATA
    assert stocks.values("bid_price") == [1.0]
    assert stocks.health.malformed == 1


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"[",
        b"{}",
        b"[{}",
        b"null",
        b"error code: 1015",
        b"<html><body>502 Bad Gateway</body></html>",
        b"[" * 100_000,
        b"\x91" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b'[{"T":"q","S":"\xff"}]',
        as_json(quote("AAPL", 1, 2))[:-5],
        as_msgpack(quote("AAPL", 1, 2))[:-5],
    ],
)
def test_a_frame_that_is_none_is_counted_once(stocks: Slot, frame: bytes) -> None:
    assert stocks.feed(frame) is Heard.NOTHING
    assert stocks.health.malformed == 1
    assert stocks.sink.quotes == []


@given(st.binary(max_size=200))
def test_no_bytes_break_the_decoder(frame: bytes) -> None:
    slot = Slot(stock_market("iex"), "AAPL")
    slot.feed(frame)
    slot.feed(b"[" + frame)
    slot.feed(as_msgpack(quote("AAPL", 1, 2))[:20] + frame)


TEXTS = st.text("aT0.:-", max_size=5)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
FIELDS = sorted({key for one in (quote("AAPL", 1, 2), trade("AAPL", 1), correction("AAPL", 1, 2, 3)) for key in one})


@given(st.sampled_from("qtdcxsbulio"), st.dictionaries(st.sampled_from(FIELDS), JUNK, max_size=6))
def test_no_field_breaks_the_decoder(kind: str, junk: dict[str, Any]) -> None:
    slot = Slot(stock_market("iex"), "AAPL", "IBM")
    base = {**quote("AAPL", 1, 2), **trade("AAPL", 1), **correction("AAPL", 1, 2, 3), **status("AAPL", "H"), "v": 1}
    message = {**base, **junk, "T": kind}
    slot.feed(json.dumps([message, quote("IBM", 5, 6)]).encode())
    (neighbour,) = slot.sink.of("IBM")
    assert neighbour.bid_price == 5.0


def test_digits_that_a_double_cannot_hold_are_counted_in_json(stocks: Slot) -> None:
    stocks.feed(as_json(quote("AAPL", 1, 2)).replace(b'"bp":1', b'"bp":171.2234567890123456'))
    stocks.feed(as_json(quote("IBM", 1, 2)).replace(b'"bp":1', b'"bp":12345678901234567'))
    assert stocks.health.inexact == 2
    assert stocks.values("bid_price") == [171.2234567890123456, 12345678901234567.0]


def test_digits_that_a_double_cannot_hold_are_counted_in_msgpack(stocks: Slot) -> None:
    stocks.hear(quote("AAPL", 123456.789012345, 1e-9), encode=as_msgpack)
    assert stocks.health.inexact == 0
    stocks.hear(quote("IBM", 0.1 + 0.2, 171.2234567890123456), encode=as_msgpack)
    assert stocks.health.inexact == 2


@both
def test_a_clock_that_is_hours_off_changes_nothing_but_the_lag(encode: Encode) -> None:
    told = []
    for hours in (-5, 0, 5):
        slot = Slot(stock_market("iex"), "AAPL")
        slot.clock.jump(hours * 3_600 + nanoseconds(at()) / NS_PER_S)
        slot.hear(quote("AAPL", 1, 2, at(1)), trade("AAPL", 1.5, at(2)), daily_bar("AAPL", 7), encode=encode)
        slot.hear(status("AAPL", "H", at(3)), quote("AAPL", 1, 2, at(0)), encode=encode)
        slot.seed("AAPL", SEED)
        assert slot.health.lag_ns is not None
        assert round(slot.health.lag_ns / NS_PER_S / 3_600, 2) == pytest.approx(hours + 1_000 / 3_600, abs=0.02)
        told.append([msgspec.structs.replace(update, received_at_ns=0) for update in slot.sink.quotes])
    assert told[0] == told[1] == told[2]


times = st.integers(min_value=0, max_value=4_102_444_800 * NS_PER_S - 1)


@given(times)
def test_times_are_exact_to_the_nanosecond_in_both_encodings(time_ns: int) -> None:
    second, fraction = divmod(time_ns, NS_PER_S)
    whole = dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    digits = f"{fraction:09d}"
    for text in {f"{whole}.{digits}Z", f"{whole}.{digits}".rstrip("0").rstrip(".") + "Z", f"{whole}.{digits}+00:00"}:
        assert text_time_ns(text) == time_ns
    assert packed_time_ns(stamp(second, fraction)) == time_ns
    long = fraction.to_bytes(4, "big") + second.to_bytes(8, "big")
    assert packed_time_ns(msgspec.msgpack.Ext(-1, long)) == time_ns


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("2021-02-22T15:51:44.208Z", 1614009104208000000),
        ("2021-02-22T10:51:44.208-05:00", 1614009104208000000),
        ("2021-02-22T15:51:44Z", 1614009104000000000),
        ("0001-01-01T00:00:00Z", None),
        ("1969-12-31T23:59:59Z", None),
    ],
)
def test_times_in_text(text: str, time_ns: int | None) -> None:
    assert text_time_ns(text) == time_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2021-02-22",
        "2021-02-22T15:51:44",
        "2021-02-22T15:51:44.Z",
        "2021-02-22T15:51:44.1234567890Z",
        "2021-02-22T25:51:44Z",
        "2021-02-22 15:51:44Z",
        "2021-02-22T15:51:44Z ",
        "\uff12021-02-22T15:51:44Z",
        "2100-01-01T00:00:00Z",
    ],
)
def test_no_time_in_text(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a time|hour must be"):
        text_time_ns(text)


@pytest.mark.parametrize(
    ("code", "data"),
    [(5, bytes(4)), (-1, b""), (-1, bytes(5)), (-1, b"\xff" * 8), (-1, b"\xff" * 4 + bytes(8)), (-1, b"\x7f" * 12)],
)
def test_no_time_in_msgpack(code: int, data: bytes) -> None:
    with pytest.raises(ValueError, match="not a time"):
        packed_time_ns(msgspec.msgpack.Ext(code, data))


def test_a_msgpack_time_before_1970_says_none() -> None:
    assert packed_time_ns(stamp(-62_135_596_800, 0)) is None
