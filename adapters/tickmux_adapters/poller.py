"""Keeps one polled source delivering: asks in turn, within the budget, and says how it stands."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, NoReturn

import aiohttp

from tickmux_adapters.backoff import Backoff
from tickmux_adapters.budget import Budget
from tickmux_adapters.budget_file import BudgetFile
from tickmux_adapters.errors import BudgetSpent, MalformedMessage, VenueError, VenueRejected
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Clock, Moment, QuoteUpdate, Sink, SourceState
from tickmux_adapters.poll_plan import PollPlan
from tickmux_adapters.polling import PollFeed, PollingSettings, Request
from tickmux_adapters.rest import Answer, fetch
from tickmux_adapters.secrets import redact

logger = logging.getLogger(__name__)

NS_PER_S: Final = 1_000_000_000
ANSWER_BYTES_MAX: Final = 16 << 20
NAMES_SHOWN: Final = 5


class PolledChain:
    """The chain of quotes of a polled source: begun by the first quote, and anew by the first one after a silence."""

    def __init__(self, sink: Sink, health: ChannelHealth) -> None:
        self._sink = sink
        self._health = health
        self._is_open = False
        self._chains = 0

    @property
    def number(self) -> int:
        """Which chain the next quote belongs to: what was delivered in an earlier one is forgotten."""
        return self._chains if self._is_open else self._chains + 1

    def quote(self, update: QuoteUpdate) -> None:
        """Deliver a quote."""
        if not self._is_open:
            self._is_open = True
            if self._chains:
                self._health.reconnects += 1
            self._chains += 1
            self._sink.begin_chain(self._health.source, self._health.channel)
        self._sink.quote(update)

    def break_off(self) -> None:
        """What was said last is no longer known to hold."""
        self._is_open = False


class Poller:
    """The supervision of one polled source. Runs until cancelled; venue trouble never ends it.

    A source is LIVE as long as its last success is not older than two planned intervals: a request that fails within
    that time is told of in `last_error` and made again. After that it is STALE where the venue does not answer in time,
    and DOWN where it cannot be reached or answers with an error.
    """

    def __init__(
        self,
        *,
        http: aiohttp.ClientSession,
        settings: PollingSettings,
        refresh_s: float,
        feed: PollFeed,
        chain: PolledChain,
        health: ChannelHealth,
        clock: Clock,
        budget: Budget,
        open_file: Callable[[], BudgetFile | None],
    ) -> None:
        """Prepare; no I/O.

        `refresh_s` is how often the venue renews its answers. `open_file` is where the budget is remembered, if it is;
        it may need the key, so that it raises VenueError without one.
        """
        self._http = http
        self._settings = settings
        self._refresh_s = refresh_s
        self._feed = feed
        self._chain = chain
        self._health = health
        self._clock = clock
        self._budget = budget
        self._open_file = open_file
        self._file: BudgetFile | None = None
        self._backoff = self._new_backoff()
        self._succeeded_ns: int | None = None
        self._deadline_ns: int | None = None
        self._deadline_moved = asyncio.Event()
        self._is_mute = False
        """The last request is not answered, or was not in time."""
        self._lapsed: dict[int, str] = {}
        """Requests that fail for ever, by their place in the round."""

    async def run(self) -> NoReturn:
        """Serve."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._poll())
            tasks.create_task(self._watch())
        raise AssertionError("tasks that never return have returned")

    async def ask(self, request: Request) -> Answer:
        """Make one request once the budget allows it; see `polling.Asking`."""
        while delay_s := self._budget.delay_s():
            self._tell(self._state_within_budget(delay_s), delay_s)
            await asyncio.sleep(delay_s)
        self._budget.spend()
        await self._remember()
        self._is_mute = True
        try:
            answer = await fetch(
                self._http,
                self._settings.rest_url.rstrip("/") + request.path,
                query=request.query,
                headers=request.headers,
                timeout_s=self._settings.request_timeout_s,
                clock=self._clock,
                body_bytes_max=ANSWER_BYTES_MAX,
            )
        except VenueError as error:
            if isinstance(error.__cause__, aiohttp.ClientConnectorError):
                # It never reached the venue, which counts what it has read.
                self._budget.take_back()
            self._is_mute = isinstance(error.__cause__, TimeoutError)
            raise
        self._is_mute = False
        self._health.messages += 1
        self._health.last_message_ns = answer.wall_ns
        return answer

    async def _poll(self) -> NoReturn:
        plan = PollPlan(
            await self._until_prepared(),
            refresh_s=self._refresh_s,
            refresh_s_min=self._settings.refresh_s or 0.0,
            budget=self._budget,
            clock=self._clock,
        )
        delay_s = plan.delay_s()
        self._tell(self._state_within_budget(delay_s), delay_s)
        while True:
            await asyncio.sleep(delay_s)
            index = plan.next()
            plan.asked(index)
            try:
                fresh_s = await self._perform(index)
            except VenueError as error:
                pause_s = self._fail(error)
                if not isinstance(error, BudgetSpent | VenueRejected) and plan.failed(index):
                    self._lapse(index)
                delay_s = plan.delay_s(after_failure_s=pause_s)
                self._tell(self._health.state, delay_s)
                logger.warning("%s: %s; trying again in %.1f s", self._health.source, error, delay_s)
            else:
                plan.answered(index, fresh_s)
                self._lapsed.pop(index, None)
                self._note_lapsed()
                delay_s = plan.delay_s()
                self._succeed(delay_s)

    async def _until_prepared(self) -> int:
        """The number of requests in a round, once it is known."""
        is_open = False
        while True:
            try:
                if not is_open:
                    self._file = self._open_file()
                    if self._file is not None:
                        self._budget.remember(await asyncio.to_thread(self._file.load))
                    is_open = True
                await self._feed.prepare(self)
                return len(self._feed.requests())
            except VenueError as error:
                delay_s = max(self._fail(error), self._budget.pace_s(1))
                logger.warning("%s: %s; trying again in %.1f s", self._health.source, error, delay_s)
                self._tell(self._health.state, delay_s)
                await asyncio.sleep(delay_s)

    async def _perform(self, index: int) -> float | None:
        request = self._feed.requests()[index]
        answer = await self.ask(request)
        try:
            return self._feed.take(request, answer)
        except MalformedMessage as error:
            self._health.count_malformed(error.problem, answer.body)
            # It may quote the answer, which may repeat the key.
            problem = redact(error.problem)
            raise VenueError(f"the answer for {request.name} could not be understood: {problem}") from error

    def _lapse(self, index: int) -> None:
        """One request fails for ever, while the source as a whole is well: nothing is known of it any more."""
        try:
            request = self._feed.requests()[index]
        except VenueError:
            # The key has become unusable meanwhile, which ends the source's own deadline before long.
            return
        self._feed.lapse(request, Moment(self._clock.wall_ns(), self._clock.monotonic_ns()))
        self._lapsed[index] = request.name
        self._note_lapsed()

    def _note_lapsed(self) -> None:
        names = list(self._lapsed.values())
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        said = f"no good answer any more about {', '.join(names[:NAMES_SHOWN])}{more}" if names else ""
        self._health.note(said, about="lapsed")

    async def _remember(self) -> None:
        # Before the request goes: one that is sent and forgotten would be spent twice.
        if self._file is not None:
            await asyncio.to_thread(self._file.save, self._budget.spendings())
            self._health.note(self._file.problem, about="budget")

    # How it stands.

    def _succeed(self, next_in_s: float) -> None:
        now_ns = self._clock.monotonic_ns()
        self._backoff = self._new_backoff()
        self._budget.resume()
        self._succeeded_ns = now_ns
        # The next request may take as long as it may, before the plan has failed.
        late_s = max(2 * next_in_s, next_in_s + self._settings.request_timeout_s)
        self._move_deadline(now_ns + int(late_s * NS_PER_S))
        self._tell(SourceState.THROTTLED if self._budget.is_holding_back else SourceState.LIVE, next_in_s)

    def _fail(self, error: VenueError) -> float:
        """Say what went wrong; the pause that it asks for, in seconds."""
        delay_s = self._backoff.after_failure(error)
        if isinstance(error, BudgetSpent):
            self._budget.stop(delay_s, error.problem, is_dated=error.is_dated)
            if self._deadline_ns is not None:
                # Told to wait, we wait: what was last said stands until the venue has been asked once more.
                late_ns = int((delay_s + self._settings.request_timeout_s) * NS_PER_S)
                self._move_deadline(max(self._deadline_ns, self._clock.monotonic_ns() + late_ns))
            state = SourceState.THROTTLED
        elif isinstance(error, VenueRejected):
            state = SourceState.REJECTED
        elif self._succeeded_ns is None:
            state = SourceState.DOWN
        elif self._deadline_ns is None or self._health.state is SourceState.REJECTED:
            state = self._broken_state
        else:
            state = self._health.state
        self._health.enter(state, str(error))
        return delay_s

    @property
    def _broken_state(self) -> SourceState:
        """The state once the last success is too long ago."""
        return SourceState.STALE if self._is_mute else SourceState.DOWN

    def _state_within_budget(self, delay_s: float) -> SourceState:
        """The state while a request is awaited that only the budget delays."""
        state = self._health.state
        # After a restart an even spending alone may keep the first request waiting for an hour.
        is_slow_start = state is SourceState.CONNECTING and delay_s > self._settings.request_timeout_s
        if is_slow_start or (self._budget.is_holding_back and state in {SourceState.CONNECTING, SourceState.LIVE}):
            return SourceState.THROTTLED
        return state

    def _tell(self, state: SourceState, next_in_s: float) -> None:
        self._health.enter(state, budgets=self._budget.statuses(next_in_s))

    def _move_deadline(self, deadline_ns: int) -> None:
        self._deadline_ns = deadline_ns
        self._deadline_moved.set()

    async def _watch(self) -> NoReturn:
        while True:
            await self._until_moved(self._deadline_ns)
            now_ns = self._clock.monotonic_ns()
            if self._deadline_ns is None or now_ns < self._deadline_ns or self._succeeded_ns is None:
                continue
            self._deadline_ns = None
            self._chain.break_off()
            if self._health.state is not SourceState.REJECTED:
                silent_s = (now_ns - self._succeeded_ns) / NS_PER_S
                reason = self._health.error or "none was given in time"
                self._health.enter(self._broken_state, f"no good answer for {silent_s:.0f} s: {reason}")

    async def _until_moved(self, deadline_ns: int | None) -> None:
        timeout_s = None
        if deadline_ns is not None:
            timeout_s = max(0.0, (deadline_ns - self._clock.monotonic_ns()) / NS_PER_S)
        try:
            async with asyncio.timeout(timeout_s):
                await self._deadline_moved.wait()
        except TimeoutError:
            return
        self._deadline_moved.clear()

    def _new_backoff(self) -> Backoff:
        return Backoff(cap_s=self._settings.retry_cap_s, base_s=min(0.5, self._settings.retry_cap_s))
