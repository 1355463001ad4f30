"""The source `consolidated` at a real node, over gRPC: which legs stand in a quote, and when they leave it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from tests.server.feed import Feed, ManualClock

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import market_data_service_pb2_grpc as stubs
from tickmux.v1 import quote_pb2, source_pb2
from tickmux_adapters.model import ChannelStatus, Instrument, QuoteUpdate, SourceState, SystemClock
from tickmux_server.config import Config
from tickmux_server.consolidator import Consolidator
from tickmux_server.log import QuoteEntry
from tickmux_server.node import Node
from tickmux_server.selection import Selection

AWAIT_S = 10.0
SIMULATED = quote_pb2.QUOTE_FLAG_SIMULATED
CONSOLIDATED = contract.Selection(sources=["consolidated"])
EXCHANGES = {"alpaca": "Alpaca", "kraken": "Kraken", "coingecko": "", "slow": "Slow"}


def config(*, consolidated: bool = True) -> Config:
    sources: Any = dict.fromkeys(EXCHANGES)  # only the names are asked for
    return Config(listen="127.0.0.1:0", sources=sources, consolidated=consolidated)


class Legs:
    """Sources of a running node, and the stream of what is made of them."""

    def __init__(self, node: Node, stub: Any) -> None:
        self._publisher = node.publisher
        self._stub = stub
        self._call = stub.Subscribe(contract.SubscribeRequest(selection=CONSOLIDATED))
        self._quotes: list[quote_pb2.Quote] = []
        self._revisions: dict[str, tuple[int, int]] = {}
        for source, exchange in EXCHANGES.items():
            self.instrument(source, exchange=exchange, is_indicative=source == "coingecko")
            self.begin(source)
            self.stand(source)

    async def subscribed(self) -> None:
        """Wait for the stream's beginning, which is before any quote."""
        first = await asyncio.wait_for(self._call.read(), AWAIT_S)
        assert (first.caught_up, list(first.quotes)) == (True, [])

    async def close(self) -> None:
        self._call.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._call.code()

    def instrument(self, source: str, symbol: str = "BTCUSD", **fields: Any) -> None:
        self._publisher.instrument(Instrument(source=source, symbol=symbol, **{"type": "crypto", **fields}))

    def begin(self, source: str) -> None:
        self._publisher.begin_chain(source, "0")

    def stand(self, source: str, state: SourceState = SourceState.LIVE) -> None:
        self._publisher.status(ChannelStatus(source=source, channel="0", state=state, since_ns=time.time_ns()))

    def quote(self, source: str, symbol: str = "BTCUSD", **fields: Any) -> None:
        update = QuoteUpdate(
            instrument=(source, symbol),
            received_at_ns=time.time_ns(),
            received_monotonic_ns=time.monotonic_ns(),
            **fields,
        )
        self._publisher.quote(update)

    async def next(self) -> quote_pb2.Quote:
        """The next revision, which follows the one before."""
        while not self._quotes:
            response = await asyncio.wait_for(self._call.read(), AWAIT_S)
            assert response.conflated == 0
            self._quotes += response.quotes
        quote = self._quotes.pop(0)
        epoch, revision = self._revisions.get(quote.symbol, (quote.epoch, 0))
        assert (quote.epoch, quote.revision) == (epoch, revision + 1)
        assert (quote.source, quote.exchange, quote.channel) == ("consolidated", "", "0")
        assert not quote.HasField("volume")
        self._revisions[quote.symbol] = (quote.epoch, quote.revision)
        return quote

    async def snapshot(self) -> contract.GetSnapshotResponse:
        answer = self._stub.GetSnapshot(contract.GetSnapshotRequest(selection=CONSOLIDATED), timeout=AWAIT_S)
        snapshot: contract.GetSnapshotResponse = await answer
        return snapshot


@pytest.fixture
async def node() -> AsyncIterator[Node]:
    flags: dict[str, Any] = {"slow": [SIMULATED]}
    node = Node(config(), SystemClock(), flags=flags, polled=["coingecko"])
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    return stubs.MarketDataServiceStub(channel)


