"""What the conformance suite needs to know of the Acme exchange."""

import asyncio
import json
import sys
import urllib.request
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tests.adapters.conformance.acme.venue import KEY, SWITCHES
from tests.adapters.conformance.rig import HOST, Listed, Told, VenueRig

WRONG_KEY: Final = "no-key-of-theirs"
VENUE: Final = Path(__file__).with_name("venue.py")
ANSWER_S: Final = 10.0


class AcmeRig(VenueRig):
    """One process of `venue.py`."""

    adapter = "acme"
    symbols = (Listed("ACMEUSD", "ACME-USD", "crypto"), Listed("ANVILUSD", "ANVIL-USD", "crypto"))
    unknown_symbol = "ROCKETUSD"
    never = frozenset({"bid_size", "ask_size"})
    garbage = ("page", "half", "objects")
    wrong_key = {"key": WRONG_KEY}  # noqa: RUF012 - the base class declares it
    secrets = (KEY, WRONG_KEY)
    hurried = {"answer_timeout_s": 0.1}  # noqa: RUF012 - the base class declares it
    keeps_connection = False
    sample = 6
    patience_s = 5.0

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._port = 0

    def settings(self, symbols: Sequence[str], port: int | None = None) -> dict[str, Any]:
        return {
            "adapter": self.adapter,
            "symbols": list(symbols),
            "url": f"http://{HOST}:{port or self._port}",
            "key": KEY,
            "poll_s": 0.01,
            "retry_cap_s": 0.05,
        }

    async def start(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(VENUE), str(self._port), stdin=pipe, stdout=pipe
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(ANSWER_S):
            self._port = int(await self._process.stdout.readline())

    async def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.communicate()
            self._process = None

    async def stop(self) -> None:
        await self.kill()

    async def calm(self) -> None:
        if self._process is None:
            await self.start()
        await self._switch(SWITCHES)

    async def contacts(self) -> int:
        return int((await self._ask("/_control"))["contacts"])

    async def told(self, listed: Listed) -> list[Told]:
        return [
            Told(
                bid_price=Decimal(entry["bid"]) or None,
                ask_price=Decimal(entry["ask"]) or None,
                last_price=Decimal(entry["last"]) or None,
                volume=Decimal(entry["volume"]),
                venue_time_ns=None if entry["time_us"] is None else entry["time_us"] * 1_000,
            )
            for entry in await self._ask("/_control/sent")
            if entry["code"] == listed.venue_symbol
        ]

    async def mute(self, *, on: bool) -> None:
        await self._switch({"mute": on})

    async def garble(self, kind: str, *, on: bool) -> None:
        await self._switch({"garbage": kind if on else ""})

    async def limit_rate(self, *, on: bool) -> None:
        await self._switch({"limit": on})

    async def stand_still(self, *, on: bool) -> None:
        await self._switch({"still": on})

    async def _switch(self, switches: dict[str, Any]) -> None:
        await self._ask("/_control", json.dumps(switches).encode())

    async def _ask(self, path: str, body: bytes | None = None) -> Any:
        return await asyncio.to_thread(_fetch, f"http://{HOST}:{self._port}{path}", body)


def _fetch(url: str, body: bytes | None) -> Any:
    with urllib.request.urlopen(url, body, timeout=ANSWER_S) as response:
        return json.load(response)
