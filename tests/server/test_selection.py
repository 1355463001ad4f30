"""What a selection means, and what is refused."""

import pytest

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux_server.errors import InvalidRequest
from tickmux_server.selection import NAMES_MAX, PATTERNS_MAX, Selection, parse, unmatched

SOURCES = ("binance", "kraken", "alpaca")


def parsed(**fields: list[str]) -> Selection:
    return parse(contract.Selection(**fields), SOURCES)


def matches(selection: Selection, source: str = "binance", symbol: str = "BTCUSDT") -> bool:
    return selection.matches(source=source, symbol=symbol, type="crypto", exchange=source.title())


def test_an_empty_selection_is_everything_but_consolidated() -> None:
    assert matches(parsed())
    assert not matches(parsed(), source="consolidated")


@pytest.mark.parametrize("spelling", ["BTCUSDT", "btcusdt", "BTC-USDT", "btc/usdt", " BTCUSDT "])
def test_spellings_of_one_symbol_are_one_selection(spelling: str) -> None:
    assert parsed(symbols=[spelling]) == Selection(symbols=frozenset({"BTCUSDT"}))


def test_a_derivative_and_a_stock_keep_their_marks() -> None:
    selection = parsed(symbols=["btc-usdt-perp", "brk.b"])
    assert selection.symbols == {"BTCUSDT-PERP", "BRK.B"}


def test_values_of_a_field_are_alternatives_and_fields_narrow_each_other() -> None:
    selection = parsed(symbols=["BTC*", "ETHUSDT"], sources=["Binance"], types=["CRYPTO"], exchanges=["BINANCE"])
    assert matches(selection)
    assert matches(selection, symbol="ETHUSDT")
    assert not matches(selection, symbol="ETHUSD")
    assert not matches(selection, source="kraken")


def test_a_lone_star_is_everything() -> None:
    assert matches(parsed(symbols=["*"]), symbol="ANYTHING")


@pytest.mark.parametrize(
    ("fields", "field", "hint"),
    [
        ({"sources": ["binanse"]}, "selection.sources[0]", "did you mean 'binance'?"),
        ({"sources": ["kraken", "x"]}, "selection.sources[1]", "known are alpaca, binance, kraken"),
        ({"types": ["stocks"]}, "selection.types[0]", "did you mean 'stock'?"),
        ({"symbols": ["B*C"]}, "selection.symbols[0]", "at the end only"),
        ({"symbols": ["*BTC"]}, "selection.symbols[0]", "at the end only"),
        ({"symbols": ["BTC**"]}, "selection.symbols[0]", "at the end only"),
        ({"symbols": ["BTCUSDT", ""]}, "selection.symbols[1]", "is no symbol"),
        ({"symbols": ["/*"]}, "selection.symbols[0]", "is no symbol"),
        ({"symbols": ["-"]}, "selection.symbols[0]", "is no symbol"),
        ({"symbols": ["BTC USDT"]}, "selection.symbols[0]", "is no symbol"),
        ({"symbols": ["X" * 65]}, "selection.symbols[0]", "at most 64"),
        ({"symbols": [f"S{number}" for number in range(NAMES_MAX + 1)]}, "selection", "2001 names"),
        ({"symbols": [f"S{number}*" for number in range(PATTERNS_MAX + 1)]}, "selection.symbols", "33 patterns"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_its_field(
    fields: dict[str, list[str]], field: str, hint: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(**fields)
    (violation,) = caught.value.violations
    assert violation.field == field
    assert hint in violation.problem


def test_the_bounds_themselves_are_allowed() -> None:
    names = [f"S{number}" for number in range(NAMES_MAX)] + [f"P{number}*" for number in range(PATTERNS_MAX)]
    selection = parsed(symbols=names)
    assert (len(selection.symbols), len(selection.prefixes)) == (NAMES_MAX, PATTERNS_MAX)


def test_consolidated_is_selected_by_its_name_alone_and_hinted_at() -> None:
    served = [*SOURCES, "consolidated"]
    selection = parse(contract.Selection(sources=["Consolidated"]), served)
    assert matches(selection, source="consolidated")
    assert selection.includes_source("consolidated")
    assert not matches(selection, source="kraken")
    with pytest.raises(InvalidRequest, match="did you mean 'consolidated'"):
        parse(contract.Selection(sources=["consolidate"]), served)


def test_a_server_without_consolidated_says_how_to_have_it() -> None:
    with pytest.raises(InvalidRequest, match="set `consolidated = true` in its configuration"):
        parsed(sources=["CONSOLIDATED"])


def test_what_matches_nothing_is_named_as_it_was_sent() -> None:
    sent = ["btc-usdt", "eth/usd", "ETH*", "SOL*", "*", "eth/usd"]
    assert unmatched(sent, {"BTCUSDT", "SOLUSD"}) == ["eth/usd", "ETH*"]
    assert unmatched(["*"], set()) == ["*"]