@pytest.fixture
async def legs(node: Node, stub: Any) -> AsyncIterator[Legs]:
    legs = Legs(node, stub)
    await legs.subscribed()
    yield legs
    await legs.close()


def book(bid: float, ask: float, **more: Any) -> dict[str, Any]:
    return {"bid_price": bid, "bid_size": 1.0, "ask_price": ask, "ask_size": 2.0, **more}


def sides(quote: quote_pb2.Quote) -> tuple[float | None, str, float | None, str]:
    bid = quote.bid_price if quote.HasField("bid_price") else None
    ask = quote.ask_price if quote.HasField("ask_price") else None
    return bid, quote.bid_exchange, ask, quote.ask_exchange


async def test_each_side_and_the_last_price_name_their_leg(legs: Legs) -> None:
    legs.quote("kraken", **book(100.1, 100.3, volume=5.0, last_price=100.2, venue_time_ns=1_790_000_000_123_456_789))
    only = await legs.next()
    assert sides(only) == (100.1, "Kraken", 100.3, "Kraken")
    assert (only.last_price, only.last_exchange, only.bid_size, only.ask_size) == (100.2, "Kraken", 1.0, 2.0)
    assert only.timestamp.ToNanoseconds() == 1_790_000_000_123_456_789
    assert abs(only.received_at.ToNanoseconds() - time.time_ns()) < AWAIT_S * 1e9
    assert (only.bid_ask_age_ms, only.last_age_ms, list(only.flags)) == (0, 0, [])
    legs.quote("alpaca", **book(100.05, 100.29))
    both = await legs.next()
    assert sides(both) == (100.1, "Kraken", 100.29, "Alpaca")
    assert (both.last_price, both.last_exchange) == (100.2, "Kraken")
    assert not both.HasField("timestamp"), "the leg that caused it gave none"
    (served,) = (await legs.snapshot()).quotes
    assert served == both


@pytest.mark.parametrize("price", [0.1 + 0.2, 5e-324, 1.7976931348623157e308, 63297.75, 0.00001234, 0.0])
async def test_a_price_survives_exactly(legs: Legs, price: float) -> None:
    legs.quote("kraken", bid_price=price, bid_size=price, last_price=price)
    quote = await legs.next()
    assert [quote.bid_price.hex(), quote.bid_size.hex(), quote.last_price.hex()] == [price.hex()] * 3
    assert (quote.HasField("bid_price"), quote.HasField("last_price")) == (True, True)


async def test_what_changes_nothing_that_is_shown_makes_no_revision(legs: Legs) -> None:
    legs.quote("kraken", **book(100.1, 100.3))
    await legs.next()
    legs.quote("alpaca", **book(100.0, 100.4))
    legs.quote("kraken", volume=7.0)
    legs.quote("kraken", **book(100.1, 100.3))
    legs.quote("kraken", **book(100.2, 100.3))
    assert sides(await legs.next()) == (100.2, "Kraken", 100.3, "Kraken")


async def test_at_one_price_the_greater_size_stands_then_the_first_name(legs: Legs) -> None:
    legs.quote("kraken", bid_price=100.0, bid_size=2.0, ask_price=101.0, ask_size=1.0)
    await legs.next()
    legs.quote("alpaca", bid_price=100.0, bid_size=1.0, ask_price=101.0, ask_size=1.0)
    quote = await legs.next()
    assert (quote.bid_exchange, quote.bid_size) == ("Kraken", 2.0), "sizes are not added up"
    assert quote.ask_exchange == "Alpaca"
    legs.quote("slow", bid_price=100.0)
    assert (await legs.next()).bid_exchange == "Kraken", "a size that is not known is the least"


async def test_a_crossed_market_is_shown_as_it_is(legs: Legs) -> None:
    legs.quote("kraken", **book(100.1, 100.3))
    await legs.next()
    legs.quote("alpaca", **book(100.5, 100.6))
    assert sides(await legs.next()) == (100.5, "Alpaca", 100.3, "Kraken")


