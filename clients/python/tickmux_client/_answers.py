"""What a client answers to one question, all its pages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tickmux_client import _frames
from tickmux_client._model import Instrument, Quote, SourceStatus

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The present state of a selection."""

    quotes: tuple[Quote, ...]
    """The latest quote of each selected instrument that has one, by source and symbol."""
    source_statuses: tuple[SourceStatus, ...]
    """Health of the selected sources, when the first page was served."""
    unmatched: tuple[str, ...]
    """Selected symbols that match no instrument now."""
    resume_token: str
    """Where a subscription to the same selection can go on; empty if the server does not offer it."""

    def to_pandas(self) -> "pd.DataFrame":
        """Its quotes as `tickmux_client.to_pandas` makes them a frame."""
        return _frames.to_pandas(self.quotes)

    def to_polars(self) -> "pl.DataFrame":
        """Its quotes as `tickmux_client.to_polars` makes them a frame."""
        return _frames.to_polars(self.quotes)


@dataclass(frozen=True, slots=True)
class Instruments:
    """The instruments of a selection."""

    instruments: tuple[Instrument, ...]
    """By source and symbol."""
    unmatched: tuple[str, ...]
    """Selected symbols that match no instrument now."""

    def to_pandas(self) -> "pd.DataFrame":
        """One row an instrument, the columns as the command line's JSON names and orders them.

        Raises:
            ImportError: pandas is not installed.
        """
        return _frames.instruments_to_pandas(self.instruments)

    def to_polars(self) -> "pl.DataFrame":
        """One row an instrument, as `to_pandas`.

        Raises:
            ImportError: polars is not installed.
        """
        return _frames.instruments_to_polars(self.instruments)
