import logging
from typing import Any

import pytest
from tests.adapters.recordings import path_of

from tickmux_adapters.coingecko.catalogue import PRICED_IN, Pair, instrument_of, match, split
from tickmux_adapters.coingecko.feed import COINS_PER_REQUEST, IDS_CHARS_MAX, batches
from tickmux_adapters.coingecko.messages import Coin, read_coins, read_currencies
from tickmux_adapters.coingecko.settings import DEFAULT_COINS, DEFAULT_SYMBOLS, CoinGeckoSettings, resolved
from tickmux_adapters.errors import MalformedMessage, SettingsError

KEY = "CG-a-key-of-these-tests"


@pytest.mark.parametrize(
    ("symbol", "pair"),
    [
        ("BTCUSD", ("BTC", "USD")),
        ("btc/usd", ("BTC", "USD")),
        ("BTC-EUR", ("BTC", "EUR")),
        ("XBT/USD", ("BTC", "USD")),
        ("XDGUSD", ("DOGE", "USD")),
        ("ETHXBT", ("ETH", "BTC")),
        ("ETHBTC", ("ETH", "BTC")),
        ("SATSUSD", ("SATS", "USD")),
        ("BTCSATS", ("BTC", "SATS")),
        ("WBTC", ("W", "BTC")),
        ("BTCUSDT", None),
        ("BTC/USDT", None),
        ("BTC-USD-PERP", None),
        ("USD", None),
        ("/USD", None),
        ("", None),
    ],
)
def test_a_symbol_is_split_by_the_currencies_of_the_venue(symbol: str, pair: tuple[str, str] | None) -> None:
    assert split(symbol) == pair


def test_of_several_currencies_the_longest_counts() -> None:
    assert split("AUSDT", {"usdt", "dt"}) == ("A", "USDT")
    # One that came up since does not change what was understood without it.
    assert split("BTCUSD", {"cusd"}) == ("BTC", "USD")


UNI_REFUSED = (
    "UNIUSD is refused: 8 coins go by UNI (uniswap, a-bridged-uni, b-bridged-uni, c-bridged-uni, d-bridged-uni"
    ' and 3 more): say which, such as coins.UNI = "uniswap"'
)
COINS = [
    *(Coin(f"{name}-bridged-uni", "uni") for name in "abcdef"),
    Coin("uniswap", "uni"),
    Coin("unicorn-by-another-name", "UNI"),
    Coin("ondo-finance", "ondo"),
    Coin("wif", "$wif"),
    Coin("wif-2", "$wif"),
    Coin("nameless", None),
]


def catalogue(*symbols: str, listing: list[Coin] | None = COINS, **ids: str) -> tuple[dict[str, str], str]:
    found = match(symbols, source="s", ids={**DEFAULT_COINS, **ids}, listing=listing)
    return {each.symbol: each.venue_symbol for each in found.instruments}, "; ".join(found.problems)


def test_the_default_symbols_need_no_looking_up() -> None:
    found, problems = catalogue(*DEFAULT_SYMBOLS, listing=None)
    assert len(found) == 10
    assert (found["BTCUSD"], found["AVAXUSD"], problems) == ("bitcoin", "avalanche-2", "")


def test_a_ticker_of_one_coin_is_taken_and_one_of_several_is_refused_by_name() -> None:
    found, problems = catalogue("ONDO/EUR", "UNIUSD", "$WIFUSD", "ONDEUSD", "BTCUSDT", "BTCUSD", "btc/usd")
    assert found == {"ONDOEUR": "ondo-finance", "BTCUSD": "bitcoin"}
    assert problems.split("; ") == [
        "BTCUSDT ends with no currency that the venue gives prices in (nearest: BTCUSD)",
        UNI_REFUSED,
        '$WIFUSD is refused: 2 coins go by $WIF (wif, wif-2): say which, such as coins."$WIF" = "wif"',
        "ONDEUSD is not listed, no coin goes by ONDE (nearest: ONDO)",
    ]
    assert catalogue("UNIUSD", UNI="uniswap") == ({"UNIUSD": "uniswap"}, "")
    assert catalogue("UNIUSD", listing=None)[1] == "UNIUSD cannot be looked up: set coins.UNI to the coin's id"


def test_two_pairs_of_one_name_are_both_refused() -> None:
    found = match(
        ["AB/CUSD", "ABC/USD", "BTCUSD"],
        source="s",
        more={"cusd"},
        ids={"AB": "a", "ABC": "b", "BTC": "c"},
        listing=None,
    )
    assert [each.symbol for each in found.instruments] == ["BTCUSD"]
    assert found.problems == ["ABCUSD would be the name of both AB/CUSD and ABC/USD: refused"]


