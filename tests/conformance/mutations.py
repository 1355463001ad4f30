"""What can be done to a method of the Python client so that it goes wrong."""

import contextlib
import time
from collections.abc import Callable
from typing import Any, Final

import grpc

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux_client import (
    InvalidRequestError,
    Quote,
    QuoteFlag,
    SourceStatus,
    TickmuxClientError,
    UnavailableError,
)
from tickmux_client._client import Client
from tickmux_client._events import Event
from tickmux_client._sequence import Sequencer
from tickmux_client._session import Session

Events = list[Event]


def instead(value: object) -> Callable[[object], object]:
    """Something else, whatever stood there."""
    return lambda _: value


def without(kind: type) -> Callable[[Callable[..., Events]], Callable[..., Events]]:
    """A method that gives events, without those of one kind."""

    def change(receive: Callable[..., Events]) -> Callable[..., Events]:
        return lambda *arguments: [event for event in receive(*arguments) if not isinstance(event, kind)]

    return change


def then(act: Callable[[Any], None]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A method, after which something is done to its object."""

    def change(method: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, *arguments: Any, **options: Any) -> Any:
            result = method(self, *arguments, **options)
            act(self)
            return result

        return changed

    return change


def settling_at_once(receive: Callable[..., Events]) -> Callable[..., Events]:
    """A method of a session that has caught up before the events of the last missed updates were given away."""

    def changed(self: Session, response: pb.SubscribeResponse) -> Events:
        return [*receive(self, response), *self.rest()]

    return changed


def first(act: Callable[[Any], None]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A method, before which something is done to its object."""

    def change(method: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, *arguments: Any) -> Any:
            act(self)
            return method(self, *arguments)

        return changed

    return change


def keeping(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A method that leaves some attributes of its object as they were."""

    def change(method: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, *arguments: Any) -> Any:
            before = {name: getattr(self, name) for name in names}
            result = method(self, *arguments)
            for name, value in before.items():
                setattr(self, name, value)
            return result

        return changed

    return change


def set_to(**values: object) -> Callable[[Any], None]:
    def act(target: Any) -> None:
        for name, value in values.items():
            setattr(target, name, value)

    return act


def forget_positions(sequencer: Sequencer) -> None:
    sequencer._positions = {}
    sequencer._knows_all = False


def keeping_statuses(open_phase: Callable[..., None]) -> Callable[..., None]:
    def changed(self: Sequencer, *arguments: Any) -> None:
        before, table = dict(self._statuses), self._statuses
        open_phase(self, *arguments)
        table.update(before)
        self._statuses = table

    return changed


def quotes_first(receive: Callable[..., Events]) -> Callable[..., Events]:
    return lambda *arguments: sorted(receive(*arguments), key=lambda event: not isinstance(event, Quote))


def keep_token(receive: Callable[..., Events]) -> Callable[..., Events]:
    def changed(self: Session, response: pb.SubscribeResponse) -> Events:
        before = self._token
        events = receive(self, response)
        self._token = self._token or before
        return events

    return changed


def reaching_no_further_than_the_token(receive: Callable[..., Events]) -> Callable[..., Events]:
    def changed(self: Session, response: pb.SubscribeResponse) -> Events:
        events = receive(self, response)
        self._reached = self._token
        return events

    return changed


def repeats_as_news(note: Callable[..., None]) -> Callable[..., None]:
    def changed(self: Sequencer, key: Any, message: Any, position: Any, events: Events) -> None:
        before = len(events)
        note(self, key, message, position, events)
        if len(events) == before:
            events.append(Quote(message, self._statuses, False))

    return changed


def end_is_final(lost: Callable[..., Events]) -> Callable[..., Events]:
    def changed(self: Session, error: TickmuxClientError) -> Events:
        if error.reason == "STREAM_ENDED":
            raise error
        return lost(self, error)

    return changed


def not_after(init: Callable[..., None]) -> Callable[..., None]:
    def changed(self: Session, *arguments: Any, after: object, **options: Any) -> None:
        init(self, *arguments, **options)

    return changed


_ANSWERS: Final[dict[int, tuple[Quote, bool]]] = {}
"""By id of the quote, which is kept so that its id stays its own."""


def stale_at_arrival(is_stale: property) -> property:
    def changed(quote: Quote) -> bool:
        assert is_stale.fget is not None
        _, answer = _ANSWERS.setdefault(id(quote), (quote, is_stale.fget(quote)))
        return answer

    return property(changed)


def stale_by(judge: Callable[[Any, Any], bool]) -> Callable[[property], property]:
    """What is stale, by the quote's message and the status of its channel."""

    def changed(quote: Quote) -> bool:
        message = quote.message
        status = quote._statuses.get((message.source, message.channel))
        return status is None or judge(message, status)

    return instead(property(changed))  # type: ignore[return-value]


def quotes_alone_are_life(receive: Callable[..., Events]) -> Callable[..., Events]:
    def changed(self: Any, response: pb.SubscribeResponse) -> Events:
        if response.quotes:
            self.quoted_at_s = time.monotonic()
        return receive(self, response)

    def left_s(self: Session) -> float:
        quoted_at_s: float = getattr(self, "quoted_at_s", time.monotonic())
        return max(0.01, self.silence_s_max - (time.monotonic() - quoted_at_s))

    Session.read_s_max = property(left_s)  # type: ignore[method-assign, assignment]
    return changed


def hasty(next_s: Callable[..., float]) -> Callable[..., float]:
    return lambda self, _retry_after_s=None: next_s(self)


async def no_pause(_client: Client, _wait_s: float) -> None:
    pass


def final(code: grpc.StatusCode) -> Callable[[Callable[..., bool]], Callable[..., bool]]:
    return lambda is_final: lambda self, error: error.code == code or is_final(self, error)


def healing(*codes: grpc.StatusCode) -> Callable[[Any], Any]:
    return lambda permanent: {code: kind for code, kind in permanent.items() if code not in codes}


def loose_token(lost: Callable[..., Events]) -> Callable[..., Events]:
    def changed(self: Session, error: TickmuxClientError) -> Events:
        try:
            return lost(self, error)
        except TickmuxClientError:
            error.resume_token = ""
            raise

    return changed


def telling_the_token(lost: Callable[..., Events]) -> Callable[..., Events]:
    def changed(self: Any, error: TickmuxClientError) -> Events:
        error.reason = "not allowed for tmx-never-to-be-shown"
        return lost(self, error)

    return changed


def callers_token_too(_: object) -> Callable[..., bool]:
    return lambda self, error: error.code == grpc.StatusCode.INVALID_ARGUMENT and bool(self._sent_token)


def known_continuity_alone(receive: Callable[..., Events]) -> Callable[..., Events]:
    def changed(self: Session, response: pb.SubscribeResponse) -> Events:
        if response.continuity not in pb.Continuity.values():
            response.ClearField("continuity")
        return receive(self, response)

    return changed


def strict_flags(quote: Quote) -> frozenset[str]:
    return frozenset(QuoteFlag(flag) for flag in quote.message.flags)  # type: ignore[misc]


def until_had(ask: Callable[..., Any]) -> Callable[..., Any]:
    async def changed(self: Client, *arguments: Any) -> Any:
        while True:
            with contextlib.suppress(UnavailableError):
                return await ask(self, *arguments)

    return changed


def positions_by_symbol(note_quotes: Callable[..., None]) -> Callable[..., None]:
    class BySymbol(dict[tuple[str, str], Any]):
        def get(self, key: tuple[str, str], default: Any = None) -> Any:
            return super().get(("", key[1]), default)

        def __setitem__(self, key: tuple[str, str], value: Any) -> None:
            super().__setitem__(("", key[1]), value)

    def changed(self: Sequencer, *arguments: Any) -> None:
        if not isinstance(self._positions, BySymbol):
            self._positions = BySymbol()
        note_quotes(self, *arguments)

    return changed


def stale_by_channel_alone(quote: Quote) -> bool:
    """Whether no source has a healthy channel of that number."""
    statuses = (status for (_, channel), status in quote._statuses.items() if channel == quote.channel)
    return not any(SourceStatus(status).is_healthy and quote.epoch >= status.epoch for status in statuses)


def signed(number: int) -> int:
    """What 64 bits mean where they are taken for a signed number."""
    return number - (number >> 63 << 64)


def signed_epochs(note: Callable[..., None]) -> Callable[..., None]:
    def changed(self: Sequencer, key: Any, message: Any, position: Any, events: Events) -> None:
        if position is None or signed(message.epoch) >= signed(position.epoch):
            note(self, key, message, position, events)

    return changed


def excusing_again(note: Callable[..., None]) -> Callable[..., None]:
    def changed(self: Sequencer, key: Any, message: Any, position: Any, events: Events) -> None:
        if position is not None:
            position.conflations = -1
        note(self, key, message, position, events)

    return changed


def clearing(index: int, *fields: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A method, one of whose arguments has lost some fields."""

    def change(method: Callable[..., Any]) -> Callable[..., Any]:
        def changed(self: Any, *arguments: Any) -> Any:
            for field in fields:
                arguments[index].ClearField(field)
            return method(self, *arguments)

        return changed

    return change


def token_of_quotes_alone(receive: Callable[..., Events]) -> Callable[..., Events]:
    def changed(self: Session, response: pb.SubscribeResponse) -> Events:
        if not response.quotes:
            response.ClearField("resume_token")
        return receive(self, response)

    return changed


def tokenless(lost: Callable[..., Events]) -> Callable[..., Events]:
    def changed(self: Session, error: TickmuxClientError) -> Events:
        error.resume_token = ""
        return lost(self, error)

    return changed


def any_refusal(self: Session, error: TickmuxClientError) -> bool:
    return isinstance(error, InvalidRequestError) and self._served


def rounded(time_ns: property) -> property:
    assert time_ns.fget is not None
    read = time_ns.fget
    return property(lambda quote: read(quote) // 1000 * 1000)
