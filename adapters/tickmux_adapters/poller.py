"""Keeps one polled source delivering: asks in turn, within the budget, and says how it stands."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, NoReturn

import aiohttp

from tickmux_adapters.backoff import Backoff
from tickmux_adapters.budget import Budget
from tickmux_adapters.budget_file import BudgetFile
from tickmux_adapters.errors import BudgetSpent, MalformedMessage, VenueError
from tickmux_adapters.health import ChannelHealth
from tickmux_adapters.model import Clock, Moment, QuoteUpdate, Sink, SourceState
from tickmux_adapters.naming import first_of
from tickmux_adapters.poll_plan import PollPlan
from tickmux_adapters.poll_standing import Standing
from tickmux_adapters.polling import PollFeed, PollingSettings, Request, Told
from tickmux_adapters.rest import Answer, fetch
from tickmux_adapters.secrets import redact

logger = logging.getLogger(__name__)

NS_PER_S: Final = 1_000_000_000
ANSWER_BYTES_MAX: Final = 16 << 20
NAMES_SHOWN: Final = 5
SPREAD: Final = "over half of what is allowed is made: what is left is spread over the time until it is given anew"
"""Why a source that was started again asks for nothing at once."""


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
        self.open()
        self._sink.quote(update)

    def open(self) -> None:
        """Begin a chain, unless one is open: what was quoted in an earlier one is marked as old from now on."""
        if self._is_open:
            return
        self._is_open = True
        if self._chains:
            self._health.reconnects += 1
        self._chains += 1
        self._sink.begin_chain(self._health.source, self._health.channel)

    def break_off(self) -> None:
        """What was said last is no longer known to hold."""
        self._is_open = False


class Poller:
    """The supervision of one polled source. Runs until cancelled; venue trouble never ends it.

    A source is LIVE as long as its last success is not older than two planned intervals: a request that fails within
    that time is told of in `last_error` and made again. `Standing` has all of its states.
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
        what is read and written there is the key's, so that both raise VenueError without one.
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
        self._standing = Standing(request_timeout_s=settings.request_timeout_s, clock=clock)
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
        state = self._state_within_budget(delay_s)
        self._tell(state, delay_s, why=SPREAD if state is SourceState.THROTTLED else "")
        while True:
            await asyncio.sleep(delay_s)
            delay_s = await self._turn(plan, plan.next())
            for lapsed in plan.lapsed():
                self._lapse(lapsed)

    async def _turn(self, plan: PollPlan, index: int) -> float:
        """Make one request and take what comes of it; seconds until the next."""
        try:
            told = await self._perform(index)
        except VenueError as error:
            pause_s = self._fail(error)
            if isinstance(error, BudgetSpent):
                plan.refused(index)
            else:
                plan.failed(index)
            delay_s = plan.delay_s(after_failure_s=pause_s)
            self._tell(self._health.state, delay_s)
            logger.warning("%s: %s; trying again in %.1f s", self._health.source, error, delay_s)
            return delay_s
        self._backoff = self._new_backoff()
        self._budget.resume()
        if not told.has_data:
            plan.put_off(index, told.next_in_s or 0.0)
            delay_s = plan.delay_s()
            self._tell(self._health.state, delay_s)
            return delay_s
        plan.answered(index, told.next_in_s)
        self._lapsed.pop(index, None)
        self._note_lapsed()
        delay_s = plan.delay_s()
        self._succeed(delay_s, idle=plan.idle)
        return delay_s

    async def _until_prepared(self) -> int:
        """The number of requests in a round, once it is known."""
        is_open = is_prepared = False
        while True:
            try:
                if not is_open:
                    self._file = self._open_file()
                    if self._file is not None:
                        self._budget.remember(await asyncio.to_thread(self._file.load))
                    is_open = True
                if not is_prepared:
                    await self._feed.prepare(self)
                    is_prepared = True
                return len(self._feed.requests())
            except VenueError as error:
                delay_s = max(self._fail(error), self._budget.pace_s(1))
                logger.warning("%s: %s; trying again in %.1f s", self._health.source, error, delay_s)
                self._tell(self._health.state, delay_s)
                await asyncio.sleep(delay_s)

    async def _perform(self, index: int) -> Told:
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
        """One request brings nothing any more, while the source as a whole is well: nothing is known of it."""
        if index in self._lapsed:
            return
        try:
            request = self._feed.requests()[index]
        except VenueError:
            # The key has become unusable meanwhile, which is the whole source's trouble.
            return
        self._feed.lapse(request, Moment(self._clock.wall_ns(), self._clock.monotonic_ns()))
        self._lapsed[index] = request.name
        self._note_lapsed()

    def _note_lapsed(self) -> None:
        names = list(self._lapsed.values())
        said = f"no good answer any more about {first_of(names, NAMES_SHOWN)}" if names else ""
        self._health.note(said, about="lapsed")

    async def _remember(self) -> None:
        # Before the request goes: one that is sent and forgotten would be spent twice.
        if self._file is not None:
            await asyncio.to_thread(self._file.save, self._budget.spendings())
            self._health.note(self._file.problem, about="budget")

    # How it stands.

    def _succeed(self, next_in_s: float, *, idle: int) -> None:
        # Also when the answer had no news: what was said before a silence is not what is known now.
        self._chain.open()
        # The next turns may be of requests that are known to bring nothing.
        data_in_s = next_in_s * (1 + idle)
        state = self._standing.after_success(data_in_s, is_held_back=self._budget.is_holding_back)
        self._deadline_moved.set()
        self._tell(state, next_in_s)

    def _fail(self, error: VenueError) -> float:
        """Say what went wrong; the pause that it asks for, in seconds."""
        pause_s = self._backoff.after_failure(error)
        if isinstance(error, BudgetSpent):
            self._budget.stop(pause_s, error.problem, is_dated=error.is_dated)
            if self._standing.is_overdue:
                self._chain.open()
        before = self._health.state
        state = self._standing.after_failure(error, pause_s, before=before, is_mute=self._is_mute)
        self._deadline_moved.set()
        self._health.enter(state, str(error))
        return pause_s

    def _state_within_budget(self, delay_s: float) -> SourceState:
        """The state while a request is awaited that only the budget delays."""
        state = self._health.state
        # After a restart an even spending alone may keep the first request waiting for an hour.
        is_slow_start = state is SourceState.CONNECTING and delay_s > self._settings.request_timeout_s
        if is_slow_start or (self._budget.is_holding_back and state in {SourceState.CONNECTING, SourceState.LIVE}):
            return SourceState.THROTTLED
        return state

    def _tell(self, state: SourceState, next_in_s: float, *, why: str = "") -> None:
        self._health.enter(state, budgets=self._budget.statuses(next_in_s, why=why))

    async def _watch(self) -> NoReturn:
        while True:
            await self._until_moved(self._standing.deadline_ns)
            is_held_back = self._budget.is_holding_back
            state = self._standing.at_deadline(
                before=self._health.state, is_held_back=is_held_back, is_mute=self._is_mute
            )
            if state is None:
                continue
            self._chain.break_off()
            if state is SourceState.THROTTLED:
                # It goes on as soon as it may; what was said before is old by then.
                self._chain.open()
            reason = self._health.error or "none was given in time"
            said = (
                None if state is self._health.state else f"no good answer for {self._standing.silent_s:.0f} s: {reason}"
            )
            self._health.enter(state, said)

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
