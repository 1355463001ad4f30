"""Quotes and instruments as data frames of pandas and polars: columns, types, and what is not known."""

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import polars as pl
import pytest
from tests.client.flavours import FLAVOURS, Flavour, ask, serving
from tests.client.scripted_server import Script, quote, snapshot_of, status

from tickmux.v1 import instrument_pb2, quote_pb2
from tickmux.v1 import market_data_service_pb2 as pb
from tickmux_client import CaughtUp, Instrument, Instruments, Quote, QuoteFlag, to_pandas, to_polars
from tickmux_server.cli.jsonlines import instrument_record, quote_record

LIBRARIES = ["pandas", "polars"]
MOMENT_NS = 1_700_000_000_123_456_789

COLUMNS = {
    "symbol": ("string", pl.String()),
    "type": ("string", pl.String()),
    "exchange": ("string", pl.String()),
    "last_price": ("Float64", pl.Float64()),
    "volume": ("Float64", pl.Float64()),
    "bid_price": ("Float64", pl.Float64()),
    "ask_price": ("Float64", pl.Float64()),
    "timestamp": ("datetime64[ns, UTC]", pl.Datetime("ns", "UTC")),
    "bid_size": ("Float64", pl.Float64()),
    "ask_size": ("Float64", pl.Float64()),
    "source": ("string", pl.String()),
    "epoch": ("uint64", pl.UInt64()),
    "revision": ("uint64", pl.UInt64()),
    "received_at": ("datetime64[ns, UTC]", pl.Datetime("ns", "UTC")),
    "flags": ("object", pl.List(pl.String())),
    "channel": ("string", pl.String()),
    "bid_ask_age_ms": ("UInt64", pl.UInt64()),
    "last_age_ms": ("UInt64", pl.UInt64()),
    "bid_exchange": ("string", pl.String()),
    "ask_exchange": ("string", pl.String()),
    "last_exchange": ("string", pl.String()),
    "is_stale": ("bool", pl.Boolean()),
    "gap_before": ("bool", pl.Boolean()),
}


def filled() -> Quote:
    """Every field of it is known."""
    message = quote_pb2.Quote(flags=[quote_pb2.QUOTE_FLAG_SIMULATED, quote_pb2.QUOTE_FLAG_INDICATIVE])
    for field in quote_pb2.Quote.DESCRIPTOR.fields:
        if field.cpp_type == field.CPPTYPE_STRING:
            setattr(message, field.name, field.name)
        elif field.cpp_type == field.CPPTYPE_DOUBLE:
            setattr(message, field.name, field.number + 0.1)
        elif field.cpp_type == field.CPPTYPE_UINT64:
            setattr(message, field.name, 2**64 - field.number)
    message.timestamp.FromNanoseconds(MOMENT_NS)
    message.received_at.FromNanoseconds(-1)
    return Quote(message, {}, True)


def empty() -> Quote:
    """Nothing of it is known but what it is."""
    message = quote("BTCUSDT", 1)
    return Quote(message, {("binance", "0"): status()}, False)


def types(frame: Any) -> list[tuple[str, Any]]:
    if isinstance(frame, pl.DataFrame):
        return list(frame.schema.items())
    return [(name, str(kind)) for name, kind in frame.dtypes.items()]


