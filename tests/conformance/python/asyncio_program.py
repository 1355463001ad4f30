"""Takes part in the conformance with the asyncio client; see tests/conformance/README.md."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from tests.conformance.python.printing import Printer, connecting, selecting, subscribing

from tickmux_client import Client, TickmuxClientError, connect


async def main(target: str, options: dict[str, Any]) -> None:
    async with connect(target, **connecting(options)) as client, _closed_with_stdin(client):
        printer = Printer()
        call = options.get("call", "subscribe")
        arguments = subscribing(options)
        try:
            if call.startswith("snapshot"):
                snapshot = await client.snapshot(**selecting(options))
                printer.snapshot(snapshot)
                arguments["after"] = snapshot
            if call != "snapshot":
                async for event in client.subscribe(**arguments):
                    printer.event(event)
        except TickmuxClientError as error:
            printer.error(error)


@contextlib.asynccontextmanager
async def _closed_with_stdin(client: Client) -> AsyncIterator[None]:
    """Close the client when the standard input is closed: its subscription ends then."""
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)

    async def close() -> None:
        await stdin.read()
        await client.close()

    closing = asyncio.create_task(close())
    try:
        yield
    finally:
        closing.cancel()
        transport.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
