"""What is said of a selection that matches nothing."""

import pytest

from tickmux_client import Instrument, InstrumentState, SelectionOptions
from tickmux_server.cli.mismatch import mismatch


def instrument(symbol: str, source: str, exchange: str, kind: str = "crypto") -> Instrument:
    return Instrument(source, symbol, kind, exchange, symbol, "", "", InstrumentState.TRADING, None, None)


KNOWN = [
    instrument("BTCUSD", "kraken", "Kraken"),
    instrument("BTCUSD", "alpaca-crypto", "Alpaca"),
    instrument("BTCUSD", "coingecko", ""),
    instrument("BTCUSDT", "binance", "Binance"),
    instrument("AAPL", "alpaca", "NASDAQ", "stock"),
]


@pytest.mark.parametrize(
    ("name", "narrowing", "said"),
    [
        ("BTC-USTD", {}, "no instrument matches 'BTC-USTD'; did you mean BTCUSD?"),
        ("ZZZZ", {"sources": ["kraken"]}, "no instrument matches 'ZZZZ'; `tickmux instruments` lists what there is"),
        (
            "BTCUSD",
            {"exchanges": ["Krakken"]},
            "no instrument matches 'BTCUSD' with --exchange Krakken; did you mean --exchange Kraken?",
        ),
        (
            "btc/usd",
            {"exchanges": ["Nasdaq"]},
            "no instrument matches 'btc/usd' with --exchange Nasdaq; there is Alpaca, Kraken",
        ),
        (
            "BTCUSD",
            {"sources": ["alpaca-crypto", "coingecko"], "exchanges": ["Kraken"]},
            "no instrument matches 'BTCUSD' with --exchange Kraken; there is Alpaca",
        ),
        (
            "BTCUSD",
            {"sources": ["coingecko"], "exchanges": ["Kraken"]},
            "no instrument matches 'BTCUSD' with --exchange Kraken; leave --exchange out: none is told",
        ),
        ("BTCUSDT", {"sources": ["kraken"]}, "no instrument matches 'BTCUSDT' with --source kraken; there is binance"),
        ("AAP*", {"types": ["crypto", "fx"]}, "no instrument matches 'AAP*' with --type crypto, fx; there is stock"),
        ("", {"exchanges": ["Krakken"]}, "no instrument matches --exchange Krakken; did you mean --exchange Kraken?"),
    ],
)
def test_what_is_at_fault_is_named_with_the_nearest_that_exists(
    name: str, narrowing: SelectionOptions, said: str
) -> None:
    assert mismatch(name, KNOWN, narrowing) == said
