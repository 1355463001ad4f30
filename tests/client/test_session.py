import grpc
import pytest
from tests.client.scripted_server import live, opening, quote, snapshot_of

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux.v1 import quote_pb2
from tickmux_client import (
    AccessDeniedError,
    Delivery,
    Disconnected,
    GoingAway,
    InvalidRequestError,
    Quote,
    Reconnected,
    Reset,
    TickmuxClientError,
    UnavailableError,
    UnimplementedError,
)
from tickmux_client._backoff import Backoff
from tickmux_client._options import ConnectOptions, SubscribeOptions, subscribe_request
from tickmux_client._session import FAREWELL_S_MAX, STABLE_S, Session


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def session(clock: Clock | None = None, *, options: ConnectOptions | None = None, **subscribe: object) -> Session:
    chosen = SubscribeOptions(**subscribe)  # type: ignore[typeddict-item]
    request = subscribe_request(["A"], chosen)
    backoff = Backoff(first_s=1.0, cap_s=8.0, uniform=lambda _, limit_s: limit_s)
    after = chosen.get("after")
    return Session(request, "host:1", options or {}, after=after, backoff=backoff, monotonic=clock or Clock())


def lost(subject: Session, error: TickmuxClientError) -> Disconnected:
    (event,) = subject.lost(error)
    assert isinstance(event, Disconnected)
    return event


def resumed(*quotes: quote_pb2.Quote, token: str = "") -> pb.SubscribeResponse:
    return pb.SubscribeResponse(continuity=pb.CONTINUITY_RESUMED, quotes=quotes, resume_token=token)


DOWN = UnavailableError("down", code=grpc.StatusCode.UNAVAILABLE)


def test_the_request_says_what_was_asked() -> None:
    request = session(sources="binance", delivery=Delivery.LATEST, heartbeat_interval_s=1.5).open()
    assert list(request.selection.symbols) == ["A"]
    assert list(request.selection.sources) == ["binance"]
    assert request.delivery == pb.DELIVERY_LATEST
    assert request.heartbeat_interval.ToMilliseconds() == 1500
    assert not request.HasField("start")
    assert not request.HasField("min_interval")


def test_three_missed_heartbeats_are_silence() -> None:
    assert session(heartbeat_interval_s=2.0).silence_s_max == 6.0


def test_the_last_token_is_sent_and_an_empty_one_is_not() -> None:
    subject = session()
    subject.open()
    subject.receive(opening(quote("A", 1)))
    subject.lost(DOWN)
    assert not subject.open().HasField("start")
    subject.receive(opening(quote("A", 1), token="one"))
    subject.receive(live(quote("A", 2), token="two"))
    subject.receive(live(quote("A", 3)))
    subject.lost(DOWN)
    assert subject.open().resume_token == "two"


def test_a_token_does_not_outlive_its_chain() -> None:
    subject = session()
    subject.open()
    subject.receive(opening(token="one"))
    subject.receive(pb.SubscribeResponse(continuity=pb.CONTINUITY_RESET))
    subject.lost(DOWN)
    assert not subject.open().HasField("start")


@pytest.mark.parametrize("continuity", [pb.CONTINUITY_RESET, pb.CONTINUITY_SNAPSHOT, pb.CONTINUITY_UNSPECIFIED])
def test_a_token_that_was_not_honoured_is_forgotten(continuity: pb.Continuity.ValueType) -> None:
    subject = session()
    subject.open()
    subject.receive(opening(token="one"))
    subject.lost(DOWN)
    subject.open()
    subject.receive(pb.SubscribeResponse(continuity=continuity, quotes=[quote("A", 3)]))
    subject.lost(DOWN)
    assert not subject.open().HasField("start")


def test_a_resume_that_is_cut_before_its_first_token_goes_on_where_it_began() -> None:
    subject = session()
    subject.open()
    subject.receive(opening(quote("A", 1), token="one"))
    subject.lost(DOWN)
    subject.open()
    subject.receive(resumed(quote("A", 2)))
    subject.lost(DOWN)
    assert subject.open().resume_token == "one"
    back, yielded = subject.receive(resumed(quote("A", 2), quote("A", 3), token="three"))
    assert isinstance(back, Reconnected)
    assert isinstance(yielded, Quote)
    assert (yielded.revision, yielded.gap_before) == (3, False)
    subject.lost(DOWN)
    assert subject.open().resume_token == "three"