def records(frame: Any) -> list[dict[str, Any]]:
    """The rows as the JSON of the command line has them, by whatever means the library offers."""
    if isinstance(frame, pl.DataFrame):
        times = [pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S.%9fZ") for name in frame.columns if name in TIMES]
        return frame.with_columns(times).to_dicts()
    frame = frame.astype(object)
    rows = []
    for row in frame.to_dict("records"):
        known = {name: value if name in {"flags"} or not pd.isna(value) else None for name, value in row.items()}
        rows.append({name: at(value) if isinstance(value, pd.Timestamp) else value for name, value in known.items()})
    return rows


def at(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond * 1000 + moment.nanosecond:09}Z"


TIMES = {"timestamp", "received_at"}
FRAME: dict[str, Any] = {"pandas": to_pandas, "polars": to_polars}
of_library = pytest.mark.parametrize("library", LIBRARIES)


@of_library
@pytest.mark.parametrize("quotes", [[], [filled(), empty()], [empty()]])
def test_the_columns_and_their_types_are_always_the_same(library: str, quotes: list[Quote]) -> None:
    frame = FRAME[library](quotes)
    assert types(frame) == [(name, kinds[library == "polars"]) for name, kinds in COLUMNS.items()]
    assert len(frame) == len(quotes)


@of_library
def test_the_columns_are_the_fields_of_the_contract_in_the_order_of_the_json(library: str) -> None:
    frame = FRAME[library]([])
    fields = [field.name for field in quote_pb2.Quote.DESCRIPTOR.fields]
    assert list(frame.columns) == [*fields, "is_stale", "gap_before"]
    assert list(frame.columns)[: len(fields)] == list(quote_record(filled().message))


@of_library
def test_a_row_says_what_the_json_says(library: str) -> None:
    quotes = [filled(), empty()]
    rows = records(FRAME[library](quotes))
    for row, subject in zip(rows, quotes, strict=True):
        record = quote_record(subject.message) | {"is_stale": subject.is_stale, "gap_before": subject.gap_before}
        record["type"] = record["type"] or None
        assert {name: value for name, value in row.items() if name in record} == record
        assert [row[name] for name in row.keys() - record.keys()] == [None] * len(row.keys() - record.keys())
    assert rows[0]["timestamp"] == "2023-11-14T22:13:20.123456789Z"
    assert rows[0]["epoch"] == 2**64 - 12
    assert (rows[0]["is_stale"], rows[1]["is_stale"]) == (True, False)


@of_library
def test_unknown_is_neither_zero_nor_nan(library: str) -> None:
    zero = quote_pb2.Quote(symbol="A", bid_price=0.0, bid_ask_age_ms=0)
    frame = FRAME[library]([Quote(zero, {}, False), empty()])
    for name in ("bid_price", "bid_ask_age_ms"):
        column = frame[name]
        missing = column.is_null() if library == "polars" else column.isna()
        assert list(missing) == [False, True]
        assert column[0] == 0
    assert frame["bid_price"].sum() == 0.0


def test_pandas_tells_unknown_by_na() -> None:
    frame = to_pandas([empty()])
    for name in ("bid_price", "last_age_ms", "exchange"):
        assert frame[name][0] is pd.NA
    assert frame["timestamp"][0] is pd.NaT
    assert frame["received_at"].dt.tz == UTC


@of_library
def test_flags_are_names_also_those_of_a_newer_server(library: str) -> None:
    known = quote_pb2.Quote(flags=[quote_pb2.QuoteFlag.ValueType(flag) for flag in QuoteFlag])
    message = quote_pb2.Quote.FromString(known.SerializeToString() + b"\x7a\x01\x63")
    (flags,) = list(FRAME[library]([Quote(message, {}, False)])["flags"])
    assert list(flags) == ["delayed", "indicative", "halted", "simulated", "stale", "99"]


def test_polars_finds_flags() -> None:
    frame = to_polars([filled(), empty()])
    assert frame.filter(pl.col("flags").list.contains("simulated")).height == 1
    assert frame.filter(pl.col("received_at") < datetime(1970, 1, 1, tzinfo=UTC)).height == 1


@of_library
def test_any_collection_of_quotes_will_do(library: str) -> None:
    quotes = {("binance", "BTCUSDT"): empty()}
    for collected in (quotes.values(), iter([empty()]), (empty(),)):
        assert len(FRAME[library](collected)) == 1


@of_library
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([CaughtUp()], "quotes: expected quotes alone, not a CaughtUp among them"),
        (5, "quotes: expected quotes that were collected, such as a list, not an int"),
        (empty(), "quotes: expected quotes that were collected, such as a list, not a Quote"),
    ],
)
def test_what_is_no_quotes_is_refused(library: str, given: Any, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        FRAME[library](given)
    assert str(caught.value) == said


@of_library
def test_a_time_beyond_nanoseconds_is_named(library: str) -> None:
    message = quote("BTCUSDT", 1)
    message.timestamp.FromJsonString("9999-01-01T00:00:00Z")
    with pytest.raises(ValueError, match=r"^timestamp of binance BTCUSDT is 9999-01-01T00:00:00Z: .* 1678 to 2261"):
        FRAME[library]([empty(), Quote(message, {}, False)])


@of_library
def test_a_snapshot_is_a_frame_of_its_quotes(library: str) -> None:
    snapshot = snapshot_of(quote("A", 1, bid=0.5), quote("B", 2))
    frame: Any = getattr(snapshot, f"to_{library}")()
    assert list(frame["symbol"]) == ["A", "B"]
    assert list(frame["is_stale"]) == [False, False]
    assert frame["bid_price"][0] == 0.5
    assert types(getattr(snapshot_of(), f"to_{library}")()) == types(frame)


@of_library
@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_instruments_are_a_frame_as_the_json_has_them(flavour: Flavour, library: str) -> None:
    listed = instrument_pb2.Instrument(
        source="kraken", symbol="BTCUSD", type="crypto", exchange="Kraken", venue_symbol="XBT/USD", base="BTC",
        quote="USD", state=instrument_pb2.INSTRUMENT_STATE_RESTRICTED, price_increment=0.1,
    )  # fmt: skip
    unknown = instrument_pb2.Instrument(source="kraken", symbol="ABCD", type="stock")
    answer = pb.ListInstrumentsResponse(instruments=[listed, unknown])
    async with serving(Script(instruments=lambda _: answer)) as target:
        found = await ask(flavour, target, "instruments")
    frame: Any = getattr(found, f"to_{library}")()
    assert records(frame) == [instrument_record(Instrument.from_message(message)) for message in (listed, unknown)]
    assert list(frame.columns) == list(instrument_record(found.instruments[0]))
    assert types(getattr(Instruments((), ()), f"to_{library}")()) == types(frame)


@of_library
def test_without_the_library_one_line_says_what_to_install(library: str) -> None:
    program = (
        f"import sys; sys.modules[{library!r}] = None\n"
        f"from tickmux_client import Instruments, to_{library} as to_frame\n"
        f"for ask in (lambda: to_frame([]), Instruments((), ()).to_{library}):\n"
        "    try: ask()\n"
        "    except ImportError as error: print(error.name, error)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout == 2 * f"{library} to_{library}() needs {library}: pip install 'tickmux[{library}]'\n"


def test_importing_the_client_imports_neither() -> None:
    program = "import sys, tickmux_client; print(sorted({'pandas', 'polars', 'numpy'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout == "[]\n"
