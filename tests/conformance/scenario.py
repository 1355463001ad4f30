"""What a scenario is made of: what the server does, step by step, and what the user must see of each step."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.client.scripted_server import Fail
from tests.conformance.lines import Pattern

from tickmux.v1 import market_data_service_pb2 as pb


@dataclass(frozen=True)
class Step:
    """Something that the server does. It goes on to the next step once the program has printed all of `sees`."""


@dataclass(frozen=True)
class Send(Step):
    """Sends a response, or bytes in the place of one."""

    response: pb.SubscribeResponse | bytes
    sees: Sequence[Pattern] = ()


@dataclass(frozen=True)
class Abort(Step):
    """Ends the call with an error."""

    fail: Fail
    sees: Sequence[Pattern] = ()


@dataclass(frozen=True)
class End(Step):
    """Ends the call without an error."""

    sees: Sequence[Pattern] = ()


@dataclass(frozen=True)
class Cut(Step):
    """Resets the TCP connection."""

    sees: Sequence[Pattern] = ()


@dataclass(frozen=True)
class Tear(Step):
    """Resets the TCP connection when half of a response has gone over it."""

    response: pb.SubscribeResponse
    sees: Sequence[Pattern] = ()


@dataclass(frozen=True)
class Silence(Step):
    """Says nothing, with the connection open, until the client leaves the call by itself."""

    sees: Sequence[Pattern] = ()


@dataclass(frozen=True)
class Heartbeats(Step):
    """Sends a response again and again, one second apart."""

    response: pb.SubscribeResponse
    count: int
    sees: Sequence[Pattern] = ()


AnyStep = Send | Abort | End | Cut | Tear | Silence | Heartbeats


@dataclass(frozen=True)
class Call:
    """One Subscribe: what it must ask for, and what it gets. The last call of a scenario stays open."""

    steps: Sequence[AnyStep]
    resume_token: str = ""
    """That the request must hold."""
    waited_s_min: float = 0.0
    """Time that must have passed since the call before ended."""
    waited_s_max: float = math.inf
    """Time after which the call comes too late: far more than it should take, as the machine may be busy."""


@dataclass(frozen=True)
class Page:
    """One GetSnapshot: what it must ask for, and what it gets."""

    response: pb.GetSnapshotResponse | Fail
    page_token: str = ""
    """That the request must hold."""
    sees: Sequence[Pattern] = ()


@dataclass(frozen=True)
class Scenario:
    """What one run of a program is judged by."""

    number: int
    title: str
    calls: Sequence[Call] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    """Of the program, beyond a short backoff."""
    pages: Sequence[Page] = ()

    @property
    def sees(self) -> list[Pattern]:
        """All lines that the program must print, in order."""
        steps = itertools.chain.from_iterable(call.steps for call in self.calls)
        return [line for part in (*self.pages, *steps) for line in part.sees]

    @property
    def all_options(self) -> dict[str, object]:
        """What the program is started with."""
        return {"backoff_cap_s": 0.02, **self.options}

    @property
    def ends_by_itself(self) -> bool:
        """Whether the program ends without being told to."""
        return self.options.get("call") == "snapshot" or self.sees[-1].line == "Error"