def test_a_resume_that_breaks_at_once_again_and_again_is_tried_ever_less_often() -> None:
    subject = session()
    subject.open()
    subject.receive(opening(token="one"))
    waits = [lost(subject, DOWN).retry_in_s]
    for _ in range(3):
        subject.open()
        subject.receive(resumed(token="one"))
        waits.append(lost(subject, DOWN).retry_in_s)
    assert waits == [1.0, 2.0, 4.0, 8.0]


def test_tokens_that_are_refused_again_and_again_are_tried_ever_less_often() -> None:
    subject = session()
    waits = []
    for _ in range(3):
        subject.open()
        subject.receive(opening(token="one"))
        waits.append(lost(subject, DOWN).retry_in_s)
        subject.open()
        waits.append(lost(subject, InvalidRequestError("not our token")).retry_in_s)
    assert waits == [1.0, 0.0, 2.0, 0.0, 4.0, 0.0]


@pytest.mark.parametrize("error", [UnimplementedError("no resuming"), InvalidRequestError("not our token")])
def test_a_refused_token_is_dropped_and_the_stream_begins_anew_at_once(error: TickmuxClientError) -> None:
    subject = session()
    subject.open()
    subject.receive(opening(quote("A", 1), token="one"))
    subject.lost(DOWN)
    subject.open()
    lost(subject, error)
    assert subject.wait_s == 0
    assert not subject.open().HasField("start")
    back, reset, *_ = subject.receive(opening(quote("A", 5)))
    assert isinstance(back, Reconnected)
    assert not back.resumed
    assert isinstance(reset, Reset)


def test_a_token_of_the_caller_that_is_invalid_is_the_callers_news() -> None:
    subject = session(resume_token="mangled")
    assert subject.open().resume_token == "mangled"
    with pytest.raises(InvalidRequestError) as caught:
        subject.lost(InvalidRequestError("malformed token"))
    assert caught.value.resume_token == ""


def test_a_token_of_the_caller_that_was_good_and_is_refused_later_is_as_our_own() -> None:
    subject = session(resume_token="good")
    subject.open()
    subject.receive(resumed())
    subject.lost(DOWN)
    assert subject.open().resume_token == "good"
    lost(subject, InvalidRequestError("malformed token"))
    assert not subject.open().HasField("start")


def test_what_cannot_heal_says_where_the_stream_stood() -> None:
    subject = session()
    subject.open()
    subject.receive(opening(token="one"))
    with pytest.raises(AccessDeniedError) as caught:
        subject.lost(AccessDeniedError("key revoked"))
    assert caught.value.resume_token == "one"


@pytest.mark.parametrize("kind", [InvalidRequestError, AccessDeniedError, UnimplementedError])
def test_what_cannot_heal_is_raised(kind: type[TickmuxClientError]) -> None:
    subject = session()
    subject.open()
    error = kind("no")
    with pytest.raises(kind) as caught:
        subject.lost(error)
    assert caught.value is error


def test_waits_grow_and_begin_anew_after_a_stable_stream() -> None:
    clock = Clock()
    subject = session(clock)
    waits = []
    for lived_s in (None, None, 1.0, STABLE_S):
        subject.open()
        if lived_s is not None:
            subject.receive(opening())
            clock.now_s += lived_s
        waits.append(lost(subject, DOWN).retry_in_s)
    # A stream that came up and broke again at once does not calm the backoff.
    assert waits == [1.0, 2.0, 4.0, 1.0]


def test_the_server_may_ask_for_a_longer_wait() -> None:
    subject = session()
    subject.open()
    assert lost(subject, UnavailableError("drain", retry_after_s=30.0)).retry_in_s == 31.0
    assert subject.wait_s == 31.0


def test_reconnected_tells_tries_and_outage() -> None:
    clock = Clock()
    subject = session(clock)
    subject.open()
    subject.receive(opening(token="one"))
    subject.lost(DOWN)
    clock.now_s += 2
    subject.open()
    subject.lost(DOWN)
    clock.now_s += 3
    subject.open()
    assert subject.receive(resumed()) == [Reconnected(attempts=2, outage_s=5.0, resumed=True)]


def test_disconnected_tells_a_cut_from_a_try_that_failed() -> None:
    subject = session()
    subject.open()
    subject.receive(opening(token="one"))
    attempts = []
    for _ in range(3):
        attempts.append(lost(subject, DOWN).attempts)
        subject.open()
    assert attempts == [0, 1, 2]
    subject.receive(resumed())
    assert lost(subject, DOWN).attempts == 0


