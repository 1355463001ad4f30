"""What the scripted server sends. Each revision of a quote has numbers of its own, so that none passes for another."""

from collections.abc import Sequence
from typing import Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from tests.client.scripted_server import Fail, error_info, status

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import quote_pb2, source_pb2

RECEIVED_S: Final = 1_790_000_000
LATER_FIELD: Final = 1000
"""A field number that this version of the contract does not have."""


def quote(
    revision: int,
    symbol: str = "BTCUSDT",
    *,
    source: str = "binance",
    channel: str = "0",
    epoch: int = 1,
    flags: Sequence[int] = (),
    without: Sequence[str] = (),
    zero: Sequence[str] = (),
    later_bytes: int = 0,
) -> quote_pb2.Quote:
    """A quote.

    Args:
        revision: Decides the numbers, with the epoch.
        symbol: Of the instrument.
        source: Of the instrument.
        channel: Slot that carries it.
        epoch: Of the chain.
        flags: As numbers, those of a later version included.
        without: Fields that are left out, as not known.
        zero: Fields that are 0.
        later_bytes: Size of a field of a later version that it carries; 0 for none.
    """
    step = revision / 8 + epoch * 1000
    message = quote_pb2.Quote(
        symbol=symbol,
        source=source,
        channel=channel,
        type="crypto",
        exchange=source.title(),
        epoch=epoch,
        revision=revision,
        bid_price=step,
        bid_size=step + 1,
        ask_price=step + 2,
        ask_size=step + 3,
        last_price=step + 4,
        volume=step + 5,
        bid_ask_age_ms=revision,
        last_age_ms=revision + 1,
        timestamp=Timestamp(seconds=RECEIVED_S + revision, nanos=123_456_789),
        received_at=Timestamp(seconds=RECEIVED_S + revision, nanos=987_654_321),
        flags=flags,  # type: ignore[arg-type]
    )
    for field in without:
        message.ClearField(field)  # type: ignore[arg-type]
    for field in zero:
        setattr(message, field, 0)
    return quote_pb2.Quote.FromString(message.SerializeToString() + later_field(later_bytes))


def later_field(count: int) -> bytes:
    """An encoded field of a later version of the contract, of so many bytes; nothing for 0."""
    return _varint(LATER_FIELD << 3 | 2) + _varint(count) + b"x" * count if count else b""


def quotes(first: int, last: int, symbol: str = "BTCUSDT", *, epoch: int = 1) -> list[quote_pb2.Quote]:
    """Consecutive revisions of one instrument."""
    return [quote(revision, symbol, epoch=epoch) for revision in range(first, last + 1)]


def state(
    *quotes: quote_pb2.Quote,
    token: str = "",
    statuses: Sequence[source_pb2.SourceStatus] | None = None,
    continuity: int = pb.CONTINUITY_SNAPSHOT,
    is_complete: bool = True,
    unmatched: Sequence[str] = (),
) -> pb.SubscribeResponse:
    """Open a phase with the present state, all of it unless told otherwise; the source `binance` is LIVE."""
    return pb.SubscribeResponse(
        quotes=quotes,
        source_statuses=[status()] if statuses is None else statuses,
        resume_token=token,
        continuity=continuity,  # type: ignore[arg-type]
        caught_up=is_complete,
        unmatched=unmatched,
    )


def reset(*quotes: quote_pb2.Quote, token: str = "", epoch: int = 1) -> pb.SubscribeResponse:
    """Open a phase after a loss; its state is complete."""
    return state(*quotes, token=token, continuity=pb.CONTINUITY_RESET, statuses=[status(epoch=epoch)])


def resumed(
    *quotes: quote_pb2.Quote,
    token: str = "",
    statuses: Sequence[source_pb2.SourceStatus] | None = None,
    is_complete: bool = True,
) -> pb.SubscribeResponse:
    """Go on after a token, with what was missed, or the first of it."""
    return state(*quotes, token=token, continuity=pb.CONTINUITY_RESUMED, statuses=statuses, is_complete=is_complete)


def live(
    *quotes: quote_pb2.Quote,
    token: str = "",
    statuses: Sequence[source_pb2.SourceStatus] = (),
    conflated: int = 0,
    is_going_away: bool = False,
) -> pb.SubscribeResponse:
    return pb.SubscribeResponse(
        quotes=quotes,
        source_statuses=statuses,
        resume_token=token,
        conflated=conflated,
        going_away=is_going_away,
    )


def completed(token: str) -> pb.SubscribeResponse:
    """The last response of a state that was begun before."""
    return pb.SubscribeResponse(resume_token=token, caught_up=True)


def fail(
    code: grpc.StatusCode,
    reason: str,
    *,
    retry_after_s: float | None = None,
    violation: str = "",
    resume_token: str = "",
) -> Fail:
    """An error of the service, with the details that the contract promises."""
    info = error_info(reason)
    if resume_token:
        info.metadata["resume_token"] = resume_token
    details: list[Message] = [info]
    if retry_after_s is not None:
        delay = Duration(nanos=round(retry_after_s % 1 * 1e9), seconds=int(retry_after_s))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if violation:
        bad_request = error_details_pb2.BadRequest()
        bad_request.field_violations.add(field=violation, description="as the script wants it")
        details.append(bad_request)
    return Fail(code, "scripted", details)


def unavailable(retry_after_s: float | None = None, reason: str = "GOING_AWAY") -> Fail:
    return fail(grpc.StatusCode.UNAVAILABLE, reason, retry_after_s=retry_after_s)


def _varint(number: int) -> bytes:
    groups = []
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])