async def test_a_side_that_its_venue_withdraws_goes_to_the_next_leg_and_then_is_absent(legs: Legs) -> None:
    legs.quote("kraken", **book(100.1, 100.3))
    legs.quote("alpaca", **book(100.0, 100.4))
    await legs.next()
    legs.quote("kraken", bid_price=None, bid_size=None)
    assert sides(await legs.next()) == (100.0, "Alpaca", 100.3, "Kraken")
    legs.quote("alpaca", bid_price=None, bid_size=None)
    quote = await legs.next()
    assert sides(quote) == (None, "", 100.3, "Kraken")
    assert not quote.HasField("bid_size")


@pytest.mark.parametrize("state", [state for state in SourceState if state is not SourceState.LIVE])
async def test_a_leg_whose_source_is_not_live_leaves_at_once(legs: Legs, state: SourceState) -> None:
    legs.quote("alpaca", **book(100.0, 100.4, last_price=99.0))
    legs.quote("kraken", **book(100.1, 100.3, last_price=100.2))
    assert sides(await legs.next())[1] == "Alpaca"
    assert sides(await legs.next())[1] == "Kraken"
    before_ns = time.time_ns()
    legs.stand("kraken", state)
    quote = await legs.next()
    assert sides(quote) == (100.0, "Alpaca", 100.4, "Alpaca")
    assert (quote.last_price, quote.last_exchange) == (99.0, "Alpaca"), "the latest change among the legs that are left"
    assert not quote.HasField("timestamp"), "no venue's message made it"
    assert before_ns <= quote.received_at.ToNanoseconds() <= time.time_ns()
    legs.stand("alpaca", state)
    quote = await legs.next()
    assert sides(quote) == (None, "", None, "")
    assert not any(quote.HasField(name) for name in ("last_price", "bid_ask_age_ms", "last_age_ms"))
    snapshot = await legs.snapshot()
    assert [status.state for status in snapshot.source_statuses] == [source_pb2.SOURCE_STATE_LIVE]
    assert quote_pb2.QUOTE_FLAG_STALE not in snapshot.quotes[0].flags, "that there is no price is the present"
    legs.stand("kraken")
    assert sides(await legs.next()) == (100.1, "Kraken", 100.3, "Kraken")


@pytest.mark.parametrize("flagged", ["halted", "delayed"])
async def test_a_leg_that_nobody_can_trade_at_is_out(legs: Legs, flagged: str) -> None:
    on: dict[str, Any] = {flagged: True}
    off: dict[str, Any] = {flagged: False}
    legs.quote("alpaca", **book(100.0, 100.4))
    legs.quote("kraken", **book(100.1, 100.3))
    await legs.next()
    await legs.next()
    legs.quote("kraken", **on)
    quote = await legs.next()
    assert (sides(quote), list(quote.flags)) == ((100.0, "Alpaca", 100.4, "Alpaca"), [])
    legs.quote("kraken", **off)
    assert sides(await legs.next()) == (100.1, "Kraken", 100.3, "Kraken")


async def test_a_reference_price_is_never_a_side_and_never_the_last(legs: Legs) -> None:
    legs.quote("coingecko", **book(999.0, 1.0, last_price=500.0))
    alone = await legs.next()
    assert sides(alone) == (None, "", None, "")
    assert not alone.HasField("last_price")
    legs.quote("kraken", **book(100.1, 100.3))
    assert sides(await legs.next()) == (100.1, "Kraken", 100.3, "Kraken")


async def test_after_a_reconnect_a_leg_is_out_until_its_new_chain_speaks(legs: Legs) -> None:
    legs.quote("alpaca", **book(100.0, 100.4))
    legs.quote("kraken", **book(100.1, 100.3, last_price=100.2))
    await legs.next()
    await legs.next()
    legs.begin("kraken")
    quote = await legs.next()
    assert sides(quote) == (100.0, "Alpaca", 100.4, "Alpaca")
    assert not quote.HasField("last_price")
    legs.quote("kraken", bid_price=100.15)
    assert sides(await legs.next()) == (100.15, "Kraken", 100.4, "Alpaca"), "nothing of the old chain comes back"


