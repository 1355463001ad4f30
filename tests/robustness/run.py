"""One run: set the stage, wait until all is well, let things go wrong, wait until all is well again, and end it."""

import asyncio
import signal
from pathlib import Path
from typing import Final

from tests.robustness.injection import Injector
from tests.robustness.plan import Plan
from tests.robustness.stage import Stage

AFTERWARDS_S: Final = 0.5
"""How long everything runs on once it stands well again, so that there is something to check after a fault."""


async def perform(plan: Plan, folder: Path, *, mutant: str | None = None) -> None:
    """Carry a plan out; everything that happened is in files of the folder afterwards.

    Args:
        plan: what happens.
        folder: an empty one.
        mutant: what is to be wrong with the server, if anything.
    """
    async with Stage(plan, folder, mutant=mutant) as stage:
        health = await stage.healthy("before")
        if not health.missing:
            await Injector(stage).carry_out(plan)
            await stage.healthy("after")
            await asyncio.sleep(AFTERWARDS_S)
        # Before its clients, so that they are sent away.
        await stage.end_server(signal.SIGTERM)
