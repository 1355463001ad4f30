"""Frames join into any response that has the field, and a flag can be added to one."""

import pytest

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import quote_pb2, source_pb2
from tickmux_server.frames import (
    LISTED_FIELD,
    QUOTES_FIELD,
    STATUSES_FIELD,
    frame,
    payload,
    relabelled,
    with_stale_flag,
)


def test_the_same_frame_fits_a_stream_and_a_snapshot() -> None:
    for name, field in (("quotes", QUOTES_FIELD), ("source_statuses", STATUSES_FIELD)):
        for message in (contract.SubscribeResponse, contract.GetSnapshotResponse):
            assert message.DESCRIPTOR.fields_by_name[name].number == field
    for listing in (contract.ListInstrumentsResponse, contract.ListSourcesResponse):
        assert listing.DESCRIPTOR.fields[0].number == LISTED_FIELD


@pytest.mark.parametrize("symbol_chars", [1, 100, 127, 128, 1000, 1020, 1023, 1024, 5000, 20000])
def test_frames_of_every_length_concatenate(symbol_chars: int) -> None:
    quote = quote_pb2.Quote(symbol="X" * symbol_chars, bid_price=1.5)
    framed = frame(QUOTES_FIELD, quote.SerializeToString())
    header = contract.SubscribeResponse(conflated=3).SerializeToString()
    assert list(contract.SubscribeResponse.FromString(header + framed + framed).quotes) == [quote, quote]
    assert payload(framed) == quote.SerializeToString()


@pytest.mark.parametrize("flags", [[], [quote_pb2.QUOTE_FLAG_SIMULATED, quote_pb2.QUOTE_FLAG_HALTED]])
@pytest.mark.parametrize("symbol_chars", [3, 110, 1015])
def test_the_stale_flag_lands_in_the_quote_and_not_in_the_response(
    flags: list[quote_pb2.QuoteFlag.ValueType], symbol_chars: int
) -> None:
    quote = quote_pb2.Quote(symbol="X" * symbol_chars, flags=flags, ask_price=2.5)
    framed = with_stale_flag(frame(QUOTES_FIELD, quote.SerializeToString()))
    (decoded,) = contract.GetSnapshotResponse.FromString(framed).quotes
    quote.flags.append(quote_pb2.QUOTE_FLAG_STALE)
    assert decoded == quote


def test_a_status_can_be_listed() -> None:
    status = source_pb2.SourceStatus(source="binance", channel="0")
    framed = frame(STATUSES_FIELD, status.SerializeToString())
    listed = contract.ListSourcesResponse.FromString(relabelled(LISTED_FIELD, framed))
    assert list(listed.source_statuses) == [status]
