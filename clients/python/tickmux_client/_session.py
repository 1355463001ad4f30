"""The life of a subscription over its reconnects: what to send, what to yield, when to try again. No I/O."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import grpc

from tickmux.v1 import market_data_service_pb2 as pb
from tickmux_client._answers import Snapshot
from tickmux_client._backoff import Backoff
from tickmux_client._errors import InvalidRequestError, TickmuxClientError, UnavailableError, UnimplementedError
from tickmux_client._events import Disconnected, Event, GoingAway, Reconnected
from tickmux_client._model import duration_s
from tickmux_client._options import BACKOFF_CAP_S, ConnectOptions
from tickmux_client._position import Position
from tickmux_client._sequence import Sequencer

logger = logging.getLogger("tickmux_client")

_Item = TypeVar("_Item")

MISSED_HEARTBEATS: Final = 3
STABLE_S: Final = 10.0
"""A stream that lived this long has proved stable: the backoff begins anew."""
FAREWELL_S_MAX: Final = 3.0
"""How long a server that has said goodbye may take to end the call, and so to say when to come back."""
TOO_FAR_BEHIND: Final = "CLIENT_TOO_FAR_BEHIND"
"""The reason of the error that ends a stream instead of conflating it."""


class Session:
    """Decides everything about a subscription but when bytes move; both flavours of the client drive it.

    `open` gives the request of the next call, `receive` turns its responses into events, and once the call has ended
    `lost` says what to yield and `wait_s` how long to pause.
    """

    def __init__(
        self,
        request: pb.SubscribeRequest,
        target: str,
        options: ConnectOptions,
        *,
        after: Snapshot | None = None,
        backoff: Backoff | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._request = request
        self._target = target
        self._reconnects_max = options.get("reconnects_max")
        self._backoff = backoff or Backoff(cap_s=options.get("backoff_cap_s", BACKOFF_CAP_S))
        self._monotonic = monotonic
        self._token = request.resume_token
        # Unlike the token of the next call it outlives the end of a chain: a program that goes on with it elsewhere
        # before the new state is complete is told of the loss by the server.
        self._reached = request.resume_token
        self.position: Final = Position(request.resume_token)
        """Where the consumer could go on elsewhere."""
        self._sent_token = ""
        self._sequencer = Sequencer(
            checks_holes=request.delivery != pb.DELIVERY_LATEST,
            continues=bool(self._token) or after is not None,
            after=after,
        )
        self._opened = False
        self._served = False
        self._reconnects = 0
        self._cut_at_s: float | None = None
        self._up_at_s: float | None = None
        self.silence_s_max: Final = MISSED_HEARTBEATS * duration_s(request.heartbeat_interval)
        """A call without a response for this long is dead."""
        self.is_leaving = False
        """The server has said that the latest response was the last one of this call."""
        self.wait_s = 0.0
        """Seconds to wait before the next `open`."""

    def open(self) -> pb.SubscribeRequest:
        """Start a call: the request to send."""
        self._reconnects += self._opened
        self._opened = True
        self._up_at_s = None
        self.is_leaving = False
        self._sent_token = self._token
        request = pb.SubscribeRequest()
        request.CopyFrom(self._request)
        request.ClearField("start")
        if self._token:
            request.resume_token = self._token
        return request

    @property
    def read_s_max(self) -> float:
        """How long the next read of the call may take."""
        return min(FAREWELL_S_MAX, self.silence_s_max) if self.is_leaving else self.silence_s_max

    def receive(self, response: pb.SubscribeResponse) -> list[Event]:
        """Turn one response into events, of which `rest` has the others. Raises nothing."""
        events: list[Event] = []
        opens = response.continuity != pb.CONTINUITY_UNSPECIFIED
        if self._up_at_s is None:
            self._up(response, events)
            opens = True
        if opens and response.continuity != pb.CONTINUITY_RESUMED:
            # It stands for a chain that has ended.
            self._token = ""
        if response.resume_token:
            self._token = response.resume_token
        events += self._sequencer.receive(response)
        self.is_leaving = response.going_away
        if not self._sequencer.is_settling:
            events += self._farewell()
            self._reached = response.resume_token or self._reached
        return events

    def rest(self) -> list[Event]:
        """What is left of the latest response once its events are given away: that it has caught up, or nothing."""
        if not self._sequencer.is_settling:
            return []
        self._reached = self._token or self._reached
        return [*self._sequencer.settle(), *self._farewell()]

    def _farewell(self) -> list[Event]:
        return [GoingAway()] if self.is_leaving else []

    def lost(self, error: TickmuxClientError) -> list[Event]:
        """The call ended with an error, or was silent for too long: what to yield before the pause.

        Raises:
            TickmuxClientError: `error` itself, if trying again cannot help or the permitted tries are spent.
        """
        self._cut()
        if self._refuses_token(error):
            # Begin anew; the sequencer will say Reset.
            self._token = self._reached = ""
            self.wait_s = 0.0
        elif self._is_final(error):
            if self._served:
                error.resume_token = error.resume_token or self._reached
            raise error
        else:
            # Even a friendly farewell reaches all clients at once: the draw keeps them from coming back at once.
            self.wait_s = self._backoff.next_s(error.retry_after_s)
        if self.is_leaving:
            logger.info("%s has ended the stream as announced; connecting anew in %.1f s", self._target, self.wait_s)
            return []
        level = logging.WARNING if self._reconnects == 0 else logging.DEBUG
        logger.log(level, "%s; trying again in %.1f s", error, self.wait_s)
        return [Disconnected(str(error), error.reason, self.wait_s, attempts=self._reconnects)]

    def give(self, events: list[_Item]) -> Iterator[_Item]:
        """Give the consumer what `receive` or `lost` returned last, or the part of it that it wants."""
        return self.position.give(events, self._reached)

    def end(self) -> None:
        """The subscription is over: nothing will be known of its sources any more."""
        self._sequencer.lost()

    def silence(self) -> UnavailableError:
        """The error of a call that had no response for `silence_s_max`."""
        return UnavailableError(
            f"{self._target} sent nothing for {self.silence_s_max:g} s: {MISSED_HEARTBEATS} heartbeats were missed",
            code=grpc.StatusCode.DEADLINE_EXCEEDED,
            reason="HEARTBEATS_MISSED",
        )

    def ended(self) -> UnavailableError:
        """The error of a call that the server ended without one."""
        return UnavailableError(f"{self._target} ended the stream", code=grpc.StatusCode.OK, reason="STREAM_ENDED")

    def _refuses_token(self, error: TickmuxClientError) -> bool:
        """Whether it may be the token alone: the server does not resume, or another version of it wrote the token."""
        is_callers = not self._served and self._sent_token == self._request.resume_token
        refuses = isinstance(error, UnimplementedError) or (isinstance(error, InvalidRequestError) and not is_callers)
        # One call that a token was sent with: what refuses the next one, without, is the request.
        return refuses and bool(self._sent_token)

    def _is_final(self, error: TickmuxClientError) -> bool:
        is_permanent = not isinstance(error, UnavailableError) or error.reason == TOO_FAR_BEHIND
        return is_permanent or (self._reconnects_max is not None and self._reconnects >= self._reconnects_max)

    def _up(self, response: pb.SubscribeResponse, events: list[Event]) -> None:
        now_s = self._monotonic()
        self._up_at_s = now_s
        if self._cut_at_s is not None:
            resumed = response.continuity == pb.CONTINUITY_RESUMED
            outage_s = now_s - self._cut_at_s
            logger.info("%s is back after %.1f s", self._target, outage_s)
            events.append(Reconnected(attempts=self._reconnects, outage_s=outage_s, resumed=resumed))
        self._reconnects = 0
        self._cut_at_s = None
        self._served = True

    def _cut(self) -> None:
        now_s = self._monotonic()
        if self._up_at_s is not None and now_s - self._up_at_s >= STABLE_S:
            self._backoff.reset()
        if self._cut_at_s is None:
            self._cut_at_s = now_s
        self._up_at_s = None
        self._sequencer.lost()