async def test_the_last_price_is_the_one_that_changed_last(legs: Legs) -> None:
    legs.quote("kraken", last_price=100.0)
    assert (await legs.next()).last_exchange == "Kraken"
    legs.quote("alpaca", last_price=101.0)
    assert (await legs.next()).last_exchange == "Alpaca"
    # A trade at the price that is known already is no change: the bid alone makes the next revision.
    legs.quote("kraken", last_price=100.0)
    legs.quote("kraken", bid_price=99.0)
    quote = await legs.next()
    assert (quote.bid_price, quote.last_price, quote.last_exchange) == (99.0, 101.0, "Alpaca")
    # A price that is seen again behind a hole has not changed by that.
    legs.begin("kraken")
    await legs.next()
    legs.quote("kraken", last_price=100.0, bid_price=98.0)
    quote = await legs.next()
    assert (quote.bid_price, quote.last_price, quote.last_exchange) == (98.0, 101.0, "Alpaca")
    legs.quote("kraken", last_price=100.5)
    assert (await legs.next()).last_exchange == "Kraken"


async def test_one_simulated_leg_makes_the_quote_simulated(legs: Legs) -> None:
    legs.quote("kraken", **book(100.1, 100.3))
    assert list((await legs.next()).flags) == []
    legs.quote("slow", **book(99.0, 101.0))
    quote = await legs.next()
    assert (sides(quote), list(quote.flags)) == ((100.1, "Kraken", 100.3, "Kraken"), [SIMULATED])


async def test_every_symbol_is_there_even_with_one_leg_and_is_listed(legs: Legs, stub: Any) -> None:
    legs.instrument("kraken", "EURUSD", exchange="Kraken", base="EUR", quote="USD", venue_symbol="EUR/USD")
    legs.quote("kraken", "EURUSD", bid_price=1.1)
    assert sides(await legs.next()) == (1.1, "Kraken", None, "")
    listed = await stub.ListInstruments(contract.ListInstrumentsRequest(selection=CONSOLIDATED), timeout=AWAIT_S)
    euro = listed.instruments[1]
    assert (euro.source, euro.symbol, euro.type, euro.exchange) == ("consolidated", "EURUSD", "crypto", "")
    assert (euro.base, euro.quote, euro.venue_symbol) == ("EUR", "USD", "")
    legs.instrument("alpaca", "EURUSD", base="EUR", quote="USDC")
    await stub.ListSources(contract.ListSourcesRequest(), timeout=AWAIT_S)
    listed = await stub.ListInstruments(contract.ListInstrumentsRequest(selection=CONSOLIDATED), timeout=AWAIT_S)
    assert (listed.instruments[1].base, listed.instruments[1].quote) == ("EUR", ""), "they do not agree"


async def test_a_symbol_is_of_one_type_and_the_status_names_who_is_left_out(legs: Legs, stub: Any) -> None:
    legs.instrument("kraken", "EURUSD")
    legs.instrument("slow", "EURUSD", type="fx")
    legs.quote("slow", "EURUSD", bid_price=2.0)
    legs.quote("kraken", "EURUSD", bid_price=1.1)
    quote = await legs.next()
    assert (quote.type, quote.bid_price, quote.revision) == ("crypto", 1.1, 1)
    (status,) = (await legs.snapshot()).source_statuses
    assert status.last_error == "EURUSD of slow is left out: it is fx, where others are crypto"


