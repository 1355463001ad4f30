import grpc
import pytest
from tests.client.scripted_server import live, opening, quote

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux_client import (
    AccessDeniedError,
    Delivery,
    Disconnected,
    GoingAway,
    InvalidRequestError,
    Reconnected,
    Reset,
    TickmuxClientError,
    UnavailableError,
    UnimplementedError,
)
from tickmux_client._backoff import Backoff
from tickmux_client._options import ConnectOptions, SubscribeOptions, subscribe_request
from tickmux_client._session import STABLE_S, Session


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def session(clock: Clock | None = None, *, options: ConnectOptions | None = None, **subscribe: object) -> Session:
    request = subscribe_request(["A"], SubscribeOptions(**subscribe))  # type: ignore[typeddict-item]
    backoff = Backoff(first_s=1.0, cap_s=8.0, uniform=lambda _, limit_s: limit_s)
    return Session(request, "host:1", options or {}, backoff=backoff, monotonic=clock or Clock())


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


@pytest.mark.parametrize("error", [UnimplementedError("no resuming"), InvalidRequestError("not our token")])
def test_a_refused_token_is_dropped_and_the_stream_begins_anew_at_once(error: TickmuxClientError) -> None:
    subject = session()
    subject.open()
    subject.receive(opening(quote("A", 1), token="one"))
    subject.lost(DOWN)
    subject.open()
    assert isinstance(subject.lost(error), Disconnected)
    assert subject.wait_s == 0
    assert not subject.open().HasField("start")
    back, reset, *_ = subject.receive(opening(quote("A", 5)))
    assert isinstance(back, Reconnected)
    assert not back.resumed
    assert isinstance(reset, Reset)


def test_a_token_of_the_caller_that_is_invalid_is_the_callers_news() -> None:
    subject = session(resume_token="mangled")
    assert subject.open().resume_token == "mangled"
    with pytest.raises(InvalidRequestError):
        subject.lost(InvalidRequestError("malformed token"))


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
        waits.append(subject.lost(DOWN).retry_in_s)
    # A stream that came up and broke again at once does not calm the backoff.
    assert waits == [1.0, 2.0, 4.0, 1.0]


def test_the_server_may_ask_for_a_longer_wait() -> None:
    subject = session()
    subject.open()
    assert subject.lost(UnavailableError("drain", retry_after_s=30.0)).retry_in_s == 31.0
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
    events = subject.receive(pb.SubscribeResponse(continuity=pb.CONTINUITY_RESUMED))
    assert events == [Reconnected(attempts=2, outage_s=5.0, resumed=True)]


def test_going_away_leaves_without_an_error() -> None:
    subject = session()
    subject.open()
    subject.receive(opening(token="one"))
    assert subject.receive(pb.SubscribeResponse(going_away=True, resume_token="last")) == [GoingAway()]
    assert subject.is_leaving
    subject.leave()
    assert subject.wait_s == 1.0
    assert subject.open().resume_token == "last"
    assert not subject.is_leaving


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


def test_all_or_end_ends() -> None:
    subject = session(delivery=Delivery.ALL_OR_END)
    subject.open()
    with pytest.raises(UnavailableError):
        subject.lost(UnavailableError("too slow", code=grpc.StatusCode.RESOURCE_EXHAUSTED))


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
