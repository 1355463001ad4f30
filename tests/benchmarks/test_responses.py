from benchmarks.responses import head, quotes_in

from tickmux.v1 import market_data_service_pb2 as contract
from tickmux.v1 import quote_pb2, source_pb2


def test_quotes_are_counted_and_the_rest_is_read_without_decoding_them() -> None:
    body = contract.SubscribeResponse(
        quotes=[quote_pb2.Quote(symbol=symbol, source="synthetic", revision=300) for symbol in ("A", "B")],
        source_statuses=[source_pb2.SourceStatus(source="synthetic", channel="0")],
    ).SerializeToString()
    own = contract.SubscribeResponse(
        conflated=70_000, resume_token="t" * 200, continuity=contract.CONTINUITY_RESUMED, caught_up=True
    )
    own.sent_at.FromNanoseconds(1_790_000_000_123_456_789)

    assert quotes_in(own.SerializeToString() + body) == 2
    assert head(own.SerializeToString() + body) == own
    assert head(body) == contract.SubscribeResponse()
    assert head(b"") == contract.SubscribeResponse()