FAREWELL = pb.SubscribeResponse(going_away=True, resume_token="last")


def leaving() -> Session:
    subject = session(heartbeat_interval_s=5.0)
    subject.open()
    subject.receive(opening(token="one"))
    assert not subject.is_leaving
    assert subject.receive(FAREWELL) == [GoingAway()]
    assert subject.is_leaving
    return subject


def test_a_stream_that_ends_as_announced_is_no_trouble_and_is_back_when_the_server_says() -> None:
    subject = leaving()
    assert subject.lost(UnavailableError("moved", retry_after_s=1.5)) == []
    assert subject.wait_s == 1.5 + 1.0
    assert subject.open().resume_token == "last"
    assert not subject.is_leaving
    (back,) = subject.receive(resumed())
    assert isinstance(back, Reconnected)
    assert back.resumed


def test_a_server_that_does_not_end_the_call_that_it_gave_up_is_left() -> None:
    subject = leaving()
    assert subject.read_s_max == FAREWELL_S_MAX < subject.silence_s_max
    assert subject.lost(subject.silence()) == []
    assert subject.wait_s == 1.0
    subject.open()
    assert subject.read_s_max == subject.silence_s_max


def test_an_announced_end_is_trouble_once_the_way_back_fails() -> None:
    subject = leaving()
    subject.lost(DOWN)
    subject.open()
    assert lost(subject, DOWN).attempts == 1


def test_tries_are_limited_if_asked_and_a_stream_restores_them() -> None:
    subject = session(options={"reconnects_max": 1})
    subject.open()
    subject.lost(DOWN)
    subject.open()
    subject.receive(opening())
    subject.lost(DOWN)
    subject.open()
    with pytest.raises(UnavailableError):
        subject.lost(DOWN)


def too_far_behind(resume_token: str) -> UnavailableError:
    return UnavailableError(
        "too slow",
        code=grpc.StatusCode.RESOURCE_EXHAUSTED,
        reason="CLIENT_TOO_FAR_BEHIND",
        resume_token=resume_token,
    )


@pytest.mark.parametrize(("told", "kept"), [("from the error", "from the error"), ("", "one")])
def test_all_or_end_ends_and_says_where_it_stood(told: str, kept: str) -> None:
    subject = session(delivery=Delivery.ALL_OR_END)
    subject.open()
    subject.receive(opening(token="one"))
    with pytest.raises(UnavailableError) as caught:
        subject.lost(too_far_behind(told))
    assert caught.value.resume_token == kept


def test_all_or_end_comes_back_to_a_server_that_was_full() -> None:
    subject = session(delivery=Delivery.ALL_OR_END)
    subject.open()
    full = UnavailableError("full", code=grpc.StatusCode.RESOURCE_EXHAUSTED, reason="TOO_MANY_STREAMS")
    assert lost(subject, full).reason == "TOO_MANY_STREAMS"


def test_a_stream_after_a_snapshot_sends_its_token() -> None:
    subject = session(after=snapshot_of(quote("A", 5), token="t"))
    assert subject.open().resume_token == "t"
    (yielded,) = subject.receive(resumed(quote("A", 4), quote("A", 5), quote("A", 6)))
    assert isinstance(yielded, Quote)
    assert (yielded.revision, yielded.gap_before) == (6, False)


def test_a_stream_after_a_snapshot_without_a_token_says_that_it_did_not_join() -> None:
    subject = session(after=snapshot_of(quote("A", 5)))
    assert not subject.open().HasField("start")
    assert isinstance(subject.receive(opening(quote("A", 7)))[0], Reset)


def test_a_stream_goes_on_in_one_place() -> None:
    with pytest.raises(ValueError, match="not both"):
        session(after=snapshot_of(token="t"), resume_token="u")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"heartbeat_interval_s": 0}, "heartbeat_interval_s must be positive, not 0"),
        ({"min_interval_s": -1}, "min_interval_s must be positive, not -1"),
    ],
)
def test_intervals_are_positive(options: dict[str, float], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        subscribe_request((), SubscribeOptions(**options))  # type: ignore[typeddict-item]


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(TypeError, match="unknown option 'symbol'; known are"):
        subscribe_request((), {"symbol": "A"})  # type: ignore[typeddict-unknown-key]
