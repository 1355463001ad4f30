"""A sink that keeps what an adapter delivers as golden lines."""

from typing import Any

from tickmux_adapters.model import UNCHANGED, ChannelStatus, Instrument, InstrumentKey, Moment, QuoteUpdate

NOW = Moment(wall_ns=2, monotonic_ns=1)
"""When everything recorded was received; no golden line holds it."""
UNRECORDED = {"instrument", "received_at_ns", "received_monotonic_ns", "last_seen_monotonic_ns"}


class Harvest:
    """Every instrument and update in order, each with the number of its message."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.message = 0
        """Number of the message that is being fed."""
        self._instruments: dict[InstrumentKey, Instrument] = {}

    def know(self, instrument: Instrument) -> None:
        """Take an instrument that the recording does not announce."""
        self._instruments[instrument.key] = instrument

    def instrument(self, instrument: Instrument) -> None:
        self.know(instrument)
        self.lines.append(
            {
                "message": self.message,
                "instrument": instrument.symbol,
                "type": instrument.type,
                "exchange": instrument.exchange,
                "venue_symbol": instrument.venue_symbol,
                "base": instrument.base,
                "quote": instrument.quote,
                "state": instrument.state.value,
                "price_increment": _golden(instrument.price_increment),
                "size_increment": _golden(instrument.size_increment),
            }
        )

    def quote(self, update: QuoteUpdate) -> None:
        instrument = self._instruments[update.instrument]
        line: dict[str, Any] = {"message": self.message, "quote": instrument.symbol, "type": instrument.type}
        if instrument.is_indicative:
            line["indicative"] = True
        # By whatever fields an update has, so that a new one is in the golden lines from its first day.
        for name in QuoteUpdate.__struct_fields__:
            value = getattr(update, name)
            if name in UNRECORDED or value is UNCHANGED or (name == "venue_time_ns" and value is None):
                continue
            line[name] = _golden(value)
        self.lines.append(line)

    def begin_chain(self, source: str, channel: str) -> None:
        pass

    def status(self, status: ChannelStatus) -> None:
        pass


class StillClock:
    """A clock that stands."""

    def wall_ns(self) -> int:
        return NOW.wall_ns

    def monotonic_ns(self) -> int:
        return NOW.monotonic_ns


def _golden(value: object) -> object:
    """A float as its shortest text, so that the decimal can be compared; all else as it is."""
    return repr(value) if isinstance(value, float) else value