def test_requests_are_bounded_in_coins_and_in_length() -> None:
    def asked(*ids: str) -> list[list[str]]:
        instruments = [
            instrument_of(Pair(str(number), "USD"), source="s", coin_id=coin) for number, coin in enumerate(ids)
        ]
        return [query["ids"].split(",") for query in batches(instruments)]

    many = [f"coin-{number}" for number in range(2 * COINS_PER_REQUEST + 1)]
    assert [len(ids) for ids in asked(*many)] == [COINS_PER_REQUEST, COINS_PER_REQUEST, 1]
    assert [coin for ids in asked(*many) for coin in ids] == many
    long = [f"{number:0100d}" for number in range(90)]
    assert [coin for ids in asked(*long) for coin in ids] == long
    assert all(len("%2C".join(ids)) <= IDS_CHARS_MAX for ids in asked(*long))
    assert len(asked(*long)) > 1


def test_a_request_asks_for_the_currencies_of_its_coins() -> None:
    pairs = [("BTC", "USD"), ("ETH", "BTC"), ("BTC", "EUR")]
    instruments = [instrument_of(Pair(*pair), source="s", coin_id=DEFAULT_COINS[pair[0]]) for pair in pairs]
    assert list(batches(instruments)) == [
        {
            "ids": "bitcoin,ethereum",
            "vs_currencies": "usd,eur,btc",
            "include_last_updated_at": "true",
            "precision": "full",
        }
    ]


def test_the_plan_follows_from_the_key_unless_it_is_set() -> None:
    def plan(environment: dict[str, str], **more: Any) -> tuple[str, str]:
        chosen = resolved("c", CoinGeckoSettings(adapter="coingecko", **more), environment)
        return chosen.plan, chosen.rest_url

    demo_root, pro_root = "https://api.coingecko.com/api/v3", "https://pro-api.coingecko.com/api/v3"
    assert plan({}) == ("keyless", demo_root)
    assert plan({"COINGECKO_API_KEY": KEY}) == ("demo", demo_root)
    assert plan({"COINGECKO_API_KEY_FILE": "/key"}) == ("demo", demo_root)
    assert plan({"OTHER": KEY}, key_variable="OTHER") == ("demo", demo_root)
    assert plan({"COINGECKO_API_KEY": KEY}, plan="pro") == ("pro", pro_root)
    assert plan({"COINGECKO_API_KEY": KEY}, plan="keyless") == ("keyless", demo_root)
    # A key is for the venue: whatever else is asked gets it only if the plan is set.
    elsewhere = "http://127.0.0.1:1"
    assert plan({"COINGECKO_API_KEY": KEY}, rest_url=elsewhere) == ("keyless", elsewhere)
    assert plan({"COINGECKO_API_KEY": KEY}, rest_url=elsewhere, plan="demo") == ("demo", elsewhere)


@pytest.mark.parametrize(
    ("more", "setting"),
    [
        ({"rest_url": "ftp://x"}, "sources.c.rest_url"),
        ({"coins": {"UNI": "uni swap"}}, "sources.c.coins.UNI"),
        ({"coins": {"UNI": ""}}, "sources.c.coins.UNI"),
        ({"key_variable": KEY}, "sources.c.key_variable"),
    ],
)
def test_settings_that_cannot_work_are_named(more: dict[str, Any], setting: str) -> None:
    with pytest.raises(SettingsError) as raised:
        resolved("c", CoinGeckoSettings(adapter="coingecko", **more), {})
    assert str(raised.value).startswith(setting + ": ")
    assert KEY not in str(raised.value)


def test_the_documented_lists() -> None:
    assert set(
        read_currencies(path_of("coingecko", "coingecko-api-oas__supported_vs_currencies.json").read_bytes())
    ) == (PRICED_IN)
    coins = read_coins(path_of("coingecko", "coingecko-api-oas__coins_list.json").read_bytes())
    assert [(coin.id, coin.symbol) for coin in coins] == [("official-trump", "trump"), ("ondo-finance", "ondo")]


def test_a_listed_coin_that_cannot_be_understood_takes_no_other_with_it(caplog: pytest.LogCaptureFixture) -> None:
    body = b'[{"id":"a","symbol":5},{"id":"bitcoin","symbol":"btc"},null,{"id":"b","symbol":null}]'
    with caplog.at_level(logging.WARNING):
        assert [coin.id for coin in read_coins(body)] == ["bitcoin", "b"]
    (told,) = caplog.messages
    assert "2 of 4 listed coins" in told
    caplog.clear()
    assert read_coins(b"[]") == []
    for nothing in (b"[null]", b"{}", b"[", b"<html>", b""):
        with pytest.raises(MalformedMessage):
            read_coins(nothing)
    assert caplog.messages == []
