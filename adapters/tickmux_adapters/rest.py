"""Requests to a venue's REST interface, within what it allows."""

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp

from tickmux_adapters.errors import VenueError
from tickmux_adapters.failures import host_of, refusal, transport_error
from tickmux_adapters.model import Clock
from tickmux_adapters.pacing import SlidingWindow, wait_for_room

NS_PER_S: Final = 1_000_000_000
BODY_BYTES_MAX: Final = 64 << 20
ERROR_TEXT_CHARS_MAX: Final = 200
REJECTED_PAUSE_S: Final = 300.0


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

    async def get(self, path: str, query: Mapping[str, str], *, weight: int) -> bytes:
        """The body of a successful answer.

        Args:
            path: with its leading slash.
            query: parameters, not yet encoded.
            weight: what the request costs of the venue's allowance; waits until it fits.

        Raises:
            VenueError: no success; `retry_after_s` says how long the venue wants us to wait.
        """
        self._check_pause()
        await wait_for_room(self._weights, self._clock, weight)
        # Another request may have been told to stop while this one waited.
        self._check_pause()
        try:
            async with asyncio.timeout(self._timeout_s):
                async with self._http.get(self._base_url + path, params=query) as response:
                    body = await self._body(response)
                    status, headers = response.status, response.headers
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise transport_error(error, self._host, self._timeout_s) from error
        if status == 200:
            return body
        text = " ".join(body[: ERROR_TEXT_CHARS_MAX * 4].decode("utf-8", "replace").split())[:ERROR_TEXT_CHARS_MAX]
        refused = refusal(status, headers, self._host, text)
        self._pause(status, refused)
        raise refused

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        chunks = bytearray()
        async for chunk in response.content.iter_any():
            chunks += chunk
            if len(chunks) > BODY_BYTES_MAX:
                raise VenueError(f"{self._host} answered with more than {BODY_BYTES_MAX} bytes")
        return bytes(chunks)

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
