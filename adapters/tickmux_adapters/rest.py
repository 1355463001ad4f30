"""Requests to a venue's REST interface, within what it allows."""

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

import aiohttp

from tickmux_adapters.errors import VenueError
from tickmux_adapters.failures import host_of, refusal, transport_error
from tickmux_adapters.model import Clock
from tickmux_adapters.pacing import SlidingWindow, wait_for_room
from tickmux_adapters.secrets import redact

NS_PER_S: Final = 1_000_000_000
BODY_BYTES_MAX: Final = 64 << 20
ERROR_TEXT_CHARS_MAX: Final = 200
REJECTED_PAUSE_S: Final = 300.0


class Answer(NamedTuple):
    """What a venue answered, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names compare without regard to case."""
    body: bytes
    wall_ns: int
    """When it had been read, Unix nanoseconds."""
    monotonic_ns: int
    """The same moment, monotonic."""

    def text(self, chars_max: int = ERROR_TEXT_CHARS_MAX) -> str:
        """The beginning of the body in one line, for messages."""
        # Cut last: half a key is still a secret.
        return redact(" ".join(self.body[: chars_max * 4].decode("utf-8", "replace").split()))[:chars_max]


async def fetch(
    http: aiohttp.ClientSession,
    url: str,
    *,
    query: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    timeout_s: float,
    clock: Clock,
    body_bytes_max: int = BODY_BYTES_MAX,
) -> Answer:
    """The answer to one GET request. A redirect is an answer like any other: it may lead where no key should go.

    Raises:
        VenueError: there was no answer, or it was too large.
    """
    host = host_of(url)
    try:
        async with asyncio.timeout(timeout_s):
            async with http.get(url, params=query, headers=headers, allow_redirects=False) as response:
                body = await _body(response, host, body_bytes_max)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise transport_error(error, host, timeout_s) from error
    return Answer(response.status, response.headers, body, clock.wall_ns(), clock.monotonic_ns())


async def _body(response: aiohttp.ClientResponse, host: str, bytes_max: int) -> bytes:
    chunks = bytearray()
    async for chunk in response.content.iter_any():
        chunks += chunk
        if len(chunks) > bytes_max:
            raise VenueError(f"{host} answered with more than {bytes_max} bytes")
    return bytes(chunks)


class RestClient:
    """Gets documents from one host. After the host asked for a pause, nothing is sent until the pause is over."""

    def __init__(
        self,
        *,
        http: aiohttp.ClientSession,
        base_url: str,
        clock: Clock,
        timeout_s: float,
        weights: SlidingWindow,
    ) -> None:
        self._http = http
        self._base_url = base_url.rstrip("/")
        self._host = host_of(base_url)
        self._clock = clock
        self._timeout_s = timeout_s
        self._weights = weights
        self._paused_until_ns = 0
        self._pause_reason = ""

    async def get(
        self, path: str, query: Mapping[str, str], *, weight: int, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The body of a successful answer.

        Args:
            path: with its leading slash.
            query: parameters, not yet encoded.
            weight: what the request costs of the venue's allowance; waits until it fits.
            headers: to send beside the usual ones, such as keys.

        Raises:
            VenueError: no success; `retry_after_s` says how long the venue wants us to wait.
        """
        self._check_pause()
        await wait_for_room(self._weights, self._clock, weight)
        # Another request may have been told to stop while this one waited.
        self._check_pause()
        answer = await fetch(
            self._http,
            self._base_url + path,
            query=query,
            headers=headers,
            timeout_s=self._timeout_s,
            clock=self._clock,
        )
        if answer.status == 200:
            return answer.body
        refused = refusal(answer.status, answer.headers, self._host, answer.text())
        self._pause(answer.status, refused)
        raise refused

    def _pause(self, status: int, error: VenueError) -> None:
        pause_s = error.retry_after_s
        if pause_s is None and status in {403, 418, 451}:
            pause_s = REJECTED_PAUSE_S
        if pause_s is not None:
            self._paused_until_ns = self._clock.monotonic_ns() + int(pause_s * NS_PER_S)
            self._pause_reason = error.problem

    def _check_pause(self) -> None:
        left_ns = self._paused_until_ns - self._clock.monotonic_ns()
        if left_ns > 0:
            raise VenueError(f"{self._pause_reason}; pausing as asked", retry_after_s=left_ns / NS_PER_S)
