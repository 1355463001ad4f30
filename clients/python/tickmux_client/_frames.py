"""Data frames of pandas and polars. Neither is needed, or imported, before one is asked for."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tickmux_client import _columns
from tickmux_client._arguments import kind_of
from tickmux_client._columns import Column, Kind
from tickmux_client._model import Instrument, Quote

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


def to_pandas(quotes: Iterable[Quote]) -> "pd.DataFrame":
    """Make a frame of quotes, one row each.

    The columns are the fields of the contract in its order, the eight unified ones first, then `is_stale`, as it is
    now, and `gap_before`; they and their types are the same without any quotes. What is not known is NA, never zero
    and never NaN: texts are `string`, prices and sizes `Float64`, ages `UInt64`. `epoch` and `revision` are `uint64`,
    times are UTC with nanoseconds. `flags` is a list of names in lower case, not a column for each, so that a flag of
    a newer server is there and changes no column.

    Raises:
        ImportError: pandas is not installed.
        TypeError: something is no quote.
        ValueError: a time is beyond what nanoseconds can say.
    """
    return _pandas_frame(_columns.of_quotes(_listed(quotes)))


def to_polars(quotes: Iterable[Quote]) -> "pl.DataFrame":
    """Make a frame of quotes, one row each: columns and errors as `to_pandas`, and null for what is not known."""
    return _polars_frame(_columns.of_quotes(_listed(quotes)))


def instruments_to_pandas(instruments: Sequence[Instrument]) -> "pd.DataFrame":
    """Make a frame of instruments, one row each."""
    return _pandas_frame(_columns.of_instruments(instruments))


def instruments_to_polars(instruments: Sequence[Instrument]) -> "pl.DataFrame":
    """Make a frame of instruments, one row each."""
    return _polars_frame(_columns.of_instruments(instruments))


def _listed(quotes: Iterable[Quote]) -> list[Quote]:
    if not isinstance(quotes, Iterable):
        raise TypeError(f"quotes: expected quotes that were collected, such as a list, not {kind_of(quotes)}")
    listed = list(quotes)
    for quote in listed:
        if not isinstance(quote, Quote):
            raise TypeError(f"quotes: expected quotes alone, not {kind_of(quote)} among them")
    return listed


def _pandas_frame(columns: Sequence[Column]) -> "pd.DataFrame":
    try:
        import pandas as pd  # noqa: PLC0415 - comes with the [pandas] extra
    except ModuleNotFoundError as error:
        raise _not_installed("pandas", error) from error

    def series(column: Column) -> "pd.Series":
        if column.kind is Kind.TIME:
            numbers = pd.Series(column.values, dtype="Int64")
            return pd.to_datetime(numbers, unit="ns", utc=True)
        return pd.Series(column.values, dtype=types[column.kind])

    types = {
        Kind.TEXT: "string",
        Kind.NUMBER: "Float64",
        Kind.COUNT: "uint64",
        Kind.DURATION_MS: "UInt64",
        Kind.NAMES: "object",
        Kind.ANSWER: "bool",
    }
    return pd.DataFrame({column.name: series(column) for column in columns})


def _polars_frame(columns: Sequence[Column]) -> "pl.DataFrame":
    try:
        import polars as pl  # noqa: PLC0415 - comes with the [polars] extra
    except ModuleNotFoundError as error:
        raise _not_installed("polars", error) from error

    types = {
        Kind.TEXT: pl.String(),
        Kind.NUMBER: pl.Float64(),
        Kind.COUNT: pl.UInt64(),
        Kind.DURATION_MS: pl.UInt64(),
        Kind.TIME: pl.Datetime("ns", "UTC"),
        Kind.NAMES: pl.List(pl.String()),
        Kind.ANSWER: pl.Boolean(),
    }
    return pl.DataFrame([pl.Series(column.name, column.values, types[column.kind]) for column in columns])


def _not_installed(library: str, error: ModuleNotFoundError) -> ImportError:
    if error.name != library:
        # It is there, and misses something itself.
        return error
    return ImportError(f"to_{library}() needs {library}: pip install 'tickmux[{library}]'", name=library)