async def test_it_is_left_out_unless_it_is_named(legs: Legs, stub: Any) -> None:
    legs.quote("kraken", **book(100.1, 100.3))
    await legs.next()
    snapshot = await stub.GetSnapshot(contract.GetSnapshotRequest(), timeout=AWAIT_S)
    assert [quote.source for quote in snapshot.quotes] == ["kraken"]
    assert "consolidated" not in {status.source for status in snapshot.source_statuses}
    listed = await stub.ListInstruments(contract.ListInstrumentsRequest(), timeout=AWAIT_S)
    assert {instrument.source for instrument in listed.instruments} == set(EXCHANGES)
    stream = stub.Subscribe(contract.SubscribeRequest())
    first = await asyncio.wait_for(stream.read(), AWAIT_S)
    assert [quote.source for quote in first.quotes] == ["kraken"]
    legs.quote("kraken", bid_price=100.2)
    update = await asyncio.wait_for(stream.read(), AWAIT_S)
    assert [(quote.source, quote.revision) for quote in update.quotes] == [("kraken", 2)]
    stream.cancel()
    # The health of every source is what ListSources is asked for, and it takes no selection.
    sources = await stub.ListSources(contract.ListSourcesRequest(), timeout=AWAIT_S)
    assert {status.source for status in sources.source_statuses} == {*EXCHANGES, "consolidated"}
    both = contract.Selection(sources=["consolidated", "kraken"])
    snapshot = await stub.GetSnapshot(contract.GetSnapshotRequest(selection=both), timeout=AWAIT_S)
    assert [quote.source for quote in snapshot.quotes] == ["consolidated", "kraken"]


async def test_a_node_without_it_says_how_to_have_it() -> None:
    node = Node(config(consolidated=False), SystemClock(), flags={})
    assert node.consolidator is None
    await node.start()
    try:
        async with grpc.aio.insecure_channel(node.address) as channel:
            stub: Any = stubs.MarketDataServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError, match="set `consolidated = true`") as caught:
                await stub.GetSnapshot(contract.GetSnapshotRequest(selection=CONSOLIDATED), timeout=AWAIT_S)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert not (await stub.ListSources(contract.ListSourcesRequest(), timeout=AWAIT_S)).source_statuses
    finally:
        await node.stop()


class Fed:
    """A consolidator under a manual clock."""

    def __init__(self, clock: ManualClock, *, polled: tuple[str, ...] = ()) -> None:
        self.clock = clock
        self.feed = Feed(clock)
        self.consolidator = Consolidator(self.feed.log, self.feed.publisher, clock, polled=polled)

    def quotes(self) -> list[quote_pb2.Quote]:
        self.feed.publisher.flush()
        self.feed.publisher.flush()
        return [quote for quote in self.feed.quotes() if quote.source == "consolidated"]


def test_a_leg_whose_publisher_is_silent_for_three_seconds_is_out(clock: ManualClock) -> None:
    fed = Fed(clock)
    fed.feed.start("binance")
    fed.feed.start("kraken", "BTCUSDT")
    fed.feed.bid(1.0)
    fed.feed.bid(2.0, source="kraken")
    clock.advance(2.0)
    fed.feed.status("binance", SourceState.LIVE)
    clock.advance(1.0)
    fed.consolidator.watch()
    assert fed.quotes()[-1].bid_exchange == "Kraken"
    clock.advance(0.001)
    fed.consolidator.watch()
    quote = fed.quotes()[-1]
    assert (quote.bid_exchange, quote.bid_price, quote.bid_ask_age_ms) == ("Binance", 1.0, 3001)
    fed.feed.status("kraken", SourceState.LIVE)
    assert fed.quotes()[-1].bid_exchange == "Kraken"


def test_legs_that_go_silent_together_are_never_shown_in_place_of_each_other(clock: ManualClock) -> None:
    fed = Fed(clock)
    for source, price in (("binance", 1.0), ("kraken", 2.0)):
        fed.feed.start(source, "BTCUSDT")
        fed.feed.bid(price, source=source)
    before = len(fed.quotes())
    clock.advance(3.1)
    fed.consolidator.watch()
    (quote,) = fed.quotes()[before:]
    assert not quote.HasField("bid_price")


def test_ages_are_those_of_the_legs_and_the_older_side_counts(clock: ManualClock) -> None:
    fed = Fed(clock)
    fed.feed.start("binance")
    fed.feed.start("kraken", "BTCUSDT")
    fed.feed.bid(1.0)
    clock.advance(0.25)
    fed.feed.publisher.quote(
        QuoteUpdate(
            instrument=("kraken", "BTCUSDT"),
            received_at_ns=clock.wall,
            received_monotonic_ns=clock.monotonic,
            ask_price=2.0,
            last_price=1.5,
        )
    )
    assert (fed.quotes()[-1].bid_ask_age_ms, fed.quotes()[-1].last_age_ms) == (250, 0)
    clock.advance(0.5)
    fed.feed.bid(1.1)
    assert (fed.quotes()[-1].bid_ask_age_ms, fed.quotes()[-1].last_age_ms) == (500, 500)


