from datetime import UTC, datetime

from tests.client.scripted_server import quote, status

from tickmux.v1 import quote_pb2, source_pb2
from tickmux_client import Quote, QuoteFlag, SourceState, SourceStatus

ABSENT = Quote(quote_pb2.Quote(), {}, False)


def test_what_is_absent_is_none_and_zero_is_zero() -> None:
    names = [
        "bid_price", "bid_size", "ask_price", "ask_size", "last_price", "volume", "bid_ask_age_ms", "last_age_ms",
    ]  # fmt: skip
    message = quote_pb2.Quote()
    for name in names:
        setattr(message, name, 0)
    zero = Quote(message, {}, False)
    for name in names:
        assert getattr(ABSENT, name) is None, name
        assert getattr(zero, name) == 0, name


def test_every_field_of_the_message_is_reachable() -> None:
    names = {field.name for field in quote_pb2.Quote.DESCRIPTOR.fields}
    assert [name for name in names if not hasattr(ABSENT, name)] == []


def test_times_are_utc_and_exact_in_nanoseconds() -> None:
    message = quote_pb2.Quote()
    message.timestamp.FromNanoseconds(1_700_000_000_123_456_789)
    timed = Quote(message, {}, False)
    assert timed.timestamp == datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)
    assert timed.timestamp_ns == 1_700_000_000_123_456_789
    assert timed.received_at is None
    assert timed.received_at_ns is None


def test_times_before_the_epoch() -> None:
    message = quote_pb2.Quote()
    message.received_at.FromNanoseconds(-1_500_000_000)
    timed = Quote(message, {}, False)
    assert timed.received_at == datetime(1969, 12, 31, 23, 59, 58, 500000, tzinfo=UTC)
    assert timed.received_at_ns == -1_500_000_000


def test_flags_of_a_newer_server_are_left_to_the_message() -> None:
    known = quote_pb2.Quote(flags=[quote_pb2.QUOTE_FLAG_SIMULATED, quote_pb2.QUOTE_FLAG_INDICATIVE])
    message = quote_pb2.Quote.FromString(known.SerializeToString() + b"\x7a\x01\x63")
    flagged = Quote(message, {}, False)
    assert flagged.flags == {QuoteFlag.SIMULATED, QuoteFlag.INDICATIVE}
    assert list(flagged.message.flags) == [4, 2, 99]


def test_a_state_of_a_newer_server_is_not_healthy() -> None:
    message = source_pb2.SourceStatus.FromString(b"\x18\x63")
    assert SourceStatus(message).state is SourceState.UNKNOWN
    assert not SourceStatus(message).is_healthy


def test_a_status_reads_its_message() -> None:
    message = status(source_pb2.SOURCE_STATE_DOWN, epoch=9)
    message.lag.FromNanoseconds(-1_500_000_000)
    message.last_error = "refused"
    message.since.FromSeconds(1)
    down = SourceStatus(message)
    assert (down.source, down.channel, down.state, down.epoch) == ("binance", "0", SourceState.DOWN, 9)
    assert down.lag_s == -1.5
    assert down.since == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    assert down.last_message_at is None
    assert repr(down) == "<SourceStatus binance/0 DOWN epoch=9 'refused'>"
    assert SourceStatus(status()).lag_s is None


def test_enums_mirror_the_contract() -> None:
    states = {name.removeprefix("SOURCE_STATE_"): value for name, value in source_pb2.SourceState.items()}
    assert {state.name: state.value for state in SourceState} == states
    flags = {name.removeprefix("QUOTE_FLAG_"): value for name, value in quote_pb2.QuoteFlag.items() if value}
    assert {flag.name: flag.value for flag in QuoteFlag} == flags


def test_a_quote_matches_by_its_fields_and_shows_itself() -> None:
    subject = Quote(quote("BTCUSDT", 3, bid=1.5), {("binance", "0"): status()}, True)
    match subject:
        case Quote(symbol="BTCUSDT", bid_price=float(bid), ask_price=None):
            assert bid == 1.5
        case _:
            raise AssertionError(subject)
    assert repr(subject) == "<Quote binance BTCUSDT bid=1.5 ask=None last=None epoch=1 revision=3 gap_before>"


def test_how_a_quote_was_served_does_not_outlive_its_sources_recovery() -> None:
    message = quote("A", 1)
    message.flags.append(quote_pb2.QUOTE_FLAG_STALE)
    key = (message.source, message.channel)
    table = {key: status(source_pb2.SOURCE_STATE_STALE)}
    served = Quote(message, table, gap_before=False)
    assert served.is_stale
    table[key] = status()
    assert not served.is_stale
