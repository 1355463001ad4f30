"""The control interface: what the switches and counters are, and how to throw a switch. No sockets here."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tickmux_simulators.faults import FaultError, nearest
from tickmux_simulators.venue import SENT_KEPT, Answer, Venue

KEYS = ("fault", "on", "once")


class Control:
    """Answers requests under /_control."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def state(self, connections_open: int) -> Answer:
        """`GET /_control`: every switch with its explanation and state, and the counters."""
        venue = self._venue
        counters = asdict(venue.counters)
        return _answer(
            200,
            {
                "venue": venue.name,
                "connections_open": connections_open,
                "subscriptions": venue.subscriptions,
                "counters": counters,
                "faults": venue.board.describe(),
            },
        )

    def switch(self, body: str) -> Answer:
        """`POST /_control` with `{"fault": name, "on": true, "once": false, …parameters}`."""
        try:
            name, parameters, on, once = _switch_request(body)
            self._venue.board.switch(name, parameters, on=on, once=once)
        except FaultError as error:
            return _answer(400, {"error": str(error)})
        return _answer(200, {name: self._venue.board.describe()[name]})

    def sent(self, query: Mapping[str, str]) -> Answer:
        """`GET /_control/sent?symbol=…&limit=…`: the newest data frames, exact text, oldest first."""
        unknown = [key for key in query if key not in {"symbol", "limit"}]
        if unknown:
            return _answer(400, {"error": f"no parameter {unknown[0]!r}{nearest(unknown[0], ['symbol', 'limit'])}"})
        limit = query.get("limit", "100")
        if not limit.isdigit() or not 1 <= int(limit) <= SENT_KEPT:
            return _answer(400, {"error": f"limit is a count from 1 to {SENT_KEPT}"})
        frames = self._venue.sent.last(query.get("symbol", ""), int(limit))
        return _answer(200, {"frames": [frame._asdict() for frame in frames]})


def _switch_request(body: str) -> tuple[str, dict[str, Any], bool, bool]:
    try:
        request: Any = json.loads(body)
    except json.JSONDecodeError as error:
        raise FaultError(f"not JSON: {error}") from error
    if not isinstance(request, dict) or not isinstance(request.get("fault"), str):
        raise FaultError('send an object such as {"fault": "data_mute", "on": true}')
    on, once = request.get("on", True), request.get("once", False)
    if not isinstance(on, bool) or not isinstance(once, bool):
        raise FaultError("on and once are true or false")
    parameters = {key: value for key, value in request.items() if key not in KEYS}
    return request["fault"], parameters, on, once


def _answer(status: int, body: object) -> Answer:
    return Answer(status, json.dumps(body, ensure_ascii=False))
