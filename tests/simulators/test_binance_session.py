"""Limits and liveness of a Binance connection on an injected clock."""

import json
from typing import Any

import pytest

from tickmux_simulators.binance.session import TOO_MANY_REQUESTS, BinanceSession, is_stream_name
from tickmux_simulators.faults import FaultBoard
from tickmux_simulators.venue import Counters, Limits


class Connection:
    """A session, and what it sent decoded."""

    def __init__(self, *, is_combined: bool = True, limits: Limits | None = None) -> None:
        self.board = FaultBoard("binance")
        self.session = BinanceSession(
            1000.0,
            limits=limits or Limits(),
            board=self.board,
            counters=Counters(),
            subscribe=lambda _session, _name: None,
            unsubscribe=lambda _session, _name: None,
            is_combined=is_combined,
            is_micro=False,
        )

    def ask(self, text: object, now_s: float = 1000.0) -> Any:
        self.session.on_text(text if isinstance(text, str) else json.dumps(text), now_s)
        (frame,) = self.session.outbox
        self.session.outbox.clear()
        return json.loads(payload(frame))

    def ping(self, now_s: float) -> bytes | None:
        self.session.on_timer(now_s)
        frames = [frame for frame in self.session.outbox if frame[0] == 0x89]
        self.session.outbox.clear()
        return payload(frames[0]) if frames else None


def payload(frame: bytes) -> bytes:
    return frame[2:] if frame[1] < 126 else frame[4:]


def test_pings_come_every_20_s_with_a_payload_and_the_copy_keeps_the_connection() -> None:
    connection = Connection()
    assert connection.ping(1019.9) is None
    for round_ in range(1, 20):
        now_s = 1000.0 + 20 * round_
        sent = connection.ping(now_s)
        assert sent
        connection.session.on_pong(sent, now_s + 0.1)
    assert not connection.session.is_dropped


@pytest.mark.parametrize("answer", [None, b"", b"something else"])
def test_without_the_copy_of_the_payload_the_connection_is_dropped_after_60_s(answer: bytes | None) -> None:
    connection = Connection()
    for round_ in range(1, 4):
        connection.ping(1000.0 + 20 * round_)
        if answer is not None:
            connection.session.on_pong(answer, 1000.5 + 20 * round_)
    assert not connection.session.is_dropped
    connection.ping(1080.0)
    assert connection.session.is_dropped


def test_five_messages_a_second_are_allowed_and_pings_and_pongs_count() -> None:
    connection = Connection()
    for now_s in (1000.0, 1000.1, 1000.2):
        connection.ask({"method": "LIST_SUBSCRIPTIONS", "id": 1}, now_s)
    connection.session.on_ping(b"", 1000.3)
    connection.session.on_pong(b"", 1000.4)
    assert connection.session.closing is None
    connection.session.on_pong(b"", 1000.9)
    assert connection.session.closing == TOO_MANY_REQUESTS
    assert TOO_MANY_REQUESTS == (1008, "Too many requests")


def test_the_sixth_message_may_come_a_second_after_the_first() -> None:
    connection = Connection()
    for index in range(50):
        connection.ask({"method": "LIST_SUBSCRIPTIONS", "id": index}, 1000.0 + 0.2 * index)
    assert connection.session.closing is None


def test_a_connection_lives_for_24_h() -> None:
    connection = Connection()
    connection.session.on_timer(1000.0 + 86_399)
    assert connection.session.closing is None
    connection.session.on_timer(1000.0 + 86_400)
    assert connection.session.closing is not None


def test_control_messages_and_their_answers() -> None:
    connection = Connection()
    ask = connection.ask
    names = ["btcusdt@aggTrade", "btcusdt@depth"]
    assert ask({"method": "SUBSCRIBE", "params": names, "id": 1}) == {"result": None, "id": 1}
    assert ask({"method": "UNSUBSCRIBE", "params": ["btcusdt@depth"], "id": "a-b"}, 1002) == {
        "result": None,
        "id": "a-b",
    }
    assert ask({"method": "LIST_SUBSCRIPTIONS", "id": None}, 1004) == {"result": ["btcusdt@aggTrade"], "id": None}
    assert ask({"method": "GET_PROPERTY", "params": ["combined"], "id": 2}, 1006) == {"result": True, "id": 2}
    assert ask({"method": "SET_PROPERTY", "params": ["combined", False], "id": 5}, 1008) == {"result": None, "id": 5}
    assert ask({"method": "GET_PROPERTY", "params": ["combined"], "id": -7}, 1010) == {"result": False, "id": -7}


@pytest.mark.parametrize(
    ("text", "code", "message", "request_id"),
    [
        ("{", 3, "Invalid JSON: ", None),
        ("[]", 2, "Invalid request: ", None),
        ('{"method":"SUBSCRIB","params":["x"],"id":1}', 2, "unknown variant SUBSCRIB, expected one of `SUBSCRIBE`", 1),
        ('{"method":"SUBSCRIBE","params":["btcusdt@nonsense"],"id":1}', 2, "Invalid request: invalid stream", 1),
        ('{"method":"SUBSCRIBE","params":["!ticker@arr"],"id":1}', 2, "Invalid request: invalid stream", 1),
        ('{"method":"SUBSCRIBE","params":["!bookTicker"],"id":1}', 2, "Invalid request: invalid stream", 1),
        ('{"method":"SUBSCRIBE","params":"x","id":1}', 2, "Invalid request: ", 1),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":1.5}', 2, "Invalid request: id", None),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":9223372036854775808}', 2, "Invalid request: id", None),
        ('{"method":"SET_PROPERTY","params":["colour",true],"id":1}', 0, "Unknown property", 1),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', 1, "Invalid value type: expected Boolean", 1),
    ],
)
def test_errors_are_nested_as_on_the_wire(text: str, code: int, message: str, request_id: int | None) -> None:
    answer = Connection().ask(text)
    assert answer["error"]["code"] == code
    assert message in answer["error"]["msg"]
    assert answer["id"] == request_id


def test_errors_can_be_flat_as_in_the_documentation() -> None:
    connection = Connection()
    connection.board.switch("flat_errors", {})
    assert connection.ask("{")["code"] == 3


def test_1024_streams_on_a_connection() -> None:
    connection = Connection()
    names = [f"s{index}usdt@trade" for index in range(1024)]
    assert "result" in connection.ask({"method": "SUBSCRIBE", "params": names, "id": 1})
    assert "result" in connection.ask({"method": "SUBSCRIBE", "params": names[:3], "id": 2}), "no more than before"
    assert "error" in connection.ask({"method": "SUBSCRIBE", "params": ["another@trade"], "id": 3})


def test_a_large_subscribe_can_be_lost_without_an_answer() -> None:
    connection = Connection()
    connection.board.switch("large_subscribe_lost", {"streams": 2})
    names = ["a@trade", "b@trade", "c@trade"]
    connection.session.on_text(json.dumps({"method": "SUBSCRIBE", "params": names, "id": 1}), 1000.0)
    assert connection.session.outbox == []
    assert "result" in connection.ask({"method": "SUBSCRIBE", "params": names[:2], "id": 2})


def test_stream_names() -> None:
    good = ("btcusdt@bookTicker", "btcusdt@depth5", "btcusdt@depth@100ms", "btcusdt@depth20@1000ms", "!miniTicker@arr")
    assert all(map(is_stream_name, good))
    bad = ("btcusdt", "btcusdt@", "@trade", "btcusdt@depth7", "btcusdt@bookticker", "btc usdt@trade", 7, None)
    assert not any(map(is_stream_name, bad))
