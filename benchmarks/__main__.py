"""`python -m benchmarks [part ...]`: all parts, or those that are named."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Final

from benchmarks import (
    alpaca,
    clients,
    consolidated,
    fan_out,
    hub,
    idle,
    ingest,
    machine,
    peer,
    restart,
    resume,
    stalled,
)
from benchmarks.workers import WorkerFailed


async def _hub() -> str:
    return hub.report()


async def _alpaca() -> str:
    return alpaca.report()


async def _consolidated() -> str:
    return consolidated.report()


PARTS: Final[dict[str, Callable[[], Coroutine[None, None, str]]]] = {
    "ingest": ingest.report,
    "alpaca": _alpaca,
    "consolidated": _consolidated,
    "fan-out": fan_out.report,
    "peer": peer.report,
    "clients": clients.report,
    "resume": resume.report,
    "stalled": stalled.report,
    "idle": idle.report,
    "restart": restart.report,
    "hub": _hub,
}


def main() -> int:
    """Print the tables; the exit code is 1 if a part could not be measured. A missed goal is a figure, not an error."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Prints what Tickmux costs on this machine, beside the goals. Takes several minutes in all.",
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; all when none is named")
    parts = parser.parse_args().parts or list(PARTS)
    for part in parts:
        if part not in PARTS:
            parser.error(f"there is no part {part!r}; choose from {', '.join(PARTS)}")
    print(machine.describe(), flush=True)
    failed = False
    for part in parts:
        started_s = time.monotonic()
        try:
            text = asyncio.run(PARTS[part]())
        except WorkerFailed as error:
            print(f"\n{part}: {error}", file=sys.stderr)
            failed = True
            continue
        print(f"\n{text}\n`python -m benchmarks {part}`: {time.monotonic() - started_s:.0f} s", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
