"""Halts from a venue's listing to the flag of a quote: the adapters' feeds over the real publisher."""

import msgspec
import pytest
from tests.server.feed import Feed

from tickmux.v1 import quote_pb2
from tickmux_adapters.binance.feed import BinanceFeed
from tickmux_adapters.binance.messages import ExchangeInfo, SymbolInfo
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.kraken.feed import KrakenFeed
from tickmux_adapters.kraken.messages import Pair
from tickmux_adapters.model import Instrument, InstrumentState, Moment

PAIR = Pair(symbol="BTC/USD", base="BTC", quote="USD", status="online", price_increment="0.1")


def moment(feed: Feed) -> Moment:
    return Moment(feed.clock.wall, feed.clock.monotonic)


def halted(feed: Feed) -> bool:
    """Whether the latest quote says that nothing trades."""
    feed.publisher.flush()
    quotes = feed.quotes()
    return bool(quotes) and quote_pb2.QUOTE_FLAG_HALTED in quotes[-1].flags


@pytest.fixture
def kraken(feed: Feed) -> KrakenFeed:
    health = ChannelHealth(source="kraken", channel="0", sink=feed.publisher, clock=feed.clock)
    kraken = KrakenFeed(
        ["BTCUSD"],
        sink=feed.publisher,
        health=health,
        clock=feed.clock,
        snapshot_timeout_s=5,
        quiet_probe_s=30,
    )
    begin(feed, kraken)
    kraken.take_listing([PAIR], moment(feed))
    return kraken


def begin(feed: Feed, kraken: KrakenFeed) -> None:
    feed.publisher.begin_chain("kraken", "0")
    kraken.begin_chain(moment(feed))


def listed(feed: Feed, kraken: KrakenFeed, **changes: object) -> None:
    kraken.take_changes([msgspec.structs.replace(PAIR, **changes)], moment(feed))


def test_a_pair_that_goes_from_one_state_without_trading_to_another_stays_halted(
    feed: Feed, kraken: KrakenFeed
) -> None:
    assert not halted(feed)
    for status in ("maintenance", "post_only", "cancel_only"):
        listed(feed, kraken, status=status)
        assert halted(feed), status
    listed(feed, kraken, status="online")
    assert not halted(feed)


def test_a_change_of_a_pair_during_the_venues_maintenance_does_not_resume_it(feed: Feed, kraken: KrakenFeed) -> None:
    kraken.take_system("maintenance", moment(feed))
    assert halted(feed)
    listed(feed, kraken, price_increment="0.01")
    assert halted(feed)
    kraken.take_system("online", moment(feed))
    assert not halted(feed)


def test_the_end_of_maintenance_does_not_resume_a_pair_that_is_halted_for_itself(
    feed: Feed, kraken: KrakenFeed
) -> None:
    kraken.take_system("maintenance", moment(feed))
    listed(feed, kraken, status="cancel_only")
    kraken.take_system("online", moment(feed))
    assert halted(feed)


def test_a_halt_is_told_again_in_a_new_chain_and_forgotten_with_it(feed: Feed, kraken: KrakenFeed) -> None:
    listed(feed, kraken, status="maintenance")
    begin(feed, kraken)
    assert halted(feed)
    listed(feed, kraken, status="online")
    begin(feed, kraken)
    feed.bid(1.0, "BTCUSD", "kraken")
    assert not halted(feed)


def test_binance_stays_halted_from_one_state_without_trading_to_another(feed: Feed) -> None:
    instrument = Instrument(
        source="binance",
        symbol="BTCUSDT",
        type="crypto",
        exchange="Binance",
        venue_symbol="BTCUSDT",
        state=InstrumentState.TRADING,
    )
    feed.publisher.instrument(instrument)
    binance = BinanceFeed(
        [instrument],
        rest=None,  # type: ignore[arg-type] # nothing is fetched here
        sink=feed.publisher,
        health=ChannelHealth(source="binance", channel="0", sink=feed.publisher, clock=feed.clock),
        clock=feed.clock,
        answer_timeout_s=5,
    )
    feed.publisher.begin_chain("binance", "0")
    binance.begin_chain(moment(feed))

    def listed_as(*statuses: str) -> ExchangeInfo:
        return ExchangeInfo(
            symbols=[
                SymbolInfo(symbol="BTCUSDT", status=status, base_asset="BTC", quote_asset="USDT") for status in statuses
            ]
        )

    for info in (listed_as("BREAK"), listed_as("CANCEL_ONLY"), listed_as("A_STATE_OF_NEXT_YEAR"), listed_as()):
        binance.take_listing(info, moment(feed))
        assert halted(feed), info
    binance.take_listing(listed_as("TRADING"), moment(feed))
    assert not halted(feed)
