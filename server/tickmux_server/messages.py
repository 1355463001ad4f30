"""Our own types as contract messages: instruments and statuses. Quotes are encoded by the publisher itself."""

from typing import Final

from tickmux.v1 import instrument_pb2, source_pb2
from tickmux_adapters.model import ChannelStatus, Instrument, InstrumentState, SourceState

INSTRUMENT_STATES: Final = {
    InstrumentState.UNSPECIFIED: instrument_pb2.INSTRUMENT_STATE_UNSPECIFIED,
    InstrumentState.TRADING: instrument_pb2.INSTRUMENT_STATE_TRADING,
    InstrumentState.HALTED: instrument_pb2.INSTRUMENT_STATE_HALTED,
    InstrumentState.RESTRICTED: instrument_pb2.INSTRUMENT_STATE_RESTRICTED,
    InstrumentState.DELISTED: instrument_pb2.INSTRUMENT_STATE_DELISTED,
}

SOURCE_STATES: Final = {
    SourceState.CONNECTING: source_pb2.SOURCE_STATE_CONNECTING,
    SourceState.LIVE: source_pb2.SOURCE_STATE_LIVE,
    SourceState.STALE: source_pb2.SOURCE_STATE_STALE,
    SourceState.DOWN: source_pb2.SOURCE_STATE_DOWN,
    SourceState.THROTTLED: source_pb2.SOURCE_STATE_THROTTLED,
    SourceState.REJECTED: source_pb2.SOURCE_STATE_REJECTED,
    SourceState.UNKNOWN: source_pb2.SOURCE_STATE_UNKNOWN,
}


def instrument_message(instrument: Instrument) -> instrument_pb2.Instrument:
    """The contract's Instrument."""
    return instrument_pb2.Instrument(
        source=instrument.source,
        symbol=instrument.symbol,
        type=instrument.type,
        exchange=instrument.exchange,
        venue_symbol=instrument.venue_symbol,
        base=instrument.base,
        quote=instrument.quote,
        state=INSTRUMENT_STATES[instrument.state],
        price_increment=instrument.price_increment,
        size_increment=instrument.size_increment,
    )


def status_message(status: ChannelStatus, epoch: int) -> source_pb2.SourceStatus:
    """The contract's SourceStatus."""
    message = source_pb2.SourceStatus(
        source=status.source,
        channel=status.channel,
        state=SOURCE_STATES[status.state],
        epoch=epoch,
        messages=status.messages,
        malformed=status.malformed,
        duplicates=status.duplicates,
        inexact=status.inexact,
        reconnects=status.reconnects,
        last_error=status.last_error,
    )
    message.since.FromNanoseconds(status.since_ns)
    if status.last_message_at_ns is not None:
        message.last_message_at.FromNanoseconds(status.last_message_at_ns)
    if status.lag_ns is not None:
        message.lag.FromNanoseconds(status.lag_ns)
    for budget in status.budgets:
        entry = message.budgets.add(limit=budget.limit, left=budget.left, reason=budget.reason)
        entry.window.FromNanoseconds(round(budget.window_s * 1e9))
        if budget.next_request_at_ns is not None:
            entry.next_request_at.FromNanoseconds(budget.next_request_at_ns)
        if budget.resets_at_ns is not None:
            entry.resets_at.FromNanoseconds(budget.resets_at_ns)
    return message
