"""Takes part in the conformance with the synchronous client; see tests/conformance/README.md."""

import json
import sys
import threading
from typing import Any

from tests.conformance.python.printing import Printer, connecting, selecting, subscribing

from tickmux_client import TickmuxClientError
from tickmux_client.sync import Client, connect


def main(target: str, options: dict[str, Any]) -> None:
    with connect(target, **connecting(options)) as client:
        threading.Thread(target=_close_with_stdin, args=(client,), daemon=True).start()
        printer = Printer()
        call = options.get("call", "subscribe")
        arguments = subscribing(options)
        try:
            if call.startswith("snapshot"):
                snapshot = client.snapshot(**selecting(options))
                printer.snapshot(snapshot)
                arguments["after"] = snapshot
            if call != "snapshot":
                for event in client.subscribe(**arguments):
                    printer.event(event)
        except TickmuxClientError as error:
            printer.error(error)


def _close_with_stdin(client: Client) -> None:
    # Not by way of `sys.stdin`, whose lock would be held when the interpreter ends.
    with open(0, "rb", buffering=0, closefd=False) as stdin:
        while stdin.read(4096):
            pass
    client.close()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