def test_a_leg_that_says_the_same_again_keeps_the_ages_true_to_a_second(clock: ManualClock) -> None:
    fed = Fed(clock)
    fed.feed.start("binance")
    fed.feed.bid(1.0)
    revisions = []
    for _ in range(25):
        clock.advance(0.1)
        fed.feed.bid(1.0)
        revisions.append(len(fed.quotes()))
    assert revisions == [1] * 9 + [2] * 10 + [3] * 6
    assert all(quote.bid_ask_age_ms == 0 for quote in fed.quotes())


def test_a_polled_leg_stands_behind_every_streamed_one(clock: ManualClock) -> None:
    fed = Fed(clock, polled=("alphavantage",))
    fed.feed.start("alphavantage")
    fed.feed.start("binance")
    fed.feed.bid(9.0, source="alphavantage")
    assert fed.quotes()[-1].bid_exchange == "Alphavantage", "it is better than none"
    fed.feed.bid(1.0)
    assert fed.quotes()[-1].bid_exchange == "Binance"
    fed.feed.status("binance", SourceState.DOWN)
    assert fed.quotes()[-1].bid_exchange == "Alphavantage"


def test_a_quote_that_cannot_be_read_takes_its_leg_out(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    fed = Fed(clock)
    fed.feed.start("binance")
    fed.feed.bid(1.0)
    known = fed.quotes()[-1]
    key, epoch = ("binance", "BTCUSDT"), fed.feed.quotes()[0].epoch
    fed.consolidator.apply(1, [QuoteEntry(key, epoch, 2, b"\x0a\x02\xff\xff")])
    assert known.HasField("bid_price")
    assert not fed.quotes()[-1].HasField("bid_price")
    assert "revision 2, cannot be read" in caplog.text
    fed.feed.bid(1.0)
    fed.feed.bid(1.0)
    assert fed.quotes()[-1].bid_price == 1.0


def test_behind_a_hole_in_the_log_a_leg_is_out_until_it_speaks_again(clock: ManualClock) -> None:
    fed = Fed(clock)
    for source, price in (("binance", 1.0), ("kraken", 2.0)):
        fed.feed.start(source, "BTCUSDT")
        fed.feed.bid(price, source=source)
    before = len(fed.quotes())
    lost = fed.feed.log.head + 2
    fed.consolidator.apply(lost, [])
    (quote,) = fed.quotes()[before:]
    assert not quote.HasField("bid_price")
    fed.feed.bid(1.5)
    assert fed.quotes()[-1].bid_exchange == "Binance"


def test_what_a_new_writer_repeats_changes_nothing(clock: ManualClock) -> None:
    fed = Fed(clock)
    fed.feed.start("binance")
    fed.feed.bid(1.0)
    fed.feed.bid(2.0)
    entries = [
        entry for entry in fed.feed.entries if isinstance(entry, QuoteEntry) and entry.instrument[0] == "binance"
    ]
    before = len(fed.quotes())
    fed.consolidator.apply(1, entries)
    assert len(fed.quotes()) == before


def test_it_is_live_in_one_epoch_and_counts_what_it_read(clock: ManualClock) -> None:
    fed = Fed(clock)
    fed.feed.start("binance")
    for price in (1.0, 2.0, 3.0):
        fed.feed.bid(price)
    fed.consolidator.watch()
    quotes = fed.quotes()
    framed = fed.feed.hub.statuses(Selection(sources=frozenset({"consolidated"})))[0]
    (status,) = contract.SubscribeResponse.FromString(framed).source_statuses
    assert (status.state, status.channel, status.messages) == (source_pb2.SOURCE_STATE_LIVE, "0", 3)
    assert {quote.epoch for quote in quotes} == {status.epoch}
    assert status.last_message_at.ToNanoseconds() == clock.wall
