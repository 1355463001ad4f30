"""HALTED comes from updates alone, so that each state of each venue, and each way between two, is told by the feed."""

from itertools import product

import aiohttp
import pytest
from tests.adapters.clock import ManualClock
from tests.adapters.kraken_talk import Talk
from tests.adapters.recorder import Chain, Recorder

from tickmux_adapters.binance.feed import BinanceFeed
from tickmux_adapters.binance.messages import ExchangeInfo, SymbolInfo
from tickmux_adapters.binance.rest import BinanceRest, weight_window
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Instrument, InstrumentState, Moment, QuoteUpdate
from tickmux_adapters.rest import RestClient

TRADING, HALTED, RESTRICTED, DELISTED = (
    InstrumentState.TRADING,
    InstrumentState.HALTED,
    InstrumentState.RESTRICTED,
    InstrumentState.DELISTED,
)
BTC, ETH = "BTC/USD", "ETH/USD"

# The venue's word for an instrument's state: ours, and whether it is halted.
KRAKEN = {
    "online": (TRADING, False),
    "limit_only": (RESTRICTED, False),
    "reduce_only": (RESTRICTED, False),
    "post_only": (RESTRICTED, True),
    "cancel_only": (RESTRICTED, True),
    "maintenance": (HALTED, True),
    "work_in_progress": (HALTED, True),
    "a_state_of_the_future": (HALTED, True),
    "delisted": (DELISTED, True),
}
KRAKEN_SYSTEM = {"online": False, "post_only": True, "cancel_only": True, "maintenance": True, "of_the_future": True}
BINANCE = {
    "TRADING": (TRADING, False),
    "CANCEL_ONLY": (RESTRICTED, True),
    "BREAK": (HALTED, True),
    "HALT": (HALTED, True),
    "AUCTION_MATCH": (HALTED, True),
    "PRE_TRADING": (HALTED, True),
    "POST_TRADING": (HALTED, True),
    "END_OF_DAY": (HALTED, True),
    "A_STATE_OF_THE_FUTURE": (HALTED, True),
    "": (DELISTED, True),
}
"""The empty word: it is not listed any more."""


def halted(sink: Recorder, symbol: str) -> bool:
    """As a publisher sees it: a chain begins not halted, and every change is said once."""
    is_halted = False
    for event in sink.events:
        if isinstance(event, Chain):
            is_halted = False
        elif isinstance(event, QuoteUpdate) and event.instrument[1] == symbol and isinstance(event.halted, bool):
            assert event.halted != is_halted, "a halt or its end is said twice"
            is_halted = event.halted
    return is_halted


@pytest.mark.parametrize(("before", "after"), list(product(KRAKEN, KRAKEN)))
def test_kraken_instrument_states(before: str, after: str) -> None:
    talk = Talk(BTC, ETH)
    talk.listing({BTC: before, ETH: "online"})
    for status in (before, after):
        talk.listing({BTC: status}, kind="update")
        states = [each.state for each in talk.sink.instruments if each.symbol == "BTCUSD"]
        assert states[-1] is KRAKEN[status][0]
        assert halted(talk.sink, "BTCUSD") is KRAKEN[status][1]
    talk.begin_chain()
    assert halted(talk.sink, "BTCUSD") is KRAKEN[after][1]
    assert halted(talk.sink, "ETHUSD") is False


@pytest.mark.parametrize(("system", "status"), list(product(KRAKEN_SYSTEM, KRAKEN)))
def test_kraken_system_states(system: str, status: str) -> None:
    talk = Talk(BTC, ETH)
    talk.listing({BTC: "online", ETH: "online"})
    talk.system(system)
    talk.listing({BTC: status}, kind="update")
    assert halted(talk.sink, "ETHUSD") is KRAKEN_SYSTEM[system]
    assert halted(talk.sink, "BTCUSD") is (KRAKEN_SYSTEM[system] or KRAKEN[status][1])
    talk.system("online")
    assert halted(talk.sink, "ETHUSD") is False
    assert halted(talk.sink, "BTCUSD") is KRAKEN[status][1]


def test_kraken_an_instrument_that_changes_during_maintenance_stays_halted() -> None:
    talk = Talk(BTC)
    talk.open()
    talk.system("maintenance")
    changed = '{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online","price_increment":0.5}'
    talk.hear(f'{{"channel":"instrument","type":"update","data":{{"pairs":[{changed}]}}}}')
    assert talk.sink.instruments[-1].price_increment == 0.5
    assert halted(talk.sink, "BTCUSD") is True
    talk.system("online")
    assert halted(talk.sink, "BTCUSD") is False


def binance_feed(sink: Recorder, http: aiohttp.ClientSession) -> BinanceFeed:
    clock = ManualClock()
    rest = RestClient(http=http, base_url="http://venue.invalid", clock=clock, timeout_s=1, weights=weight_window())
    instrument = Instrument(source="binance", symbol="BTCUSDT", type="crypto", venue_symbol="BTCUSDT", state=TRADING)
    return BinanceFeed(
        [instrument],
        rest=BinanceRest(rest),
        sink=sink,
        health=ChannelHealth(source="binance", channel="0", sink=sink, clock=clock),
        clock=clock,
        answer_timeout_s=1,
    )


def listing(status: str) -> ExchangeInfo:
    symbols = [SymbolInfo(symbol="BTCUSDT", status=status, base_asset="BTC", quote_asset="USDT")]
    return ExchangeInfo(symbols if status else [])


@pytest.mark.parametrize(("before", "after"), list(product(BINANCE, BINANCE)))
async def test_binance_states(before: str, after: str) -> None:
    sink = Recorder()
    async with aiohttp.ClientSession() as http:
        feed = binance_feed(sink, http)
        feed.take_listing(listing(before), Moment(2, 1))
        assert sink.quotes == [], "nothing is said before a chain has begun"
        sink.begin_chain("binance", "0")
        feed.begin_chain(Moment(2, 1))
        assert halted(sink, "BTCUSDT") is BINANCE[before][1]
        feed.take_listing(listing(after), Moment(2, 1))
        assert halted(sink, "BTCUSDT") is BINANCE[after][1]
        sink.begin_chain("binance", "0")
        feed.begin_chain(Moment(2, 1))
        assert halted(sink, "BTCUSDT") is BINANCE[after][1]
    states = [instrument.state for instrument in sink.instruments]
    assert (states[-1] if states else TRADING) is BINANCE[after][0]
